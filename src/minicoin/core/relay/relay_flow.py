"""Relay of transactions as a part: what it needs of handshake, mempool and chain is brought together here.

Peers are told to announce from what the mempool asks by now, and nothing at all while the coins are not here that
transactions spend (BIP133).
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from minicoin.core.effects import Effect
from minicoin.core.forms.derived import make_codec
from minicoin.core.part import Part, PeerView, Route, route
from minicoin.core.primitives.address import Services
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.relay.feefilter import FEEFILTER_NOTHING
from minicoin.core.relay.transactions import RelayFeatures, TxRelay
from minicoin.core.units import ConnId, Micros
from minicoin.core.wire.messages import FeeFilter

_RELAYING: Final = make_codec(tuple[int, ...], {})


class AnnouncedPool(Protocol):
    """What is announced, and what it asks for: the mempool."""

    @property
    def sequence(self) -> int:
        """The place of the latest entry in the order of admission, gone or not."""

    def min_feerate(self, now: Micros) -> int:
        """What a transaction must pay at least to enter now."""


class RelayFlow(Part):
    """Around the relay of transactions."""

    def __init__(self, relay: TxRelay, mempool: AnnouncedPool, is_initial: Callable[[Micros], bool]) -> None:
        """`is_initial` says whether the chain is still fetched."""
        self._relay = relay
        self._mempool = mempool
        self._is_initial = is_initial
        self.alarm = relay.alarm

    def routes(self) -> tuple[Route, ...]:
        return (route(FeeFilter, self.take_feefilter),)

    def on_ready(self, peer: PeerView, now: Micros) -> Iterable[Effect]:
        """A seed is asked for addresses and left alone with the rest."""
        if peer.kind is SlotKind.SEED:
            return ()
        features = RelayFeatures(
            inbound=peer.is_inbound,
            uses_wtxid=peer.uses_wtxid,
            has_witness=bool(peer.services & Services.WITNESS),
            wants_transactions=peer.takes_transactions and peer.kind is not SlotKind.BLOCK_ONLY,
            # Whoever may have us relay anything need not know what others must pay.
            takes_feefilter=peer.gives_transactions
            and peer.takes_feefilter
            and not peer.permissions & Permission.FORCERELAY,
            is_trusted=bool(peer.permissions & Permission.RELAY),
        )
        self._relay.on_ready(peer.conn, features, self._mempool.sequence, now)
        self._relay.on_feefilter(peer.conn, peer.feefilter_sat_per_kvb)
        if peer.permissions & Permission.NOBAN:
            self._relay.favour(peer.conn, now)
        return ()

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        self._relay.on_closed(conn)
        return ()

    def take_feefilter(self, peer: PeerView, message: FeeFilter, now: Micros) -> Iterable[Effect]:
        self._relay.on_feefilter(peer.conn, message.feerate)
        return ()

    def follow_feerate(self, now: Micros) -> None:
        """The chain or the mempool moved, and with them perhaps what a transaction must pay."""
        self._relay.on_feerate(self._wanted_feerate(now), now)

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        return self._relay.on_deadline(now, self._wanted_feerate(now), self._mempool.sequence)

    def next_deadline(self) -> Micros | None:
        return self._relay.next_deadline()

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        out = bytearray()
        _RELAYING.write(tuple(self._relay.relaying_peers()), out)
        return (("relay", bytes(out)),)

    def _wanted_feerate(self, now: Micros) -> int:
        if self._is_initial(now):
            return FEEFILTER_NOTHING
        return self._mempool.min_feerate(now)
