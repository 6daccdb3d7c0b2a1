"""The models by their names."""

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.overlay import OverlaySetup
from minicoin.core.overlay.table import OVERLAYS, make_overlay
from minicoin.core.params.network import OVERLAY
from minicoin.core.rng import Rng

SETUP = OverlaySetup(Rng(b"test"), full_relay=8, block_only=2)


def test_the_default_is_one_of_them():
    assert OVERLAY in OVERLAYS


@pytest.mark.parametrize("name", OVERLAYS)
def test_each_is_made_with_nothing_due(name):
    made = make_overlay(name, SETUP)
    assert made.next_deadline() is None and made.routes() == ()


def test_an_unknown_one_is_refused_with_the_names_there_are():
    with pytest.raises(MisuseError, match="no network model 'nonsense'; there are random, everybody"):
        make_overlay("nonsense", SETUP)
