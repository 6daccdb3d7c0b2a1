"""What a network may choose of the model, and what nobody chooses."""

import pytest

from minicoin.core.overlay.gossip.settings import SETTINGS, read_settings
from minicoin.core.overlay.table import find_model
from minicoin.core.params.models import SettingProblem


def test_defaults():
    made = read_settings({})
    assert (made.neighbours, made.neighbours_min, made.fanout, made.pull_peers, made.seek_hops) == (8, 4, 4, 1, 4)
    assert (made.pull_period_us, made.alive_period_us, made.expiry_us) == (4_000_000, 10_000_000, 120_000_000)
    assert made.reshuffle_period_us == 300_000_000


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_each_setting_moves_one_value(setting):
    value = setting.default + 1
    before, after = read_settings({}), read_settings({setting.name: value})
    changed = [name for name in before.__slots__ if getattr(before, name) != getattr(after, name)]
    assert [name.removesuffix("_us") for name in changed] == [setting.name]


def test_the_table_knows_them_and_refuses_what_is_out_of_bounds():
    row = find_model("gossip")
    assert row.settings == SETTINGS and row.needs_messages and row.roles == ("member",)
    with pytest.raises(SettingProblem, match="pull_period must be 1 to 86400, not 0"):
        row.check({"pull_period": 0})
