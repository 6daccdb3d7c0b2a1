"""Nodes with the role `auto` in one world: how many of them are super nodes settles in a band, and comes back to it
after half of those have vanished.

With p parents a leaf, P places a super node and a load between EMPTY and FULL, s super nodes among n nodes have
p (n - s) / (s P) of their places taken: the band is where that lies between the two.
"""

import pytest
from tests.soak import IS_SOAK
from tests.unit.overlay.supernode.made import (
    T0,
    address,
    leaf_record,
    offer,
    pass_time,
    peer,
    setup_of,
    status_record,
)
from tests.unit.overlay.supernode.worlds import NOBODY, Hive

from minicoin.core.commands import Generate
from minicoin.core.faults import MisuseError
from minicoin.core.overlay.contract import NetworkView, OverlaySetup
from minicoin.core.overlay.supernode.auto import AutoOverlay
from minicoin.core.overlay.supernode.election import EMPTY_PERMILLE, FULL_PERMILLE, UP_LOOKS
from minicoin.core.overlay.supernode.messages import SuperNews, SuperPlace, Verdict
from minicoin.core.policy.node import NodePolicy
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros

NODES, PLACES = (200, 24) if IS_SOAK else (40, 10)
PARENTS, CHECK_S = 2, 10
LOOKS = 6 * UP_LOOKS


class Commons(Hive):
    """Everybody alike."""

    def start(self, host):
        self.world.seeds = tuple(host.address for host in self.leaves[:8])
        self.world.start(host, NodePolicy(overlay_role="auto", external_address=host.address))

    def supers_now(self):
        return [host for host in self.living(self.leaves) if self.about(host).role == "super"]


def band(nodes):
    """The least and the most super nodes, one more and less for chance."""
    most, least = (
        PARENTS * nodes * 1_000 / (PLACES * load + PARENTS * 1_000) for load in (EMPTY_PERMILLE, FULL_PERMILLE)
    )
    return least - 1, most + 1


def test_how_many_are_super_nodes_settles_and_comes_back_after_half_of_them_vanished():
    commons = Commons(0, NODES, encodes=False, meets=True, check=CHECK_S, parents=PARENTS, places=PLACES)
    commons.spend(LOOKS * CHECK_S)
    least, most = band(NODES)
    print(f"{len(commons.supers_now())} of {NODES} are super nodes; the band is {least:.1f} to {most:.1f}")
    assert least <= len(commons.supers_now()) <= most
    was = commons.supers_now()
    commons.spend(2 * UP_LOOKS * CHECK_S)
    assert len(set(was) ^ set(commons.supers_now())) <= 2, "it does not settle"
    gone = commons.supers_now()[::2]
    commons.stop(*gone)
    commons.spend(LOOKS * CHECK_S)
    least, most = band(NODES - len(gone))
    print(f"{len(commons.supers_now())} after {len(gone)} went; the band is {least:.1f} to {most:.1f}")
    assert least <= len(commons.supers_now()) <= most
    commons.world.ask(commons.living(commons.leaves)[-1], Generate(1, NOBODY))
    assert commons.reaches(lambda: {host.height for host in commons.living(commons.leaves)} == {1})


def test_a_dial_that_failed_concerns_the_role_it_has():
    auto = AutoOverlay(setup_of(1, "auto"))
    near = peer(2, 2, is_inbound=False)
    pass_time(auto, T0, T0)
    offer(auto, near, T0)
    auto.take(near, SuperNews((status_record(3),)), T0)
    view = NetworkView((near,))
    assert auto.wants(view, T0).addresses == (address(3),)
    auto.on_unreachable(address(3), T0)
    assert auto.wants(view, T0).addresses == ()


def test_who_is_a_super_node_need_not_say_so_again_after_a_change_of_role():
    """It was asked a moment ago, and does not answer twice in a second; what it tells as a super node is believed."""
    auto = AutoOverlay(setup_of(1, "auto", parents=1, places=4, check=5))
    near = peer(2, 2, is_inbound=False)
    pass_time(auto, T0, T0)
    offer(auto, near, T0)
    auto.take(near, SuperNews((status_record(2, leaves=4, places=4),)), T0)
    auto.take(near, SuperPlace(Verdict.PLACED), T0)
    now = T0
    while auto.about((near,), now).role == "leaf":
        assert now < T0 + LOOKS * 10 * SECOND_US
        now = Micros(now + SECOND_US)
        pass_time(auto, Micros(now - SECOND_US), now)
        auto.take(near, SuperNews((status_record(2, now, leaves=4, places=4),)), now)
    assert dict(auto.about((near,), now).figures)["links"] == 1
    auto.take(near, SuperNews((leaf_record(5, [2], now),)), now)
    assert dict(auto.about((near,), now).figures)["directory"] == 1


def test_a_node_that_cannot_sign_cannot_be_elected():
    with pytest.raises(MisuseError, match="needs an Ed25519"):
        AutoOverlay(OverlaySetup(Rng(b"x"), 8, 2))
