"""The settings of the model."""

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.overlay.kademlia.settings import KademliaSettings, read_settings
from minicoin.core.overlay.table import OVERLAYS
from minicoin.core.units import SECOND_US

ROW = OVERLAYS["kademlia"]


def test_what_is_not_chosen_has_its_default():
    assert read_settings(ROW.complete(())) == read_settings({})
    assert read_settings({}) == KademliaSettings(20, 3, 1, 10 * SECOND_US, 600 * SECOND_US)


def test_what_is_chosen_is_had():
    chosen = ROW.parse(("k=8", "beta=3", "alpha=10", "pull_period=4", "refresh_period=60"))
    assert read_settings(ROW.complete(chosen)) == KademliaSettings(8, 10, 3, 4 * SECOND_US, 60 * SECOND_US)


@pytest.mark.parametrize("word", ["k=1", "k=21", "alpha=0", "beta=6", "pull_period=0", "refresh_period=1", "gamma=1"])
def test_what_cannot_be_is_refused(word):
    with pytest.raises(MisuseError):
        ROW.parse((word,))


def test_the_first_role_is_the_default():
    assert ROW.role("") == "server" and ROW.role("client") == "client"
    with pytest.raises(MisuseError, match="there are server, client"):
        ROW.role("super")
