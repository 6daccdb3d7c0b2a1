"""The model of small labs: a connection to everybody who is known, each after a wait of its own."""

from tests.unit.alarms import check_alarm

from minicoin.core.limits import OVERLAY_ADDRESSES_MAX
from minicoin.core.overlay.contract import Item, ItemKind, NetworkView, OverlaySetup
from minicoin.core.overlay.everybody import EverybodyOverlay
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, Micros

T0 = Micros(1_700_000_000_000_000)


def overlay(seed: bytes = b"test") -> EverybodyOverlay:
    return EverybodyOverlay(OverlaySetup(Rng(seed), full_relay=8, block_only=2))


def address(index: int) -> NodeAddress:
    return NodeAddress(f"10.0.{index >> 8}.{index & 255}", 8333)


def view_of(*addresses: NodeAddress) -> NetworkView:
    return NetworkView(known=lambda count: addresses[:count])


def wanted_at(made: EverybodyOverlay, view: NetworkView, now: Micros) -> tuple[NodeAddress, ...]:
    """As node asks: first the deadlines that are due, then the wants."""
    if made.alarm.at <= now:
        assert list(made.on_deadline(now)) == []
        made.alarm.set(made.next_deadline())
    wants = made.wants(view, now)
    check_alarm(made)
    assert (wants.full_relay, wants.block_only, wants.unwanted) == (0, 0, ())
    return wants.addresses


def test_everybody_is_wanted_each_after_a_wait():
    made, view = overlay(), view_of(*map(address, range(20)))
    assert wanted_at(made, view, T0) == ()
    seen = 0
    while (at := made.next_deadline()) is not None:
        assert T0 < at == made.alarm.at
        assert len(wanted_at(made, view, at)) > seen
        seen += 1
    assert wanted_at(made, view, Micros(T0 + MINUTE_US)) == tuple(map(address, range(20)))


def test_two_that_learn_of_each_other_at_once_do_not_dial_at_once():
    times = set()
    for number in range(20):
        made = overlay(number.to_bytes(1, "big"))
        made.wants(view_of(address(1)), T0)
        times.add(made.next_deadline())
    assert len(times) == 20


def test_who_left_the_book_is_wanted_no_longer_and_forgotten():
    made = overlay()
    wanted_at(made, view_of(address(1)), T0)
    assert wanted_at(made, view_of(), Micros(T0 + MINUTE_US)) == ()
    assert made.next_deadline() is None


def test_it_remembers_no_more_than_it_is_shown():
    made = overlay()
    made.wants(view_of(*map(address, range(1_000))), T0)
    late = Micros(T0 + MINUTE_US)
    assert len(wanted_at(made, view_of(*map(address, range(1_000))), late)) == OVERLAY_ADDRESSES_MAX


def test_everybody_but_the_origin_is_told():
    peers = tuple(PeerView(conn, address(conn), is_inbound=False) for conn in (1, 2, 3))
    told = overlay().spread(Item(ItemKind.BLOCK, bytes(32), origin=2), peers, T0)
    assert [spread.conn for spread in told] == [1, 3]
