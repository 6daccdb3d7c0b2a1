"""A second node with a member's key: it follows, signs nothing, and takes over when the first is gone for good.

In virtual time: the sixth computer has the key of the first bank.
"""

import pytest

from minicoin.core.answers import Done
from minicoin.core.commands import TakeOver
from minicoin.core.consensus.messages import HeldVotes, VoteMessage
from minicoin.core.consensus.peers import SignerPeers
from minicoin.core.faults import MisuseError
from minicoin.core.notices import SigningStopped, TakeOverRefused
from minicoin.core.signers.certificate import Certificate
from minicoin.core.signers.votes import NIL, Vote, VoteKind, sign_vote
from minicoin.core.units import SECOND_US, ConnId, RequestId

from .bank_world import LATENCY_US, Bank, BankWorld


class Pair(BankWorld):
    """Five banks, and a standby of the first."""

    def __init__(self) -> None:
        super().__init__(5, starts=False)
        self.first = self.banks[0]
        self.standby = Bank(5, self.first.key, self.network, self)
        self.standby.stands_by()
        # As the operator copies it: what the first one signs later is not in it.
        self.banks.append(self.standby)
        for bank in self.banks:
            bank.start()
        assert self.wait(5 * SECOND_US, lambda: self.heights() == [1] * 6)
        self.wait(2 * SECOND_US)

    def note(self, height: int, certificate: Certificate) -> None:
        """Blocks come to the standby as to any node that looks on."""
        super().note(height, certificate)
        if len(self.banks) > 5:
            for giver in [bank for bank in self.banks[:5] if len(bank.chain) >= height]:
                self.at_time(self.standby, LATENCY_US, lambda giver=giver: self._deliver(giver))

    def _deliver(self, giver: Bank) -> None:
        if self.standby.part is not None and self.standby.height < giver.height:
            self.deliver_chain(giver, self.standby, giver.height)

    def take_over(self, sign_from: int | None = None) -> None:
        self.standby.run(lambda part: part.take_over(RequestId(1), TakeOver(sign_from), self.now))
        assert self.standby.replies.pop() == Done()

    def make_block(self) -> None:
        height = max(self.heights())
        self.pay()
        assert self.wait(10 * SECOND_US, lambda: min(self.heights()) > height)
        self.wait(2 * SECOND_US)

    @property
    def why(self) -> str:
        return self.standby.part.status().abstains_because

    def check(self) -> None:
        """Neither signed what the other one signed otherwise."""
        super().check()
        slots = {vote.slot: vote for vote in self.first.signed}
        assert all(slots.get(vote.slot, vote) == vote for vote in self.standby.signed)


def test_it_follows_and_nobody_takes_it_for_the_member() -> None:
    pair = Pair()
    for _ in range(3):
        pair.make_block()
    assert pair.standby.signed == []
    assert pair.why.startswith("it stands by")
    assert pair.standby.part.status().present == 5
    assert not any(isinstance(one, SigningStopped) for bank in pair.banks for one in bank.emitted)
    # A healthy block takes the messages of five.
    pair.sent.clear()
    pair.make_block()
    assert dict(pair.sent) == {"proposal": 4, "vote": 40}
    pair.check()


def test_it_takes_over_from_one_that_was_killed() -> None:
    pair = Pair()
    pair.make_block()
    pair.first.stop()
    pair.make_block()
    pair.take_over()
    assert pair.why.startswith("it takes over")
    pair.wait(2 * SECOND_US)
    assert pair.standby.signed == []
    for _ in range(3):
        pair.make_block()
    assert pair.why == ""
    assert pair.standby.signed
    # With another one down each block takes its vote.
    pair.banks[3].stop()
    for _ in range(5):
        pair.make_block()
    assert max(vote.height for vote in pair.standby.signed) == max(pair.heights())
    pair.check()


def test_it_is_refused_while_the_other_is_connected() -> None:
    pair = Pair()
    with pytest.raises(MisuseError, match="the node that signs with the key is connected"):
        pair.take_over()
    assert pair.why.startswith("it stands by")
    pair.make_block()
    assert pair.first.part.status().abstains_because == ""
    pair.check()


def cut(pair: Pair) -> None:
    """The two do not see each other, and the others see both."""
    apart = {pair.first.place, pair.standby.place}
    pair.loses = lambda sender, receiver, message: {sender.place, receiver.place} == apart
    for one, other in ((pair.first, pair.standby), (pair.standby, pair.first)):
        one.run(lambda part, other=other: part.on_closed(ConnId(other.place), pair.now))


def test_the_others_know_that_the_other_one_is_there() -> None:
    pair = Pair()
    cut(pair)
    pair.take_over()
    pair.wait(SECOND_US)
    assert "the other node is connected with another member" in pair.why
    assert any(isinstance(one, TakeOverRefused) for one in pair.standby.emitted)
    # It took its word back: whoever it had greeted does not count it as the member any more.
    assert all(len(bank.part.status().presence) == 5 for bank in pair.banks)
    for _ in range(3):
        pair.make_block()
    assert pair.standby.signed == [] and pair.first.part.status().abstains_because == ""
    pair.check()


def taking_over(monkeypatch: pytest.MonkeyPatch) -> Pair:
    """While the first one is there, and nobody says so."""
    monkeypatch.setattr(SignerPeers, "elsewhere", lambda peers, member, peer_id: b"")
    pair = Pair()
    cut(pair)
    pair.take_over()
    pair.wait(SECOND_US)
    assert pair.why.startswith("it takes over")
    return pair


def test_a_certificate_with_the_key_sends_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = taking_over(monkeypatch)
    # One of the others is down, so that each block needs the first one.
    pair.banks[4].stop()
    for _ in range(3):
        pair.make_block()
    assert pair.standby.signed == []
    assert "(in its certificate): the other node is alive" in pair.why
    pair.check()


def test_a_vote_of_the_key_sends_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = taking_over(monkeypatch)
    height = pair.standby.part.status().height
    for behind, expected in ((0, "it takes over"), (1, "(a vote): the other node is alive")):
        vote = Vote(VoteKind.PREVOTE, height + behind, 0, NIL, NIL)
        message = VoteMessage(sign_vote(vote, pair.first.key, pair.network.network_id))
        pair.standby.run(lambda part, message=message: part.take_vote(pair.peer(pair.banks[1]), message, pair.now))
        assert expected in pair.why


def test_where_the_chain_stands_still_the_operator_answers_for_a_height() -> None:
    pair = Pair()
    pair.make_block()
    height = max(pair.heights())
    pair.first.stop()
    pair.banks[3].stop()
    pair.pay()
    assert not pair.wait(20 * SECOND_US, lambda: max(pair.heights()) > height)
    pair.take_over()
    assert not pair.wait(20 * SECOND_US, lambda: max(pair.heights()) > height)
    # To ask for the same again changes nothing.
    pair.take_over()
    assert pair.why.startswith("it takes over")
    # The first one was killed before this height began.
    pair.take_over(sign_from=height + 1)
    pair.wait(5 * SECOND_US)
    assert pair.why == ""
    assert pair.wait(20 * SECOND_US, lambda: max(pair.heights()) > height)
    pair.check()


def test_the_first_one_does_not_sign_when_it_comes_back() -> None:
    pair = Pair()
    cut(pair)
    pair.first.stop()
    pair.take_over()
    for _ in range(4):
        pair.make_block()
    assert pair.why == ""
    signed = len(pair.first.signed)
    pair.first.start()
    cut(pair)
    pair.wait(SECOND_US)
    assert "another node proved" in pair.first.part.status().abstains_because
    pair.make_block()
    assert len(pair.first.signed) == signed
    assert pair.why == ""
    pair.check()


def test_the_word_of_one_liar_stops_no_member() -> None:
    pair = Pair()
    pair.standby.stop()
    bank, liar = pair.banks[2], pair.banks[3]
    bank.stop()
    bank.start()
    pair.wait(SECOND_US)
    bank.run(lambda part: part.take_held(pair.peer(liar), HeldVotes(2, (), b"\x01\x02"), pair.now))
    pair.wait(SECOND_US)
    assert bank.part.status().abstains_because == ""
    other = pair.banks[4]
    bank.run(lambda part: part.take_held(pair.peer(other), HeldVotes(2, (), b"\x01\x02"), pair.now))
    assert "another node proved" in bank.part.status().abstains_because
