"""The key in a thread of its own."""

import queue

from tests.unit.consensus.samples import ALICE, BOB
from tests.unit.signers.banks import BANKS, BLOCK, KEYS, NETWORK_ID, public

from minicoin.core.consensus.signer import VoteSigner
from minicoin.core.effects import SignGreeting, SignVote
from minicoin.core.events import Event, GreetingSigned, VoteSigned
from minicoin.core.signers.votes import Vote, VoteKind
from minicoin.core.units import ConnId
from minicoin.drivers.signing import SigningWorker


def test_what_was_asked_is_answered_in_order_before_it_stops() -> None:
    posted: queue.SimpleQueue[Event] = queue.SimpleQueue()
    worker = SigningWorker(VoteSigner(KEYS[:1], NETWORK_ID, ALICE), posted.put)
    votes = [Vote(VoteKind.PREVOTE, 7, round_, BLOCK, BANKS.hash) for round_ in range(3)]
    for vote in votes:
        worker.sign(SignVote(public(KEYS[0]), vote))
    worker.sign(SignGreeting(public(KEYS[0]), ConnId(1), BOB))
    worker.stop()
    answers = [posted.get_nowait() for _ in range(4)]
    signed = [one for one in answers if isinstance(one, VoteSigned)]
    assert [one.vote for one in signed] == votes
    assert all(one.signed is not None and one.signed.holds(NETWORK_ID) for one in signed)
    assert isinstance(answers[-1], GreetingSigned)
    assert posted.empty()
