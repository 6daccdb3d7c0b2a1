"""What a network file may choose."""

import pytest
from tests.unit.overlay.supernode.made import settings_of

from minicoin.core.overlay.supernode.settings import ROLES, SETTINGS, SupernodeSettings
from minicoin.core.overlay.table import find_model
from minicoin.core.params.models import SettingProblem


def test_the_values_of_a_network():
    assert SupernodeSettings.of(settings_of(parents=2, check=5)) == SupernodeSettings(2, 64, 8, 8, 5)


def test_every_setting_is_a_field_and_is_refused_out_of_its_bounds():
    model = find_model("supernode")
    assert tuple(row.name for row in model.settings) == tuple(SupernodeSettings.__annotations__)
    for row in SETTINGS:
        with pytest.raises(SettingProblem, match=f"must be {row.low} to {row.high}"):
            model.check({row.name: row.high + 1})


def test_a_node_is_a_leaf_unless_it_says_otherwise():
    assert find_model("supernode").role("") == "leaf" and ROLES == ("leaf", "super", "auto")
