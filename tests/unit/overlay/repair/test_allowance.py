"""What a peer may ask: a few at once, and so many in the long run; and coming back buys no more."""

from minicoin.core.limits import ALLOWANCE_PEERS_OF_GROUP
from minicoin.core.overlay.repair.allowance import Allowance
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import SECOND_US, Micros

T0 = Micros(1_000 * SECOND_US)


def peer(conn, group="g"):
    return PeerView(conn, NodeAddress(group, 1), is_inbound=True)


def allowance(burst):
    return Allowance(SECOND_US, burst, lambda address: address.host.encode())


def test_a_burst_and_then_one_each_while():
    made = allowance(3)
    assert [made.take(peer(1), T0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert [made.take(peer(1), Micros(T0 + SECOND_US)) for _ in range(2)] == [True, False]
    assert [made.take(peer(1), Micros(T0 + 60 * SECOND_US)) for _ in range(5)] == [True] * 3 + [False] * 2


def test_each_peer_has_its_own():
    made = allowance(1)
    assert made.take(peer(1), T0) and made.take(peer(2), T0) and not made.take(peer(1), T0)
    made.forget(1)
    assert made.take(peer(1), T0) and not made.take(peer(2), T0)


def test_coming_back_and_coming_in_numbers_buys_a_group_no_more():
    made = allowance(3)
    taken = 0
    for conn in range(100):
        taken += sum(made.take(peer(conn), T0) for _ in range(9))
        made.forget(conn)
    assert taken == 3 * ALLOWANCE_PEERS_OF_GROUP
    assert made.take(peer(1, "another"), T0)
    assert sum(made.take(peer(7), Micros(T0 + SECOND_US)) for _ in range(9)) == 3
