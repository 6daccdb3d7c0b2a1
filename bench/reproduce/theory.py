"""Flooding on random links and rumours on a complete graph, against the counts that theory and others give."""

from dataclasses import replace

from bench.reproduce.rows import Row

from minicoin.sim import geography, topology
from minicoin.sim.model import gossip, network
from minicoin.sim.model.parameters import Parameters
from minicoin.sim.model.propagation import propagate

FLOODING_COMMAND = "python -m bench.reproduce --only flooding"
GOSSIP_COMMAND = "python -m bench.reproduce --only gossip"

FLOODING_NODES, FLOODING_BLOCKS, HOP_US = 10_000, 20, 1_000
ROUNDS = {
    1_000: (18.0, 13.6, 9.1, 8.0, 3.4),
    10_000: (23.6, 17.5, 11.6, 10.3, 3.7),
    100_000: (29.3, 21.3, 14.1, 12.6, 4.1),
}
RUNS = {1_000: 200, 10_000: 100, 100_000: 20}
COIN = {1: (0.96, 0.04), 2: (0.205, 1.59), 3: (0.060, 2.82)}
COIN_NODES, COIN_RUNS = 1_000, 1_000
GOSSIP_TOLERANCE = 0.05


def flooding_rows() -> list[Row]:
    """One hop takes a millisecond and nothing else takes time, so that delays are hops."""
    graph = topology.random(FLOODING_NODES, 1)
    drawn = network.draw_network(geography.uniform(HOP_US, 0, 0), graph, 1)
    asked = Parameters(block_bytes=1, blocks=FLOODING_BLOCKS, announce_to="not-to-source", relay_side_blocks=True)
    told = propagate(drawn, asked)
    pushed = propagate(drawn, replace(asked, relay="all-push"))
    hops = pushed.arrivals_us() / HOP_US
    farthest = pushed.delay_us.max(axis=1).mean() / HOP_US
    per_block = FLOODING_NODES * FLOODING_BLOCKS
    payloads = told.block_messages / (per_block - FLOODING_BLOCKS)
    name = "flooding, 10,000 nodes"
    return [
        Row(name, "inv per node", "", told.announcements / per_block, 14.99, 0.01, FLOODING_COMMAND),
        Row(name, "payloads per node", "", payloads, 1.0, 0.01, FLOODING_COMMAND),
        Row(name, "mean hops", "", float(hops.mean()), 3.64, 0.01, FLOODING_COMMAND),
        Row(name, "eccentricity", "hops", float(farthest), 5.0, 0.01, FLOODING_COMMAND),
    ]


def gossip_rows() -> list[Row]:
    made = []
    for nodes, published in ROUNDS.items():
        styles: tuple[gossip.Style, ...] = ("push", "pull", "push-pull")
        runs = {style: [gossip.spread_to_all(nodes, style, seed) for seed in range(RUNS[nodes])] for style in styles}
        name = f"gossip, {nodes:,} nodes"
        for style, expected in zip(styles, published, strict=False):
            measured = sum(run.rounds for run in runs[style]) / RUNS[nodes]
            made.append(Row(name, f"{style} rounds", "", measured, expected, GOSSIP_TOLERANCE, GOSSIP_COMMAND))
        for style, expected in (("push", published[3]), ("push-pull", published[4])):
            measured = sum(run.transmissions_per_node for run in runs[style]) / RUNS[nodes]
            figure = f"{style} transmissions per node"
            made.append(Row(name, figure, "", measured, expected, GOSSIP_TOLERANCE, GOSSIP_COMMAND))
    for k, (residue, messages) in COIN.items():
        runs_of_k = [gossip.push_with_coin(COIN_NODES, k, seed) for seed in range(COIN_RUNS)]
        name = f"Demers, blind coin k = {k}"
        measured = sum(run.residue for run in runs_of_k) / COIN_RUNS
        made.append(Row(name, "residue", "", measured, residue, GOSSIP_TOLERANCE, GOSSIP_COMMAND))
        measured = sum(run.transmissions_per_node for run in runs_of_k) / COIN_RUNS
        made.append(Row(name, "messages per node", "", measured, messages, GOSSIP_TOLERANCE, GOSSIP_COMMAND))
    return made
