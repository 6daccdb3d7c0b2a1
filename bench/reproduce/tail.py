"""What decides the slow tail of Gervais et al.'s network with blocks of 2 MB: the slowest lines of the bandwidth fit.

The same networks again and again, with nothing changed but the least rate that a line may have. The model knows no
time-outs, so none can be the reason.
"""

from dataclasses import replace

from bench.reproduce.rows import Row

from minicoin.sim import geography, pools
from minicoin.sim.geography import Geography, LognormalBandwidth
from minicoin.sim.model import network
from minicoin.sim.model.parameters import GERVAIS
from minicoin.sim.model.propagation import propagate
from minicoin.sim.pool_shares import POOL_SHARES

COMMAND = "python -m bench.reproduce --only tail"
NODES, NETWORKS = 6_000, (1, 2, 3, 4)
BLOCK_BYTES, BLOCKS = 2_000_000, 60
MEDIAN_S, P90_S = 57.79, 145.4
MEDIAN_TOLERANCE = 0.15
# The fit is clipped at the first; see minicoin.sim.geography.
LEAST_MBIT = (0.1, 0.25, 0.5)

Job = tuple[float, int]
Answer = tuple[float, float]


def jobs() -> list[Job]:
    return [(least, seed) for least in LEAST_MBIT for seed in NETWORKS]


def run(job: Job) -> Answer:
    """(median, p90) over nodes of each node's mean over the blocks."""
    least, seed = job
    drawn = network.draw_network(_with_least(least), pools.gervais(NODES, seed), seed)
    parameters = replace(GERVAIS, block_bytes=BLOCK_BYTES, blocks=BLOCKS, hash_shares=POOL_SHARES)
    result = propagate(drawn, parameters)
    return result.node_mean_percentile_s(0.5), result.node_mean_percentile_s(0.9)


def _with_least(mbit: float) -> Geography:
    place = geography.named("gervais-2016")
    lines = tuple(_clipped(drawn, mbit) for drawn in place.bandwidth if isinstance(drawn, LognormalBandwidth))
    return replace(place, bandwidth=lines)


def _clipped(drawn: LognormalBandwidth, mbit: float) -> LognormalBandwidth:
    return replace(drawn, down_clip=(mbit, drawn.down_clip[1]), up_clip=(mbit, drawn.up_clip[1]))


def rows(answers: list[Answer]) -> list[Row]:
    made = []
    for index, least in enumerate(LEAST_MBIT):
        part = answers[index * len(NETWORKS) : (index + 1) * len(NETWORKS)]
        median, p90 = (sum(column) / len(part) for column in zip(*part, strict=True))
        slowest = [tail for _, tail in part]
        name = f"Gervais, inv/getdata 2 MB, lines of at least {least:g} Mbit/s"
        made.append(Row(name, "median over nodes", "s", median, MEDIAN_S, MEDIAN_TOLERANCE, COMMAND))
        made.append(Row(name, "p90 over nodes", "s", p90, P90_S, None, COMMAND))
        made.append(Row(name, "p90 over nodes, fastest network", "s", min(slowest), P90_S, None, COMMAND))
        made.append(Row(name, "p90 over nodes, slowest network", "s", max(slowest), P90_S, None, COMMAND))
    return made
