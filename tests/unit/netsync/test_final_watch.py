"""Whoever waits for a payment is answered once: with its block, when his patience ends, or at the node's stop."""

from dataclasses import replace

import pytest
from tests.unit.alarms import check_alarm
from tests.unit.netsync.banks_chain import FOUNDERS, certify, items, tree_of

from minicoin.core.answers import FinalBlock, Finality, Reason
from minicoin.core.commands import WaitForFinal
from minicoin.core.limits import FINAL_PAYMENTS_REMEMBERED_MAX, FINAL_WAITERS_MAX
from minicoin.core.netsync.final_watch import FinalWatch
from minicoin.core.primitives.verdicts import BlockSummary
from minicoin.core.units import SECOND_US, Micros, RequestId

T0 = Micros(10**15)
CHAIN = list(items(12))
CHAIN[4] = replace(CHAIN[4], certificate=certify(CHAIN[4].header.hash, 5, signers=FOUNDERS))
PAYMENT, OTHER, UNKNOWN = b"p" * 32, b"o" * 32, b"u" * 32


class Around:
    """A mempool, and what was answered."""

    def __init__(self):
        self.waiting = {PAYMENT, OTHER}
        self.answers = {}
        self.watch = FinalWatch(tree_of(CHAIN), lambda txid: txid in self.waiting, self)

    def reply(self, request, answer):
        assert request not in self.answers, "answered twice"
        self.answers[request] = answer

    def refuse(self, request, reason, text):
        self.reply(request, reason)

    def begin(self, request, txid=PAYMENT, patience_s=10, now=T0):
        self.watch.wait(RequestId(request), WaitForFinal(txid, patience_s * SECOND_US), now)
        check_alarm(self.watch)

    def connect(self, height, *txids):
        self.waiting.difference_update(txids)
        self.watch.on_connected([BlockSummary(CHAIN[height - 1].header, height, txids, ())])


def final(height):
    """Block 5 is signed by all five banks, the others by four."""
    return Finality(FinalBlock(CHAIN[height - 1].header.hash, height, 5 if height == 5 else 4))


@pytest.fixture
def around():
    return Around()


def test_everybody_who_waits_for_a_payment_is_told_its_block(around):
    around.begin(1)
    around.begin(2)
    around.begin(3, OTHER)
    around.connect(4, b"x" * 32)
    assert around.answers == {}
    around.connect(5, b"y" * 32, PAYMENT)
    assert around.answers == {1: final(5), 2: final(5)}
    around.connect(11, OTHER)
    assert around.answers[3] == final(11)
    assert around.watch.next_deadline() is None


def test_who_asks_about_a_final_payment_is_told_at_once(around):
    around.connect(5, PAYMENT)
    around.begin(1)
    around.begin(2, patience_s=0)
    assert around.answers == {1: final(5), 2: final(5)}


def test_a_payment_that_nobody_here_knows_of_is_not_waited_for(around):
    around.begin(1, UNKNOWN)
    assert around.answers == {1: Reason.UNKNOWN_TRANSACTION}


def test_patience_ends(around):
    around.begin(1, patience_s=0)
    assert around.answers == {1: Finality(None)}
    around.begin(2, patience_s=10)
    around.begin(3, patience_s=20)
    assert around.watch.next_deadline() == T0 + 10 * SECOND_US
    around.watch.on_deadline(Micros(T0 + 10 * SECOND_US))
    assert around.answers == {1: Finality(None), 2: Finality(None)}
    around.connect(5, PAYMENT)
    assert around.answers[3] == final(5)


def test_waits_are_bounded_and_end_with_the_node(around):
    for request in range(FINAL_WAITERS_MAX):
        around.begin(request, PAYMENT if request % 2 else OTHER)
    around.begin(-1)
    assert around.answers == {-1: Reason.CROWDED}
    around.watch.end_waits("the node stops")
    assert len(around.answers) == FINAL_WAITERS_MAX + 1
    assert set(around.answers.values()) == {Reason.CROWDED, Reason.STOPPED}
    around.begin(-2)
    assert -2 not in around.answers


def test_of_old_payments_nothing_is_remembered(around):
    around.connect(1, PAYMENT)
    for height in range(2, 12):
        part = FINAL_PAYMENTS_REMEMBERED_MAX // 10
        around.connect(height, *(bytes((height,)) + number.to_bytes(31, "big") for number in range(part)))
    around.begin(1)
    around.begin(2, bytes((2,)) + bytes(31))
    assert around.answers == {1: Reason.UNKNOWN_TRANSACTION, 2: final(2)}
