"""Carries out what the rounds ask for at one node: judge a block, make one, write a vote down and sign it, decide.

1. The height at hand is the one behind the tip. It begins when the tip moves, whoever brought the block.
2. Votes are cast where the key may sign (eligibility.py). Elsewhere the rounds are followed all the same: who looks on
   decides, too.
3. Every block is judged whole on the tip before it is voted for, our own as well: a mistake in making one then costs a
   round and no more.
4. Where a recovery binds a block, that is the only one that is proposed and voted for at its height.
5. Whether a payment waits is the only thing that the pool is asked for; an empty block is as good as a full one.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, assert_never

from minicoin.core.chain.coinbase_tags import carried_certificate
from minicoin.core.consensus.desk import Desk, Order
from minicoin.core.consensus.eligibility import Eligibility
from minicoin.core.consensus.heights import Heights
from minicoin.core.consensus.held_keys import HeldKeys
from minicoin.core.consensus.messages import PROPOSAL_BLOCK_BYTES_MAX, ProposalMessage, VoteMessage, WantVotes
from minicoin.core.consensus.outputs import (
    Ask,
    Cast,
    Decided,
    ForeignVote,
    NeedProposal,
    NeedVerdict,
    RoundOutput,
)
from minicoin.core.consensus.peers import SignerPeers
from minicoin.core.consensus.ports import Accuser, BlockMaker, SignerNode
from minicoin.core.consensus.round_state import RoundStep
from minicoin.core.consensus.rounds import Rounds
from minicoin.core.consensus.shelf import DecidedBlock, Shelf
from minicoin.core.consensus.tally import Holding
from minicoin.core.consensus.timeouts import Pause, RoundTimes
from minicoin.core.effects import Effect, Send, SignStatement, SignVote, VerifyProposal
from minicoin.core.events import ProposalVerified, Saved, VoteSigned
from minicoin.core.faults import MisuseError
from minicoin.core.limits import CONSENSUS_PROPOSAL_AHEAD_MAX_US
from minicoin.core.notices import ProposalRefused, VoteCast
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.verdicts import BlockRejected
from minicoin.core.signers.evidence import TwoVotes
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.recovery import Prevotes, Recovery, SignerLock
from minicoin.core.signers.statements import StatementKind
from minicoin.core.signers.votes import NIL, SignedVote, VoteKind
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages_extension import ExtensionMessage

_MILLISECOND_US: Final = 1_000
# BIP341: fees of a block are for whoever holds the member's key, rawtr(KEY) as a descriptor.
_FEE_SCRIPT_HEAD: Final = b"\x51\x20"


def times_of(kind: SignersKind) -> RoundTimes:
    """The rounds' settings of a network."""
    return RoundTimes(
        kind.propose_timeout_ms * _MILLISECOND_US,
        kind.prevote_timeout_ms * _MILLISECOND_US,
        kind.precommit_timeout_ms * _MILLISECOND_US,
        kind.timeout_step_ms * _MILLISECOND_US,
        kind.min_interval_s,
        kind.empty_after_s,
    )


class Voting:
    """Of one member's node."""

    def __init__(
        self,
        node: SignerNode,
        maker: BlockMaker,
        held: HeldKeys,
        shelf: Shelf,
        peers: SignerPeers,
        accuser: Accuser,
    ) -> None:
        assert isinstance(node.network.proof, SignersKind)
        assert node.tree.signers is not None, "members sign on networks of theirs only"
        self._node = node
        self._signers = node.tree.signers
        self._accuser = accuser
        self._maker = maker
        self._peers = peers
        self.held = held
        self.shelf = shelf
        self.desk = Desk()
        self._times = times_of(node.network.proof)
        self.heights = Heights(self._times)
        self.eligibility = Eligibility(node, self._signers, held, self.heights, self.desk)
        self._valid: dict[BlockHash, MemberList] = {}
        """Blocks of the height that may follow, and the list of the next height with each."""
        self._judging: dict[BlockHash, None] = {}
        self._wanted: dict[BlockHash, None] = {}
        """Blocks whose verdict the rounds ask for, and that are not at hand."""
        self._doubted: dict[int, None] = {}
        """Rounds of the height in which somebody was asked what was proposed to it."""
        self._own: BlockHash | None = None
        """Ours, which is being judged."""
        self._undelivered: Decided | None = None
        """Decided, and its body is not at hand."""
        self._decided_at: Micros | None = None

    def use_times(self, times: RoundTimes) -> None:
        """From the next height on; how far apart blocks are is the chain's to say."""
        self._times = times

    def wait_anew(self, now: Micros) -> list[Effect]:
        """Nothing was cast at this height: its wait begins again, with the times as they are."""
        return self._begin(self.rounds.pause, now)

    @property
    def rounds(self) -> Rounds:
        """Those of the height at hand."""
        rounds = self.heights.rounds
        assert rounds is not None, "a height begins at the start of the node"
        return rounds

    def domain(self, height: int) -> bytes:
        """What votes of a height are signed for."""
        return self._signers.recoveries.domain(height)

    @property
    def lacks_block(self) -> bool:
        """The height is decided, and the block has to come from others."""
        return self._undelivered is not None

    # --- heights ---

    def start(self, now: Micros) -> list[Effect]:
        """The node is up: what it decided last and the chain does not know comes first."""
        effects: list[Effect] = []
        decided = self.shelf.decided
        if decided is not None and decided.certificate.height == self._node.tree.tip.height + 1:
            effects += self._hand_over(decided, now)
        return [*effects, *self.begin(now)]

    def begin(self, now: Micros) -> list[Effect]:
        """The tip may have moved: the height behind it is at hand from now on."""
        tip = self._node.tree.tip
        height = tip.height + 1
        if height == self.heights.height:
            return []
        self._keep_decided()
        decided_at = now if self._decided_at is None else self._decided_at
        self._decided_at = self._undelivered = self._own = None
        self._valid.clear()
        self._wanted.clear()
        self._doubted.clear()
        self._judging.clear()
        self.shelf.begin(height)
        members = self._signers.members_at(height)
        self.held.follow(members)
        self.held.choose(members)
        eligibility = self.eligibility
        for one in range(max(1, self.heights.height), height) if eligibility.takes_over else ():
            if eligibility.member in self._signed_by(one):
                eligibility.note_signed(one, "in its certificate")
        self.held.on_certified(tip.height)
        eligibility.enter(height)
        pause = Pause(height, tip.header.time, decided_at)
        block = self.shelf.decided
        checked = [] if block is None else self._check_carried(block.block, now)
        return [*self._begin(pause, now), *checked]

    def reconsider(self, now: Micros) -> list[Effect]:
        """Whether we sign may have changed: the height begins again with what we may."""
        self.eligibility.alarm()
        may_sign = self.eligibility.state is not None
        return self._begin(self.rounds.pause, now) if may_sign != self.rounds.is_voting else []

    def try_again(self, now: Micros) -> list[Effect]:
        """Cast the votes of the height once more: one of them was not signed, and others may wait for it."""
        return self._begin(self.rounds.pause, now) if not self.desk else []

    def _begin(self, pause: Pause, now: Micros) -> list[Effect]:
        members = self._signers.members_at(pause.height)
        min_interval_s = self._signers.carried.settings.min_interval_s(pause.height)
        self.heights.times = replace(self._times, min_interval_s=min_interval_s)
        effects = self._do(self.heights.begin(pause, members, self.eligibility.state, now), now)
        return [*effects, *self.on_pool(now)]

    def promise(self, recovery: Recovery, now: Micros) -> list[Effect]:
        """Sign nothing more for the members that this recovery takes over from, and then sign it. Raises MisuseError
        where that must not be."""
        self.eligibility.promise(recovery)
        lock, _ = self.lock_behind(recovery.height)
        signs = SignStatement(self.eligibility.member, StatementKind.RECOVERY, recovery.statement(lock))
        held = () if lock is None else (lock.block,)
        order = Order(signs, self.held.document, self.held.current.state.encode(), self.shelf.write(held))
        return [*self.reconsider(now), *self.desk.take(order)]

    def lock_behind(self, height: int) -> tuple[SignerLock | None, Prevotes]:
        """What the key is locked on at the height behind this one, and why; a block that is no child of ours there
        binds nobody."""
        lock = self.held.current.state.lock_behind(height)
        if lock is None:
            return None, ()
        block = self.shelf.get(lock.choice.block)
        if block is not None and block.header.previous != self._node.tree.tip.hash:
            return None, ()
        said = SignerLock(lock.round, lock.choice.block, lock.choice.next_members)
        return said, tuple((one.member, one.signature) for one in lock.prevotes)

    @property
    def bound(self) -> BlockHash | None:
        """The only block for the height at hand, if a recovery binds one."""
        return self._signers.recoveries.bound(self.heights.height)

    def _signed_by(self, height: int) -> tuple[bytes, ...]:
        """Who signed a block, as the certificate has it that we know."""
        return self._signers.kept_at(height).certificate.signers(self._signers.members_at(height))

    def _keep_decided(self) -> None:
        """What the next height's votes are written down with."""
        tip = self._node.tree.tip
        certificate = self._signers.certificate(tip.hash)
        block = self.shelf.get(tip.hash) or self._node.sync.newest(tip.hash)
        if certificate is not None and block is not None:
            following = self._signers.members_at(tip.height + 1)
            is_same = following == self._signers.members_at(tip.height)
            self.shelf.decided = DecidedBlock(certificate, None if is_same else following, block)

    # --- what happens ---

    def on_pool(self, now: Micros) -> list[Effect]:
        """The pool is another."""
        return self._do(self.rounds.set_payment_waits(len(self._node.mempool) > 0, now), now)

    def take_vote(self, signed: SignedVote, now: Micros) -> list[Effect]:
        """A vote whose signature holds."""
        if signed.member == self.eligibility.member:
            self.eligibility.note_signed(signed.vote.height, "a vote")
        return self._do(self.heights.take(signed, now), now)

    def take_proposal(self, signed: SignedVote, block: RawBlock, now: Micros) -> list[Effect]:
        """The same of a proposal, with its block."""
        vote = signed.vote
        if not self.shelf.put(vote.height, vote.round, block, self._bound()):
            # Its proposer signed for another one before; the votes are evidence.
            return self.take_vote(signed, now)
        effects = self.take_vote(signed, now)
        if vote.height != self.heights.height:
            return effects
        if block.hash in self._wanted:
            effects += self._judge(block.hash)
        if self._undelivered is not None and self._undelivered.certificate.block == block.hash:
            effects += self._decide(self._undelivered, now)
        return effects

    def on_verdict(self, event: ProposalVerified, now: Micros) -> list[Effect]:
        """A block was judged."""
        if event.block not in self._judging:
            return []
        del self._judging[event.block]
        if event.refusal is not None and not event.refusal.is_permanent and event.block != self._own:
            # A body that is not its header's says nothing of the block: whoever passed it on may have spoilt it.
            self.shelf.drop(event.block)
            self._wanted[event.block] = None
            return []
        refusal = "" if event.refusal is None else f"{event.refusal.reason} {event.refusal.detail}".rstrip()
        block = self.shelf.get(event.block)
        if block is not None and block.header.time * SECOND_US > now + CONSENSUS_PROPOSAL_AHEAD_MAX_US:
            refusal = "its time is too far ahead of our clock"
        if self.bound not in (None, event.block):
            refusal = "a recovery binds another block to this height"
        if refusal:
            self._node.emit(ProposalRefused(event.block, self.rounds.height, refusal))
        following = None if refusal else event.next_members
        if following is not None:
            # A refusal is not kept: a block too far ahead of our clock is looked at again in a later round.
            self._valid[event.block] = following
        return self._tell_verdict(event.block, following, now)

    def _tell_verdict(self, block: BlockHash, members: MemberList | None, now: Micros) -> list[Effect]:
        following = None if members is None else members.hash
        if block == self._own:
            self._own = None
            return [] if following is None else self._do(self.rounds.propose(block, following, now), now)
        return self._do(self.rounds.take_block(block, following, now), now)

    def on_saved(self, event: Saved) -> Iterable[Effect]:
        """A document is on disk, or is not."""
        if event.error:
            self.shelf.forget_written()
        return self.desk.on_saved(event)

    def on_signed(self, event: VoteSigned, now: Micros) -> list[Effect]:
        """A vote is signed: it counts here, and goes to all."""
        signed, more = self.desk.on_signed(event)
        if signed is not None:
            self._node.emit(VoteCast(signed.member, signed.vote))
        if signed is None or signed.vote.height != self.heights.height:
            return list(more)
        message = self.message_of(signed)
        sent = [] if message is None else self._tell(message)
        return [*sent, *more, *self.take_vote(signed, now)]

    def on_deadline(self, now: Micros) -> list[Effect]:
        """A time-out."""
        return self._do(self.rounds.on_deadline(now), now)

    def message_of(self, signed: SignedVote) -> ExtensionMessage | None:
        """What carries a vote; None for a proposal whose block is not at hand."""
        if signed.vote.kind is not VoteKind.PROPOSAL:
            return VoteMessage(signed)
        block = self.shelf.get(signed.vote.block)
        return None if block is None else ProposalMessage(signed, block)

    # --- what the rounds ask for ---

    def _do(self, outputs: Iterable[RoundOutput], now: Micros) -> list[Effect]:
        effects: list[Effect] = []
        # Answered behind all the rest: an answer that is at hand has more cast, in later slots than what is cast here.
        questions: list[NeedProposal | NeedVerdict] = []
        rounds = self.rounds
        for output in outputs:
            match output:
                case Ask(holdings):
                    effects += self.ask(holdings)
                case Cast():
                    effects += self._cast(output)
                case NeedProposal() | NeedVerdict():
                    questions.append(output)
                case Decided():
                    self._decided_at = now
                    effects += self._decide(output, now)
                case TwoVotes():
                    self._accuser.accuse(output)
                case ForeignVote(signed):
                    self.held.current.check(signed)
                    self.eligibility.alarm()
                case _:
                    assert_never(output)
        for question in questions:
            if self.rounds is not rounds:
                break
            match question:
                case NeedProposal():
                    effects += self._make(now)
                case NeedVerdict(block):
                    effects += self._ask_verdict(block, now)
        return effects

    def _cast(self, cast: Cast) -> Iterable[Effect]:
        self.eligibility.alarm()
        if self.eligibility.is_stopped:
            # Proven in the middle of a height, by headers that a peer showed.
            return ()
        fitness = self.held.current
        fitness.state = state = fitness.state.recorded(cast.vote, cast.lock, cast.valid)
        held = [one.choice.block for one in (cast.lock, cast.valid) if one is not None]
        if cast.vote.kind is VoteKind.PROPOSAL:
            held.append(cast.vote.block)
        signs = SignVote(state.member, cast.vote, state.epoch)
        return self.desk.take(Order(signs, self.held.document, state.encode(), self.shelf.write(held)))

    def _make(self, now: Micros) -> list[Effect]:
        try:
            block = self._bound_block() or self._maker.proposal(
                _FEE_SCRIPT_HEAD + self.eligibility.member, PROPOSAL_BLOCK_BYTES_MAX, now
            )
        except MisuseError as error:
            self._node.emit(ProposalRefused(self._node.tree.tip.hash, self.rounds.height, str(error)))
            return []
        self.shelf.put(self.rounds.height, self.rounds.round, block, self._bound())
        self._own = block.hash
        return self._ask_verdict(block.hash, now)

    def _bound_block(self) -> RawBlock | None:
        """What a recovery has us propose. Raises MisuseError where it is not at hand."""
        if self.bound is None:
            return None
        block = self.shelf.get(self.bound)
        if block is None:
            raise MisuseError("the block that a recovery binds is not here yet: who has it proposes it")
        return block

    def _ask_verdict(self, block: BlockHash, now: Micros) -> list[Effect]:
        known = self._valid.get(block)
        return self._judge(block) if known is None else self._tell_verdict(block, known, now)

    def _judge(self, block: BlockHash) -> list[Effect]:
        raw = self.shelf.get(block)
        if raw is None:
            self._wanted[block] = None
            return []
        self._wanted.pop(block, None)
        if block in self._judging:
            return []
        self._judging[block] = None
        return [VerifyProposal(raw, self.rounds.height)]

    def _decide(self, decided: Decided, now: Micros) -> list[Effect]:
        certificate = decided.certificate
        block = self.shelf.get(certificate.block)
        following = self._valid.get(certificate.block)
        if block is None or (following is None and certificate.next_members != self.rounds.members.hash):
            # Others have it: it comes as blocks do in sync, or when they are asked for votes.
            self._undelivered = decided
            return []
        self._undelivered = None
        is_same = certificate.next_members == self.rounds.members.hash
        return self._hand_over(DecidedBlock(certificate, None if is_same else following, block), now)

    def _hand_over(self, decided: DecidedBlock, now: Micros) -> list[Effect]:
        try:
            self._node.tree.certify(decided.certificate, decided.next_members)
            return self._node.sync.submit(decided.block, now)
        except BlockRejected as rejected:
            self._node.emit(ProposalRefused(decided.block.hash, decided.certificate.height, str(rejected)))
            return []

    def _bound(self) -> list[BlockHash]:
        """Blocks that the height may still come back to."""
        rounds = self.rounds
        bound = [one.choice.block for one in (rounds.lock, rounds.valid) if one is not None]
        bound += [] if self.bound is None else [self.bound]
        return bound if self._undelivered is None else [*bound, self._undelivered.certificate.block]

    # --- what is lacking ---

    @property
    def is_waiting(self) -> bool:
        """In a round, or without the block that was decided: others may have what is lacking."""
        return self.lacks_block or self.rounds.step not in (RoundStep.WAIT, RoundStep.DECIDED)

    def wants(self) -> list[WantVotes]:
        """What we lack of the height at hand."""
        rounds = self.rounds
        return [self._question(rounds.holding(round_)) for round_ in rounds.open_rounds() or (max(rounds.round, 0),)]

    def ask(self, holdings: Iterable[Holding]) -> list[Effect]:
        """All others that are here."""
        return [effect for one in holdings for effect in self._tell(self._question(one))]

    def doubt(self, signed: SignedVote) -> WantVotes | None:
        """What to ask a member that prevoted for another block than was proposed to us: once a round, what was proposed
        to it. Either it lies, or the proposer told us two things, and nobody who was told one could prove that."""
        vote, rounds = signed.vote, self.rounds
        if vote.kind is not VoteKind.PREVOTE or vote.block == NIL or vote.height != rounds.height:
            return None
        proposal = rounds.tally.proposal(vote.round, rounds.members.proposer(vote.height, vote.round))
        if proposal is None or proposal.vote.block == vote.block or vote.round in self._doubted:
            return None
        self._doubted[vote.round] = None
        return replace(self._question(rounds.holding(vote.round)), has_proposal=False)

    def check_past(self, signed: SignedVote, now: Micros) -> list[Effect]:
        """A vote of a height that is over says nothing new, unless its member had signed another one."""
        archive = self.heights.archive
        if not archive.is_other(signed) or not signed.holds(self.domain(signed.vote.height)):
            return []
        return self.take_vote(signed, now)

    def _check_carried(self, block: RawBlock, now: Micros) -> list[Effect]:
        """The certificate in a block need not be made of the votes that we saw: whoever precommitted to something else
        before us has signed twice."""
        certificate = carried_certificate(block)
        if certificate is None or not 1 <= certificate.height < self.heights.height:
            return []
        effects: list[Effect] = []
        members = self._signers.members_at(certificate.height)
        for member, signature in zip(certificate.signers(members), certificate.signatures, strict=False):
            effects += self.check_past(SignedVote(certificate.vote, member, signature), now)
        return effects

    def _question(self, holding: Holding) -> WantVotes:
        rounds, round_ = self.rounds, holding.round
        proposal = rounds.tally.proposal(round_, rounds.members.proposer(rounds.height, round_))
        has_block = proposal is not None and proposal.vote.block in self.shelf
        return WantVotes(holding.height, round_, has_block, holding.prevotes, holding.precommits, holding.valid_round)

    def _tell(self, message: ExtensionMessage) -> list[Effect]:
        """To every member that was met."""
        return [Send(peer.conn, message) for peer in self._peers.met(self.rounds.members)]
