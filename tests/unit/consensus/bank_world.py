"""Nodes' signing parts in virtual time, with nothing else of a node: what they want is performed, messages travel.

A bank's disk outlives its crash: documents that were saved, blocks that were handed over. A stop can be asked for in
front of any effect (`stops`), which is where a kill may come.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from coincurve import PrivateKey

from minicoin.core.admission.state import AdmissionState
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.consensus.desk import BLOCKS_KEY, SIGN_STATE_KEY
from minicoin.core.consensus.flow import Consensus
from minicoin.core.consensus.messages import CONSENSUS_MESSAGES
from minicoin.core.consensus.shelf import WrittenBlocks
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.signer import VoteSigner
from minicoin.core.effects import Close, Effect, SaveState, Send, SignGreeting, SignStatement, SignVote, VerifyProposal
from minicoin.core.events import Event, GreetingSigned, ProposalVerified, Saved, VoteSigned
from minicoin.core.node.signing_flow import SigningRecord, make_signer
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SIGNERS_BITS
from minicoin.core.part import PeerView
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import Block, BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.verdicts import InvalidBlock
from minicoin.core.signers.certificate import Certificate
from minicoin.core.signers.evidence import Evidence
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.signers.votes import Vote
from minicoin.core.units import SECOND_US, ConnId, Micros, seconds
from minicoin.core.wire.messages_extension import ExtensionMessage
from minicoin.testing.certified_chain import public, signer_network, signing_keys
from minicoin.testing.chain_maker import solve

LATENCY_US = 20_000
SAVE_US = 1_000
SIGN_US = 100
JUDGE_US = 2_000


class KeyHolder(Protocol):
    """What signs, or does not."""

    def answer(self, effect: SignVote | SignGreeting | SignStatement) -> Event: ...


@dataclass
class Bank:
    """One member's computer; `part` is None while it is down."""

    place: int
    key: PrivateKey
    network: Network
    world: "BankWorld"
    documents: dict[str, bytes] = field(default_factory=dict)
    chain: list[tuple[Certificate, RawBlock]] = field(default_factory=list)
    pool: list[bytes] = field(default_factory=list)
    emitted: list[Effect] = field(default_factory=list)
    signed: list[Vote] = field(default_factory=list)
    """All that its key ever signed, over all runs."""
    accused: list[Evidence] = field(default_factory=list)
    favoured: list[ConnId] = field(default_factory=list)
    replies: list[object] = field(default_factory=list)
    kept: tuple[bytes, ...] = ()
    runs: int = 0
    told: int = 0
    """How often it told others of headers."""
    part: Consensus | None = None
    admission: AdmissionState | None = None
    disk_error: str = ""
    clock_behind_us: int = 0
    holder: KeyHolder | None = None
    """What signs in the place of its own key, from now or its next start on."""
    judges: Callable[[VerifyProposal], ProposalVerified | None] = lambda effect: None
    """A verdict of the test's own."""
    refuses: Callable[[RawBlock], bool] = lambda block: False

    # --- what the part needs of a node (ports) ---

    policy: NodePolicy = field(init=False)
    tree: HeaderTree = field(init=False)

    def __post_init__(self) -> None:
        self.policy = NodePolicy(signing_keys=(public(self.key),), peer_id=b"bank%d" % self.place)
        self.documents[SIGN_STATE_KEY] = SignState(public(self.key)).encode()

    def stands_by(self) -> None:
        """From its next start on."""
        self.policy = replace(self.policy, stands_by=True)

    @property
    def mempool(self) -> list[bytes]:
        return self.pool

    @property
    def sync(self) -> "Bank":
        return self

    @property
    def relay(self) -> "Bank":
        return self

    def favour(self, conn: ConnId, now: Micros) -> None:
        self.favoured.append(conn)

    def emit(self, *effects: Effect) -> None:
        self.emitted += effects

    def reply(self, request: object, answer: object) -> None:
        self.replies.append(answer)

    def refuse(self, request: object, reason: object, text: str) -> None:
        raise AssertionError("nobody asks")

    def keep(self, peer_ids: tuple[bytes, ...], now: Micros) -> None:
        self.kept = peer_ids

    def newest(self, block: BlockHash) -> RawBlock | None:
        return next((raw for _, raw in reversed(self.chain) if raw.hash == block), None)

    def tell_headers(self, conn: ConnId, height: int) -> list[Effect]:
        """The stand-in for synchronisation: the blocks come at once."""
        self.told += 1
        self.world.deliver_chain(self, self.world.at(conn), height)
        return []

    def submit(self, block: RawBlock, now: Micros) -> list[Effect]:
        node = self.tree.add(block.header, now)
        certificate = self.tree.signers.certificate(block.hash)
        assert certificate is not None
        self.chain.append((certificate, block))
        self.tree.mark_stored(block.hash)
        self.tree.set_tip(block.hash)
        del self.pool[:]
        self.world.at_time(self, JUDGE_US, lambda: self.run(lambda part: part.on_tip(self.world.now)))
        self.world.note(node.height, certificate)
        return []

    def proposal(self, script_pubkey: bytes, bytes_max: int, now: Micros) -> RawBlock:
        tip = self.tree.tip
        time = max(seconds(now), self.tree.proof.earliest_time(tip))
        seed = self.place.to_bytes(16, "little") + self.world.now.to_bytes(16, "little")
        block = solve(Block(BlockHeader(0x2000_0000, tip.hash, seed, time, SIGNERS_BITS, 0), ()))
        return RawBlock(block.header, block.raw)

    def accuse(self, evidence: Evidence) -> None:
        self.accused.append(evidence)

    # --- its life ---

    @property
    def height(self) -> int:
        return self.tree.tip.height

    def start(self) -> None:
        """On what its disk has."""
        self.tree = HeaderTree(self.network)
        for certificate, block in self.chain:
            self.tree.certify(certificate, None)
            self.tree.add(block.header, self.world.now)
            self.tree.mark_stored(block.hash)
            self.tree.set_tip(block.hash)
        self.runs += 1
        self.own = VoteSigner((self.key,), self.network.network_id, self.policy.peer_id)
        written = self.documents.get(BLOCKS_KEY)
        state = self.documents.get(SIGN_STATE_KEY)
        record = SigningRecord(
            {} if state is None else {SIGN_STATE_KEY: SignState.decode(state)},
            WrittenBlocks() if written is None else WrittenBlocks.decode(written),
        )
        self.part = make_signer(self, OwnKeys(self.policy.signing_keys), record, self, self, self.admission, self)
        self.run(lambda part: part.start(self.world.now))
        self.world.connect(self)

    def stop(self) -> None:
        self.part = None
        self.runs += 1
        self.world.disconnect(self)

    def pay(self) -> None:
        """A payment is in its pool."""
        self.pool.append(b"payment")
        if self.part is not None:
            self.run(lambda part: part.on_pool(self.world.now))

    def run(self, what: Callable[[Consensus], object]) -> None:
        """Tell the part something, and perform what it wants."""
        part = self.part
        if part is None:
            return
        effects = list(what(part))
        assert part.alarm.at <= (part.next_deadline() or part.alarm.at), "a deadline is missed"
        for effect in effects:
            if self.part is not part:
                return
            self.world.perform(self, effect)
        self.world.wake(self)

    def take(self, event: Event) -> None:
        now = self.world.now
        match event:
            case Saved():
                self.run(lambda part: part.on_saved(event, now))
            case VoteSigned():
                self.run(lambda part: part.on_signed(event, now))
            case GreetingSigned():
                self.run(lambda part: part.on_greeting_signed(event, now))
            case ProposalVerified():
                seen = Micros(now - self.clock_behind_us)
                self.run(lambda part: part.on_verdict(event, seen))
            case _:
                raise AssertionError(event)


class BankWorld:
    """Banks that are all connected with each other, but for those that `cut` keeps apart."""

    def __init__(self, count: int, *, starts: bool = True) -> None:
        keys = signing_keys(count)
        self.network = signer_network(keys)
        self.now = Micros((self.network.genesis.header.time + 600) * SECOND_US)
        self.banks = [Bank(place, key, self.network, self) for place, key in enumerate(keys)]
        self.sent: Counter[str] = Counter()
        self._closed: Counter[frozenset[int]] = Counter()
        self.certificates: dict[int, Certificate] = {}
        self.decided_at: dict[int, int] = {}
        self.stops: Callable[[Bank, Effect], bool] = lambda bank, effect: False
        """Whether a bank is killed in front of this effect."""
        self.loses: Callable[[Bank, Bank, ExtensionMessage], bool] = lambda sender, receiver, message: False
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._faults: list[str] = []
        if starts:
            for bank in self.banks:
                bank.start()

    # --- time ---

    def at_time(self, bank: Bank, delay_us: int, what: Callable[[], None]) -> None:
        """Later, if the bank still runs as it does now."""
        run = bank.runs
        self._count += 1

        def go() -> None:
            if bank.runs == run:
                what()

        heapq.heappush(self._queue, (self.now + delay_us, self._count, go))

    def wake(self, bank: Bank) -> None:
        if bank.part is not None and bank.part.alarm.at < 1 << 62:
            at = max(bank.part.alarm.at, self.now)
            self.at_time(bank, at - self.now, lambda: self._ring(bank))

    def _ring(self, bank: Bank) -> None:
        part = bank.part
        if part is None or part.alarm.at > self.now:
            return
        deadline = part.next_deadline()
        part.alarm.set(deadline)
        if deadline is not None and deadline <= self.now:
            bank.run(lambda one: one.on_deadline(self.now))
            part.alarm.set(part.next_deadline())
        self.wake(bank)

    def step(self) -> bool:
        if not self._queue:
            return False
        at, _, go = heapq.heappop(self._queue)
        self.now = Micros(max(self.now, at))
        go()
        return True

    def wait(self, duration_us: int, until: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass until something holds, for so long at most."""
        ends = self.now + duration_us
        while not until():
            if not self._queue or self._queue[0][0] > ends:
                self.now = Micros(ends)
                return until()
            self.step()
        return True

    # --- what happens ---

    def perform(self, bank: Bank, effect: Effect) -> None:
        if self.stops(bank, effect):
            bank.stop()
            return
        match effect:
            case SaveState(key, value):
                error = bank.disk_error
                if not error:
                    bank.documents[key] = value
                self.at_time(bank, SAVE_US, lambda: bank.take(Saved(key, error)))
            case SignVote() | SignGreeting():
                answer = (bank.holder or bank.own).answer(effect)
                if isinstance(answer, VoteSigned) and answer.signed is not None:
                    bank.signed.append(answer.vote)
                elif isinstance(answer, VoteSigned):
                    assert bank.holder is not None, answer.reason
                self.at_time(bank, SIGN_US, lambda: bank.take(answer))
            case VerifyProposal(block):
                refused = InvalidBlock(block.hash, "bad", "", True) if bank.refuses(block) else None
                members = bank.tree.signers.members_at(bank.height + 1)
                verdict = bank.judges(effect) or ProposalVerified(block.hash, refused, None if refused else members)
                self.at_time(bank, JUDGE_US, lambda: bank.take(verdict))
            case Send(conn, message):
                self._send(bank, self.at(conn), message)
            case Close(conn):
                self.close(bank, self.at(conn))
            case _:
                raise AssertionError(effect)

    def _send(self, sender: Bank, receiver: Bank, message: ExtensionMessage) -> None:
        self.sent[message.command] += 1
        if receiver.part is None or self.loses(sender, receiver, message):
            return
        copy, run = type(message).decode(message.encode()), sender.runs
        link = self._link(sender, receiver)

        def arrive() -> None:
            part = receiver.part
            # A connection ends with the run that had it.
            if part is not None and sender.runs == run and self._link(sender, receiver) == link:
                handlers = {one.message: one.handle for one in part.routes()}
                receiver.run(lambda _: handlers[type(copy)](self.peer(sender), copy, self.now))

        self.at_time(receiver, LATENCY_US, arrive)

    def peer(self, bank: Bank) -> PeerView:
        return PeerView(ConnId(bank.place), NodeAddress("10.0.0.1", 1, bank.policy.peer_id), is_inbound=True)

    def at(self, conn: ConnId) -> Bank:
        return self.banks[conn]

    def connect(self, bank: Bank) -> None:
        for other in self.banks:
            if other is not bank and other.part is not None:
                for one, to in ((bank, other), (other, bank)):
                    one.run(lambda part, to=to: part.on_offer(self.peer(to), CONSENSUS_MESSAGES, self.now))

    def disconnect(self, bank: Bank) -> None:
        for other in self.banks:
            if other is not bank:
                other.run(lambda part: part.on_closed(ConnId(bank.place), self.now))

    def _link(self, one: Bank, other: Bank) -> int:
        """Which of the connections of two it is."""
        return self._closed[frozenset((one.place, other.place))]

    def close(self, one: Bank, other: Bank) -> None:
        """A connection ends, and a new one begins."""
        self._closed[frozenset((one.place, other.place))] += 1
        for bank, to in ((one, other), (other, one)):
            bank.run(lambda part, to=to: part.on_closed(ConnId(to.place), self.now))
        for bank, to in ((one, other), (other, one)):
            bank.run(lambda part, to=to: part.on_offer(self.peer(to), CONSENSUS_MESSAGES, self.now))

    def deliver_chain(self, giver: Bank, taker: Bank, height: int) -> None:
        """Synchronisation, in one go."""
        for certificate, block in giver.chain[taker.height :]:
            taker.tree.certify(certificate, None)
            taker.submit(block, self.now)

    def note(self, height: int, certificate: Certificate) -> None:
        known = self.certificates.setdefault(height, certificate)
        assert known.block == certificate.block, f"two certificates at height {height}"
        self.decided_at.setdefault(height, self.now)

    # --- what is asked of it ---

    def pay(self) -> None:
        for bank in self.banks:
            bank.pay()

    def leader(self) -> Bank:
        """Whose turn it is at the height behind the tip, in round 0."""
        height = max(self.heights()) + 1
        return self.banks[height % len(self.banks)]

    def heights(self) -> list[int]:
        return [bank.height for bank in self.banks if bank.part is not None]

    def check(self) -> None:
        """No key signed two votes for one slot."""
        for bank in self.banks:
            slots: dict[tuple[int, int, int], Vote] = {}
            for vote in bank.signed:
                assert slots.setdefault(vote.slot, vote) == vote, f"bank {bank.place} signed twice"
