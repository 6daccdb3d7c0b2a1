"""A random scenario from one seed: a small network, a phase of faults, and a phase in which everything must heal.

Blocks follow a fixed schedule, so that shrinking may drop single ones. The last blocks are found long after the last
fault and far apart: whatever tie the faults left, they break it, and every honest node must end on their chain.
"""

from collections.abc import Sequence
from typing import Final, get_args

from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.sim import draws
from minicoin.sim.faults.chance import draw_fault
from minicoin.sim.fuzz.models import Document, with_model
from minicoin.sim.scenario.fault_rates import OWN_LEDGER_KINDS, PLAIN_KINDS, FaultKind
from minicoin.sim.scenario.faults import ChurnSpell, Crash, NodeLoss
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.sources import scenario_topology

FAULT_KINDS: Final[tuple[FaultKind, ...]] = get_args(FaultKind)

_NODES_MIN: Final = 3
_NODES_MAX: Final = 30
_FAULTS_MAX: Final = 6
_PHASE_MAX_S: Final = 120
_SPACING_MEAN_S: Final = 12
# Dials back off up to a minute, and a connection that died in silence is given up drop_after_s later.
_PING_AFTER_S: Final = 20.0
_DROP_AFTER_S: Final = 60.0
_HEAL_S: Final = 200.0
_LAST_BLOCKS: Final = 3
_LAST_GAP_S: Final = 30
_SETTLE_S: Final = 30.0

_LINK_LOSS: Final = "link-loss"
_LINK_LOSS_SHARE: Final = 0.15
_ATTACKED_SHARE: Final = 0.15
_LIBP2P_SHARE: Final = 0.1
_WALLETS_SHARE: Final = 0.2
_LONG_CHAIN_SHARE: Final = 0.12
_MATURITY_MAX: Final = 120

_ATTACKERS: Final[dict[str, Document]] = {
    "sybil": {"connections": 4},
    "flood-transactions": {"rate_per_s": 2.0},
    "flood-addresses": {"rate_per_s": 0.5, "per_message": 50},
    "flood-connections": {"rate_per_s": 0.5},
    "slow-blocks": {},
    "invalid-blocks": {"per_hour": 300.0},
    "invalid-headers": {"rate_per_s": 0.2},
}


def draw_scenario(seed: int, kinds: Sequence[FaultKind] = FAULT_KINDS, overlay: str = "") -> Scenario:
    """The scenario of a seed, under a network model where one is named. Equal arguments give equal scenarios."""
    scenario = Scenario.from_mapping(draw_document(seed, kinds, overlay), f"fuzz seed {seed}")
    while not _is_connected(scenario, seed):
        # A network that falls apart by itself cannot heal.
        wider = scenario.topology.model_copy(update={"outbound": scenario.topology.outbound + 1})
        scenario = scenario.model_copy(update={"topology": wider})
    return scenario


def draw_document(seed: int, kinds: Sequence[FaultKind] = FAULT_KINDS, overlay: str = "") -> Document:
    """The same as the plain values of a file."""
    document = _draw_document(seed, kinds)
    if not overlay:
        return document
    return with_model(document, overlay, Rng(seed.to_bytes(8, "little"), f"fuzz {overlay}"))


def _draw_document(seed: int, kinds: Sequence[FaultKind]) -> Document:
    rng = Rng(seed.to_bytes(8, "little"), "fuzz")
    # Most bugs need few nodes, and few nodes are quick.
    count = _NODES_MIN + min(rng.below(10), rng.below(_NODES_MAX - _NODES_MIN + 1))
    if rng.uniform() < 0.05:
        count = _NODES_MIN + rng.below(_NODES_MAX - _NODES_MIN + 1)
    has_own_ledgers = rng.uniform() < 0.4
    phase_s = 30 + rng.below(_PHASE_MAX_S - 30)
    # Payments begin with a chain of that many blocks: whoever loses its disk has something to fetch.
    maturity = 20 + rng.below(_MATURITY_MAX - 20) if rng.uniform() < _LONG_CHAIN_SHARE else 2
    # Of a stream of their own: what else a seed draws stays as it was.
    has_peer_ids = rng.stream("transport").uniform() < _LIBP2P_SHARE and any(kind not in PLAIN_KINDS for kind in kinds)
    has_wallets = rng.stream("wallets").uniform() < _WALLETS_SHARE
    return {
        "name": f"fuzz-{seed}",
        "question": f"Does the network that fuzz seed {seed} draws survive its faults?",
        "seeds": [seed],
        "nodes": {
            "count": count,
            "ledger": "own" if has_own_ledgers else "shared",
            "encode": rng.uniform() < 0.2,
            "wallets": has_wallets,
        },
        "network": {
            "spacing_s": float(_SPACING_MEAN_S),
            "block_bytes": rng.below(20_000) if rng.uniform() < 0.3 else 0,
            "coinbase_maturity": maturity,
            "ping_after_s": _PING_AFTER_S,
            "drop_after_s": _DROP_AFTER_S,
        },
        "topology": _topology(rng, count),
        "links": _links(rng) | ({"transport": "libp2p"} if has_peer_ids else {}),
        "mining": {"at": _schedule(rng, count, phase_s), "settle_s": _SETTLE_S},
        **_transactions(rng, count, 1.0 if maturity > 2 else 0.5, has_wallets=has_wallets),
        "fault": _faults(rng, count, phase_s, _suiting(kinds, has_own_ledgers, has_peer_ids))
        + (_link_loss(rng.stream("link loss"), phase_s) if _LINK_LOSS in kinds else []),
        **_attackers(rng, phase_s),
        "check": {"heal_s": _HEAL_S},
    }


def _is_connected(scenario: Scenario, seed: int) -> bool:
    if scenario.topology.source == "addrman":
        return True
    links = scenario_topology(scenario, draws.seed64(Rng(seed.to_bytes(8, "little")))).outbound()
    neighbours: list[list[int]] = [list(peers) for peers in links]
    for node, peers in enumerate(links):
        for peer in peers:
            neighbours[peer].append(node)
    reached = {0: None}
    waiting = [0]
    while waiting:
        fresh = [peer for peer in neighbours[waiting.pop()] if peer not in reached]
        reached.update(dict.fromkeys(fresh))
        waiting += fresh
    return len(reached) == scenario.nodes.count


def _suiting(kinds: Sequence[FaultKind], has_own_ledgers: bool, has_peer_ids: bool) -> Sequence[FaultKind]:
    barred = (_LINK_LOSS, *(() if has_own_ledgers else OWN_LEDGER_KINDS), *(PLAIN_KINDS if has_peer_ids else ()))
    return [kind for kind in kinds if kind not in barred]


def _topology(rng: Rng, count: int) -> Document:
    source = rng.choice(("random", "random", "random", "complete", "ring", "star", "line", "addrman"))
    if source == "complete" and count > 8:
        source = "random"
    if source in ("random", "addrman"):
        return {"source": source, "outbound": 1 + rng.below(min(8, count - 1))}
    return {"source": source}


def _links(rng: Rng) -> Document:
    if rng.uniform() < 0.3:
        return {"geography": rng.choice(("simblock-2015", "simblock-2019"))}
    links: Document = {"geography": "uniform", "latency_ms": float(1 + rng.below(150))}
    if rng.uniform() < 0.3:
        links["up_mbit"] = links["down_mbit"] = float(1 + rng.below(50))
    if rng.uniform() < 0.1:
        links |= {"loss": 0.05, "duplicate": 0.05, "reorder": 0.05}
    return links


def _schedule(rng: Rng, count: int, phase_s: int) -> list[Document]:
    blocks: list[Document] = []
    at_s = 1.0
    while at_s < phase_s:
        blocks.append({"time_s": round(at_s, 3), "node": rng.below(count)})
        at_s += rng.exponential_us(_SPACING_MEAN_S * SECOND_US) / SECOND_US
    for number in range(_LAST_BLOCKS):
        blocks.append({"time_s": phase_s + _HEAL_S + number * _LAST_GAP_S, "node": rng.below(count)})
    return blocks


def _transactions(rng: Rng, count: int, share: float, *, has_wallets: bool) -> Document:
    if rng.uniform() >= share:
        return {}
    rate = round(0.02 + 0.2 * rng.uniform(), 3)
    load: Document = {"rate_per_s": rate, "inputs": 1, "outputs": 1 + rng.below(2), "senders": 1 + rng.below(count)}
    if has_wallets:
        load = {"payer": "wallets", "rate_per_s": rate, "senders": load["senders"]}
    return {"transactions": load}


def _faults(rng: Rng, count: int, phase_s: int, kinds: Sequence[FaultKind]) -> list[Document]:
    found: list[Document] = []
    for _ in range(1 + rng.below(_FAULTS_MAX)) if kinds else ():
        kind = rng.choice(kinds)
        at_s = round((phase_s - 10) * rng.uniform(), 3)
        until_s = round(at_s + 1 + (phase_s - at_s - 1) * rng.uniform(), 3)
        struck = tuple(sorted(rng.sample(range(count), 1 + rng.below(count))))
        fault = draw_fault(kind, at_s, until_s, struck, rng)
        if isinstance(fault, Crash | ChurnSpell | NodeLoss) and 2 * len(struck) > count:
            # A chain that nobody holds any more cannot be healed.
            fault = fault.model_copy(update={"with_disk": True})
        found.append(fault.model_dump(mode="json", exclude_unset=True))
    return found


def _link_loss(rng: Rng, phase_s: int) -> list[Document]:
    """Now and then, from a stream of its own."""
    if rng.uniform() >= _LINK_LOSS_SHARE:
        return []
    at_s = round((phase_s - 10) * rng.uniform(), 3)
    until_s = round(at_s + 1 + (phase_s - at_s - 1) * rng.uniform(), 3)
    return [draw_fault(_LINK_LOSS, at_s, until_s, (0,), rng).model_dump(mode="json", exclude_unset=True)]


def _attackers(rng: Rng, phase_s: int) -> Document:
    """Now and then somebody is hostile as well, until the faults are over. Hash power would need another schedule."""
    if rng.uniform() >= _ATTACKED_SHARE:
        return {}
    kind = rng.choice(tuple(_ATTACKERS))
    at_s = round(phase_s / 2 * rng.uniform(), 3)
    base = {"kind": kind, "at_s": at_s, "until_s": float(phase_s), "count": 1 + rng.below(3)}
    return {"attacker": [{**base, **_ATTACKERS[kind]}]}
