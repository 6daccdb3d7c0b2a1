"""Packages from outside: each member's fate is told once, when all are known and none is withheld."""

from types import SimpleNamespace

import pytest

from minicoin.core.answers import NOT_VALIDATED, PackageResult, Reason, Refused
from minicoin.core.limits import COMMANDS_WAITING_MAX
from minicoin.core.mempool.offers import PackageOffers
from minicoin.core.mempool.outcomes import Rejected
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.verdicts import TxReason


class Desk:
    """The node around the packages: what it was told, and a verifier that answers when asked to."""

    def __init__(self, world):
        self.world = world
        self.mempool = world.pool
        self.waiting = []
        self.answers = {}
        self.withheld = set()
        self.offers = PackageOffers(self, self.withheld.__contains__)

    @property
    def tree(self):
        return SimpleNamespace(tip=SimpleNamespace(hash=self.world.tip))

    def emit(self, *effects):
        self.waiting += effects

    def reply(self, request, answer):
        assert request not in self.answers, "answered twice"
        self.answers[request] = answer

    def refuse(self, request, reason, text):
        self.reply(request, Refused(reason, text))

    def submit(self, request, *transactions):
        self.offers.submit(request, transactions, self.world.now)

    def verify(self):
        """All verdicts that are asked for."""
        while self.waiting:
            for outcome in self.world.drain([self.waiting.pop(0)]):
                self.offers.on_outcome(outcome, self.world.now)


@pytest.fixture
def desk(world):
    return Desk(world)


def family(world, fees=(1_000, 2_000)):
    parent = world.spend([world.coin()], fees[0])
    child = world.spend([world.out(parent)], fees[1], total=parent.outputs[0].value)
    return parent, child


def errors(desk, request):
    result = desk.answers[request]
    assert isinstance(result, PackageResult)
    return [member.error for member in result.members]


def test_members_enter_one_by_one_and_the_answer_names_each(desk):
    parent, child = family(desk.world)
    desk.submit(1, parent, child)
    assert 1 not in desk.answers
    desk.verify()
    assert errors(desk, 1) == ["", ""]
    assert [member.fee_sat or member.paid_sat for member in desk.answers[1].members] == [1_000, 2_000]
    assert parent.txid in desk.mempool and child.txid in desk.mempool


def test_a_parent_too_cheap_alone_enters_with_its_child(desk):
    parent, child = family(desk.world, (0, 3_000))
    desk.submit(1, parent, child)
    desk.verify()
    assert errors(desk, 1) == ["", ""]
    together = (parent.wtxid, child.wtxid)
    assert [member.paid_with for member in desk.answers[1].members] == [together, together]


def test_a_parent_that_is_invalid_ends_it(desk):
    parent, child = family(desk.world)
    desk.world.bad.add(parent.txid)
    desk.submit(1, parent, child)
    desk.verify()
    first, second = errors(desk, 1)
    assert first and second == NOT_VALIDATED


def test_what_stands_in_the_pool_already_is_told_as_such(desk):
    parent, child = family(desk.world)
    desk.world.accept(parent)
    desk.submit(1, parent, child)
    desk.verify()
    assert errors(desk, 1) == ["", ""]
    assert [member.paid_vsize > 0 for member in desk.answers[1].members] == [False, True]


def test_nobody_hears_while_a_member_is_withheld(desk):
    parent, child = family(desk.world)
    desk.withheld.add(child.txid)
    desk.submit(1, parent, child)
    desk.verify()
    assert 1 not in desk.answers
    desk.withheld.clear()
    desk.offers.on_told()
    assert errors(desk, 1) == ["", ""]


def test_what_the_disk_refused_is_no_success(desk):
    parent, child = family(desk.world)
    desk.withheld.add(child.txid)
    desk.submit(1, parent, child)
    desk.verify()
    desk.offers.on_withdrawn(child, "disk full")
    desk.withheld.clear()
    desk.offers.on_told()
    assert errors(desk, 1) == ["", "disk full"]


def test_a_refusal_on_a_tip_that_is_no_more_starts_it_anew(desk):
    parent, child = family(desk.world)
    desk.submit(1, parent, child)
    desk.world.tip = BlockHash(bytes(range(32)))
    desk.offers.on_outcome(Rejected(parent, TxReason.SCRIPT_FAILED, "", None), desk.world.now)
    assert 1 not in desk.answers
    # The verdict on this tip is the one that counts.
    desk.verify()
    assert errors(desk, 1) == ["", ""]


def test_a_refusal_on_this_tip_is_the_last_word(desk):
    parent, child = family(desk.world)
    desk.submit(1, parent, child)
    desk.offers.on_outcome(Rejected(parent, TxReason.SCRIPT_FAILED, "", None), desk.world.now)
    assert errors(desk, 1) == [str(TxReason.SCRIPT_FAILED), NOT_VALIDATED]


def test_so_many_wait_and_a_failure_tells_all(desk):
    families = [family(desk.world) for _ in range(COMMANDS_WAITING_MAX + 1)]
    for request, members in enumerate(families):
        desk.submit(request, *members)
    assert desk.answers.pop(COMMANDS_WAITING_MAX).reason is Reason.CROWDED
    assert desk.answers == {}
    desk.offers.on_failure("disk full")
    assert set(desk.answers.values()) == {Refused(Reason.STOPPED, "disk full")}
    assert len(desk.answers) == COMMANDS_WAITING_MAX
