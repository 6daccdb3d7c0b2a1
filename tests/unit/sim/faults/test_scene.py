"""Faults that overlap: each takes back only its own share."""

from tests.unit.sim.check.networks import connected, pass_seconds

from minicoin.sim.engine.simulation import Simulation
from minicoin.sim.faults.host_faults import ClockSkewFault
from minicoin.sim.faults.scene import Scene
from minicoin.world.host import Host


def _stage() -> tuple[Simulation, Scene, Host]:
    simulation = connected()
    return simulation, simulation.faults.scene, simulation.honest[1]


def test_a_host_is_up_when_nobody_keeps_it_down() -> None:
    _, scene, host = _stage()
    assert scene.switch_off(host, with_disk=True)
    assert not scene.switch_off(host, with_disk=True)
    scene.switch_on(host)
    assert not host.is_up
    scene.switch_on(host)
    assert host.is_up
    assert host.restarts == 1


def test_a_restart_does_not_wake_who_is_down() -> None:
    _, scene, host = _stage()
    scene.switch_off(host, with_disk=True)
    scene.restart(host)
    assert not host.is_up
    scene.switch_on(host)
    scene.restart(host)
    assert host.is_up
    assert host.restarts == 2


def test_a_disk_that_is_kept_and_one_that_is_lost() -> None:
    simulation, scene, host = _stage()
    height = len(simulation.funding.chain)
    for with_disk, found in ((True, height), (False, 0)):
        host.disk.documents["peers"] = b"x"
        scene.switch_off(host, with_disk=with_disk)
        assert ("peers" in host.disk.documents) is with_disk
        host.disk.documents.clear()
        scene.switch_on(host)
        assert host.node is not None
        assert host.node.view.tree.tip.height == found
    pass_seconds(simulation, 30)
    assert host.node is not None
    assert host.node.view.tree.tip.height == height


def test_the_narrowest_line_counts() -> None:
    _, scene, host = _stage()
    host.lines.up_rate, host.lines.down_rate = 1_000, 0
    first, second = object(), object()
    scene.cap_lines(host, first, 500, 0)
    scene.cap_lines(host, second, 700, 300)
    assert (host.lines.up_rate, host.lines.down_rate) == (500, 300)
    scene.uncap_lines(host, first)
    assert (host.lines.up_rate, host.lines.down_rate) == (700, 300)
    scene.uncap_lines(host, second)
    assert (host.lines.up_rate, host.lines.down_rate) == (1_000, 0)


def test_slowness_multiplies() -> None:
    _, scene, host = _stage()
    host.cpu_factor = 2.0
    first, second = object(), object()
    scene.slow_down(host, first, 10.0)
    scene.slow_down(host, second, 3.0)
    assert host.cpu_factor == 60
    scene.speed_up(host, first)
    assert host.cpu_factor == 6
    scene.speed_up(host, second)
    assert host.cpu_factor == 2


def test_a_clock_set_ahead_wakes_the_node_and_one_set_back_restarts_it() -> None:
    simulation, scene, host = _stage()
    node = host.node
    scene.move_clock(host, 3_600_000_000)
    pass_seconds(simulation, 1)
    assert host.node is node
    assert host.wake_at > simulation.world.now + 3_500_000_000
    scene.move_clock(host, -3_600_000_000)
    assert host.node is not node
    assert host.is_up
    assert host.clock.offset_us == 0
    pass_seconds(simulation, 60)
    assert host.node is not None
    assert all(session.is_ready for session in host.node.view.sessions.values())
    assert len(host.node.view.sessions) == 2


def test_what_is_down_gets_its_clock_set_all_the_same() -> None:
    _, scene, host = _stage()
    scene.switch_off(host, with_disk=True)
    scene.move_clock(host, -5_000_000)
    assert host.clock.offset_us == -5_000_000
    assert not host.is_up


def test_a_drift_of_less_than_a_microsecond_a_second_adds_up() -> None:
    simulation, scene, host = _stage()
    before = host.clock.offset_us
    drift = ClockSkewFault([host.name], {host.index: None}, 0, 0.4)
    drift.start(scene)
    pass_seconds(simulation, 11)
    assert host.clock.offset_us - before == 4
    drift.stop(scene)
    assert host.clock.offset_us == before
