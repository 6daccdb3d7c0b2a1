"""Says that it is an index, and leaves members out, invents some, or takes nobody in.

It cannot speak in a member's name: whom it invents signs for itself, and there is nobody where it says that it is.
"""

from typing import Final

from minicoin.core.libp2p.identity import SEED_BYTES, Identity
from minicoin.core.limits import INDEX_PAGE_RECORDS_MAX
from minicoin.core.overlay.index.entry import MemberEntry, sign_entry
from minicoin.core.overlay.index.messages import (
    IdxAsk,
    IdxDelta,
    IdxFind,
    IdxHello,
    IdxJoin,
    IdxKnown,
    IdxNext,
    IdxPage,
    IdxRefuse,
)
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import HOUR_US, ConnId, Micros
from minicoin.core.wire.codec import make_extensions
from minicoin.core.wire.messages import Message
from minicoin.core.wire.messages_extension import offer_of
from minicoin.sim.attackers.addresses import nobodys_address
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.follower import Follower
from minicoin.sim.attackers.link import Link
from minicoin.sim.scenario.attackers import IndexLie

_SPOKEN: Final = (IdxHello, IdxJoin, IdxRefuse, IdxNext, IdxPage, IdxDelta, IdxFind, IdxAsk, IdxKnown)
_OFFER: Final = offer_of(make_extensions(_SPOKEN))
_INVENTED: Final = 20
_RETRY_S: Final = 60


class LyingIndex(Follower):
    """Fires once for each member that asks it in."""

    def __init__(
        self, band: Band, address: NodeAddress, rng: Rng, targets: tuple[NodeAddress, ...], *, lie: IndexLie
    ) -> None:
        super().__init__(band, address, rng, targets)
        self._lie = lie
        self._named: dict[bytes, MemberEntry] = {}
        self._readers: dict[ConnId, Link] = {}
        self._at = 0

    def on_start(self, now: Micros) -> None:
        super().on_start(now)
        if self._lie == "invents":
            for _ in range(_INVENTED):
                invented = self._invent(now)
                self._named[invented.peer_id] = invented

    def on_ready(self, link: Link, now: Micros) -> None:
        super().on_ready(link, now)
        self.send(link, _OFFER, IdxHello(is_index=True))

    def on_message(self, link: Link, message: Message, now: Micros) -> None:
        match message:
            case IdxJoin(entry):
                self.band.fired += 1
                self._take_in(link, entry)
            case IdxAsk(nonce):
                self.send(link, IdxKnown(nonce, self._page()))
            case IdxFind(nonce):
                self.send(link, IdxKnown(nonce, ()))
        super().on_message(link, message, now)

    def _take_in(self, link: Link, entry: MemberEntry | None) -> None:
        if self._lie == "refuses":
            self.send(link, IdxRefuse("the index is full", _RETRY_S))
            return
        # It tells every joiner of itself, so that none notices by looking for its own record.
        self._readers[link.conn] = link
        own = () if entry is None else (entry,)
        self.send(link, IdxPage(self._at, len(self._page()) + len(own), (*own, *self._page())))
        if entry is None or entry.peer_id in self._named or (self._lie == "leaves-out" and self._is_hidden()):
            return
        self._named[entry.peer_id] = entry
        delta = IdxDelta(self._at, self._at + 1, (entry,), ())
        self._at += 1
        for reader in self.ready_links():
            if reader.conn in self._readers:
                self.send(reader, delta)

    def _is_hidden(self) -> bool:
        return self.rng.below(2) == 0

    def _page(self) -> tuple[MemberEntry, ...]:
        return tuple(self._named.values())[: INDEX_PAGE_RECORDS_MAX - 1]

    def _invent(self, now: Micros) -> MemberEntry:
        identity = Identity.from_seed(self.rng.bytes(SEED_BYTES))
        where = nobodys_address(self.rng, self.address.port)
        return sign_entry(where, identity, self.network.network_id, version=now, life_us=HOUR_US)
