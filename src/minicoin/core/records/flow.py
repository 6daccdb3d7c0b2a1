"""The exchange of records as a part of the node: what goes to whom, in which of the four modes, and when to write down.

1. It speaks with peers that offered its messages. Whoever dialled reconciles with the other once, when the offer comes.
2. A record that is new goes on at once, where the policy says so, to everybody but whom it came from; rounds of the
   policy's mode follow by time, with peers drawn at random. News are few: what comes in is bounded by the store.
3. One exchange at a time with a peer. An answer that was not asked for is ignored; one that does not come ends the
   exchange after a while, and the next round begins another.
4. A digest costs its sender a little and its answer a lot, so answers are rationed by source group.
5. A forged record is the fault of whoever brought it, and what stood before it in the message is kept.

The store owns what is held and what may come in; `reconcile` what is sent.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from minicoin.core.alarm import Alarm
from minicoin.core.answers import Answer, RecordSigned
from minicoin.core.commands import PutRecord, RecordCommand, SignRecord
from minicoin.core.document_waits import DocumentWaits
from minicoin.core.effects import Effect, SaveState, Send
from minicoin.core.events import RecordsHeard, Saved
from minicoin.core.faults import DecodeError, PeerFault
from minicoin.core.forms.derived import make_codec
from minicoin.core.limits import (
    DIGEST_ITEMS_MAX,
    RECORD_DIGESTS_PER_GROUP_BURST,
    RECORD_DIGESTS_PER_GROUP_PER_SECOND,
    RECORD_EXCHANGE_TIMEOUT_US,
    RECORD_PAGES_PER_EXCHANGE_MAX,
    RECORD_ROUNDS_PUSHED_MAX,
    RECORDS_SAVE_EVERY_US,
    SIGNED_RECORD_GROUPS_CHARGED_MAX,
    SIGNED_RECORDS_MESSAGE_BYTES_MAX,
)
from minicoin.core.notices import LearnedRecord, RecordsIgnored, RecordsLearned
from minicoin.core.part import Outbox, Part, PeerView, Route, route
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rates import Buckets, Rate
from minicoin.core.records.document import RECORDS_KEY, encode_records
from minicoin.core.records.exchange_policy import ExchangeMode
from minicoin.core.records.held import StoreSnapshot, Taken
from minicoin.core.records.messages import FIRST_SOURCE, RecordDelta, RecordDigest, RecordValues
from minicoin.core.records.reconcile import answer_digest, answer_lacks, make_digest, next_page
from minicoin.core.records.record import Place, SignedRecord, decode_record
from minicoin.core.records.store import RecordStore
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros, RequestId
from minicoin.core.wire.messages_extension import ExtensionMessage

_MESSAGES: Final = (RecordValues, RecordDigest, RecordDelta)
_DIGESTS: Final = Rate(RECORD_DIGESTS_PER_GROUP_BURST, RECORD_DIGESTS_PER_GROUP_PER_SECOND)

_OUTSIDE: Final = b"outside"
"""The source group of what no peer brought."""


@dataclass(slots=True)
class _Exchange:
    """A digest of ours that waits for its answer."""

    digest: RecordDigest
    ends_at: Micros
    pages_left: int
    """So many more digests may follow."""


@dataclass(slots=True)
class _Peer:
    conn: ConnId
    group: bytes
    exchange: _Exchange | None = None


@dataclass(frozen=True, slots=True)
class RecordFlowSnapshot:
    """The exchange from outside."""

    store: StoreSnapshot
    next_round_at: Micros | None
    exchanging: tuple[ConnId, ...]
    """Those whose answer is waited for."""
    pushed: int
    """Records that rounds push."""


_FLOW: Final = make_codec(RecordFlowSnapshot, {})


class RecordFlow(Part):
    """Around a store."""

    def __init__(
        self, store: RecordStore, rng: Rng, group: Callable[[NodeAddress], bytes], outbox: Outbox, now: Micros
    ) -> None:
        """`group` is the source group of an address."""
        self._store = store
        self._rng = rng
        self._group = group
        self._outbox = outbox
        self._waits = DocumentWaits(outbox)
        self._peers: dict[ConnId, _Peer] = {}
        self._answered: Buckets[bytes] = Buckets(_DIGESTS, SIGNED_RECORD_GROUPS_CHARGED_MAX)
        self._news: list[tuple[SignedRecord, ConnId | None]] = []
        """Not told yet, and who told us."""
        self._pushed: dict[Place, int] = {}
        """What rounds push, and for how many rounds more; the newest last."""
        self._origin: ConnId | None = None
        self._next_page = FIRST_SOURCE
        self._round_at: Micros | None = None
        self._save_at = Micros(now + RECORDS_SAVE_EVERY_US)
        self._changes_saved = store.changes
        self.alarm = Alarm()
        self.alarm.set(self.next_deadline())
        store.listen(self._on_news)

    def routes(self) -> tuple[Route, ...]:
        return (
            route(RecordValues, self.take_values),
            route(RecordDigest, self.take_digest),
            route(RecordDelta, self.take_delta),
        )

    # --- commands ---

    def handle(self, request: RequestId, command: RecordCommand, now: Micros) -> None:
        """Sign a record, and hold it where no signature is missing. Raises MisuseError that says why not."""
        match command:
            case PutRecord(kind, key, value, life_s):
                record = self._store.sign(kind, key, value, now, None if life_s is None else life_s * SECOND_US)
            case SignRecord(encoded):
                record = self._store.co_sign(decode_record(encoded))
            case _:
                assert_never(command)
        missing = self._store.signatures_missing(record)
        answer = RecordSigned(record.encode(), record.version, record.expires_s, missing)
        if missing:
            self._outbox.reply(request, answer)
            return
        self._store.keep(record)
        self._waits.wait(RECORDS_KEY, request, answer)
        self._outbox.emit(self.save())

    def publish(self, kind: str, key: str, value: bytes, now: Micros) -> None:
        """Sign and hold a record of another part's; on disk it is once that saves. Raises MisuseError."""
        self._store.keep(self._store.sign(kind, key, value, now))

    def answer_when_saved(self, request: RequestId, answer: Answer) -> None:
        """To be given this answer with the next save."""
        self._waits.wait(RECORDS_KEY, request, answer)

    def on_saved(self, event: Saved) -> None:
        """A document is on disk, or the disk refused it."""
        self._waits.on_saved(event)

    def on_heard(self, event: RecordsHeard, now: Micros) -> None:
        """Somebody outside the network holds records. Their signatures count as if a peer had brought them; but for
        what does not count there is nobody to blame, so that is told and no more."""
        refusals: list[str] = []
        for raw in event.records:
            try:
                taken = self._store.take(decode_record(raw), _OUTSIDE, now)
            except (DecodeError, PeerFault) as error:
                refusals.append(str(error))
                continue
            if taken not in (Taken.NEW, Taken.OLD):
                refusals.append(taken)
        self.alarm.by(self._store.next_expiry())
        if refusals:
            self._outbox.emit(RecordsIgnored(event.origin, len(refusals), refusals[0]))

    # --- peers ---

    def on_offer(self, peer: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> Iterable[Effect]:
        if any(message not in speaks for message in _MESSAGES):
            return ()
        added = self._peers[peer.conn] = _Peer(peer.conn, self._group(peer.address))
        if self._round_at is None:
            self._round_at = self._first_round(now)
            self.alarm.by(self._round_at)
        return () if peer.is_inbound else self._reconcile(added, FIRST_SOURCE, RECORD_PAGES_PER_EXCHANGE_MAX, now)

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        self._peers.pop(conn, None)
        if not self._peers:
            self._round_at = None
        return ()

    # --- what peers say ---

    def take_values(self, peer: PeerView, message: RecordValues, now: Micros) -> Iterable[Effect]:
        """Records of a peer. Raises PeerFault for a forged one."""
        speaker = self._peers.get(peer.conn)
        if speaker is not None:
            self._take(speaker, message.records, now)
        return ()

    def take_digest(self, peer: PeerView, message: RecordDigest, now: Micros) -> Iterable[Effect]:
        """A peer asks what is newer here."""
        speaker = self._peers.get(peer.conn)
        if speaker is None or not self._answered.charge(speaker.group, now):
            return ()
        return (Send(peer.conn, answer_digest(self._store.sources, message, speaker.group)),)

    def take_delta(self, peer: PeerView, message: RecordDelta, now: Micros) -> Iterable[Effect]:
        """The answer to a digest of ours. Raises PeerFault for a forged record."""
        speaker = self._peers.get(peer.conn)
        if speaker is None or speaker.exchange is None:
            return ()
        exchange, speaker.exchange = speaker.exchange, None
        has_more = bool(self._take(speaker, message.records, now)) and message.has_more
        effects: list[Effect] = []
        if exchange.digest.wants_digest and message.lacks:
            lacking, lacks_more = answer_lacks(self._store.sources, message.lacks)
            effects += self._send_records(peer.conn, lacking)
            has_more |= lacks_more
        if exchange.pages_left:
            # The same page again while that brings something to either.
            first = exchange.digest.first if has_more else next_page(exchange.digest.last)
            if first is not None:
                effects += self._reconcile(speaker, first, exchange.pages_left - 1, now)
        return effects

    def _take(self, peer: _Peer, records: Iterable[SignedRecord], now: Micros) -> int:
        """How many of them were new, or declined for good."""
        self._origin = peer.conn
        try:
            taken = [self._store.take(record, peer.group, now) for record in records]
        finally:
            self._origin = None
        self.alarm.by(self._store.next_expiry())
        return taken.count(Taken.NEW) + taken.count(Taken.NO_ROOM)

    def _on_news(self, record: SignedRecord) -> None:
        """The store holds something new, of a peer's or our own."""
        self._news.append((record, self._origin))
        # At the end of this event: what comes together goes on together.
        self.alarm.by(Micros(0))

    # --- time ---

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        self._store.expire(now)
        effects = self._tell()
        for peer in self._peers.values():
            if peer.exchange is not None and peer.exchange.ends_at <= now:
                peer.exchange = None
        if self._round_at is not None and self._round_at <= now:
            self._round_at = self._following_round(now)
            effects += self._round(now)
        if self._save_at <= now:
            self._save_at = Micros(now + RECORDS_SAVE_EVERY_US)
            if self._changes_saved != self._store.changes:
                effects.append(self.save())
        return effects

    def next_deadline(self) -> Micros | None:
        times = [peer.exchange.ends_at for peer in self._peers.values() if peer.exchange is not None]
        times += [time for time in (self._round_at, self._store.next_expiry()) if time is not None]
        return Micros(0) if self._news else min([*times, self._save_at])

    def save(self) -> SaveState:
        """Write everything down as it is."""
        self._changes_saved = self._store.changes
        self._waits.begin(RECORDS_KEY)
        return SaveState(RECORDS_KEY, self._document())

    def _document(self) -> bytes:
        return encode_records(self._store.all_held(), self._store.network_id)

    def _first_round(self, now: Micros) -> Micros:
        policy = self._store.exchange
        if policy.phase_us is None:
            return Micros(now + self._rng.below(policy.period_us))
        return self._following_round(now)

    def _following_round(self, now: Micros) -> Micros:
        policy = self._store.exchange
        if policy.phase_us is not None:
            return Micros(now - (now - policy.phase_us) % policy.period_us + policy.period_us)
        # A tenth more or less, so that nodes do not fall into step.
        return Micros(now + policy.period_us * 9 // 10 + self._rng.below(max(1, policy.period_us // 5)))

    # --- what we say ---

    def _tell(self) -> list[Effect]:
        """What is new goes on: now to all, or with the rounds to come."""
        news, self._news = self._news, []
        if news:
            learned = (LearnedRecord(one.kind, one.owner, one.key, one.version) for one, _ in news)
            self._outbox.emit(RecordsLearned(tuple(learned)))
        policy = self._store.exchange
        if policy.mode is ExchangeMode.PUSH:
            for record, _ in news:
                self._pushed.pop(record.place, None)
                self._pushed[record.place] = RECORD_ROUNDS_PUSHED_MAX
        if not policy.tells_at_once:
            return []
        effects: list[Effect] = []
        for peer in self._peers.values():
            effects += self._send_records(peer.conn, [record for record, origin in news if origin != peer.conn])
        return effects

    def _send_records(self, conn: ConnId, records: Sequence[SignedRecord]) -> list[Effect]:
        """In as many messages as it takes."""
        messages: list[list[SignedRecord]] = []
        room = 0
        for record in records:
            size = len(record.encode())
            if size > room:
                messages.append([])
                room = SIGNED_RECORDS_MESSAGE_BYTES_MAX
            room -= size
            messages[-1].append(record)
        return [Send(conn, RecordValues(tuple(one))) for one in messages]

    def _round(self, now: Micros) -> list[Effect]:
        """One round of the policy's mode."""
        policy = self._store.exchange
        chosen = self._rng.sample(list(self._peers.values()), policy.fanout)
        if policy.mode is ExchangeMode.PUSH:
            return self._push(chosen)
        pages = RECORD_PAGES_PER_EXCHANGE_MAX if policy.mode is ExchangeMode.ANTI_ENTROPY else 0
        first, effects = self._next_page, list[Effect]()
        for peer in chosen:
            if peer.exchange is None:
                effects += self._reconcile(peer, FIRST_SOURCE if pages else first, pages, now)
                if peer.exchange is not None:
                    self._next_page = next_page(peer.exchange.digest.last) or FIRST_SOURCE
        return effects

    def _push(self, chosen: Iterable[_Peer]) -> list[Effect]:
        """The newest of what is pushed, in one message to each; and what of it has been pushed enough."""
        records: list[SignedRecord] = []
        room = SIGNED_RECORDS_MESSAGE_BYTES_MAX
        for place in reversed(list(self._pushed)):
            record = self._store.get(*place)
            if record is None:
                del self._pushed[place]
                continue
            room -= len(record.encode())
            if room < 0:
                break
            records.append(record)
            self._pushed[place] -= 1
            if not self._pushed[place] or self._loses_interest():
                del self._pushed[place]
        return [effect for peer in chosen for effect in self._send_records(peer.conn, records)]

    def _loses_interest(self) -> bool:
        one_in = self._store.exchange.loses_interest
        return bool(one_in) and not self._rng.below(one_in)

    def _reconcile(self, peer: _Peer, first: bytes, pages_left: int, now: Micros) -> list[Effect]:
        """Send a digest; of one page, or with `pages_left` of as many as follow."""
        wants_digest = bool(pages_left) or self._store.exchange.mode is not ExchangeMode.PULL
        digest = make_digest(self._store.sources, first, peer.group, wants_digest=wants_digest)
        peer.exchange = _Exchange(digest, Micros(now + RECORD_EXCHANGE_TIMEOUT_US), pages_left)
        self.alarm.by(peer.exchange.ends_at)
        return [Send(peer.conn, digest)]

    # --- looking ---

    def snapshot(self, now: Micros) -> RecordFlowSnapshot:
        exchanging = tuple(peer.conn for peer in self._peers.values() if peer.exchange is not None)
        return RecordFlowSnapshot(self._store.snapshot(), self._round_at, exchanging, len(self._pushed))

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        out = bytearray()
        _FLOW.write(self.snapshot(now), out)
        if not (is_brief and len(self._store) > DIGEST_ITEMS_MAX):
            out += self._document()
        return (("records", bytes(out)),)
