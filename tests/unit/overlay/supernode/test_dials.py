"""Super nodes that are about to be reached."""

from tests.unit.overlay.supernode.made import T0, address, peer_id

from minicoin.core.overlay.supernode.dials import PATIENCE_US, Dials
from minicoin.core.units import Micros


def test_each_has_its_time():
    dials = Dials()
    first = dials.begin(peer_id(1), address(1), b"a", T0)
    second = dials.begin(peer_id(2), address(2), b"b", Micros(T0 + 5))
    assert list(dials) == [first, second] and dials.get(peer_id(1)) is first and peer_id(2) in dials
    assert dials.next_deadline() == T0 + PATIENCE_US
    assert dials.overdue(Micros(T0 + PATIENCE_US)) == (first,) and list(dials) == [second]
    assert dials.end(peer_id(2)) is second and dials.end(peer_id(2)) is None
    assert dials.next_deadline() is None and len(dials) == 0
