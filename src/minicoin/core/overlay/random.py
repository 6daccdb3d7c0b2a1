"""Bitcoin's network model: a fixed number of outbound peers drawn at random from the address book, and every item
announced to everybody. It knows no routes beyond the peers themselves."""

from dataclasses import dataclass
from typing import Final

from minicoin.core.limits import OUTBOUND_BLOCK_ONLY_SLOTS, OUTBOUND_FULL_SLOTS
from minicoin.core.overlay import Item, ItemKind, NetworkView, Spread, SpreadBy, Wants
from minicoin.core.part import PeerView
from minicoin.core.units import ConnId

# Before Python 3.12, looking up a member of an enum costs more than making the value around it.
_ANNOUNCE: Final = SpreadBy.ANNOUNCE


@dataclass(frozen=True, slots=True)
class RandomOverlay:
    """Outbound slots filled at random; spreading by announcement."""

    full_relay: int = OUTBOUND_FULL_SLOTS
    block_only: int = OUTBOUND_BLOCK_ONLY_SLOTS
    name: str = "random"

    def wanted(self, view: NetworkView) -> Wants:
        """Always the same numbers, whoever is there: the address book's draw is the model."""
        return Wants(self.full_relay, self.block_only)

    def spread(self, item: Item, peers: tuple[PeerView, ...]) -> tuple[Spread, ...]:
        """To all but the origin; transactions only to peers that take them."""
        is_transaction = item.kind is ItemKind.TRANSACTION
        return tuple(
            [
                Spread(peer.conn, _ANNOUNCE)
                for peer in peers
                if peer.conn != item.origin and (peer.takes_transactions or not is_transaction)
            ]
        )

    def route(self, peer_id: bytes, view: NetworkView) -> tuple[ConnId, ...]:
        """The peer itself where it is connected; a random graph knows no way to anybody else."""
        return tuple(peer.conn for peer in view.peers if peer_id and peer.address.peer_id == peer_id)
