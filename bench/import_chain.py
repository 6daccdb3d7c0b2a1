"""Block parsing, script verification and import, measured against libbitcoinkernel in one run.

Makes (once, kept in bench/.cache) a bitcoin-regtest chain of 2,000 blocks with 100,000+ inputs of every usual kind.
Run it alone, or through bench/run.py.
"""

import ctypes
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from minicoin.core.chain.verifier import ScriptCheck
from minicoin.core.params.builtin import lookup
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.script_flags import ScriptFlag
from minicoin.core.primitives.transaction import make_outpoint
from minicoin.drivers import kernel
from minicoin.drivers.store.blockfiles import BlockFile, import_blocks
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.testing.chain_maker import ChainMaker
from minicoin.testing.oracle import KernelOracle

CACHE = Path(__file__).parent / ".cache"
NETWORK_NAME = "bitcoin-regtest"
BLOCKS = 2_000
_EMPTY_BLOCKS = 110
_SAMPLE_BLOCKS = 300
_ROUNDS = 3
_IMPORT_ROUNDS = 2


def chain_file(blocks: int = BLOCKS) -> Path:
    """The generated chain as a bootstrap file."""
    path = CACHE / f"regtest-{blocks}.dat"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    network = lookup(NETWORK_NAME)
    maker = ChainMaker(network)
    branch = maker.new_branch()
    maker.mine_empty(branch, _EMPTY_BLOCKS)
    while branch.height < blocks:
        # More outputs than inputs at first, so that there is enough to spend later.
        maker.mine_spending(branch, 22, 1 + branch.height % 4, 3 if len(branch.spendable) < 2_000 else 2)
        if branch.height % 200 == 0:
            print(f"making the chain: {branch.height} of {blocks} blocks", file=sys.stderr)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        for block in branch.blocks:
            raw = block.raw
            file.write(network.magic + len(raw).to_bytes(4, "little") + raw)
    partial.replace(path)
    return path


def rows() -> list[tuple[str, str]]:
    """What was measured, as (what, result)."""
    path = chain_file()
    network = lookup(NETWORK_NAME)
    blocks = _read_blocks(path, network)
    inputs = sum(len(tx.inputs) for block in blocks for tx in block.transactions[1:])
    size = path.stat().st_size
    found = [("chain", f"{len(blocks)} blocks, {inputs} inputs, {size / 1e6:.1f} MB")]
    found.append(("block parsing", f"{_parsing_mb_s(path, network):.1f} MB/s"))
    bare, ours = _verification_rates(blocks)
    found.append(("verified inputs", f"{ours:,.0f}/s; bare loop over verify {bare:,.0f}/s; ratio {ours / bare:.2f}"))
    (ours_s, ours_mb), (kernel_s, kernel_mb) = _imports(path)
    found.append(
        (
            "import",
            f"{ours_s:.2f} s ({inputs / ours_s:,.0f} inputs/s); kernel {kernel_s:.2f} s "
            f"({inputs / kernel_s:,.0f} inputs/s); ratio {ours_s / kernel_s:.2f}",
        )
    )
    found.append(("import peak memory", f"{ours_mb:.0f} MB; kernel {kernel_mb:.0f} MB (Python itself included)"))
    return found


def _read_blocks(path: Path, network: Network) -> list[Block]:
    file = BlockFile(path, network.magic)
    return [Block.parse(file.read(place)) for place in file.places()]


def _parsing_mb_s(path: Path, network: Network) -> float:
    file = BlockFile(path, network.magic)
    raws = [file.read(place) for place in file.places()]
    started = time.perf_counter()
    for raw in raws:
        Block.parse(raw)
    return sum(map(len, raws)) / 1e6 / (time.perf_counter() - started)


def _verification_rates(blocks: list[Block]) -> tuple[float, float]:
    """(bare loop, ours) in inputs a second over the last blocks."""
    outputs = {
        make_outpoint(tx.txid, index): output
        for block in blocks
        for tx in block.transactions
        for index, output in enumerate(tx.outputs)
    }
    checks = [
        ScriptCheck(tx, [outputs[entry.outpoint] for entry in tx.inputs], int(ScriptFlag.ALL))
        for block in blocks[-_SAMPLE_BLOCKS:]
        for tx in block.transactions[1:]
    ]
    inputs = sum(len(check.spent) for check in checks)
    # Taken in turns, the best of each: the machine may be busy with something else now and then.
    bare, ours = zip(*[(_bare_loop_seconds(checks), _verifier_seconds(checks)) for _ in range(_ROUNDS)], strict=True)
    return inputs / min(bare), inputs / min(ours)


def _verifier_seconds(checks: list[ScriptCheck]) -> float:
    started = time.perf_counter()
    failure = kernel.KernelVerifier().first_failure(checks)
    assert failure is None, failure
    return time.perf_counter() - started


def _bare_loop_seconds(checks: list[ScriptCheck]) -> float:
    """Only the verify calls: everything they take is made before the clock starts."""
    pointer, status, flags = ctypes.c_void_p, ctypes.c_ubyte(0), int(ScriptFlag.ALL)
    prepared: list[tuple[int, int, int, int, int]] = []
    for transaction, spent, _ in checks:
        raw = transaction.raw
        handle = kernel.transaction_create(raw, len(raw))
        scripts = [kernel.script_create(script, len(script)) for _, script in spent]
        handles = [kernel.output_create(script, value) for script, (value, _) in zip(scripts, spent, strict=True)]
        hashes = kernel.hashes_create(handle, (pointer * len(handles))(*handles), len(handles))
        prepared += [
            (script, value, handle, hashes, index)
            for index, (script, (value, _)) in enumerate(zip(scripts, spent, strict=True))
        ]
    verify = kernel.verify
    started = time.perf_counter()
    for script, value, handle, hashes, index in prepared:
        assert verify(script, value, handle, hashes, index, flags, status)
    # What was made is not given back: the process ends soon.
    return time.perf_counter() - started


def _imports(path: Path) -> tuple[tuple[float, float], tuple[float, float]]:
    """(seconds, peak MB) of ours and of the kernel's import: taken in turns, the best of each."""
    rounds = [(_import_apart("ours", path), _import_apart("kernel", path)) for _ in range(_IMPORT_ROUNDS)]
    return min(ours for ours, _ in rounds), min(kernel for _, kernel in rounds)


def _import_apart(who: str, path: Path) -> tuple[float, float]:
    """(seconds, peak MB) of an import into a new directory, in a process of its own; one script thread each."""
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, __file__, who, str(path), directory]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, kilobytes = done.stdout.split()[-2:]
    return float(seconds), int(kilobytes) / 1024


def _import_here(who: str, path: Path, directory: Path) -> None:
    if who == "ours":
        chain = LocalChain(lookup(NETWORK_NAME), directory)
        started = time.perf_counter()
        report = import_blocks(chain, [path])
        seconds, height = time.perf_counter() - started, report.height
        chain.close()
    else:
        oracle = KernelOracle(directory, script_threads=0)
        started = time.perf_counter()
        height = oracle.import_files([path])
        seconds = time.perf_counter() - started
    assert height == BLOCKS, height
    print(seconds, _peak_kilobytes())


def _peak_kilobytes() -> int:
    # Not getrusage: its maximum counts the parent's memory at the fork.
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def main() -> None:
    """Print the rows, or (with arguments) be one of the processes that import."""
    if len(sys.argv) == 4:
        _import_here(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
        return
    for what, result in rows():
        print(f"{what:<20} {result}")


if __name__ == "__main__":
    main()
