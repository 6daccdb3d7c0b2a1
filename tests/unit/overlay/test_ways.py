"""What a model that knows no ways answers: the addressee where it is connected, or some neighbours and a maybe."""

from dataclasses import replace

from minicoin.core.answers import FoundBy, PeerFound
from minicoin.core.effects import Reply
from minicoin.core.limits import OVERLAY_FLOOD_FANOUT
from minicoin.core.overlay.contract import Hops, NetworkView, OverlaySetup, flood_unless_met, found_in
from minicoin.core.overlay.random import RandomOverlay
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import Micros


def address(number):
    return NodeAddress(f"10.0.0.{number}", 8333, bytes([number]))


PEERS = tuple(PeerView(number, address(number), is_inbound=False) for number in range(1, 20))
BOOK = (address(30), address(31))
VIEW = NetworkView(PEERS, of_peer=lambda peer_id: tuple(one for one in BOOK if one.peer_id == peer_id))


def test_a_letter_goes_straight_to_whom_we_are_connected_to():
    assert flood_unless_met(bytes([5]), PEERS) == Hops((5,))


def test_a_letter_for_a_stranger_goes_to_a_bounded_number_of_neighbours():
    hops = flood_unless_met(bytes([99]), PEERS)
    assert hops.is_flood and len(hops.conns) == OVERLAY_FLOOD_FANOUT


def test_where_a_peer_is_is_said_with_how_we_know():
    assert found_in(bytes([5]), VIEW) == PeerFound((address(5),), FoundBy.CONNECTED, is_certain=True)
    # Where it dialled from is not where it listens.
    dialled_us = replace(PEERS[0], address=NodeAddress("10.0.0.31", 40_001, bytes([31])), is_inbound=True)
    found = found_in(bytes([31]), replace(VIEW, peers=(dialled_us,)))
    assert found == PeerFound((address(31),), FoundBy.CONNECTED, is_certain=True)
    assert found_in(bytes([31]), VIEW) == PeerFound((address(31),), FoundBy.BOOK)
    assert found_in(bytes([99]), VIEW) == PeerFound()


def test_a_model_without_ways_answers_so_at_once():
    made = RandomOverlay(OverlaySetup(Rng(b"test"), 8, 2))
    (reply,) = made.find(7, bytes([31]), VIEW, Micros(0))
    assert reply == Reply(7, PeerFound((address(31),), FoundBy.BOOK))
    assert made.route(bytes([5]), PEERS, Micros(0)) == Hops((5,))
    about = made.about(PEERS, Micros(0))
    assert about.role == "member" and [near.conn for near in about.neighbours] == [peer.conn for peer in PEERS]
