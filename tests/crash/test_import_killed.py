"""kill -9 at random moments of an import: every restart opens by itself, keeps what was acknowledged, and the coins in
the end are those of a fresh replay. Five times; fifty with MINICOIN_SOAK."""

import os
import random
import signal
import subprocess
import sys
import time

from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import RawBlock
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.testing.chain_maker import ChainMaker

KILLS = 50 if os.environ.get("MINICOIN_SOAK") else 5
NETWORK = lookup("bitcoin-regtest")
WORKER = """
import sys
from pathlib import Path
from minicoin.core.params.builtin import lookup
from minicoin.drivers.store.blockfiles import import_blocks
from minicoin.drivers.store.local_chain import LocalChain
chain = LocalChain(lookup("bitcoin-regtest"), Path(sys.argv[1]))
print(chain.height, flush=True)
for path in sorted(Path(sys.argv[2]).glob("blk*.dat"))[chain.height // 8:]:
    import_blocks(chain, [path])
    print(chain.height, flush=True)
print("done", flush=True)
sys.stdin.read()
"""


def test_import_survives_kill_9(tmp_path):
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, 105)
    for _ in range(40 * KILLS):
        maker.mine_spending(branch, 4, 1, 2)
    files = tmp_path / "files"
    files.mkdir()
    frames = [NETWORK.magic + len(block.raw).to_bytes(4, "little") + block.raw for block in branch.blocks]
    for number in range(0, len(frames), 8):
        (files / f"blk{number // 8:05}.dat").write_bytes(b"".join(frames[number : number + 8]))
    chance = random.Random(os.environ.get("MINICOIN_SEED", "import"))
    acknowledged = kills = 0
    while kills < KILLS:
        command = [sys.executable, "-c", WORKER, str(tmp_path / "d"), str(files)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
            heard: list[str] = []
            patience = chance.randrange(2 * len(frames) // 8 // KILLS)
            for line in worker.stdout:
                heard.append(line.strip())
                if heard[-1] == "done" or len(heard) > patience:
                    break
            # Anywhere between two acknowledgements, which are a few milliseconds apart.
            time.sleep(chance.random() * 0.02)
            worker.send_signal(signal.SIGKILL)
            heard += [line.strip() for line in worker.stdout]
        kills += 1
        heights = [int(height) for height in heard if height.isdigit()]
        acknowledged = max([acknowledged, *heights])
        chain = LocalChain(NETWORK, tmp_path / "d")
        assert chain.height >= acknowledged, f"kill {kills}: at {chain.height}, acknowledged {acknowledged}"
        replay = LocalChain(NETWORK, MemoryChainStore())
        for block in branch.blocks[: chain.height]:
            replay.store_block(RawBlock.parse(block.raw))
        replay.advance()
        assert chain.engine.coin_set_hash() == replay.engine.coin_set_hash(), f"kill {kills}"
        chain.close()
    print(f"{kills} kills, {acknowledged} of {branch.height} blocks acknowledged")
