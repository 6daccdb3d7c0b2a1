"""Directed delivery by the model itself: with a tenth of the nodes dead the same letters arrive as by a short reference
on the graph that leaves and super nodes have made, and nobody waits for more than three hops of five seconds.

Dead is black-holed, before anybody looks for another parent. The reference is held against the measured shares at 1,000
nodes in tests/unit/directed/test_law.py.
"""

import pytest
from tests.unit.overlay.supernode.worlds import Hive

from minicoin.core.answers import Outcome
from minicoin.core.commands import Tell
from minicoin.core.limits import LETTER_HOP_US, LETTER_HOPS_MAX
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US

SUPERS, LEAVES = 6, 48


class Post:
    """Super nodes and leaves that have settled, and who is to tell whom."""

    def __init__(self, parents):
        # A look at the parents is far away, so that what is measured is delivery alone.
        self.hive = Hive(SUPERS, LEAVES, encodes=False, parents=parents, check=3_600, links=32)
        hive = self.hive
        assert hive.reaches(lambda: hive.all_attached(parents))
        knows_all = lambda: all(hive.figure(host, "directory") == LEAVES for host in hive.supers)  # noqa: E731
        assert hive.reaches(knows_all)
        self.hosts = [*hive.supers, *hive.leaves]
        self.ways = {host.index: self._ways(host) for host in self.hosts}
        rng = Rng(b"post", str(parents))
        self.dead = {host.index for host in rng.sample(self.hosts, len(self.hosts) // 10)}
        alive = [host for host in self.hosts if host.index not in self.dead]
        drawn = [(rng.choice(alive), rng.choice(self.hosts)) for _ in range(2 * LEAVES)]
        self.pairs = [(sender, target) for sender, target in drawn if sender is not target]

    def _ways(self, host):
        """The super nodes that a node speaks through, itself if it is one."""
        if host in self.hive.supers:
            return (host.index,)
        near = self.hive.model(host).about(host.node.view.ready_peers(), self.hive.world.now).neighbours
        return tuple(host.links[one.conn].other.host.index for one in near if one.role == "parent")

    def delivers(self, sender, target):
        """The reference: somebody at each end is alive, and so is the addressee."""
        ends = (self.ways[sender.index], self.ways[target.index], (target.index,))
        return all(any(index not in self.dead for index in end) for end in ends)

    def kill(self):
        connections = self.hive.world.connections
        connections.barriers.append(lambda one, other: one.index in self.dead or other.index in self.dead)
        for host in self.hosts:
            if host.index in self.dead:
                for end in list(host.links.values()):
                    connections.hold(end)
                    connections.hold(end.other)

    def tell(self):
        """All pairs at once: (whether it was delivered, how long it took) by pair."""
        world, results = self.hive.world, {}
        began = world.now
        for sender, target in self.pairs:

            def take(reply, pair=(sender, target)):
                assert reply.answer.outcome in (Outcome.DELIVERED, Outcome.FAILED)
                results[pair] = (reply.answer.outcome is Outcome.DELIVERED, world.now - began)

            world.command(sender, Tell(target.address.peer_id, "hello"), take)
        world.run(began + LETTER_HOPS_MAX * LETTER_HOP_US + SECOND_US)
        assert len(results) == len(set(self.pairs))
        return results


@pytest.mark.parametrize("parents", [1, 2, 3])
def test_with_a_tenth_dead_the_same_letters_arrive_as_by_the_reference(parents):
    post = Post(parents)
    healthy = post.tell()
    assert all(is_delivered for is_delivered, _ in healthy.values())
    assert sorted(took for _, took in healthy.values())[int(len(healthy) * 0.99)] < SECOND_US
    post.kill()
    results = post.tell()
    expected = {pair: post.delivers(*pair) for pair in post.pairs}
    assert {pair: is_delivered for pair, (is_delivered, _) in results.items()} == expected
    assert not all(expected.values())
    assert max(took for _, took in results.values()) <= LETTER_HOPS_MAX * LETTER_HOP_US
