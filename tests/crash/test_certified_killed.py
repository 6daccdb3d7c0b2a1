"""kill -9 at random moments of a chain that members sign: whoever was told of a block has its certificate after the
restart, that of the tip too, which no block carries. Five times; fifty with MINICOIN_SOAK."""

import os
import random
import signal
import subprocess
import sys

from tests.unit.chain.five_banks import KEYS, NETWORK, NEW_KEYS, maker

from minicoin.drivers.store.local_chain import LocalChain

KILLS = 50 if os.environ.get("MINICOIN_SOAK") else 5
BLOCKS = 40 * KILLS
WORKER = """
import sys
from pathlib import Path
from tests.crash.test_certified_killed import grown
from tests.unit.chain.five_banks import NETWORK
from minicoin.drivers.store.local_chain import LocalChain
made = grown()
chain = LocalChain(NETWORK, Path(sys.argv[1]))
for certified in made.blocks[chain.height:]:
    assert chain.accept(certified.raw, certified.kept) is None
    if chain.height % 7 == 0:
        chain.engine.flush()
    print(chain.height, flush=True)
print("done", flush=True)
sys.stdin.read()
"""


def grown():
    made = maker(3)
    for start in range(3, BLOCKS, 10):
        made.extend(change=made.change((*KEYS[1:], *NEW_KEYS) if start % 20 == 3 else KEYS))
        made.grow(9)
    return made


def test_what_was_acknowledged_is_certified_after_kill_9(tmp_path):
    made = grown()
    chance = random.Random(os.environ.get("MINICOIN_SEED", "certified"))
    acknowledged = 0
    for kill in range(KILLS):
        command = [sys.executable, "-c", WORKER, str(tmp_path / "d")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
            heard: list[str] = []
            patience = chance.randrange(1, 2 * BLOCKS // KILLS)
            for line in worker.stdout:
                heard.append(line.strip())
                if heard[-1] == "done" or len(heard) > patience:
                    break
            # The worker has begun with the next block, which takes it a few milliseconds.
            worker.send_signal(signal.SIGKILL)
            heard += [line.strip() for line in worker.stdout]
        heights = [int(height) for height in heard if height.isdigit()]
        assert heard, "the worker did not come to its first block"
        acknowledged = max([acknowledged, *heights])
        chain = LocalChain(NETWORK, tmp_path / "d")
        assert chain.height >= acknowledged, f"kill {kill}: at {chain.height}, acknowledged {acknowledged}"
        expected = made.blocks[: chain.height]
        signers = chain.tree.signers
        assert chain.tree.certificates(one.header for one in expected) == tuple(one.kept for one in expected)
        assert signers is not None and signers.finalized == chain.height
        assert signers.carried.all() == chain.engine.changes()
        assert [one.height for one in signers.carried.all()] == list(range(4, chain.height + 1, 10))
        chain.close()
    assert acknowledged
