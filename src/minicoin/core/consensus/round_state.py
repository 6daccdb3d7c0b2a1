"""Where a signer stands within a height, and the moves it makes: entering a round, casting, timing, asking, counting.

When it makes which is core/consensus/rounds', by the rules at the head there.
"""

from enum import IntEnum
from typing import Final

from minicoin.core.consensus.ahead import Ahead
from minicoin.core.consensus.choice import NO_CHOICE, Choice, Justified, choice_of
from minicoin.core.consensus.outputs import Ask, Cast, ForeignVote, NeedProposal, NeedVerdict, RoundOutput
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.tally import Holding, Tally
from minicoin.core.consensus.timeouts import Pause, RoundTimes
from minicoin.core.consensus.verdicts import Verdicts
from minicoin.core.limits import CONSENSUS_ASK_EVERY_US, ROUNDS_KEPT_MAX
from minicoin.core.signers.evidence import TwoVotes
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.votes import NO_ROUND, SignedVote, Vote, VoteKind
from minicoin.core.units import Micros


class RoundStep(IntEnum):
    """Where in a round a signer is, in order."""

    WAIT = 0
    """The height has not begun here."""
    PROPOSE = 1
    PREVOTE = 2
    PRECOMMIT = 3
    DECIDED = 4


STEPS: Final = {
    VoteKind.PROPOSAL: RoundStep.PROPOSE,
    VoteKind.PREVOTE: RoundStep.PREVOTE,
    VoteKind.PRECOMMIT: RoundStep.PRECOMMIT,
}
"""Where a signer stands that has cast this kind last."""


class RoundState:
    """Of one height. What a move asks of the node is gathered, in order, until it is taken."""

    def __init__(self, pause: Pause, members: MemberList, times: RoundTimes, state: SignState | None) -> None:
        """Without `state`, or with one of a member that is not in the list or of a later height, it looks on: a key
        that may have signed for a later height waits until the chain has caught up."""
        self.pause = pause
        self.members = members
        self.times = times
        self.tally = Tally(members)
        self.ahead = Ahead()
        self.round = NO_ROUND
        self.step = RoundStep.WAIT
        self.lock: Justified | None = None
        self.valid: Justified | None = None
        self.is_voting = state is not None and state.member in members and state.height <= pause.height
        self._member = None if state is None else state.member
        self._state = state if self.is_voting and state is not None and state.height == pause.height else None
        self._own: dict[tuple[int, int, int], Vote] = {}
        self._own_from = 0
        self._verdicts = Verdicts()
        self._deadlines: dict[VoteKind, Micros] = {}
        self._timed: dict[VoteKind, None] = {}
        self._ask_at = Micros(0)
        self._asked_of: int | None = None
        self._payment_waits = False
        self._out: list[RoundOutput] = []

    @property
    def height(self) -> int:
        return self.pause.height

    # --- what it holds ---

    def open_rounds(self) -> tuple[int, ...]:
        """The rounds whose votes would bring us on: ours, and the one that its proposal leans on."""
        if self.step is RoundStep.DECIDED:
            return ()
        round_, proposal = max(self.round, 0), self._proposal()
        if proposal is not None and self._leans_on_unseen(proposal.vote):
            return round_, proposal.vote.valid_round
        return (round_,)

    def holding(self, round_: int) -> Holding:
        """What is held of a round."""
        valid_round = NO_ROUND if self.valid is None else self.valid.round
        proposer = self.members.proposer(self.height, round_)
        return self.tally.holding(self.height, round_, valid_round, proposer, self._leant_on(round_))

    def votes(self) -> list[SignedVote]:
        """All that is held of the height."""
        counted = [one for round_ in self.tally.rounds() for one in self.tally.votes(round_)]
        return counted + self.ahead.votes()

    # --- doing it ---

    def _enter(self, round_: int, now: Micros) -> None:
        """Line 11."""
        self._renounce(round_ - 1)
        self.round, self.step = round_, RoundStep.PROPOSE
        self._deadlines.clear()
        self._timed.clear()
        for signed in self.ahead.release(round_):
            self._count(signed)
        held = [one for one in (self.lock, self.valid) if one is not None]
        self.tally.forget_before(round_, [one.round for one in held])
        self._verdicts.forget_before(round_, [one.choice.block for one in held])
        self._forget_own(round_ - ROUNDS_KEPT_MAX)
        self._time(VoteKind.PROPOSAL, now)
        self._ask_at = Micros(now + CONSENSUS_ASK_EVERY_US)
        if round_ > 0:
            self._ask(now)
        if self.is_voting and self._is_our_turn():
            if self.valid is None:
                self._out.append(NeedProposal(round_))
            else:
                self._propose(self.valid.choice, self.valid.round)

    def _vote(self, kind: VoteKind, choice: Choice) -> None:
        self.step = STEPS[kind]
        self._cast(Vote(kind, self.height, self.round, choice.block, choice.next_members))

    def _propose(self, choice: Choice, valid_round: int = NO_ROUND) -> None:
        self._cast(Vote(VoteKind.PROPOSAL, self.height, self.round, choice.block, choice.next_members, valid_round))

    def _renounce(self, round_: int) -> None:
        """Vote for nothing in a round that is left or skipped, as far as nothing was cast there."""
        for kind in (VoteKind.PREVOTE, VoteKind.PRECOMMIT):
            vote = Vote(kind, self.height, round_, NO_CHOICE.block, NO_CHOICE.next_members)
            if round_ >= 0 and vote.slot not in self._own:
                self._cast(vote)

    def _cast(self, vote: Vote) -> None:
        if self.is_voting:
            self._own[vote.slot] = vote
            self._out.append(Cast(vote, self.lock, self.valid))

    def _time(self, kind: VoteKind, now: Micros) -> None:
        """Start a time-out of this round, once."""
        if kind not in self._timed:
            self._timed[kind] = None
            self._deadlines[kind] = Micros(now + self.times.timeout_us(kind, self.round))

    def _ask(self, now: Micros) -> None:
        self._ask_at = Micros(now + CONSENSUS_ASK_EVERY_US)
        self._out.append(Ask(tuple(self.holding(round_) for round_ in self.open_rounds())))

    def _ask_once(self, now: Micros) -> None:
        """For the prevotes that the proposal of this round leans on, as soon as it is here."""
        if self._asked_of != self.round:
            self._asked_of = self.round
            self._ask(now)

    def _put(self, signed: SignedVote) -> None:
        if self.is_voting and signed.member == self._member and self._is_foreign(signed.vote):
            self.is_voting = False
            self._out.append(ForeignVote(signed))
        if signed.vote.round > self.round:
            other = self.ahead.put(signed)
        else:
            other = self._count(signed)
        if other is not None:
            self._out.append(TwoVotes(other, signed))

    def _count(self, signed: SignedVote) -> SignedVote | None:
        vote, leant_on = signed.vote, self._leant_on(signed.vote.round)
        is_pinned = leant_on is not None or vote.round in [one.round for one in (self.lock, self.valid) if one]
        if vote.round < self.round - ROUNDS_KEPT_MAX and not is_pinned:
            return None
        if vote.kind is VoteKind.PROPOSAL and signed.member != self.members.proposer(self.height, vote.round):
            return None
        is_leant_on = vote.kind is VoteKind.PREVOTE and choice_of(vote) == leant_on
        return self.tally.put(signed, is_leant_on=is_leant_on)

    def _leant_on(self, round_: int) -> Choice | None:
        """What the proposal at hand leans on, if it is of this round that it names prevotes."""
        proposal = self._proposal()
        is_leaning = proposal is not None and proposal.vote.valid_round == round_
        return choice_of(proposal.vote) if proposal is not None and is_leaning else None

    def _is_foreign(self, vote: Vote) -> bool:
        return vote.round >= self._own_from and self._own.get(vote.slot) != vote

    def _forget_own(self, before: int) -> None:
        if before > self._own_from:
            self._own_from = before
            self._own = {slot: vote for slot, vote in self._own.items() if vote.round >= before}

    def _is_our_turn(self) -> bool:
        return self._member == self.members.proposer(self.height, self.round)

    def _proposal(self) -> SignedVote | None:
        """Of our round, or of round 0 where we have not begun."""
        round_ = max(self.round, 0)
        source = self.ahead if self.step is RoundStep.WAIT else self.tally
        return source.proposal(round_, self.members.proposer(self.height, round_))

    def _leans_on_unseen(self, vote: Vote) -> bool:
        """Whether a proposal names a quorum of prevotes that we have not got."""
        count = self.tally.count(VoteKind.PREVOTE, vote.valid_round, choice_of(vote))
        return vote.valid_round != NO_ROUND and count < self.members.quorum

    def _is_valid(self, choice: Choice) -> bool | None:
        """Whether the block may follow, and the list with it; None until the verdict is there, for which we ask."""
        if self._verdicts.asks(choice.block, self.round):
            self._out.append(NeedVerdict(choice.block))
        return self._verdicts.allows(choice)
