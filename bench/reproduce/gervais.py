"""Gervais et al. (CCS 2016): 6,000 nodes with 16 pools, blocks every ten minutes, on four drawn networks."""

from dataclasses import dataclass, replace

from bench.reproduce.rows import Row

from minicoin.sim import geography, pools
from minicoin.sim.model import network
from minicoin.sim.model.parameters import GERVAIS, Relay
from minicoin.sim.model.propagation import propagate
from minicoin.sim.pool_shares import POOL_SHARES

COMMAND = "python -m bench.reproduce --only gervais"
NODES, NETWORKS = 6_000, (1, 2, 3, 4)
MEDIAN_TOLERANCE, P90_TOLERANCE, STALE_TOLERANCE = 0.15, 0.20, 0.30
# A compressed block between pools: header, and two bytes for each transaction of about 520 bytes.
COMPRESSED_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    relay: Relay
    block_bytes: int
    blocks: int
    median_s: float
    p90_s: float
    stale_percent: float
    counts_stale: bool


# Stale blocks are counted over as many blocks as make about a hundred of them: a standard error of a tenth.
CASES = (
    Case("inv/getdata 0.5 MB", "announce", 500_000, 1_500, 13.62, 32.84, 1.63, True),
    Case("inv/getdata 1 MB", "announce", 1_000_000, 750, 27.67, 68.64, 3.17, True),
    Case("unsolicited push 0.5 MB", "finder-pushes", 500_000, 100, 9.84, 18.63, 0.13, False),
    Case("relay between pools 0.5 MB", "pools-relay", 500_000, 100, 8.65, 16.42, 0.05, False),
)

Job = tuple[int, int]
Answer = tuple[float, ...]


def jobs() -> list[Job]:
    return [(case, seed) for case in range(len(CASES)) for seed in NETWORKS]


def run(job: Job) -> Answer:
    case, seed = CASES[job[0]], job[1]
    parameters = replace(
        GERVAIS,
        block_bytes=case.block_bytes,
        blocks=case.blocks,
        relay=case.relay,
        relayed_bytes=COMPRESSED_BYTES,
        hash_shares=POOL_SHARES,
    )
    graph = pools.gervais(NODES, seed)
    result = propagate(network.draw_network(geography.named("gervais-2016"), graph, seed), parameters)
    return (
        result.node_mean_percentile_s(0.5),
        result.node_mean_percentile_s(0.9),
        100 * result.expected_stale_rate(),
        100 * result.stale_rate,
        result.percentile_s(0.5),
        result.percentile_s(0.9),
    )


def rows(answers: list[Answer]) -> list[Row]:
    made = []
    for index, case in enumerate(CASES):
        part = answers[index * len(NETWORKS) : (index + 1) * len(NETWORKS)]
        median, p90, expected, counted, pooled, pooled_p90 = (
            sum(column) / len(part) for column in zip(*part, strict=True)
        )
        name = f"Gervais, {case.name}"
        made.append(Row(name, "median over nodes", "s", median, case.median_s, MEDIAN_TOLERANCE, COMMAND))
        made.append(Row(name, "p90 over nodes", "s", p90, case.p90_s, P90_TOLERANCE, COMMAND))
        made.append(Row(name, "median, all pooled", "s", pooled, case.median_s, MEDIAN_TOLERANCE, COMMAND))
        made.append(Row(name, "p90, all pooled", "s", pooled_p90, case.p90_s, P90_TOLERANCE, COMMAND))
        if case.counts_stale:
            figure = f"stale blocks counted in {case.blocks * len(NETWORKS)}"
            made.append(Row(name, figure, "%", counted, case.stale_percent, STALE_TOLERANCE, COMMAND))
        figure = "stale rate from delays"
        made.append(Row(name, figure, "%", expected, case.stale_percent, STALE_TOLERANCE, COMMAND))
    return made
