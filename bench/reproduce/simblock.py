"""SimBlock's propagation without compact blocks: 6,000 nodes, 200 blocks of 535,000 bytes on four drawn networks."""

from bench.reproduce.rows import Row

from minicoin.sim import geography, topology
from minicoin.sim.model import network
from minicoin.sim.model.parameters import SIMBLOCK
from minicoin.sim.model.propagation import propagate

COMMAND = "python -m bench.reproduce --only simblock"
PUBLISHED = {"simblock-2015": (9.09, 13.84), "simblock-2019": (3.64, 5.59)}
NODES, NETWORKS, BLOCKS = 6_000, (1, 2, 3, 4), 50
TOLERANCE = 0.05

Job = tuple[str, int]
Answer = tuple[float, float, float, float]


def jobs() -> list[Job]:
    return [(place, seed) for place in PUBLISHED for seed in NETWORKS]


def run(job: Job) -> Answer:
    place, seed = job
    drawn = network.draw_network(geography.named(place), topology.simblock(NODES, seed), seed)
    result = propagate(drawn, SIMBLOCK.with_blocks(BLOCKS))
    per_block = result.mean_block_percentile_s(0.5), result.mean_block_percentile_s(0.9)
    return *per_block, result.percentile_s(0.5), result.percentile_s(0.9)


def rows(answers: list[Answer]) -> list[Row]:
    made = []
    for index, (place, published) in enumerate(PUBLISHED.items()):
        part = answers[index * len(NETWORKS) : (index + 1) * len(NETWORKS)]
        means = [sum(column) / len(part) for column in zip(*part, strict=True)]
        for figure, measured, expected in zip(("p50", "p90"), means[:2], published, strict=True):
            made.append(Row(place, f"{figure}, mean over blocks", "s", measured, expected, TOLERANCE, COMMAND))
        for figure, measured, expected in zip(("p50", "p90"), means[2:], published, strict=True):
            made.append(Row(place, f"{figure}, all blocks pooled", "s", measured, expected, None, COMMAND))
    return made
