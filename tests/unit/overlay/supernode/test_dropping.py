"""A super node that takes leaves, items and letters, and passes nothing on: it can keep back no item, as long as there
is another between those who sit at it and everybody else; a letter it can make fail where it says that it took it."""

from tests.unit.overlay.supernode.worlds import NOBODY, Hive

from minicoin.core.answers import Outcome
from minicoin.core.commands import Generate, Tell
from minicoin.core.directed.messages import LetterMessage, LetterTaken, Receipt
from minicoin.core.limits import LETTER_HOP_US, LETTER_HOPS_MAX
from minicoin.core.wire.messages import BlockMessage, CmpctBlock, Headers, Inv, Tx

_PASSED_ON = (Inv, Headers, BlockMessage, CmpctBlock, Tx, LetterMessage, Receipt)


class Dropping:
    """What certain hosts say of themselves arrives; what they would pass on does not."""

    def __init__(self, hive, droppers, *, says_taken=False):
        """`says_taken`: it says of letters that it passes them on."""
        self.dropped = 0
        self._kinds = _PASSED_ON if says_taken else (*_PASSED_ON, LetterTaken)
        self._hive, self._droppers = hive, droppers
        for end in hive.world.connections.link_ends():
            self._dress(end)
        hive.world.connections.link_hooks.append(self._dress)

    def _dress(self, end):
        if end.host in self._droppers:
            end.disturbance = self

    def carry(self, end, message, size, arrival_us):
        if isinstance(message, self._kinds):
            self.dropped += 1
        else:
            self._hive.world.connections.transport.arrive(end, message, max(arrival_us, end.last_arrival))


def settled(supers, leaves, parents):
    hive = Hive(supers, leaves, parents=parents, encodes=False)
    assert hive.reaches(lambda: hive.all_attached(parents))
    assert hive.reaches(lambda: all(hive.figure(host, "directory") == leaves for host in hive.supers))
    return hive


def tell(hive, sender, target):
    began = hive.world.now
    told = hive.world.ask(sender, Tell(target.address.peer_id, "past it"))
    assert hive.world.now - began <= LETTER_HOPS_MAX * LETTER_HOP_US
    return told


def test_one_of_two_parents_that_drops_keeps_nothing_back():
    hive = settled(4, 10, parents=2)
    dropper = hive.supers[0]
    dropping = Dropping(hive, [dropper])
    duped = [leaf for leaf in hive.leaves if dropper in hive.parents(leaf)]
    others = [leaf for leaf in hive.leaves if leaf not in duped]
    # Who sits at it is heard by all, and hears of all.
    for height, miner in enumerate((duped[0], others[0], duped[-1], hive.supers[1]), 1):
        hive.world.ask(miner, Generate(1, NOBODY))
        assert hive.reaches(lambda height=height: {host.height for host in (*hive.supers, *hive.leaves)} == {height})
    for sender, target in ((duped[0], others[0]), (others[0], duped[0]), (duped[0], duped[-1])):
        assert tell(hive, sender, target).outcome is Outcome.DELIVERED
    assert dropping.dropped > 0


def test_one_that_says_it_passes_letters_on_makes_them_fail_and_is_named():
    hive = settled(3, 6, parents=2)
    dropper = hive.supers[0]
    Dropping(hive, [dropper], says_taken=True)
    told = [tell(hive, sender, target) for sender in hive.leaves[:3] for target in hive.leaves[3:]]
    assert {one.outcome for one in told} <= {Outcome.DELIVERED, Outcome.FAILED}
    # The hop behind the one that took it, which is the dropper as the sender's parent or as the addressee's.
    assert all(one.hop in (2, 3) for one in told if one.outcome is Outcome.FAILED)


def test_who_sits_at_a_dropper_only_is_told_so_of_letters_and_the_others_go_on():
    hive = settled(3, 6, parents=1)
    dropper = next(host for host in hive.supers if any(hive.parents(leaf) == [host] for leaf in hive.leaves))
    duped = next(leaf for leaf in hive.leaves if hive.parents(leaf) == [dropper])
    others = [leaf for leaf in hive.leaves if dropper not in hive.parents(leaf)]
    Dropping(hive, [dropper])
    assert tell(hive, duped, others[0]).outcome is Outcome.FAILED
    hive.world.ask(others[0], Generate(1, NOBODY))
    assert hive.reaches(lambda: all(leaf.height == 1 for leaf in others))
