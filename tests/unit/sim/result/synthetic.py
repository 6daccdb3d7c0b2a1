"""Believable records without a simulation: regions, forks, traffic by message type, faults, a violation."""

import numpy as np

from minicoin.sim.measure.record import (
    ABSENT,
    NEVER,
    NO_PARENT,
    BlockRecord,
    FaultRecord,
    NodeRecord,
    PublishedRecord,
    RunRecord,
    SeriesRecord,
    TrafficRecord,
    TxRecord,
    ViolationRecord,
)

REGIONS = ("NA", "EU", "AP")
TYPES = ("inv", "headers", "getdata", "block", "tx", "ping", "sendcmpct")
INTERVAL_US = 60_000_000


def block(index, miner, arrivals, *, parent=None, height=None, is_best=True, found_at_us=None) -> BlockRecord:
    return BlockRecord(
        index=index,
        hash=f"{index:064x}",
        parent=index - 1 if parent is None else parent,
        height=index + 1 if height is None else height,
        miner=miner,
        found_at_us=index * INTERVAL_US if found_at_us is None else found_at_us,
        size_bytes=500_000,
        transactions=1_000,
        is_best=is_best,
        arrivals=np.array(arrivals, np.int64),
    )


def node(index, *, hash_share=0.0, region="EU", group="ordinary", up=0, is_attacker=False) -> NodeRecord:
    return NodeRecord(index, f"n{index}", region, group, "full", up, up, hash_share, 8, 8, is_attacker)


def empty_record(**given) -> RunRecord:
    values: dict[str, object] = {
        "engine": "full",
        "scenario": "synthetic",
        "scenario_hash": "ab" * 32,
        "canonical": {"name": "synthetic", "nodes": {"count": 3}, "shares": [0.5, None, True]},
        "seed": 41,
        "python_version": "3.11.7",
        "minicoin_version": "0.1.0",
        "digest": "cd" * 32,
        "event_count": 1_000,
        "virtual_us": 10 * INTERVAL_US,
        "run_wall_s": 2.0,
        "setup_wall_s": 0.5,
        "setup_events": 77,
        "question": "How fast does a block travel?",
        "replay": "minicoin sim run scenarios/synthetic.toml --seed 41",
    }
    return RunRecord(**{**values, **given})


def make_record(nodes: int = 60, blocks: int = 40, *, engine="full", seed: int = 7, fork_every: int = 9) -> RunRecord:
    random = np.random.default_rng(seed)
    placed = [
        node(
            index,
            hash_share=1 / nodes,
            region=REGIONS[index % 3],
            group="pool" if index < 4 else "ordinary",
            up=250_000,
            is_attacker=index == nodes - 1,
        )
        for index in range(nodes)
    ]
    chain: list[BlockRecord] = []
    tip, height = NO_PARENT, 0
    for index in range(blocks):
        arrivals = (random.lognormal(0.4, 0.5, nodes) * 1_000_000).astype(np.int64)
        miner = int(random.integers(nodes - 1))
        arrivals[miner] = 0
        arrivals[nodes - 1] = ABSENT
        is_stale = index % fork_every == fork_every - 1
        if is_stale:
            arrivals[:: max(nodes // 5, 1)] = NEVER
            arrivals[miner] = 0
        found_at_us = round((index + random.uniform(0, 0.8)) * INTERVAL_US)
        # A stale block competes with the tip: same parent, same height.
        parent, own_height = (chain[tip].parent, height) if is_stale else (tip, height + 1)
        chain.append(
            block(
                index, miner, arrivals, parent=parent, height=own_height, is_best=not is_stale, found_at_us=found_at_us
            )
        )
        if not is_stale:
            tip, height = index, own_height
    return empty_record(
        engine=engine,
        event_count=nodes * blocks * 21,
        virtual_us=blocks * INTERVAL_US,
        notes=["Verdicts on identical blocks were computed once and shared."],
        assumptions=["No transactions.", "No validation by real code."] if engine == "model" else [],
        nodes=placed,
        blocks=chain,
        transactions=[
            TxRecord(
                index,
                f"{index + 99:064x}",
                index % nodes,
                index * 7_000_000,
                (random.lognormal(1.2, 0.6, nodes) * 1_000_000).astype(np.int64),
            )
            for index in range(5)
        ],
        published=[
            PublishedRecord(
                index,
                "status",
                f"load-{index}",
                index % nodes,
                index * 9_000_000,
                (np.random.default_rng(index).lognormal(0.8, 0.6, nodes) * 1_000_000).astype(np.int64),
            )
            for index in range(4)
        ],
        traffic=make_traffic(nodes, random),
        faults=[
            FaultRecord("partition", 5 * INTERVAL_US, 12 * INTERVAL_US, ["NA | EU, AP"], 4_211),
            FaultRecord("crash", 15 * INTERVAL_US, 18 * INTERVAL_US, ["n3", "n4"], 2),
            FaultRecord("crash", 20 * INTERVAL_US, None, ["n5"], 1),
            FaultRecord("torn-write", 16 * INTERVAL_US, 17 * INTERVAL_US, ["n7"], 0),
        ],
        violations=[ViolationRecord("converged", 30 * INTERVAL_US, [3, 4], "two nodes are on <another> tip")],
        series=make_series(blocks, random),
    )


def make_traffic(nodes: int, random: np.random.Generator) -> TrafficRecord:
    weights = np.array([400, 90, 60, 12, 300, 20, 0])
    sizes = np.array([61, 106, 61, 500_000, 260, 32, 33])
    messages = (random.pareto(2.5, (nodes, 1)) + 0.5) * weights * random.uniform(0.8, 1.2, (nodes, len(TYPES)))
    sent = messages.astype(np.int64)
    received = np.roll(sent, 1, axis=0)
    return TrafficRecord(list(TYPES), sent, sent * sizes, received, received * sizes)


def make_series(blocks: int, random: np.random.Generator) -> list[SeriesRecord]:
    times = np.arange(blocks * 4, dtype=np.int64) * (INTERVAL_US // 4)
    tips = np.where((times > 5 * INTERVAL_US) & (times < 13 * INTERVAL_US), 2.0, 1.0)
    agreeing = np.where(tips > 1, 0.6, 1.0)
    return [
        SeriesRecord("tips", "tips", times, tips),
        SeriesRecord("converged", "share of nodes", times, agreeing),
        SeriesRecord("mempool_transactions", "transactions", times, np.cumsum(random.uniform(0, 9, times.size))),
        SeriesRecord("nothing", "things", times[:0], np.zeros(0)),
    ]
