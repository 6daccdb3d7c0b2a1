"""Nodes with the role `auto` in one world: how many of them are super nodes settles in a band, and comes back to it
after half of those have vanished.

With p parents a leaf, P places a super node and a load between EMPTY and FULL, s super nodes among n nodes have
p (n - s) / (s P) of their places taken: the band is where that lies between the two.
"""

import pytest
from tests.soak import IS_SOAK
from tests.unit.overlay.supernode.worlds import NOBODY, Hive

from minicoin.core.commands import Generate
from minicoin.core.faults import MisuseError
from minicoin.core.overlay.contract import OverlaySetup
from minicoin.core.overlay.supernode.auto import AutoOverlay
from minicoin.core.overlay.supernode.election import EMPTY_PERMILLE, FULL_PERMILLE, UP_LOOKS
from minicoin.core.policy.node import NodePolicy
from minicoin.core.rng import Rng

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


def test_a_node_that_cannot_sign_cannot_be_elected():
    with pytest.raises(MisuseError, match="needs an Ed25519"):
        AutoOverlay(OverlaySetup(Rng(b"x"), 8, 2))
