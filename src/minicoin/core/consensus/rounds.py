"""The rounds in which the members of a height agree on its block: Algorithm 1 of Buchman, Kwon and Milosevic, "The
latest gossip on BFT consensus" (2018). Each rule below names its lines there; 2f + 1 is the list's quorum.

In each round one member proposes; all prevote for its block or for none; whoever sees a quorum of prevotes for the
block locks on it and precommits; a quorum of precommits in one round decides. A locked signer prevotes for nothing else
until a later round shows it a quorum of prevotes for something else. A proposer that knows of such a quorum proposes
that block again, and names the round of the quorum under its signature.

Beyond the paper:
- Validity takes time: a proposal is prevoted when the verdict is there, and the propose time-out runs meanwhile. Which
  list follows from the block is part of the verdict; a vote that says otherwise is for something else.
- A round begins only by the rules of core/consensus/timeouts; before that the round is -1.
- A quorum of precommits for nothing begins the next round at once: more votes could not decide this one.
- Members of higher rounds are counted by the round they reached or passed (core/consensus/ahead).
- A decision needs no body: a quorum has it, and honest members of it give it.
- The own vote counts once it comes back signed; what is cast is recorded and on disk by then (sign_state).
- A quorum of prevotes of a round gone by makes its block the valid choice too, though nobody locks on it any more: so
  the next honest proposer knows of a lock that was taken where others could not see it.
- What was lost is asked for (Ask): when a round above 0 begins, when a proposal leans on prevotes that are not here,
  and then each second. A healthy height asks nothing.
- A signer that starts within a height takes up the round of its last vote, with its lock, and casts all its votes of
  the height again: they are signed to the same bytes and sent to all.
- Whoever enters a round has voted in the one before it: for nothing, where it had not voted. Members may be in front
  because of votes that nobody holds any more after they were killed, those of a liar. Where f of them or fewer are, the
  rest does not follow (line 55), and needs a vote of each of them to have a quorum in the round that they left; where
  more are, it follows. Nothing is lost by it: nobody votes in a round that is over.
- A vote signed by the own key that was never cast: ForeignVote, and nothing is cast at this height any more.
- A refusal is forgotten with its round: what was dated too far ahead is looked at again.

No clock, key, disk or socket: `now` comes in, RoundOutputs go out, and `next_deadline` says when to call `on_deadline`.
Without a sign state it looks on: it follows the rounds and decides, and casts nothing.
"""

from minicoin.core.consensus.choice import NO_CHOICE, Choice, choice_of, justified
from minicoin.core.consensus.outputs import Cast, Decided, RoundOutput
from minicoin.core.consensus.round_state import STEPS, RoundState, RoundStep
from minicoin.core.limits import CONSENSUS_ASK_EVERY_US
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.certificate import certificate_of
from minicoin.core.signers.votes import NO_ROUND, SignedVote, VoteKind
from minicoin.core.units import Micros


class Rounds(RoundState):
    """One height, from its pause to its decision: `start`, and then whatever happens. Each call gives what has to be
    done now, in order."""

    # --- what happens ---

    def start(self, now: Micros) -> tuple[RoundOutput, ...]:
        """Begin to wait for round 0; or take up what the sign state tells, and cast all of it again."""
        self._ask_at = Micros(now + CONSENSUS_ASK_EVERY_US)
        state = self._state
        if state is None or not state.votes:
            return self._advance(now)
        self.round = state.votes[-1].round
        self.step = STEPS[state.votes[-1].kind]
        self.lock, self.valid = state.lock, state.valid
        for held in (self.lock, self.valid):
            if held is not None:
                self._verdicts.know(held.choice, self.round)
                for signed in held.prevotes:
                    self.tally.put(signed)
        self._own_from = state.votes[0].round
        for vote in state.votes:
            self._own[vote.slot] = vote
            self._out.append(Cast(vote, self.lock, self.valid))
        if self.step is RoundStep.PROPOSE:
            self._time(VoteKind.PROPOSAL, now)
        return self._advance(now)

    def take(self, signed: SignedVote, now: Micros) -> tuple[RoundOutput, ...]:
        """A vote of this height by a member of its list, whose signature holds; our own too, once it is signed."""
        self._put(signed)
        return self._advance(now)

    def take_block(self, block: BlockHash, next_members: bytes | None, now: Micros) -> tuple[RoundOutput, ...]:
        """The verdict that NeedVerdict asked for: the hash of the list that follows, None for an invalid block."""
        self._verdicts.answer(block, next_members)
        return self._advance(now)

    def propose(self, block: BlockHash, next_members: bytes, now: Micros) -> tuple[RoundOutput, ...]:
        """The block that NeedProposal asked for, known to be valid; for nothing where its turn is over."""
        slot = (self.height, self.round, int(VoteKind.PROPOSAL))
        if self.is_voting and self.step is RoundStep.PROPOSE and self._is_our_turn() and slot not in self._own:
            choice = Choice(block, next_members)
            self._verdicts.know(choice, self.round)
            self._propose(choice)
        return self._advance(now)

    def set_payment_waits(self, waits: bool, now: Micros) -> tuple[RoundOutput, ...]:
        """Whether the pool holds a payment that could go into a block."""
        self._payment_waits = waits
        return self._advance(now)

    def on_deadline(self, now: Micros) -> tuple[RoundOutput, ...]:
        """Lines 57 to 67, for each time-out that is due."""
        for kind in [kind for kind, at in self._deadlines.items() if at <= now]:
            del self._deadlines[kind]
            if kind is VoteKind.PROPOSAL and self.step is RoundStep.PROPOSE:
                self._vote(VoteKind.PREVOTE, NO_CHOICE)
            elif kind is VoteKind.PREVOTE and self.step is RoundStep.PREVOTE:
                self._vote(VoteKind.PRECOMMIT, NO_CHOICE)
            elif kind is VoteKind.PRECOMMIT:
                self._enter(self.round + 1, now)
                break
        if self.step not in (RoundStep.WAIT, RoundStep.DECIDED) and now >= self._ask_at:
            self._ask(now)
        return self._advance(now)

    def next_deadline(self) -> Micros | None:
        """When `on_deadline` is to be called."""
        if self.step is RoundStep.WAIT:
            return self.times.enters_at(self.pause, payment_waits=self._payment_waits)
        if self.step is RoundStep.DECIDED:
            return None
        return min((*self._deadlines.values(), self._ask_at))

    # --- the rules ---

    def _advance(self, now: Micros) -> tuple[RoundOutput, ...]:
        """Apply the rules until none has anything to say."""
        while self.step is not RoundStep.DECIDED and (
            self._decides()
            or self._jumps(now)
            or self._begins(now)
            or self._prevotes(now)
            or self._times_prevotes(now)
            or self._locks()
            or self._learns()
            or self._gives_up()
            or self._moves_on(now)
        ):
            pass
        out, self._out = tuple(self._out), []
        return out

    def _decides(self) -> bool:
        """Line 49: a quorum of precommits for a block, in whichever round."""
        for round_ in self.tally.rounds():
            choice = self.tally.chosen(VoteKind.PRECOMMIT, round_)
            if choice is not None and choice != NO_CHOICE:
                precommits = self.tally.votes_for(VoteKind.PRECOMMIT, round_, choice)
                self.step = RoundStep.DECIDED
                self._deadlines.clear()
                self._out.append(Decided(certificate_of(precommits, self.members)))
                return True
        return False

    def _jumps(self, now: Micros) -> bool:
        """Line 55: f + 1 members are in a later round."""
        round_ = self.ahead.reached_by(self.members.faults + 1, self.members)
        if round_ is None or round_ <= self.round:
            return False
        self._enter(round_, now)
        return True

    def _begins(self, now: Micros) -> bool:
        """Round 0: its time has come, or a valid proposal."""
        if self.step is not RoundStep.WAIT:
            return False
        proposal = self._proposal()
        is_proposed = proposal is not None and self._is_valid(choice_of(proposal.vote))
        if not is_proposed and now < self.times.enters_at(self.pause, payment_waits=self._payment_waits):
            return False
        self._enter(0, now)
        return True

    def _prevotes(self, now: Micros) -> bool:
        """Lines 22 and 28: prevote for the proposal, unless it is invalid or locked out."""
        proposal = self._proposal()
        if self.step is not RoundStep.PROPOSE or proposal is None:
            return False
        choice, valid_round = choice_of(proposal.vote), proposal.vote.valid_round
        is_valid = self._is_valid(choice)
        if self._leans_on_unseen(proposal.vote):
            self._ask_once(now)
            return False
        if is_valid is None:
            return False
        is_free = self.lock is None or self.lock.choice == choice or self.lock.round <= valid_round
        self._vote(VoteKind.PREVOTE, choice if is_valid and is_free else NO_CHOICE)
        return True

    def _locks(self) -> bool:
        """Line 36: a quorum of prevotes for a valid block; also when it comes too late for a precommit."""
        if self.step not in (RoundStep.PREVOTE, RoundStep.PRECOMMIT):
            return False
        choice = self.tally.chosen(VoteKind.PREVOTE, self.round)
        if choice is None or choice == NO_CHOICE or not self._is_valid(choice):
            return False
        is_new = self.valid is None or self.valid.round != self.round
        if is_new:
            self.valid = justified(self.tally.votes_for(VoteKind.PREVOTE, self.round, choice), self.members)
        if self.step is RoundStep.PREVOTE:
            self.lock = self.valid
            self._vote(VoteKind.PRECOMMIT, choice)
            return True
        return is_new

    def _learns(self) -> bool:
        """Line 36 for the rounds gone by, as far as it concerns the valid choice."""
        known = NO_ROUND if self.valid is None else self.valid.round
        for round_ in reversed([one for one in self.tally.rounds() if known < one < self.round]):
            choice = self.tally.chosen(VoteKind.PREVOTE, round_)
            if choice is not None and choice != NO_CHOICE and self._is_valid(choice):
                self.valid = justified(self.tally.votes_for(VoteKind.PREVOTE, round_, choice), self.members)
                return True
        return False

    def _gives_up(self) -> bool:
        """Line 44: a quorum of prevotes for nothing."""
        if self.step is not RoundStep.PREVOTE or self.tally.chosen(VoteKind.PREVOTE, self.round) != NO_CHOICE:
            return False
        self._vote(VoteKind.PRECOMMIT, NO_CHOICE)
        return True

    def _times_prevotes(self, now: Micros) -> bool:
        """Lines 34 and 47: a quorum has voted, for whatever; how long to wait for more is limited from now on."""
        quorum = self.members.quorum
        if self.step is RoundStep.PREVOTE and self.tally.total(VoteKind.PREVOTE, self.round) >= quorum:
            self._time(VoteKind.PREVOTE, now)
        if self.step is not RoundStep.WAIT and self.tally.total(VoteKind.PRECOMMIT, self.round) >= quorum:
            self._time(VoteKind.PRECOMMIT, now)
        return False

    def _moves_on(self, now: Micros) -> bool:
        """A quorum of precommits for nothing."""
        if self.step is RoundStep.WAIT or self.tally.chosen(VoteKind.PRECOMMIT, self.round) != NO_CHOICE:
            return False
        self._enter(self.round + 1, now)
        return True
