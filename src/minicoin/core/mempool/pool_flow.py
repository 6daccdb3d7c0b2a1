"""The mempool between starts, disk and time: what an earlier run kept, what is written down, what waited too long.

What an earlier run kept is taken up when the engine stands where it should, for before that few of it would be valid.
Until then nothing is written in its place, or it would be lost; a node that stops before keeps it beside what came
since.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from struct import Struct
from typing import Final, Protocol

from minicoin.core.answers import Done, Reason
from minicoin.core.document_waits import DocumentWaits
from minicoin.core.effects import Effect, SaveState
from minicoin.core.events import Saved
from minicoin.core.faults import DecodeError
from minicoin.core.forms.derived import make_codec
from minicoin.core.limits import DIGEST_ITEMS_MAX
from minicoin.core.mempool.outcomes import MempoolChange, MempoolSnapshot
from minicoin.core.mempool.pool import Mempool
from minicoin.core.mempool.priorities import PRIORITIES_KEY
from minicoin.core.notices import MempoolNotRestored
from minicoin.core.part import Outbox, Part, PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.transaction import Txid
from minicoin.core.units import ConnId, Micros, RequestId

MEMPOOL_KEY = "mempool"
_SNAPSHOT: Final = make_codec(MempoolSnapshot, {})
_ENTRY: Final = Struct("<32sqqqq?")


class Teller(Protocol):
    """Tells the peers of transactions, and everybody of those that leave."""

    def expire(self, now: Micros) -> MempoolChange:
        """Let go of what waited too long."""

    def retry_broadcast(self, now: Micros) -> None:
        """Once more to the peers that were not told of what nobody has shown to have."""


class PoolFlow(Part):
    """Around the mempool."""

    def __init__(
        self,
        mempool: Mempool,
        outbox: Outbox,
        teller: Teller,
        on_expired: Callable[[MempoolChange, Micros], None],
        group: Callable[[NodeAddress], bytes],
        *,
        persists: bool,
    ) -> None:
        """`on_expired` hears what waited too long; addresses of one `group` share their turns; `persists` says whether
        anything is kept over a stop."""
        self._mempool = mempool
        self._outbox = outbox
        self._teller = teller
        self._tell_expired = on_expired
        self._group = group
        self._persists = persists
        self._waits = DocumentWaits(outbox)
        self._unrestored: bytes | None = None
        self.alarm = mempool.alarm

    # --- what an earlier run kept ---

    def on_start(self, kept: bytes | None) -> None:
        """An earlier run kept this."""
        self._unrestored = kept if self._persists else None

    def on_settled(self, now: Micros) -> None:
        """The engine stands where it should for now."""
        if self._unrestored is None:
            return
        try:
            self._outbox.emit(*self._mempool.restore(self._unrestored, now))
        except DecodeError as error:
            # Unconfirmed transactions are worth no more than a line: the peers have them, and the wallet its own.
            self._outbox.emit(MempoolNotRestored(str(error)))
        self._unrestored = None

    @property
    def is_restored(self) -> bool:
        """Whether all that an earlier run kept was judged, or nothing is to be taken up."""
        return self._unrestored is None and not self._mempool.is_restoring

    # --- the disk ---

    def save(self, request: RequestId) -> None:
        """The operator wants it written; he is answered when it is."""
        if self._unrestored is not None:
            self._outbox.refuse(request, Reason.UNABLE, "The mempool was not loaded yet")
            return
        self._waits.wait(MEMPOOL_KEY, request)
        self._outbox.emit(SaveState(MEMPOOL_KEY, self._mempool.to_bytes()))
        self._waits.begin(MEMPOOL_KEY)

    def prioritise(self, request: RequestId, txid: Txid, delta_sat: int) -> None:
        """Change what a transaction counts for; answered when that is on disk. Raises MisuseError."""
        self._mempool.prioritise(txid, delta_sat)
        unsaved = self._mempool.deltas.take_unsaved()
        if unsaved is None or not self._persists:
            self._outbox.reply(request, Done())
            return
        self._waits.wait(PRIORITIES_KEY, request)
        self._save_deltas(unsaved)

    def save_deltas(self) -> None:
        """Blocks may have taken transactions that were prioritised."""
        unsaved = self._mempool.deltas.take_unsaved()
        if unsaved is not None and self._persists:
            self._save_deltas(unsaved)

    def _save_deltas(self, unsaved: bytes) -> None:
        self._outbox.emit(SaveState(PRIORITIES_KEY, unsaved))
        self._waits.begin(PRIORITIES_KEY)

    def on_saved(self, event: Saved) -> None:
        """The disk has a document, or refused."""
        self._waits.on_saved(event)

    def on_stop(self, now: Micros) -> None:
        """The node ends: keep what is here."""
        if not self._persists:
            return
        if self._unrestored is not None:
            # It never was time to verify it: it is kept, beside what came since.
            with suppress(DecodeError):
                self._mempool.restore(self._unrestored, now)
        self._outbox.emit(SaveState(MEMPOOL_KEY, self._mempool.to_bytes()))

    # --- outside ---

    def snapshot(self, now: Micros) -> MempoolSnapshot:
        return self._mempool.snapshot(now)

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        out = bytearray()
        _SNAPSHOT.write(self.snapshot(now), out)
        if not (is_brief and len(self._mempool) > DIGEST_ITEMS_MAX):
            for entry in self._mempool:
                out += _ENTRY.pack(
                    entry.wtxid, entry.sequence, entry.modified_fee_sat, entry.time, entry.ancestor_count, entry.is_own
                )
        return (("mempool", bytes(out)),)

    # --- peers and time ---

    def on_ready(self, peer: PeerView, now: Micros) -> Iterable[Effect]:
        """Who has addresses of one group takes turns with himself."""
        self._mempool.introduce_source(peer.conn, self._group(peer.address))
        return ()

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        self._mempool.forget_source(conn)
        return ()

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        self._tell_expired(self._teller.expire(now), now)
        self._teller.retry_broadcast(now)
        return ()

    def next_deadline(self) -> Micros | None:
        return self._mempool.next_deadline()
