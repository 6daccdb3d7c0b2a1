"""Bitcoin's model: fixed numbers, everybody told, nobody told twice."""

from minicoin.core.overlay.contract import Item, ItemKind, NetworkView, OverlaySetup, Spread, SpreadBy, Wants
from minicoin.core.overlay.random import RandomOverlay
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import Micros

T0 = Micros(0)


def peer(conn, *, takes_transactions=True):
    address = NodeAddress("127.0.0.1", 1_000 + conn)
    return PeerView(conn, address, is_inbound=bool(conn % 2), takes_transactions=takes_transactions)


PEERS = (peer(1), peer(2, takes_transactions=False), peer(3))


def overlay() -> RandomOverlay:
    return RandomOverlay(OverlaySetup(Rng(b"test"), full_relay=5, block_only=1))


def test_wants_the_same_numbers_whoever_is_there():
    made = overlay()
    assert made.wants(NetworkView(), T0) == made.wants(NetworkView(PEERS), T0) == Wants(5, 1)
    assert made.next_deadline() is None


def test_blocks_go_to_all_but_their_origin():
    spread = overlay().spread(Item(ItemKind.BLOCK, bytes(32), origin=3), PEERS, T0)
    assert spread == (Spread(1, SpreadBy.ANNOUNCE), Spread(2, SpreadBy.ANNOUNCE))
    assert len(overlay().spread(Item(ItemKind.BLOCK, bytes(32)), PEERS, T0)) == 3


def test_transactions_go_to_those_that_take_them():
    spread = overlay().spread(Item(ItemKind.TRANSACTION, bytes(32)), PEERS, T0)
    assert [each.conn for each in spread] == [1, 3]
