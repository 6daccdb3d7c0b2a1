"""What super nodes deliver where some nodes are dead, by nodes with all their code, held against a short reference on
the same graph; and the reference against the measured shares at 1,000 nodes.

Dead is black-holed: connections stay and nothing comes back, so that only time tells. Whom a node is attached to is
fixed, and no node looks for another parent: what is measured is delivery alone.
"""

from dataclasses import replace

import pytest
from tests.soak import IS_SOAK
from tests.unit.worlds import check_deadlines

from minicoin.core.alarm import Alarm
from minicoin.core.answers import Outcome
from minicoin.core.commands import Tell
from minicoin.core.limits import LETTER_HOP_US, LETTER_HOPS_MAX
from minicoin.core.overlay.contract import Hops, Overlay, Wants, announce_to_all
from minicoin.core.overlay.table import OVERLAYS, ModelRow
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.drivers.kernel import KernelVerifier
from minicoin.world.settings import WorldSettings
from minicoin.world.world import World

NETWORK = replace(REGTEST, overlay="parents", own_messages=True)
PARENTS = 3
NODES, SUPERS = (1_000, 50) if IS_SOAK else (60, 6)


class Town:
    """Who is a super, who is whose parent, and who is dead. The first `supers` numbers are supers."""

    def __init__(self, seed, nodes, supers, dead_share):
        rng = Rng(b"town", str(seed))
        self.nodes, self.supers = nodes, supers
        self.parents = {leaf: tuple(rng.sample(range(supers), PARENTS)) for leaf in range(supers, nodes)}
        self.dead = set(rng.sample(range(nodes), round(nodes * dead_share)))
        alive = [number for number in range(nodes) if number not in self.dead]
        self.pairs = [(rng.choice(alive), rng.below(nodes)) for _ in range(nodes)]
        self.pairs = [(sender, target) for sender, target in self.pairs if sender != target]

    def ways(self, sender, count):
        """The supers that a node speaks through, itself if it is one."""
        return (sender,) if sender < self.supers else self.parents[sender][:count]

    def delivers(self, sender, target, count):
        """The reference: somebody at each end is alive, and so is the addressee."""
        ends = (self.ways(sender, count), self.ways(target, count), (target,))
        return all(any(number not in self.dead for number in end) for end in ends)


def test_the_reference_has_the_measured_shares():
    for count, share in ((1, 0.74), (2, 0.89), (3, 0.90)):
        towns = [Town(seed, 1_000, 50, 0.1) for seed in range(10)]
        told = [town.delivers(*pair, count) for town in towns for pair in town.pairs]
        assert abs(sum(told) / len(told) - share) < 0.02


class ParentsOverlay(Overlay):
    """A leaf gives a letter to its parents, a super to those of the addressee, and whoever is one of them to it."""

    def __init__(self, world):
        self.alarm = Alarm()
        self.world = world
        self.number = len(world.numbers)
        world.numbers.append(self.number)

    def wants(self, view, now):
        return Wants()

    def spread(self, item, peers, now):
        return announce_to_all(item, peers)

    def route(self, target, peers, now):
        town, count = self.world.town, self.world.count
        goal = self.world.by_id[target]
        end = town.ways(goal, count)
        if self.number >= town.supers:
            next_ones = town.ways(self.number, count)
        elif self.number in end or goal < town.supers:
            next_ones = (goal,)
        else:
            next_ones = end
        conns = {self.world.by_id[peer.address.peer_id]: peer.conn for peer in peers}
        return Hops(tuple(conns[number] for number in next_ones if number in conns))


class LivingTown:
    """The town as a world of nodes."""

    def __init__(self, town, verifier, monkeypatch):
        self.town, self.count = town, PARENTS
        self.numbers, self.by_id = [], {}
        monkeypatch.setitem(OVERLAYS, "parents", ModelRow(make=lambda setup: ParentsOverlay(self), needs_messages=True))
        self.world = World(NETWORK, verifier, _latency, WorldSettings(b"law", encodes=True, has_peer_ids=True))
        hosts = [self.world.add_host() for _ in range(town.nodes)]
        for number, host in enumerate(hosts):
            self.by_id[host.address.peer_id] = number
            others = range(number) if number < town.supers else town.parents[number]
            self.world.start(host, NodePolicy(connect=tuple(hosts[other].address for other in others)))
        self.hosts = hosts
        assert self.world.wait(60 * SECOND_US, lambda: all(self._is_attached(number) for number in range(town.nodes)))
        # Their offers come a message after the handshake.
        self.world.run(self.world.now + 2 * SECOND_US)

    def _is_attached(self, number):
        wanted = number if number < self.town.supers else PARENTS
        return sum(not peer.is_inbound for peer in self.hosts[number].node.view.ready_peers()) == wanted

    def kill(self):
        """From now on nothing of the dead arrives anywhere."""
        for number in self.town.dead:
            for end in list(self.hosts[number].links.values()):
                self.world.connections.hold(end)
                self.world.connections.hold(end.other)

    def tell(self, count):
        """All pairs at once: (pair, outcome, how long it took)."""
        self.count = count
        began = self.world.now
        results = []
        for sender, target in self.town.pairs:

            def take(reply, pair=(sender, target)):
                results.append((pair, reply.answer.outcome, self.world.now - began))

            self.world.command(self.hosts[sender], Tell(self.hosts[target].address.peer_id, f"to {target}"), take)
        self.world.run(Micros(began + (LETTER_HOPS_MAX * LETTER_HOP_US) + SECOND_US))
        assert len(results) == len(self.town.pairs)
        for host in self.hosts:
            check_deadlines(host)
        return results


def _latency(sender, receiver, number):
    """10 to 120 ms one way, always the same between two hosts."""
    low, high = sorted((sender, receiver))
    return 10_000 + (low * 7_919 + high * 104_729) % 110_000


@pytest.fixture
def living(monkeypatch):
    verifier = KernelVerifier(1)

    def make(seed, dead_share):
        return LivingTown(Town(seed, NODES, SUPERS, dead_share), verifier, monkeypatch)

    yield make
    verifier.close()


def test_in_good_health_every_letter_arrives_within_a_second(living):
    town = living(1, 0.0)
    results = town.tell(PARENTS)
    assert {outcome for _, outcome, _ in results} == {Outcome.DELIVERED}
    times = sorted(took for _, _, took in results)
    assert times[int(len(times) * 0.99)] < SECOND_US


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_a_tenth_dead_the_same_letters_arrive_as_by_the_reference(living, seed):
    town = living(seed, 0.1)
    town.kill()
    for count in (1, 2, 3):
        results = town.tell(count)
        expected = {pair: town.town.delivers(*pair, count) for pair in town.town.pairs}
        assert {pair: outcome is Outcome.DELIVERED for pair, outcome, _ in results} == expected
        assert {outcome for _, outcome, _ in results} <= {Outcome.DELIVERED, Outcome.FAILED}
        assert max(took for _, _, took in results) <= LETTER_HOPS_MAX * LETTER_HOP_US
