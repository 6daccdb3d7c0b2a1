"""Searches: each is answered once, by the first index that knows, or when all have said no, or in time."""

from tests.unit.overlay.index.members import T0, address, entry, peer, peer_id

from minicoin.core.answers import FoundBy, PeerFound, Reason
from minicoin.core.limits import INDEX_FIND_PATIENCE_US, INDEX_FINDS_WAITING_MAX
from minicoin.core.overlay.index.finds import Finds
from minicoin.core.overlay.index.messages import IdxKnown
from minicoin.core.rng import Rng
from minicoin.core.units import Micros


class Desk:
    """Hears the answers."""

    def __init__(self):
        self.answers = []
        self.refusals = []

    def emit(self, *effects):
        raise AssertionError("a search sends nothing by itself")

    def reply(self, request, answer):
        self.answers.append((request, answer))

    def refuse(self, request, reason, text):
        self.refusals.append((request, reason))


def begun(asked=2):
    desk = Desk()
    made = Finds(desk, Rng(b"test"))
    return desk, made, made.begin(7, peer_id(1), asked, T0)


def test_the_first_index_that_knows_answers():
    desk, made, question = begun()
    assert made.take(peer(8), IdxKnown(question.nonce, ()), T0) is None and not desk.answers
    assert made.take(peer(9), IdxKnown(question.nonce, (entry(1),)), T0) == entry(1)
    assert desk.answers == [(7, PeerFound((address(1),), FoundBy.RECORD, peer_id(9), 2, is_certain=True))]
    assert not made.is_for(question.nonce) and len(made) == 0


def test_another_member_than_the_one_asked_for_is_no_answer():
    desk, made, question = begun()
    made.take(peer(8), IdxKnown(question.nonce, (entry(2),)), T0)
    made.take(peer(9), IdxKnown(question.nonce, ()), T0)
    assert desk.answers == [(7, PeerFound(asked=2))]


def test_nobody_waits_for_ever():
    desk, made, _ = begun()
    ends_at = Micros(T0 + INDEX_FIND_PATIENCE_US)
    assert made.next_deadline() == ends_at
    made.on_deadline(Micros(ends_at - 1))
    assert not desk.answers
    made.on_deadline(ends_at)
    assert desk.answers == [(7, PeerFound(asked=2))] and made.next_deadline() is None


def test_so_many_wait_and_no_more():
    desk, made, _ = begun()
    for request in range(INDEX_FINDS_WAITING_MAX - 1):
        assert made.begin(request, peer_id(2), 1, T0) is not None
    assert made.begin(99, peer_id(2), 1, T0) is None
    assert desk.refusals == [(99, Reason.CROWDED)] and len(made) == INDEX_FINDS_WAITING_MAX
