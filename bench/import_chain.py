"""Block parsing, script verification and import, measured against libbitcoinkernel in one run.

Makes (once, kept in bench/.cache) a bitcoin-regtest chain of 2,000 blocks with 100,000+ inputs of every usual kind.
Run it alone, or through bench/run.py.
"""

import ctypes
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
_KERNEL_WORKER = """
import sys, time
from pathlib import Path
from minicoin.testing.oracle import KernelOracle
oracle = KernelOracle(Path(sys.argv[1]), script_threads=0)
started = time.perf_counter()
height = oracle.import_files([Path(sys.argv[2])])
print(height, time.perf_counter() - started)
"""


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
    ours_s, kernel_s = _import_seconds(path, network)
    found.append(
        (
            "import",
            f"{ours_s:.2f} s ({inputs / ours_s:,.0f} inputs/s); kernel {kernel_s:.2f} s "
            f"({inputs / kernel_s:,.0f} inputs/s); ratio {ours_s / kernel_s:.2f}",
        )
    )
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
    bare = _bare_loop_seconds(checks)
    started = time.perf_counter()
    failure = kernel.KernelVerifier().first_failure(checks)
    ours = time.perf_counter() - started
    assert failure is None, failure
    return inputs / bare, inputs / ours


def _bare_loop_seconds(checks: list[ScriptCheck]) -> float:
    """Only the verify calls: everything they take is made before the clock starts."""
    pointer, status, flags = ctypes.c_void_p, ctypes.c_ubyte(0), int(ScriptFlag.ALL)
    prepared: list[tuple[int, int, int, int, int]] = []
    for transaction, spent, _ in checks:
        raw = transaction.raw
        handle = kernel._transaction_create(raw, len(raw))
        scripts = [kernel._script_create(script, len(script)) for _, script in spent]
        handles = [kernel._output_create(script, value) for script, (value, _) in zip(scripts, spent, strict=True)]
        hashes = kernel._hashes_create(handle, (pointer * len(handles))(*handles), len(handles))
        prepared += [
            (script, value, handle, hashes, index)
            for index, (script, (value, _)) in enumerate(zip(scripts, spent, strict=True))
        ]
    verify = kernel._verify
    started = time.perf_counter()
    for script, value, handle, hashes, index in prepared:
        assert verify(script, value, handle, hashes, index, flags, status)
    return time.perf_counter() - started


def _import_seconds(path: Path, network: Network) -> tuple[float, float]:
    """(ours, the kernel's), each into a new directory, one script thread each."""
    with tempfile.TemporaryDirectory() as directory:
        chain = LocalChain(network, Path(directory))
        started = time.perf_counter()
        report = import_blocks(chain, [path])
        ours = time.perf_counter() - started
        height = chain.height
        chain.close()
        assert not report.refused, report.problems
    with tempfile.TemporaryDirectory() as directory:
        oracle = KernelOracle(Path(directory), script_threads=0)
        started = time.perf_counter()
        reached = oracle.import_files([path])
        theirs = time.perf_counter() - started
        assert reached == height, (reached, height)
    return ours, theirs


def main() -> None:
    """Print the rows."""
    for what, result in rows():
        print(f"{what:<20} {result}")


if __name__ == "__main__":
    main()
