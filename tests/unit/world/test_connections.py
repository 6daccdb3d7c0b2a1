"""Connections: who hears what when they are dialled, refused, closed, reset, held and let go."""

import gc
import weakref
from dataclasses import replace

import pytest
from tests.unit.world.scripts import (
    CONN,
    LATENCY_US,
    Script,
    act,
    add_script,
    arrivals,
    changes,
    close,
    connect,
    dial,
    filler,
    make_world,
    marks,
    pass_time,
    send,
)

from minicoin.core.effects import Dial
from minicoin.core.events import ConnectionClosed, ConnectionOpened, DialFailed
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import SECOND_US
from minicoin.core.wire.messages import Ping
from minicoin.world.connections import REFUSED_AFTER_US

MBYTE = 1_000_000


def test_the_accepting_side_opens_after_one_latency_the_dialler_after_two() -> None:
    world = make_world()
    (host, script), (target, accepted) = add_script(world), add_script(world)
    began = world.now
    dial(world, host, target)
    pass_time(world)
    (at, theirs), *_ = accepted.heard
    assert at == began + LATENCY_US
    assert isinstance(theirs, ConnectionOpened)
    assert theirs.inbound
    assert (theirs.local, theirs.remote.host) == (target.address, host.address.host)
    assert script.heard == [(began + 2 * LATENCY_US, ConnectionOpened(CONN, target.address, False, host.address))]
    assert host.links[CONN].other is target.links[theirs.conn]
    assert list(world.connections.link_ends()) == [host.links[CONN], target.links[theirs.conn]]


def test_where_peers_are_named_both_ends_know_whom_they_have_as_soon_as_the_socket_is_up() -> None:
    world = make_world(has_peer_ids=True)
    (host, script), (target, accepted) = add_script(world), add_script(world)
    began = world.now
    act(world, host, Dial(CONN, replace(target.address, peer_id=b""), 10 * SECOND_US))
    pass_time(world)
    ((at, near),) = script.of(ConnectionOpened)
    ((_, far),) = accepted.of(ConnectionOpened)
    assert at == began + 2 * LATENCY_US
    assert near.remote == target.address and target.address.peer_id
    assert (far.remote.host, far.remote.peer_id) == (host.address.host, host.address.peer_id)


def test_another_peer_than_the_one_dialled_is_refused() -> None:
    world = make_world(has_peer_ids=True)
    (host, script), (target, accepted), (other, _) = (add_script(world) for _ in range(3))
    wrong = replace(target.address, peer_id=other.address.peer_id)
    act(world, host, Dial(CONN, wrong, 10 * SECOND_US))
    pass_time(world)
    ((_, failed),) = script.of(DialFailed)
    assert (failed.address, failed.reason) == (wrong, "another peer answered")
    assert not host.links and not target.links
    assert len(accepted.of(ConnectionClosed)) == 1


@pytest.mark.parametrize("which", ["nobody", "switched off"])
def test_a_dial_to_nobody_is_refused(which: str) -> None:
    world = make_world()
    (host, script), (target, _) = add_script(world), add_script(world)
    if which == "nobody":
        target.address = NodeAddress("10.9.9.9", 1)
    else:
        world.stop(target, "off")
    began = world.now
    dial(world, host, target)
    pass_time(world)
    assert script.heard == [(began + REFUSED_AFTER_US, DialFailed(CONN, target.address, "connection refused"))]


def test_who_goes_down_under_a_dial_refuses_it_one_round_trip_after() -> None:
    world = make_world()
    (host, script), (target, accepted) = add_script(world), add_script(world)
    began = world.now
    dial(world, host, target)
    world.stop(target, "off")
    pass_time(world)
    assert script.heard == [(began + 2 * LATENCY_US, DialFailed(CONN, target.address, "connection refused"))]
    assert not accepted.heard
    assert not target.links


def test_a_dial_across_a_barrier_times_out() -> None:
    world = make_world()
    (host, script), (target, accepted) = add_script(world), add_script(world)
    # One direction is enough: no answer comes back.
    world.connections.barriers.append(lambda sender, receiver: (sender, receiver) == (target, host))
    began = world.now
    dial(world, host, target)
    pass_time(world)
    assert script.heard == [(began + 10 * SECOND_US, DialFailed(CONN, target.address, "timed out"))]
    assert not accepted.heard


def test_a_dialler_that_was_restarted_hears_nothing_of_its_old_dial_and_the_other_is_told() -> None:
    world = make_world()
    (host, old), (target, accepted) = add_script(world), add_script(world)
    dial(world, host, target)
    pass_time(world, 0.06)
    world.stop(host, "off")
    fresh = Script()
    world.start_runner(host, fresh)
    # The new run dials under the same number.
    near, far = connect(world, host, target)
    pass_time(world)
    assert changes(old) == []
    assert changes(fresh) == ["ConnectionOpened"]
    assert changes(accepted) == ["ConnectionOpened", "ConnectionOpened", "ConnectionClosed"]
    assert near.is_open
    assert far.is_open
    assert list(target.links.values()) == [far]


def test_a_connection_that_was_closed_at_once_is_no_connection_to_the_dialler() -> None:
    world = make_world()
    (host, script), (target, accepted) = add_script(world), add_script(world)
    dial(world, host, target)
    pass_time(world, 0.06)
    (far,) = target.links.values()
    close(world, far)
    pass_time(world)
    assert changes(script) == ["DialFailed"]
    assert changes(accepted) == ["ConnectionOpened", "ConnectionClosed"]
    assert not host.links


def test_close_lets_what_was_sent_arrive_first() -> None:
    world = make_world()
    (host, script), (target, accepted) = add_script(world, up_rate=MBYTE), add_script(world)
    near, far = connect(world, host, target)
    began = world.now
    send(world, near, filler(500_000))
    close(world, near, "done")
    pass_time(world)
    assert arrivals(accepted, began) == [(500_000 + LATENCY_US, 500_000)]
    ended = (began + 500_000 + LATENCY_US, ConnectionClosed(far.conn, "closed by peer"))
    assert accepted.heard[-1] == ended
    assert script.of(ConnectionClosed) == [(began, ConnectionClosed(near.conn, "done"))]
    assert not host.links
    assert not target.links


def test_close_waits_for_the_receivers_downlink_too() -> None:
    world = make_world()
    (host, _), (target, accepted) = add_script(world), add_script(world, down_rate=MBYTE)
    near, _ = connect(world, host, target)
    began = world.now
    send(world, near, filler(500_000))
    close(world, near)
    pass_time(world)
    assert arrivals(accepted, began) == [(500_000 + LATENCY_US, 500_000)]
    assert changes(accepted)[-1] == "ConnectionClosed"
    assert accepted.heard[-1][0] == began + 500_000 + LATENCY_US


def test_who_closed_hears_no_more() -> None:
    world = make_world()
    (host, script), (target, _) = add_script(world), add_script(world)
    near, far = connect(world, host, target)
    send(world, far, Ping(1))
    close(world, near)
    pass_time(world)
    assert arrivals(script) == []
    assert changes(script) == ["ConnectionOpened", "ConnectionClosed"]


def test_both_may_close_at_once() -> None:
    world = make_world()
    (host, script), (target, accepted) = add_script(world), add_script(world)
    near, far = connect(world, host, target)
    close(world, near)
    close(world, far)
    pass_time(world)
    assert changes(script) == changes(accepted) == ["ConnectionOpened", "ConnectionClosed"]


def test_reset_loses_what_is_on_its_way_and_is_heard_one_latency_later() -> None:
    world = make_world()
    (host, script), (target, accepted) = add_script(world, up_rate=MBYTE), add_script(world)
    near, far = connect(world, host, target)
    began = world.now
    send(world, near, filler(500_000))
    world.connections.reset(near, "broken")
    pass_time(world)
    assert arrivals(accepted) == []
    assert accepted.of(ConnectionClosed) == [(began + LATENCY_US, ConnectionClosed(far.conn, "closed by peer"))]
    assert script.of(ConnectionClosed) == [(began, ConnectionClosed(near.conn, "broken"))]


def test_power_off_resets_every_connection_and_is_not_heard_by_itself() -> None:
    world = make_world()
    (host, script), (target, accepted) = add_script(world), add_script(world)
    _, far = connect(world, host, target)
    before = list(script.heard)
    began = world.now
    world.stop(host, "off")
    pass_time(world)
    assert accepted.of(ConnectionClosed) == [(began + LATENCY_US, ConnectionClosed(far.conn, "closed by peer"))]
    assert script.heard == before
    assert (host.is_up, host.runner, host.links, host.restarts) == (False, None, {}, 1)


def test_who_was_switched_off_is_forgotten_though_much_is_still_under_way_to_it() -> None:
    world = make_world()
    (host, _), (target, script) = add_script(world, up_rate=1_000), add_script(world)
    connect(world, host, target)
    send(world, host.links[CONN], filler(MBYTE))
    known = weakref.ref(script)
    world.stop(target, "connection reset")
    pass_time(world, 1)
    del script
    gc.collect()
    assert known() is None
    # What was under way comes after a quarter of an hour, to nobody.
    pass_time(world, 2_000)


def test_what_is_held_arrives_in_order_when_it_is_let_go_and_the_other_direction_never_waits() -> None:
    world = make_world()
    (host, script), (target, accepted) = add_script(world), add_script(world)
    near, far = connect(world, host, target)
    send(world, near, filler(100, mark=0))
    world.connections.hold(near)
    send(world, near, filler(100, mark=1), filler(200, mark=2))
    send(world, far, Ping(1))
    pass_time(world, 5)
    # What was under way still came.
    assert marks(accepted) == [0]
    assert len(arrivals(script)) == 1
    began = world.now
    world.connections.let_go(near)
    send(world, near, filler(100, mark=3))
    pass_time(world)
    assert marks(accepted) == [0, 1, 2, 3]
    assert [at for at, _ in arrivals(accepted, began)][1:] == [LATENCY_US] * 3


def test_holding_twice_keeps_what_is_held() -> None:
    world = make_world()
    (host, _), (target, accepted) = add_script(world), add_script(world)
    near, _ = connect(world, host, target)
    world.connections.hold(near)
    send(world, near, filler(100, mark=1))
    world.connections.hold(near)
    world.connections.let_go(near)
    pass_time(world)
    assert marks(accepted) == [1]


@pytest.mark.parametrize("how", ["close", "reset"])
def test_the_end_of_a_held_connection_is_heard_when_it_is_let_go(how: str) -> None:
    world = make_world()
    (host, _), (target, accepted) = add_script(world), add_script(world)
    near, _ = connect(world, host, target)
    world.connections.hold(near)
    send(world, near, filler(100, mark=1))
    if how == "close":
        close(world, near)
    else:
        world.connections.reset(near, "broken")
    pass_time(world)
    assert changes(accepted) == ["ConnectionOpened"]
    began = world.now
    world.connections.let_go(near)
    pass_time(world)
    assert marks(accepted) == [1]
    assert accepted.of(ConnectionClosed)[0][0] == began + LATENCY_US
    assert not target.links


def test_hooks_see_both_ends_before_anything_is_sent() -> None:
    world = make_world()
    (host, _), (target, _) = add_script(world), add_script(world)
    seen = []
    world.connections.link_hooks.append(lambda end: seen.append((end.host.index, end.is_open, end.number)))
    connect(world, host, target)
    assert seen == [(1, True, 0), (0, True, 0)]
