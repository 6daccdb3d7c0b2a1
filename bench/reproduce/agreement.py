"""The propagation model against the full node code: 1,000 nodes, 50 blocks, both on the draws of one seed.

Percentiles over all pairs of block and node but the finder's own; the published column is the model's.
"""

from pathlib import Path

import numpy as np
from bench.reproduce.rows import Row

from minicoin.drivers.kernel import KernelVerifier
from minicoin.sim.measure.record import RunRecord
from minicoin.sim.run import run
from minicoin.sim.scenario.schema import Scenario

COMMAND = "python -m bench.reproduce --only agreement"
FILE = Path(__file__).parents[2] / "scenarios/agreement.toml"
SEED, TOLERANCE = 1, 0.03
PERCENTILES = (50, 90, 99)


def rows() -> list[Row]:
    """One row a percentile."""
    scenario = Scenario.load(FILE)
    full = percentiles_s(run(scenario, SEED, KernelVerifier()))
    model = percentiles_s(run(scenario.override("engine=model"), SEED, KernelVerifier()))
    name = f"full node code against the model, {scenario.nodes.count:,} nodes, {scenario.mining.blocks} blocks"
    return [
        Row(name, f"p{percentile}", "s", measured, published, TOLERANCE, COMMAND)
        for percentile, measured, published in zip(PERCENTILES, full, model, strict=True)
    ]


def percentiles_s(record: RunRecord) -> list[float]:
    """Of all arrivals, in seconds. Raises ValueError where a node did not get a block of the best chain."""
    found: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    for block in record.blocks:
        others = np.delete(block.arrivals, block.miner)
        if block.is_best and (others < 0).any():
            raise ValueError(f"block {block.index} did not reach every node")
        found.append(others[others >= 0])
    return [float(value) / 1e6 for value in np.percentile(np.concatenate(found), PERCENTILES)]
