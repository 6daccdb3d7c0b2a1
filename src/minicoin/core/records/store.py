"""The records one node holds: which come in, which are live, what is newer, and our own.

Owns the bounds (`__init__` tells the rules). Exchanging them with peers belongs to the flow, which asks for digests and
deltas by `sources`. What it holds is live: whoever drives it calls `expire` when `next_expiry` has come.
"""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Final

from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import (
    EVIDENCE_MAX,
    SIGNED_RECORD_AHEAD_MAX_US,
    SIGNED_RECORD_BYTES_PER_SIGNER_MAX,
    SIGNED_RECORD_GROUPS_CHARGED_MAX,
    SIGNED_RECORD_SIGNERS_CHARGED_MAX,
    SIGNED_RECORDS_PER_GROUP_BURST,
    SIGNED_RECORDS_PER_GROUP_PER_SECOND,
    SIGNED_RECORDS_PER_SECOND_MAX,
    SIGNED_RECORDS_PER_SIGNER_BURST,
    SIGNED_RECORDS_PER_SIGNER_MAX,
    SIGNED_RECORDS_PER_SIGNER_PER_SECOND,
    SIGNED_RECORDS_SECOND_BURST,
    SIGNED_RECORDS_SPENT_REMEMBERED_MAX,
)
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.rates import Buckets, Rate
from minicoin.core.records.exchange_policy import DEFAULT_EXCHANGE, ExchangePolicy
from minicoin.core.records.held import Held, StoreSnapshot, Taken
from minicoin.core.records.kinds import KINDS, KindRow, MaySign
from minicoin.core.records.record import (
    Place,
    SignedRecord,
    has_forged_signature,
    holds_key,
    source_of,
    unsigned_record,
    with_signature,
)
from minicoin.core.records.room import Room
from minicoin.core.records.sources import Sources
from minicoin.core.records.statements import MemberLists, read_statement
from minicoin.core.signers.evidence import decode_evidence
from minicoin.core.signers.recovery import NO_RECOVERY
from minicoin.core.units import Micros

Listener = Callable[[SignedRecord], None]
EarlyWatcher = Callable[[SignedRecord, bytes, Micros], None]

_GROUP: Final = Rate(SIGNED_RECORDS_PER_GROUP_BURST, SIGNED_RECORDS_PER_GROUP_PER_SECOND)
_ALL: Final = Rate(SIGNED_RECORDS_SECOND_BURST, SIGNED_RECORDS_PER_SECOND_MAX)
_SIGNER: Final = Rate(SIGNED_RECORDS_PER_SIGNER_BURST, SIGNED_RECORDS_PER_SIGNER_PER_SECOND)


class RecordStore:
    """Signs with `identity`, where there is one. `members_at` is asked who signs what members sign."""

    def __init__(
        self, network: Network, identity: Identity | None, members_at: MemberLists = lambda _height: None
    ) -> None:
        self._network = network
        self._members_at = members_at
        self._identity = identity
        self._held: dict[str, dict[Place, Held]] = {name: {} for name in KINDS}
        self._room = {name: Room() for name, kind in KINDS.items() if not kind.is_trusted}
        self.sources = Sources()
        self._spent: dict[Place, tuple[int, int]] = {}
        """Places whose record expired before an older one of the place might: its version, and until when so."""
        self._expiries: list[tuple[int, Place]] = []
        self._views: dict[str, tuple[SignedRecord, ...]] = {}
        self._groups: Buckets[bytes] = Buckets(_GROUP, SIGNED_RECORD_GROUPS_CHARGED_MAX)
        self._signers: Buckets[bytes] = Buckets(_SIGNER, SIGNED_RECORD_SIGNERS_CHARGED_MAX)
        self._all: Buckets[None] = Buckets(_ALL, 1)
        self._listeners: list[Listener] = []
        self._watchers: list[Listener] = []
        self._early_watchers: list[EarlyWatcher] = []
        self.exchange: ExchangePolicy = DEFAULT_EXCHANGE
        """How it is kept in step with those of peers."""
        self.changes = 0
        """How often what is held has changed: whoever saw this number has seen all there is."""

    # --- looking ---

    def __len__(self) -> int:
        return sum(len(held) for held in self._held.values())

    @property
    def network_id(self) -> bytes:
        """The only network whose records it holds."""
        return self._network.network_id

    @property
    def own_signer(self) -> bytes:
        """Whose records ours are; empty without an identity."""
        return b"" if self._identity is None else self._identity.peer_id.multihash

    def of_kind(self, kind: str) -> tuple[SignedRecord, ...]:
        """The live records of a kind, in the order in which they became known."""
        view = self._views.get(kind)
        if view is None:
            view = self._views[kind] = tuple(held.record for held in self._held[kind].values())
        return view

    def get(self, kind: str, signer: bytes, key: str) -> SignedRecord | None:
        """The live record in one place; the signer of a kind that several sign together is empty."""
        held = self._held[kind].get((kind, signer, key))
        return None if held is None else held.record

    def all_held(self) -> Iterable[Held]:
        """Everything, kind by kind."""
        for held in self._held.values():
            yield from held.values()

    def snapshot(self) -> StoreSnapshot:
        size = sum(held.size for held in self.all_held())
        return StoreSnapshot(len(self), size, self.changes, self.sources.digest())

    def exchange_by(self, policy: ExchangePolicy) -> None:
        """From the next round on, records are exchanged so: for network models, which choose by their settings."""
        self.exchange = policy

    def listen(self, listener: Listener) -> None:
        """Be called with each record that becomes known from now on, our own too, as soon as it is held."""
        self._listeners.append(listener)

    def watch_contradictions(self, watcher: Listener) -> None:
        """Be called with each genuine record that members signed though they had signed another of its version, which
        is the one that is held."""
        self._watchers.append(watcher)

    def watch_early(self, watcher: EarlyWatcher) -> None:
        """Be called with each record that comes in before it is known who signs what it states, and the source group of
        who brought it: nothing of it was looked at."""
        self._early_watchers.append(watcher)

    # --- coming in ---

    def take(self, record: SignedRecord, group: bytes, now: Micros) -> Taken:
        """A record that a peer of this source group brought. Raises PeerFault for a forged one."""
        kind = KINDS[record.kind]
        refusal = self._refusal(record, kind, now)
        contradicts = refusal is Taken.OLD and self._contradicts(record, kind)
        if refusal is not None and not contradicts:
            if refusal is Taken.EARLY and kind.statement is not None:
                for early_watcher in self._early_watchers:
                    early_watcher(record, group, now)
            return refusal
        # A signature costs its verification, whoever made it.
        if not (self._all.charge(None, now) and self._groups.charge(group, now)):
            return Taken.TOO_OFTEN
        if has_forged_signature(record, self._network.network_id):
            raise PeerFault(f"forged record of kind {kind.name}")
        if kind.proves_itself and not self._holds(record):
            if self._members_at(record.version + 1) is None or self._epochs(record.version):
                # Of the height at hand, or behind a recovery: who follows another one, or none, has another list there.
                return Taken.NOT_ALLOWED
            raise PeerFault(f"forged record of kind {kind.name}")
        if not self._signers.charge(record.source, now):
            return Taken.TOO_OFTEN
        if contradicts:
            for watcher in self._watchers:
                watcher(record)
            return Taken.OLD
        if record.owner and record.owner == self.own_signer:
            group = b""
        held = Held(record, group, len(record.encode()))
        if not self._has_room(held, kind):
            self.sources.decline(record, group)
            return Taken.NO_ROOM
        self._put(held)
        return Taken.NEW

    def _refusal(self, record: SignedRecord, kind: KindRow, now: Micros) -> Taken | None:
        """What can be said without looking at its signatures."""
        place = record.place
        held = self._held[kind.name].get(place)
        if record.version <= (self._spent_version(place) if held is None else held.record.version):
            return Taken.OLD
        if self.sources.has(record.source, record.version):
            # In another place: of two with one version only the first can be told by its digest.
            return Taken.OLD
        if record.expires_us is not None and record.expires_us <= now:
            return Taken.EXPIRED
        if record.version > now + SIGNED_RECORD_AHEAD_MAX_US:
            return Taken.EARLY
        statement = read_statement(kind, record.value)
        height = record.version if kind.proves_itself else None if statement is None else statement.height
        if height is not None and self._members_at(height) is None:
            return Taken.EARLY
        return None if self.may_sign(record) else Taken.NOT_ALLOWED

    def _holds(self, record: SignedRecord) -> bool:
        """Whether evidence holds under the list of its height, whichever recovery in front of it, or none, whoever
        signed knew of."""
        evidence, members = decode_evidence(record.value), self._members_at(record.version)
        epochs = (NO_RECOVERY, *self._epochs(record.version))
        return members is not None and any(
            evidence.problem(members, self.network_id, epoch) is None for epoch in epochs
        )

    def _epochs(self, height: int) -> tuple[bytes, ...]:
        """The recoveries in front of a height that this node's configuration names."""
        proof = self._network.proof
        named = proof.recoveries if isinstance(proof, SignersKind) else ()
        return tuple(one.hash for one in named if one.height < height)

    def _contradicts(self, record: SignedRecord, kind: KindRow) -> bool:
        """Whether members signed it beside what is held, if its signatures hold."""
        held = self._held[kind.name].get(record.place)
        if kind.statement is None or held is None or held.record.version != record.version:
            return False
        return held.record.value != record.value and self.may_sign(record)

    def _spent_version(self, place: Place) -> int:
        return self._spent.get(place, (-1, 0))[0]

    def may_sign(self, record: SignedRecord) -> bool:
        """Whether those who signed it may, and are enough."""
        signers = [one.signer for one in record.signatures]
        match KINDS[record.kind].may_sign:
            case MaySign.ANY_NODE:
                return True
            case MaySign.ALERT_KEY:
                return all(signer in self._network.alert_keys for signer in signers)
            case MaySign.FOUNDERS:
                founders = self._network.founders
                enough = 0 < self._network.founder_quorum <= len(signers)
                return enough and all(signer in founders for signer in signers)
            case MaySign.MEMBERS | MaySign.MEMBER:
                statement = read_statement(KINDS[record.kind], record.value)
                members = None if statement is None else self._members_at(statement.height)
                if members is None or not all(signer in members for signer in signers):
                    return False
                return len(signers) >= (1 if record.owner else members.quorum)
            case MaySign.NOBODY:
                members = self._members_at(record.version)
                return members is not None and (not record.owner or record.owner in members)

    def _has_room(self, held: Held, kind: KindRow) -> bool:
        record = held.record
        if kind.proves_itself and len(self._held[kind.name]) >= EVIDENCE_MAX:
            return False
        old = self._held[kind.name].get(record.place)
        records, size = (1, held.size) if old is None else (0, held.size - old.size)
        of_source = self.sources.held(record.source)
        if len(of_source) + records > SIGNED_RECORDS_PER_SIGNER_MAX:
            return False
        if sum(len(one.value) for one in of_source) + size > SIGNED_RECORD_BYTES_PER_SIGNER_MAX:
            return False
        if not held.group or kind.is_trusted:
            return True
        return self._room[kind.name].has(held.group if old is None else old.group, records, size)

    def _put(self, held: Held) -> None:
        """It has its room: hold it."""
        record = held.record
        place, of_kind = record.place, self._held[record.kind]
        old = of_kind.get(place)
        if old is not None:
            self._release(old)
            # Whoever brought the first version goes on answering for the place.
            held = Held(record, old.group, held.size)
        of_kind[place] = held
        if record.kind in self._room and held.group:
            self._room[record.kind].take(held.group, 1, held.size)
        self._spent.pop(place, None)
        self.sources.add(record)
        if record.expires_us is not None:
            heappush(self._expiries, (record.expires_us, place))
        self._changed(record.kind)
        for listener in self._listeners:
            listener(record)

    def _release(self, held: Held) -> None:
        """Its place and its room are free."""
        record = held.record
        del self._held[record.kind][record.place]
        if record.kind in self._room and held.group:
            self._room[record.kind].take(held.group, -1, -held.size)
        self.sources.remove(record)
        self._changed(record.kind)

    def _changed(self, kind: str) -> None:
        self.changes += 1
        self._views.pop(kind, None)

    # --- time ---

    def next_expiry(self) -> Micros | None:
        """When `expire` is to be called next. At that time there may turn out to be nothing to do."""
        return Micros(self._expiries[0][0]) if self._expiries else None

    def expire(self, now: Micros) -> None:
        """Drop what has expired."""
        while self._expiries and self._expiries[0][0] <= now:
            _, place = heappop(self._expiries)
            held = self._held[place[0]].get(place)
            if held is None or held.record.expires_us is None or held.record.expires_us > now:
                continue
            self._release(held)
            self._spend(held.record, now)

    def _spend(self, record: SignedRecord, now: Micros) -> None:
        """An older record of the place must not come back, as long as it might be live."""
        until = record.version + (KINDS[record.kind].life_max_us or 0)
        if until <= now:
            return
        for place in [place for place, (_, gone_at) in self._spent.items() if gone_at <= now]:
            del self._spent[place]
        if len(self._spent) >= SIGNED_RECORDS_SPENT_REMEMBERED_MAX:
            del self._spent[next(iter(self._spent))]
        self._spent[record.place] = (record.version, until)

    # --- our own ---

    def publish(self, kind: str, key: str, value: bytes, now: Micros, life_us: int | None = None) -> SignedRecord:
        """Sign a record with our identity and hold it; peers hear of it in this event. Its version is the time, and
        above all ours before. Raises MisuseError that says why not: who may sign, how long it may be, no room."""
        record = self.sign(kind, key, value, now, life_us)
        self.keep(record)
        return record

    def sign(self, kind: str, key: str, value: bytes, now: Micros, life_us: int | None = None) -> SignedRecord:
        """A new record with our signature, which may need those of others; not held. Raises MisuseError."""
        row = KINDS.get(kind)
        if row is None:
            raise MisuseError(f"no records of kind {kind!r}; there are {', '.join(KINDS)}")
        if row.proves_itself:
            raise MisuseError(f"records of kind {kind} are signed by nobody: nodes make them of what they find")
        if row.statement is not None:
            raise MisuseError(f"records of kind {kind} are signed with members' keys: minicoin admission propose")
        identity = self._signing_for(row)
        newest = self.sources.version(source_of(kind, b"" if row.is_shared else identity.peer_id.multihash))
        version = max(now, newest + 1)
        return with_signature(unsigned_record(row, key, value, version, life_us), identity, self._network.network_id)

    def co_sign(self, record: SignedRecord) -> SignedRecord:
        """The record with our signature added. Raises MisuseError where another's does not hold, or ours is not
        wanted."""
        row = KINDS[record.kind]
        if not row.is_shared or row.statement is not None:
            raise MisuseError(f"a record of kind {record.kind} has one signer: put one of your own")
        identity = self._signing_for(row)
        if has_forged_signature(record, self._network.network_id):
            raise MisuseError("a signature of this record does not hold, or it is of another network")
        return with_signature(record, identity, self._network.network_id)

    def signatures_missing(self, record: SignedRecord) -> int:
        """How many more of those who sign it together it needs."""
        quorum = self._network.founder_quorum if KINDS[record.kind].is_shared else 1
        return max(0, quorum - len(record.signatures))

    def keep(self, record: SignedRecord) -> None:
        """Hold a record that was signed here. Raises MisuseError."""
        missing = self.signatures_missing(record)
        if missing:
            raise MisuseError(f"{missing} of {self._network.founder_quorum} founders have not signed it yet")
        if not self.may_sign(record):
            raise MisuseError("somebody has signed it who is not among the network file's founders")
        held = self._held[record.kind].get(record.place)
        if held is not None and held.record.version >= record.version:
            raise MisuseError("a newer record stands in its place")
        new = Held(record, b"", len(record.encode()))
        if not self._has_room(new, KINDS[record.kind]):
            raise MisuseError(
                f"no room: one signer has {SIGNED_RECORDS_PER_SIGNER_MAX} records of together "
                f"{SIGNED_RECORD_BYTES_PER_SIGNER_MAX} bytes at most, until some expire"
            )
        self._put(new)

    def _signing_for(self, kind: KindRow) -> Identity:
        """Our identity, if it may sign this kind. Raises MisuseError."""
        identity = self._identity
        if identity is None:
            raise MisuseError("this node has no identity to sign with: it runs on plain TCP only, or is recorded")
        own = identity.peer_id.multihash
        if not holds_key(own):
            raise MisuseError("records are signed with Ed25519 or secp256k1 keys; this node's identity has another")
        allowed = {MaySign.ALERT_KEY: self._network.alert_keys, MaySign.FOUNDERS: self._network.founders}
        if kind.is_trusted and own not in allowed[kind.may_sign]:
            raise MisuseError(
                f"this node may not sign records of kind {kind.name}: its peer id {identity.peer_id} is not among "
                f"the network file's {'founders' if kind.is_shared else 'alert_keys'}"
            )
        return identity

    # --- restart ---

    def restore(self, held: Iterable[Held], now: Micros) -> None:
        """What an earlier run held, as far as it is still live and still allowed."""
        for one in held:
            kind = KINDS[one.record.kind]
            refusal = self._refusal(one.record, kind, now)
            # What is too early by the clock was not when it was written down; who signs a height is not known before.
            is_live = refusal is None or (refusal is Taken.EARLY and kind.statement is None)
            if is_live and self._has_room(one, kind):
                self._put(one)
