"""What a network may choose of the model, and what nobody chooses."""

import pytest
from tests.unit.overlay.gossip.made import identity, setup

from minicoin.core.overlay.gossip.model import GossipOverlay
from minicoin.core.overlay.gossip.settings import SETTINGS, read_settings
from minicoin.core.overlay.table import find_model
from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.models import IntSetting, SettingProblem
from minicoin.core.records.exchange_policy import DEFAULT_EXCHANGE, ExchangeMode, ExchangePolicy
from minicoin.core.records.store import RecordStore
from minicoin.core.units import SECOND_US

NUMBERS = [setting for setting in SETTINGS if isinstance(setting, IntSetting)]


def test_defaults():
    made = read_settings({})
    assert (made.neighbours, made.neighbours_min, made.fanout, made.pull_peers, made.seek_hops) == (8, 4, 4, 1, 4)
    assert (made.pull_period_us, made.alive_period_us, made.expiry_us) == (4_000_000, 10_000_000, 120_000_000)
    assert made.reshuffle_period_us == 300_000_000


def test_records_are_exchanged_as_everywhere_unless_the_network_says_otherwise():
    assert read_settings({}).exchange == DEFAULT_EXCHANGE


@pytest.mark.parametrize("mode", ExchangeMode)
def test_how_records_are_exchanged_is_a_setting(mode):
    store = RecordStore(REGTEST, identity(200))
    chosen = {"exchange": mode.value, "exchange_period": 7, "exchange_peers": 3}
    GossipOverlay(setup(records=store, **chosen))
    at_once = mode is ExchangeMode.ANTI_ENTROPY
    assert store.exchange == ExchangePolicy(mode, 7 * SECOND_US, fanout=3, tells_at_once=at_once)


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.name)
def test_each_number_moves_one_value(setting):
    value = setting.default + 1
    before, after = read_settings({}), read_settings({setting.name: value})
    changed = [name for name in before.__slots__ if getattr(before, name) != getattr(after, name)]
    expected = "exchange" if setting.name.startswith("exchange") else setting.name
    assert [name.removesuffix("_us") for name in changed] == [expected]


def test_the_table_knows_them_and_refuses_what_is_out_of_bounds():
    row = find_model("gossip")
    assert row.settings == SETTINGS and row.needs_messages and row.roles == ("member",)
    with pytest.raises(SettingProblem, match="pull_period must be 1 to 86400, not 0"):
        row.check({"pull_period": 0})
