"""The part of a node that signs for a member: speaks with the other signers, and has the rounds played.

1. A signer greets each peer that offered the messages, and is greeted (ADR 34). Two that have greeted each other meet:
   each tells where it stands and what it holds of the other's key. Only then do votes pass between them.
2. What the node signs goes to every member it has met, directly. A healthy height of n members takes n - 1 proposals
   and 2n(n - 1) votes, and nothing else.
3. A vote is looked at once: what is known costs nothing, what is new one verification, and a forged one its sender.
   How many a peer may bring is bounded.
4. Who is in a round for a second asks all others for what it lacks, and again each second. It is answered with votes
   and blocks, whoever they are of, or told of certified headers where it is behind, and is synchronised then as any
   node (core/netsync).
5. A signer keeps connections to all members' nodes, beside what the network model wants: to those that are admitted to
   sign for them, from its start on, and to those it has met. Who comes back dials all of them at once.
6. What the disk or the key did not do, a vote or a greeting, is tried again each second. A key may be held by another
   process, which ends and comes back as it likes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.answers import Done, SigningKeyHeld
from minicoin.core.commands import HoldSigningKey, TakeOver
from minicoin.core.consensus.forwarding import answer, lacks
from minicoin.core.consensus.greetings import Greetings
from minicoin.core.consensus.messages import (
    CONSENSUS_MESSAGES,
    HeldVotes,
    MemberGreeting,
    ProposalMessage,
    VoteMessage,
    WantVotes,
)
from minicoin.core.consensus.peers import SignerPeer, SignerPeers
from minicoin.core.consensus.ports import LinkKeeper, SignerNode
from minicoin.core.consensus.presence import Presence
from minicoin.core.consensus.round_state import RoundStep
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.status import ConsensusStatus, MemberPresence
from minicoin.core.consensus.tally import Holding
from minicoin.core.consensus.timeouts import RoundTimes
from minicoin.core.consensus.voting import Voting
from minicoin.core.effects import Close, Effect, Send, SignGreeting
from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.events import GreetingSigned, ProposalVerified, Saved, StatementSigned, VoteSigned
from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.limits import (
    CONSENSUS_ASK_EVERY_US,
    CONSENSUS_TRY_AGAIN_US,
)
from minicoin.core.part import Part, PeerView, Route, route
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.recovery import Prevotes, Recovery, SignerLock
from minicoin.core.signers.votes import SignedVote
from minicoin.core.units import ConnId, Micros, RequestId
from minicoin.core.wire.messages_extension import ExtensionMessage

AdmittedSigners = Callable[[MemberList], tuple[bytes, ...]]
"""The peer ids that may sign for these members."""
_AT_ONCE: Final = Micros(1)


@dataclass(frozen=True, slots=True)
class ConsensusSnapshot:
    """The part from outside."""

    height: int
    round: int
    step: RoundStep
    signers: tuple[tuple[ConnId, bytes], ...]
    """Connections to signers, and the member of each."""
    votes_under_way: int
    asks_at: Micros | None


class Consensus(Part):
    """Around the votes of one member."""

    def __init__(
        self, node: SignerNode, links: LinkKeeper, voting: Voting, peers: SignerPeers, admitted: AdmittedSigners
    ) -> None:
        """`admitted` gives the nodes that are admitted to sign for these members, as far as anybody admits."""
        self._node = node
        self._links = links
        self._voting = voting
        self._eligibility = voting.eligibility
        self._peers = peers
        self._presence = Presence(node, voting.held, peers, voting.heights, voting.eligibility)
        self._known: dict[bytes, bytes] = {}
        """The peer id of each member that was met."""
        self._admitted = admitted
        self._ask_at: Micros | None = None
        """When the others are asked for a block that is decided, and not here."""
        self._try_at: Micros | None = None
        """When what was not signed is tried again."""
        self._greetings = Greetings()
        self._claims: dict[bytes, bytes] = {}
        """Members that say where else our key is, and where; those of a list at the most."""
        self._has_new_times = False
        self.alarm = Alarm()

    def is_heard(self, member: bytes, now: Micros) -> bool:
        """Whether a member's node said something a short while ago; ours is there."""
        return self._presence.is_heard(member, now)

    def use_times(self, times: RoundTimes) -> None:
        """How long the rounds wait, from the next height on, or from this one where it has not begun."""
        self._voting.use_times(times)
        self._has_new_times = True
        self.alarm.by(_AT_ONCE)

    # --- the node's life ---

    def start(self, now: Micros) -> list[Effect]:
        """The first moment."""
        effects = self._voting.start(now)
        self.keep_links(now)
        return self._after(effects, now)

    def on_tip(self, now: Micros) -> list[Effect]:
        """The tip may have moved."""
        height, members = self._voting.heights.height, self._voting.rounds.members
        effects = self._voting.begin(now)
        if self._voting.heights.height != height:
            self._ask_at = None
            effects += self._voting.reconsider(now)
            if self._voting.rounds.members != members:
                self.keep_links(now)
        return self._after(effects, now)

    def on_pool(self, now: Micros) -> list[Effect]:
        """The mempool is another."""
        if self._voting.rounds.step is not RoundStep.WAIT:
            return []
        return self._after(self._voting.on_pool(now), now)

    def on_verdict(self, event: ProposalVerified, now: Micros) -> list[Effect]:
        """A block that was proposed is judged."""
        return self._after(self._voting.on_verdict(event, now), now)

    def on_saved(self, event: Saved, now: Micros) -> list[Effect]:
        """A document is on disk, or is not."""
        return self._after(list(self._voting.on_saved(event)), now)

    def on_signed(self, event: VoteSigned, now: Micros) -> list[Effect]:
        """A vote is signed."""
        return self._after(self._voting.on_signed(event, now), now)

    def on_greeting_signed(self, event: GreetingSigned, now: Micros) -> list[Effect]:
        """A greeting may leave."""
        if event.conn not in self._greetings:
            return []
        if event.signature is None:
            self._greetings.note_unsigned(event.conn, event.member)
            return self._after([], now)
        is_first = self._greetings.note_sent(event.conn, event.member)
        peer = self._peers.note_greeted(event.conn)
        greeting = MemberGreeting(event.member, event.signature, self._peers.epoch)
        effects: list[Effect] = [Send(event.conn, greeting)]
        if peer is not None and is_first and self._peers.has_met(event.conn):
            effects += [effect for member in peer.members for effect in self._meet(peer, member, now)]
        return self._after(effects, now)

    # --- recovery ---

    def sign_recovery(self, recovery: Recovery, now: Micros) -> list[Effect]:
        """Promise it, on disk, and have it signed. Raises MisuseError where that must not be."""
        return self._after(self._voting.promise(recovery, now), now)

    def on_statement_signed(self, event: StatementSigned, now: Micros) -> list[Effect]:
        """The signature under a recovery, which the desk waited for."""
        return self._after(list(self._voting.desk.on_statement_signed(event)), now)

    def lock_behind(self, height: int) -> tuple[SignerLock | None, Prevotes]:
        """What the key is locked on at the height behind this one, and why."""
        return self._voting.lock_behind(height)

    def block_at_hand(self, block: BlockHash) -> RawBlock | None:
        """One that was proposed."""
        return self._voting.shelf.get(block)

    # --- peers ---

    def routes(self) -> tuple[Route, ...]:
        return (
            route(MemberGreeting, self.take_greeting),
            route(ProposalMessage, self.take_proposal),
            route(VoteMessage, self.take_vote),
            route(WantVotes, self.take_wanted),
            route(HeldVotes, self.take_held),
        )

    def on_offer(self, peer: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> Iterable[Effect]:
        """It may be a signer's, or would know one."""
        if all(kind in speaks for kind in CONSENSUS_MESSAGES) and peer.address.peer_id:
            self._greetings.begin(peer.conn, peer.address.peer_id)
            if not self._eligibility.stands_by and not self._eligibility.takes_over:
                return self._greet(peer.conn)
            # A standby greets nobody of whom it does not know that it is another member: its greeting would stop the
            # node that it stands by for.
        return ()

    def _greet(self, conn: ConnId) -> list[Effect]:
        peer_id = self._greetings.start(conn)
        return [] if peer_id is None else [self._greeting(key, conn, peer_id) for key in self._voting.held.all]

    def _greeting(self, key: bytes, conn: ConnId, peer_id: bytes) -> SignGreeting:
        return SignGreeting(key, conn, peer_id, self._peers.epoch)

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        self._greetings.forget(conn)
        return () if self._peers.forget(conn) is None else self._after([], now)

    def take_greeting(self, peer: PeerView, message: MemberGreeting, now: Micros) -> Iterable[Effect]:
        """It says which member it signs for."""
        signer = self._peers.take_greeting(peer.conn, peer.address.peer_id, message)
        if signer is None:
            return ()
        if message.member in self._voting.held and self._eligibility.stands_by:
            return ()
        if message.member in self._voting.held and self._eligibility.takes_over:
            return self._stay(f"the other node is connected: {_shown(signer.peer_id)}", now)
        if message.member in self._voting.held:
            self._eligibility.twin = signer.peer_id
            return self._after(self._voting.reconsider(now), now)
        self._presence.note_heard(signer, now)
        if message.member in self._voting.rounds.members:
            self._known[message.member] = signer.peer_id
            self.keep_links(now)
        effects = [] if self._eligibility.stands_by else self._greet(peer.conn)
        if self._peers.has_met(peer.conn):
            effects += self._meet(signer, message.member, now)
        return self._after(effects, now)

    def take_over(self, request: RequestId, command: TakeOver, now: Micros) -> list[Effect]:
        """Have a standby sign, as soon as that is safe. Raises MisuseError where it is no standby, or sees the other
        node."""
        voting = self._voting
        if self._eligibility.takes_over:
            # The others are asked already. What may be new is the height that its operator answers for.
            if command.sign_from is not None:
                voting.held.take_over(command.sign_from)
            self._node.reply(request, Done())
            return self._after(voting.reconsider(now), now)
        if not self._eligibility.stands_by:
            raise MisuseError("this node does not stand by: it was started without --standby, or has taken over")
        others = self._peers.proven(voting.rounds.members)
        alive = [peer for peer in others if any(member in voting.held for member in peer.members)]
        if alive:
            raise MisuseError(
                f"the node that signs with the key is connected: {_shown(alive[0].peer_id)}; stop it for good, and try "
                "again"
            )
        self._eligibility.stayed_because = ""
        voting.held.take_over(command.sign_from)
        self._claims.clear()
        self._node.reply(request, Done())
        greeted = [effect for peer in others for effect in self._greet(peer.conn)]
        return self._after([*greeted, *voting.reconsider(now)], now)

    def _stay(self, why: str, now: Micros) -> list[Effect]:
        self._eligibility.stay(why)
        return self._after(self._voting.reconsider(now), now)

    def _take_claim(self, signer: SignerPeer, elsewhere: bytes, now: Micros) -> list[Effect]:
        """A member says that another node with our key is connected to it. For a standby one word is enough, as its
        operator can answer for a height; a member that signs is stopped by more than may lie."""
        voting = self._voting
        if self._eligibility.takes_over:
            return self._stay(f"the other node is connected with another member: {_shown(elsewhere)}", now)
        member = signer.member_in(voting.rounds.members)
        if member is not None:
            self._claims[member] = elsewhere
        if len(self._claims) > voting.rounds.members.faults:
            self._eligibility.twin = elsewhere
        return self._after(voting.reconsider(now), now)

    def hold(self, request: RequestId, command: HoldSigningKey, now: Micros) -> list[Effect]:
        """One key more: the others are asked what they hold of it, long before it signs. Raises MisuseError."""
        state = None if command.state is None else SignState.decode(command.state)
        self._voting.held.hold(command.member, self._voting.rounds.members, state)
        self._node.reply(request, SigningKeyHeld(command.member))
        effects: list[Effect] = [self._greeting(command.member, *peer) for peer in self._greetings.everybody()]
        return self._after([*effects, *self._voting.reconsider(now)], now)

    def keep_links(self, now: Micros) -> None:
        """The members changed, or their nodes: stay connected with these."""
        members = self._voting.rounds.members
        for signer in self._peers.met(members):
            # A node proves its next key before the list has it.
            self._known |= {key: signer.peer_id for key in signer.members if key in members}
        self._known = {key: at for key, at in self._known.items() if key in members}
        wanted = dict.fromkeys((*self._admitted(members), *self._known.values()))
        wanted.pop(self._node.policy.peer_id, None)
        self._links.keep(tuple(wanted), now)

    def _meet(self, signer: SignerPeer, member: bytes, now: Micros) -> list[Effect]:
        """Both have greeted: where we are, and what we hold of this key of its."""
        # A payment that a member waits for is to be known to whoever leads next.
        self._node.relay.favour(signer.conn, now)
        elsewhere = self._peers.elsewhere(member, signer.peer_id)
        held = HeldVotes(self._voting.heights.height, self._voting.heights.held_of(member), elsewhere)
        return [Send(signer.conn, held), *(Send(signer.conn, wanted) for wanted in self._voting.wants())]

    def take_held(self, peer: PeerView, message: HeldVotes, now: Micros) -> Iterable[Effect]:
        """What another member holds of our key: the answer to our start."""
        signer = self._require(peer, now)
        voting = self._voting
        if signer.epoch != self._peers.epoch:
            return ()
        key = self._greetings.take_answer(peer.conn)
        if message.elsewhere and not self._eligibility.stands_by:
            return self._take_claim(signer, message.elsewhere, now)
        for signed in message.votes:
            if signed.member != key or not signed.holds(voting.domain(signed.vote.height)):
                raise PeerFault("it holds votes against us that are not ours", score=100)
        if key is not None:
            member = signer.member_in(voting.rounds.members) or signer.members[0]
            voting.held.check_of(key).take(member, message.height, message.votes)
        effects: list[Effect] = []
        for signed in message.votes:
            # They are votes like others: after a restart ours may be lacking here.
            effects += voting.take_vote(signed, now)
        return self._after([*effects, *voting.reconsider(now)], now)

    # --- votes ---

    def take_vote(self, peer: PeerView, message: VoteMessage, now: Micros) -> Iterable[Effect]:
        """A prevote or a precommit of whoever."""
        signer = self._require(peer, now)
        self._presence.note_voted(signer, message.signed)
        effects = self._judge_place(signer, message.signed, now)
        if effects is not None:
            return effects
        taken = self._voting.take_vote(message.signed, now)
        doubt = self._voting.doubt(message.signed)
        return self._after(taken if doubt is None else [*taken, Send(peer.conn, doubt)], now)

    def take_proposal(self, peer: PeerView, message: ProposalMessage, now: Micros) -> Iterable[Effect]:
        """A proposal with its block."""
        signer = self._require(peer, now)
        effects = self._judge_place(signer, message.signed, now)
        if effects is not None:
            return effects
        vote, rounds = message.signed.vote, self._voting.rounds
        if vote.height == rounds.height and message.signed.member != rounds.members.proposer(vote.height, vote.round):
            raise PeerFault("a proposal of a member whose turn it is not", score=100)
        return self._after(self._voting.take_proposal(message.signed, message.block, now), now)

    def _judge_place(self, signer: SignerPeer, signed: SignedVote, now: Micros) -> Iterable[Effect] | None:
        """What becomes of a vote that does not count here; None for one that does, whose signature holds then."""
        voting = self._voting
        height = voting.heights.height
        if signer.epoch != self._peers.epoch or not self._peers.may_vote(signer.conn, now):
            return ()
        if signed.vote.height < height:
            past = self._voting.check_past(signed, now)
            # It is behind where it signs what is decided.
            behind = self._tell_behind(signer, signed.vote.height, now) if signed.member in signer.members else ()
            return [*past, *behind]
        if signed.vote.height > height + 1:
            return ()
        if signed.member not in voting.rounds.members and signed.member not in signer.members:
            if signed.vote.height == height:
                raise PeerFault("it passes on a vote of somebody who is no member", score=100)
            return ()
        if not signed.holds(voting.domain(signed.vote.height)):
            raise PeerFault("a vote that its member did not sign", score=100)
        return None

    def take_wanted(self, peer: PeerView, message: WantVotes, now: Micros) -> Iterable[Effect]:
        """It asks for what it lacks."""
        signer = self._require(peer, now)
        voting = self._voting
        height = voting.heights.height
        if message.height < height:
            return self._tell_behind(signer, message.height, now)
        if message.height > height or signer.epoch != self._peers.epoch or not self._peers.may_ask(signer.conn, now):
            return ()
        theirs = Holding(
            height, message.round, message.has_proposal, message.prevotes, message.precommits, message.valid_round
        )
        answers = [voting.message_of(signed) for signed in answer(voting.rounds, theirs)]
        if not voting.is_waiting and lacks(voting.rounds, theirs):
            # Who waits asks by itself; we were not told yet that it is time to.
            answers += voting.wants()
        return [Send(signer.conn, one) for one in answers if one is not None]

    def _tell_behind(self, signer: SignerPeer, height: int, now: Micros) -> Iterable[Effect]:
        if not self._peers.may_ask(signer.conn, now):
            return ()
        return self._node.sync.tell_headers(signer.conn, height)

    def _require(self, peer: PeerView, now: Micros) -> SignerPeer:
        signer = self._peers.require(peer.conn)
        self._presence.note_heard(signer, now)
        return signer

    # --- time ---

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        effects: list[Effect] = []
        if self._has_new_times:
            self._has_new_times = False
            if self._voting.rounds.step is RoundStep.WAIT:
                effects += self._voting.wait_anew(now)
        at = self._voting.rounds.next_deadline()
        if at is not None and at <= now:
            effects += self._voting.on_deadline(now)
        if self._ask_at is not None and self._ask_at <= now:
            self._ask_at = None
            effects += self._voting.ask((self._voting.rounds.holding(max(self._voting.rounds.round, 0)),))
        if self._try_at is not None and self._try_at <= now:
            self._try_at = None
            if self._voting.desk.trouble:
                effects += self._voting.try_again(now)
            effects += [self._greeting(*lacking) for lacking in self._greetings.take_lacking()]
        return self._after(effects, now)

    def next_deadline(self) -> Micros | None:
        rounds = self._voting.heights.rounds
        new_times = _AT_ONCE if self._has_new_times else None
        times = (None if rounds is None else rounds.next_deadline(), self._ask_at, self._try_at, new_times)
        return min((at for at in times if at is not None), default=None)

    def _after(self, effects: list[Effect], now: Micros) -> list[Effect]:
        """What follows each event: when to ask, when to wake, and whether there is a quorum."""
        if not self._voting.lacks_block:
            self._ask_at = None
        elif self._ask_at is None:
            self._ask_at = Micros(now + CONSENSUS_ASK_EVERY_US)
        if not self._greetings.are_lacking and not self._voting.desk.trouble:
            self._try_at = None
        elif self._try_at is None:
            self._try_at = Micros(now + CONSENSUS_TRY_AGAIN_US)
        if self._eligibility.stands_by:
            # Who was greeted would take this node for the member's, and tell the other one of it.
            effects += [Close(conn, "it stands by again") for conn in self._greetings.take_sent()]
        self.alarm.by(self.next_deadline())
        self._presence.watch_quorum()
        return effects

    # --- reading ---

    def snapshot(self, now: Micros) -> ConsensusSnapshot:
        rounds = self._voting.rounds
        met = self._peers.met(rounds.members)
        signers = tuple((peer.conn, peer.member_in(rounds.members) or peer.members[0]) for peer in met)
        return ConsensusSnapshot(
            rounds.height, rounds.round, rounds.step, signers, len(self._voting.desk), self._ask_at
        )

    def status(self) -> ConsensusStatus:
        """Where it stands, for people."""
        voting = self._voting
        rounds = voting.rounds
        present = self._presence.present()
        reached: dict[bytes, int] = {}
        for signed in rounds.votes():
            reached[signed.member] = max(signed.vote.round, reached.get(signed.member, 0))
        presence = tuple(
            MemberPresence(
                key, key == self._eligibility.member, key in present, self._presence.heard_at(key), reached.get(key)
            )
            for key in rounds.members.keys
        )
        return ConsensusStatus(
            height=rounds.height,
            round=rounds.round,
            step=rounds.step,
            proposer=rounds.members.proposer(rounds.height, max(rounds.round, 0)),
            members=rounds.members,
            presence=presence,
            lock=None if rounds.lock is None else (rounds.lock.round, rounds.lock.choice.block),
            abstains_because=self._eligibility.abstains_because,
            silent=self._presence.silent(),
        )


def _shown(peer_id: bytes) -> str:
    """As people know it."""
    return encode_base58(peer_id)
