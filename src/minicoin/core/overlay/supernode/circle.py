"""The peers of one node that speak the model's messages, and the super nodes it knows by them: what both roles share.

Owns what each peer said of itself, how often it may be answered, and which of its records are worth a verification.
Which records are wanted at all is the role's.
"""

from enum import Enum, auto
from typing import Final

from minicoin.core.effects import Effect, Send
from minicoin.core.faults import DecodeError, PeerFault
from minicoin.core.limits import (
    SUPER_PAGES_BURST_PER_PEER,
    SUPER_PAGES_PER_SECOND_PER_PEER,
    SUPER_QUESTIONS_BURST_PER_PEER,
    SUPER_QUESTIONS_PER_SECOND_PER_PEER,
    SUPER_RECORDS_BURST_MAX,
    SUPER_RECORDS_BURST_PER_PEER,
    SUPER_RECORDS_BURST_PER_SUPER,
    SUPER_RECORDS_PER_SECOND_MAX,
    SUPER_RECORDS_PER_SECOND_PER_PEER,
    SUPER_RECORDS_PER_SECOND_PER_SUPER,
    SUPER_RESTS_MAX,
    SUPERS_TOLD_MAX,
)
from minicoin.core.overlay.contract import OverlaySetup
from minicoin.core.overlay.supernode.entries import KIND, STATUS_KEY, SuperStatus, attachment_of, status_of
from minicoin.core.overlay.supernode.messages import SuperAsk, SuperNews
from minicoin.core.overlay.supernode.supers import SuperBook
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.record import SignedRecord, has_forged_signature
from minicoin.core.units import SECOND_US, ConnId, Micros

_STORE: Final = b"records"
"""Who brought what the store of records holds."""
_ASKED_AGAIN_US: Final = SECOND_US
"""A question of the same peer within this time is not answered."""


class Brought(Enum):
    """What became of a status that a peer brought."""

    NEWS = auto()
    """It is kept, and news for others."""
    NO_ROOM = auto()
    """It is news and believed, and there is no room for it."""
    IGNORED = auto()
    """It is nothing new, or too much to be looked at now."""


class PeerBudget:
    """So many at once, and so many a second after that."""

    __slots__ = ("_at", "_burst", "_per_second", "_spent")

    def __init__(self, burst: int, per_second: int, now: Micros) -> None:
        self._burst = burst * SECOND_US
        self._per_second = per_second
        self._spent = 0
        self._at = now

    def take(self, now: Micros) -> bool:
        self._spent = max(0, self._spent - max(0, now - self._at) * self._per_second)
        self._at = now
        if self._spent + SECOND_US > self._burst:
            return False
        self._spent += SECOND_US
        return True


class Near:
    """A ready peer that speaks the model's messages."""

    __slots__ = (
        "answered_at",
        "asked_at",
        "delay_us",
        "group",
        "heard_at",
        "pages",
        "peer",
        "questions",
        "records",
        "status",
    )

    def __init__(self, peer: PeerView, now: Micros, group: bytes = b"") -> None:
        self.peer = peer
        self.group = group
        """Of the address that it is connected from: for whatever it brings, one object."""
        self.status: SuperStatus | None = None
        """It is a super node, and this is its own last word."""
        self.heard_at = Micros(0)
        self.asked_at: Micros | None = None
        """Our question that it did not answer yet."""
        self.answered_at = Micros(0)
        self.delay_us = 0
        """How long its last answer took."""
        self.questions = PeerBudget(SUPER_QUESTIONS_BURST_PER_PEER, SUPER_QUESTIONS_PER_SECOND_PER_PEER, now)
        self.pages = PeerBudget(SUPER_PAGES_BURST_PER_PEER, SUPER_PAGES_PER_SECOND_PER_PEER, now)
        self.records = PeerBudget(SUPER_RECORDS_BURST_PER_PEER, SUPER_RECORDS_PER_SECOND_PER_PEER, now)

    @property
    def peer_id(self) -> bytes:
        return self.peer.address.peer_id

    @property
    def address(self) -> NodeAddress | None:
        """Where it is reached: as it says, or as we reached it."""
        if self.status is not None and self.status.address is not None:
            return self.status.address
        return None if self.peer.is_inbound else self.peer.address


class Rests:
    """Who is left alone, and until when; the oldest is forgotten first."""

    def __init__(self) -> None:
        self._until: dict[bytes, Micros] = {}

    def set(self, peer_id: bytes, until: Micros) -> None:
        self._until.pop(peer_id, None)
        if len(self._until) >= SUPER_RESTS_MAX:
            del self._until[next(iter(self._until))]
        self._until[peer_id] = until

    def is_resting(self, peer_id: bytes, now: Micros) -> bool:
        return self._until.get(peer_id, 0) > now

    def next_end(self, now: Micros) -> Micros | None:
        """When the next of those known is left alone no longer."""
        return min((until for until in self._until.values() if until > now), default=None)

    def clear(self, peer_id: bytes) -> None:
        self._until.pop(peer_id, None)


class Circle:
    """Who is near, and which super nodes there are."""

    def __init__(self, setup: OverlaySetup) -> None:
        self._setup = setup
        self.rests = Rests()
        self._records = PeerBudget(SUPER_RECORDS_BURST_MAX, SUPER_RECORDS_PER_SECOND_MAX, Micros(0))
        self.near: dict[ConnId, Near] = {}
        self.book = SuperBook(self.group)

    def group(self, address: NodeAddress) -> bytes:
        """What one operator is assumed to control at most; on private networks a private host with its port, since
        whole labs live on one address."""
        if self._setup.is_private_network and not (address.ip is not None and address.ip.is_global):
            return f"{address.host} {address.port}".encode()
        return self._setup.group(address)

    def read_store(self, now: Micros) -> None:
        """Super nodes whose statuses came as records come to everybody; the store has verified them."""
        store = self._setup.records
        for record in () if store is None else store.of_kind(KIND.name):
            if record.key != STATUS_KEY or record.owner == self._setup.peer_id or not self.book.is_news(record, now):
                continue
            try:
                self.book.take(record, _STORE)
            except DecodeError:
                # Whoever signed it is no super node; whoever passed it on need not know.
                continue

    # --- peers ---

    def meet(self, peer: PeerView, now: Micros) -> Near:
        near = self.near[peer.conn] = Near(peer, now, self.group(peer.address))
        return near

    def supers(self) -> dict[ConnId, Near]:
        """Those that are super nodes by their own word."""
        return {conn: near for conn, near in self.near.items() if near.status is not None}

    def statuses(self) -> dict[ConnId, SignedRecord]:
        """What these said of themselves, as far as it is kept."""
        said = {conn: self.book.record(near.peer_id) for conn, near in self.supers().items()}
        return {conn: record for conn, record in said.items() if record is not None}

    def conn_of(self, peer_id: bytes) -> ConnId | None:
        """A connection to this peer."""
        return next((conn for conn, near in self.near.items() if near.peer_id == peer_id), None)

    # --- asking and answering ---

    def ask(self, near: Near, now: Micros) -> Effect:
        """For the super nodes it knows, its own status among them."""
        near.asked_at = now
        return Send(near.peer.conn, SuperAsk())

    def may_answer(self, near: Near, now: Micros) -> bool:
        """Whether it did not ask a moment ago."""
        if now < near.answered_at + _ASKED_AGAIN_US and near.answered_at:
            return False
        near.answered_at = now
        return True

    def tell(self, near: Near, own: SignedRecord | None) -> Effect:
        """Some super nodes for it to choose from, ourselves in front."""
        others = self.book.some(SUPERS_TOLD_MAX, self._setup.rng)
        told = (record for record in others if record.owner not in (near.peer_id, self._setup.peer_id))
        records = (*(() if own is None else (own,)), *told)
        return Send(near.peer.conn, SuperNews(records[:SUPERS_TOLD_MAX]))

    # --- records ---

    def verify(self, near: Near, record: SignedRecord, now: Micros) -> bool:
        """Whether it is to be believed; too many at a time are not looked at. Raises PeerFault: everybody checks before
        passing on, so whoever brought a forged one made it, or does not check."""
        if not near.records.take(now) or not self._records.take(now):
            return False
        try:
            if record.key == STATUS_KEY:
                status_of(record)
            else:
                attachment_of(record)
        except DecodeError as error:
            raise PeerFault(str(error)) from error
        if has_forged_signature(record, self._setup.network_id):
            raise PeerFault("a record of a super node or leaf with a forged signature")
        return True

    def take_status(self, near: Near, record: SignedRecord, now: Micros) -> Brought:
        """A status that this peer brought. Raises PeerFault."""
        is_own_word = record.owner == near.peer_id
        if record.owner == self._setup.peer_id:
            return Brought.IGNORED
        if is_own_word:
            self._on_answer(near, now)
        is_news = self.book.is_news(record, now)
        if not is_news and not (is_own_word and near.status is None):
            return Brought.IGNORED
        if not self.verify(near, record, now):
            return Brought.IGNORED
        if is_own_word:
            if near.status is None:
                near.records = PeerBudget(SUPER_RECORDS_BURST_PER_SUPER, SUPER_RECORDS_PER_SECOND_PER_SUPER, now)
            near.status = status_of(record)
            near.heard_at = now
        if not is_news:
            return Brought.IGNORED
        return Brought.NEWS if self.book.take(record, near.group) else Brought.NO_ROOM

    def _on_answer(self, near: Near, now: Micros) -> None:
        if near.asked_at is not None:
            near.delay_us = now - near.asked_at
            near.asked_at = None

    def median_delay_ms(self) -> int:
        """Of the super nodes that answered us."""
        delays = sorted(near.delay_us for near in self.near.values() if near.status is not None and near.delay_us)
        return delays[len(delays) // 2] // 1_000 if delays else 0
