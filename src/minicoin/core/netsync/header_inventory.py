"""Inventory where there are no blocks: what is announced is asked for by its header, and nothing is to be had here.

Whoever asks all the same is told so: nobody shall wait for an answer that never comes.
"""

from collections.abc import Iterable

from minicoin.core.alarm import Alarm
from minicoin.core.effects import Effect, Send
from minicoin.core.faults import PeerFault
from minicoin.core.netsync.following import HeaderFollower
from minicoin.core.netsync.unserved import refuse_bloom, unserved_routes
from minicoin.core.part import Part, PeerView, Route, route
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import Micros
from minicoin.core.wire.messages import (
    GetBlockTxn,
    GetData,
    Inv,
    InventoryVector,
    InvType,
    MemPool,
    NotFound,
    Tx,
)

_BLOCKS = frozenset({InvType.BLOCK, InvType.WITNESS_BLOCK})
_TRANSACTIONS = frozenset({InvType.TX, InvType.WTX, InvType.WITNESS_TX})


class HeaderInventory(Part):
    """inv, getdata and transactions that nobody asked for."""

    def __init__(self, headers: HeaderFollower) -> None:
        self._headers = headers
        self.alarm = Alarm()

    def routes(self) -> tuple[Route, ...]:
        return (
            route(Inv, self.take_inv),
            route(GetData, self.take_getdata),
            route(GetBlockTxn, self.take_getblocktxn),
            route(Tx, self.take_tx),
            route(MemPool, refuse_bloom),
            *unserved_routes(),
        )

    def take_inv(self, peer: PeerView, message: Inv, now: Micros) -> Iterable[Effect]:
        if any(vector.type in _TRANSACTIONS for vector in message.inventory):
            raise PeerFault("announced a transaction where none were asked for", score=0)
        blocks = [BlockHash(vector.hash) for vector in message.inventory if vector.type in _BLOCKS]
        return self._headers.on_inv(peer.conn, blocks, now)

    def take_getdata(self, peer: PeerView, message: GetData, now: Micros) -> Iterable[Effect]:
        return (Send(peer.conn, NotFound(message.inventory)),) if message.inventory else ()

    def take_getblocktxn(self, peer: PeerView, message: GetBlockTxn, now: Micros) -> Iterable[Effect]:
        """A part of a block is asked for, as if it had been announced in compact form."""
        return (Send(peer.conn, NotFound((InventoryVector(InvType.WITNESS_BLOCK, message.blockhash),))),)

    def take_tx(self, peer: PeerView, message: Tx, now: Micros) -> Iterable[Effect]:
        """Our version message said that we relay none (BIP37)."""
        raise PeerFault("sent a transaction where none were asked for", score=0)
