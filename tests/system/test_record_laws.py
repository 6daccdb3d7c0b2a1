"""The laws of rumours, with full node code in the laboratory: how many rounds of push, pull and push-pull take one
record to everybody, and how many never hear of one in which its pushers lose interest.

Each is held against the same on the same graph, written down here in a few lines. Theory's values on a complete graph
are in sim/model/gossip.py. Demers et al., PODC 1987; Karp et al., FOCS 2000.
"""

from dataclasses import dataclass, replace
from statistics import mean
from typing import cast

import pytest
from tests.soak import IS_SOAK

from minicoin.core.commands import PutRecord
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.records.exchange_policy import DEFAULT_EXCHANGE, ExchangeMode, ExchangePolicy
from minicoin.core.records.record import SignedRecord, decode_record
from minicoin.core.records.store import RecordStore
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.drivers.kernel import KernelVerifier
from minicoin.world.host import Host
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World

NODES = 1_000 if IS_SOAK else 64
OUTBOUND = 8
# Records that spread at the same time, each from another node, and how often: those of one time have their partners in
# common, and in a push the last node to be called.
RECORDS = 10
TIMES = {ExchangeMode.PUSH: 12, ExchangeMode.PULL: 3, ExchangeMode.PUSH_PULL: 3}
LOSES_INTEREST = 3
REFERENCES = 200
PERIOD_US = 2 * SECOND_US
Graph = list[list[int]]


# --- the reference ---


def rounds_to_all(graph: Graph, mode: ExchangeMode, rng: Rng) -> int:
    """Each round everybody calls a neighbour; the record crosses as the mode allows, by what was known before."""
    knows, rounds = {rng.below(len(graph))}, 0
    while len(knows) < len(graph):
        called = [rng.choice(neighbours) for neighbours in graph]
        pushed = {called[node] for node in sorted(knows)} if mode != ExchangeMode.PULL else set()
        pulled = {node for node, other in enumerate(called) if other in knows} if mode != ExchangeMode.PUSH else set()
        knows |= pushed | pulled
        rounds += 1
    return rounds


def residue(graph: Graph, one_in: int, rng: Rng) -> float:
    """Whoever heard it tells a neighbour each round, and loses interest with a chance of one in so many after it."""
    start = rng.below(len(graph))
    knows, pushing = {start}, [start]
    while pushing:
        heard = dict.fromkeys(rng.choice(graph[node]) for node in pushing)
        pushing = [node for node in pushing if rng.below(one_in)] + [node for node in heard if node not in knows]
        knows |= set(heard)
    return 1 - len(knows) / len(graph)


# --- the nodes ---


class Laboratory:
    """Nodes on a random graph whose rounds begin together."""

    def __init__(self) -> None:
        network = replace(REGTEST, own_messages=True)
        self.world = World(network, KernelVerifier(1), uniform(20_000), WorldSettings(b"laws", has_peer_ids=True))
        wiring = Rng(b"wiring")
        self.hosts = [self.world.add_host() for _ in range(NODES)]
        self.tellers = wiring.sample(self.hosts, RECORDS)
        links: dict[frozenset[int], None] = {}
        for number, host in enumerate(self.hosts):
            free = [other for other in range(NODES) if other != number and frozenset((number, other)) not in links]
            chosen = wiring.sample(free, OUTBOUND)
            links |= dict.fromkeys(frozenset((number, other)) for other in chosen)
            connect = tuple(self.hosts[other].address for other in chosen)
            self.world.start(host, NodePolicy(connect=connect, use_dns_seeds=False))
        while not all(len(host.links) and self._is_ready(host) for host in self.hosts) or self._count() < len(links):
            self.world.run(self.world.now + SECOND_US)
        self.world.run(self.world.now + 10 * SECOND_US)
        self.graph = self._graph()

    def _is_ready(self, host: Host) -> bool:
        return all(session.is_ready for session in host.node.view.sessions.values())

    def _count(self) -> int:
        return sum(len(host.links) for host in self.hosts) // 2

    def _graph(self) -> Graph:
        index = {host.address: number for number, host in enumerate(self.hosts)}
        return [[index[end.other.host.address] for end in host.links.values()] for host in self.hosts]

    def choose(self, policy: ExchangePolicy) -> None:
        for host in self.hosts:
            store_of(host).exchange_by(policy)
        # The round that is to come was set by the policy before: the first one by what every node begins with.
        self.world.run(self.world.now + 2 * DEFAULT_EXCHANGE.period_us)

    def wait_round(self) -> None:
        """Until the middle of the next one: what it sent has arrived."""
        now = self.world.now
        self.world.run(now - now % PERIOD_US + PERIOD_US + PERIOD_US // 2)

    def publish(self) -> list[SignedRecord]:
        put = PutRecord("status", "", b"a rumour")
        return [decode_record(self.world.ask(host, put).encoded) for host in self.tellers]

    def holders(self, record: SignedRecord) -> int:
        return sum(store_of(host).get(*record.place) == record for host in self.hosts)

    def rounds_to_all(self) -> list[int]:
        """Of new records, after how many rounds everybody has each."""
        spreading, rounds, ended = self.publish(), 0, list[int]()
        while spreading:
            self.wait_round()
            rounds += 1
            still = [record for record in spreading if self.holders(record) < NODES]
            ended += [rounds] * (len(spreading) - len(still))
            spreading = still
        return ended

    def residues(self) -> list[float]:
        """Of new records, the share of nodes that lack each when everybody has lost interest."""
        records = self.publish()
        for _ in range(24):
            self.wait_round()
        return [1 - self.holders(record) / NODES for record in records]


def store_of(host: Host) -> RecordStore:
    return cast(RecordStore, host.node.view.records)


def policy_of(mode: ExchangeMode, loses_interest: int = 0) -> ExchangePolicy:
    return ExchangePolicy(mode, PERIOD_US, 1, tells_at_once=False, loses_interest=loses_interest, phase_us=0)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one laboratory did, in an order of its own: the tests may come in any."""

    graph: Graph
    rounds: dict[ExchangeMode, float]
    residue: float


@pytest.fixture(scope="module")
def measured() -> Measured:
    laboratory, rounds = Laboratory(), {}
    for mode, times in TIMES.items():
        laboratory.choose(policy_of(mode))
        rounds[mode] = mean(count for _ in range(times) for count in laboratory.rounds_to_all())
    laboratory.choose(policy_of(ExchangeMode.PUSH, LOSES_INTEREST))
    return Measured(laboratory.graph, rounds, mean(share for _ in range(4) for share in laboratory.residues()))


@pytest.mark.parametrize("mode", TIMES)
def test_rounds_until_everybody_has_a_record(measured: Measured, mode: ExchangeMode) -> None:
    rng = Rng(b"reference")
    expected = mean(rounds_to_all(measured.graph, mode, rng) for _ in range(REFERENCES))
    print(f"{mode}: {measured.rounds[mode]:.2f} rounds, by the reference {expected:.2f}")
    assert abs(measured.rounds[mode] - expected) <= 0.5


def test_how_many_never_hear_of_a_record_whose_pushers_lose_interest(measured: Measured) -> None:
    rng = Rng(b"reference")
    expected = mean(residue(measured.graph, LOSES_INTEREST, rng) for _ in range(REFERENCES))
    print(f"residue: {measured.residue:.3f}, by the reference {expected:.3f}")
    assert 0 < expected < 0.2
    assert abs(measured.residue - expected) <= 0.03
