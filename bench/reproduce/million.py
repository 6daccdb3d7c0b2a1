"""A million nodes with eight links each, one block of 535 kB, queues on both sides: processor seconds and memory, in a
process of its own so that nothing else is measured."""

import json
import resource
import subprocess
import sys
import time

from bench.reproduce.rows import Row

from minicoin.sim import geography, topology
from minicoin.sim.model import network
from minicoin.sim.model.engine import COMPILES
from minicoin.sim.model.parameters import full_node
from minicoin.sim.model.propagation import propagate

COMMAND = "python -m bench.reproduce --only million"
NODES, SEED, BLOCK_BYTES, VERIFY_US = 1_000_000, 1, 535_000, 20_000
SECONDS_MOST, GIGABYTES_MOST = 60.0, 2.0


def rows() -> list[Row]:
    if not COMPILES:
        return []
    asked = [sys.executable, "-m", "bench.reproduce.million"]
    answer = json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
    name = f"{NODES:,} nodes, one block of 535 kB"
    note = f"p50 {answer['p50_s']:.1f} s, p90 {answer['p90_s']:.1f} s"
    return [
        Row(
            name,
            "processor time in all",
            "s",
            answer["seconds"],
            SECONDS_MOST,
            None,
            COMMAND,
            note,
            True,
        ),
        Row(name, "peak memory", "GB", answer["gigabytes"], GIGABYTES_MOST, None, COMMAND, note, True),
    ]


def main() -> None:
    started = time.process_time()
    graph = topology.random(NODES, SEED)
    drawn = network.draw_network(geography.named("gervais-2016"), graph, SEED)
    summary = propagate(drawn, full_node(BLOCK_BYTES, VERIFY_US)).summary()
    seconds = time.process_time() - started
    # Linux counts in kilobytes, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({**summary, "seconds": seconds, "gigabytes": peak / 1e9}))


if __name__ == "__main__":
    main()
