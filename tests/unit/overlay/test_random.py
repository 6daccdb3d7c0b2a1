"""Bitcoin's model: fixed numbers, everybody told, nobody told twice."""

from minicoin.core.overlay import Item, ItemKind, NetworkView, Overlay, Spread, SpreadBy, Wants
from minicoin.core.overlay.random import RandomOverlay
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress


def peer(conn, *, takes_transactions=True, peer_id=b""):
    address = NodeAddress("127.0.0.1", 1_000 + conn, peer_id)
    return PeerView(conn, address, is_inbound=bool(conn % 2), takes_transactions=takes_transactions)


PEERS = (peer(1), peer(2, takes_transactions=False), peer(3))


def test_wants_the_same_numbers_whoever_is_there():
    overlay: Overlay = RandomOverlay(full_relay=5, block_only=1)
    assert overlay.name == "random"
    assert overlay.wanted(NetworkView()) == overlay.wanted(NetworkView(PEERS, 100)) == Wants(5, 1)


def test_blocks_go_to_all_but_their_origin():
    spread = RandomOverlay().spread(Item(ItemKind.BLOCK, bytes(32), origin=3), PEERS)
    assert spread == (Spread(1, SpreadBy.ANNOUNCE), Spread(2, SpreadBy.ANNOUNCE))
    assert len(RandomOverlay().spread(Item(ItemKind.BLOCK, bytes(32)), PEERS)) == 3


def test_transactions_go_to_those_that_take_them():
    spread = RandomOverlay().spread(Item(ItemKind.TRANSACTION, bytes(32)), PEERS)
    assert [each.conn for each in spread] == [1, 3]


def test_routes_only_to_peers():
    view = NetworkView((peer(1, peer_id=b"a"), peer(2)))
    assert RandomOverlay().route(b"a", view) == (1,)
    assert RandomOverlay().route(b"b", view) == ()
    assert RandomOverlay().route(b"", view) == ()
