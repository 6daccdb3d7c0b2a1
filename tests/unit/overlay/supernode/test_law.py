"""What the model delivers where a tenth of the nodes is dead, before anybody looks for another parent: held against a
short reference on the very graph that the nodes have made, and at 1,000 nodes against the known shares.

Dead is black-holed: connections stay, nothing comes back, and nobody new gets through.
"""

import pytest
from tests.soak import IS_SOAK
from tests.unit.overlay.supernode.worlds import Hive

from minicoin.core.answers import Outcome
from minicoin.core.commands import FindPeer, Tell
from minicoin.core.limits import LETTER_HOP_US, LETTER_HOPS_MAX
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US

SUPERS, LEAVES = (50, 950) if IS_SOAK else (10, 50)
SHARES = {1: 0.74, 2: 0.894, 3: 0.902}


def latency(sender, receiver, number):
    """10 to 120 ms one way, always the same between two hosts."""
    return 10_000 + (min(sender, receiver) * 7_919 + max(sender, receiver) * 104_729) % 110_000


def settled(parents):
    hive = Hive(SUPERS, LEAVES, seeds=SUPERS, encodes=False, meets=True, latency=latency, parents=parents)
    assert hive.reaches(lambda: hive.all_attached(parents))
    assert hive.reaches(lambda: all(hive.figure(host, "directory") == LEAVES for host in hive.supers))
    # The last word of everybody has gone round.
    hive.spend(10)
    hive.world.connections.is_meeting = False
    return hive


def draw_dead(hive, rng):
    """A tenth of the super nodes and of the leaves."""
    return [*rng.sample(hive.supers, SUPERS // 10), *rng.sample(hive.leaves, LEAVES // 10)]


def kill(hive, rng):
    dead = draw_dead(hive, rng)
    for host in dead:
        for end in list(host.links.values()):
            hive.world.connections.hold(end)
            hive.world.connections.hold(end.other)
    hive.world.connections.barriers.append(lambda one, other: one in dead or other in dead)
    return dead


def tell_all(hive, pairs):
    """Each its letter, a moment apart: what came of it, and after how long."""
    results = {}
    for place, (sender, target) in enumerate(pairs):

        def take(reply, place=place, began=hive.world.now):
            results[place] = reply.answer.outcome is Outcome.DELIVERED, hive.world.now - began

        hive.world.command(sender, Tell(target.address.peer_id, f"letter {place}"), take)
        hive.world.run(hive.world.now + SECOND_US // 50)
    assert hive.reaches(lambda: len(results) == len(pairs))
    return [results[place] for place in range(len(pairs))]


def pairs_of(rng, senders, targets, count):
    drawn = ((rng.choice(senders), rng.choice(targets)) for _ in range(count))
    return [(sender, target) for sender, target in drawn if sender is not target]


def delivers(ways, dead, sender, target):
    """The reference: somebody at each end lives, and so does the addressee."""
    ends = (ways[sender.index], ways[target.index], [target])
    return all(any(host not in dead for host in end) for end in ends)


def share_of(hive, ways, rng):
    """What part arrives by the reference, with other dead."""
    dead = draw_dead(hive, rng)
    pairs = pairs_of(rng, [leaf for leaf in hive.leaves if leaf not in dead], hive.leaves, LEAVES)
    return sum(delivers(ways, dead, *pair) for pair in pairs) / len(pairs)


@pytest.mark.parametrize("parents", SHARES)
def test_with_a_tenth_dead_the_same_letters_arrive_as_by_the_reference(parents):
    hive, rng = settled(parents), Rng(b"law", str(parents))
    ways = {leaf.index: hive.parents(leaf) for leaf in hive.leaves}
    dead = kill(hive, rng)
    pairs = pairs_of(rng, [leaf for leaf in hive.leaves if leaf not in dead], hive.leaves, 2 * LEAVES)
    told = tell_all(hive, pairs)
    expected = [delivers(ways, dead, *pair) for pair in pairs]
    delivered, wanted = (sum(some) / len(told) for some in ([arrived for arrived, _ in told], expected))
    slowest_s = max(took for _, took in told) / SECOND_US
    print(
        f"{parents} parents: {delivered:.3f} delivered, by the reference {wanted:.3f}; slowest answer {slowest_s:.1f} s"
    )
    assert [arrived for arrived, _ in told] == expected and not all(expected)
    assert max(took for _, took in told) <= LETTER_HOPS_MAX * LETTER_HOP_US
    assert sum(hive.figure(leaf, "re-attachments") for leaf in hive.leaves if leaf not in dead) == 0
    if IS_SOAK:
        # One draw of the dead strays by more than that.
        shares = [share_of(hive, ways, Rng(b"share", str(seed))) for seed in range(10)]
        print(
            f"{parents} parents: {sum(shares) / len(shares):.3f} by the reference in the mean, {SHARES[parents]} known"
        )
        assert abs(sum(shares) / len(shares) - SHARES[parents]) < 0.02


def test_in_health_letters_take_less_than_a_second_and_everybody_is_found():
    hive, rng = settled(3), Rng(b"health")
    pairs = pairs_of(rng, hive.leaves, (*hive.leaves, *hive.supers), 2 * LEAVES)
    told = tell_all(hive, pairs)
    assert all(arrived for arrived, _ in told)
    times = sorted(took for _, took in told)
    p50_s, p99_s = (times[len(told) * percent // 100] / SECOND_US for percent in (50, 99))
    print(f"in health: {len(told)} letters, p50 {p50_s:.2f} s, p99 {p99_s:.2f} s")
    assert p99_s < 1
    for sender, target in pairs[:10]:
        found = hive.world.ask(sender, FindPeer(target.address.peer_id))
        assert found.is_certain and found.addresses == (target.address,)
