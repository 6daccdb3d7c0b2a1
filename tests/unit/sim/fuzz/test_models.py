"""A network model for what a seed draws: every setting and role comes up, and what else was drawn stays."""

import pytest

from minicoin.core.overlay.table import OVERLAYS
from minicoin.core.params.models import AddressesSetting, ChoiceSetting, IntSetting
from minicoin.sim.fuzz.drawing import draw_scenario
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.toml_text import toml_text

SEEDS = range(60)


@pytest.fixture(scope="module", params=list(OVERLAYS))
def drawn(request: pytest.FixtureRequest) -> tuple[str, list[Scenario]]:
    return request.param, [draw_scenario(seed, overlay=request.param) for seed in SEEDS]


def test_equal_seeds_draw_equal_scenarios_that_are_files(drawn: tuple[str, list[Scenario]]) -> None:
    overlay, scenarios = drawn
    for seed in SEEDS[:10]:
        assert draw_scenario(seed, overlay=overlay) == scenarios[seed]
        text = toml_text(scenarios[seed].given())
        assert Scenario.from_toml(text).canonical() == scenarios[seed].canonical()


def test_every_setting_is_drawn_within_its_bounds_and_every_role_is_given(drawn: tuple[str, list[Scenario]]) -> None:
    overlay, scenarios = drawn
    model = OVERLAYS[overlay]
    for setting in model.settings:
        assert isinstance(setting, IntSetting | ChoiceSetting | AddressesSetting)
        tables = [one.network.overlay_settings for one in scenarios]
        values = [table[setting.name] for table in tables if setting.name in table]
        assert 0 < len(values) < len(scenarios)
        assert all(setting.check(value) is not None for value in values)
        if isinstance(setting, IntSetting | ChoiceSetting):
            assert len({str(value) for value in values}) > 1
    for scenario in scenarios:
        # The second role is some nodes', the first that of all others.
        roles = [group.role for group in scenario.nodes.group]
        assert roles[:1] == list(model.roles[1:2]) and roles[1:] in ([], list(model.roles[2:]))
        assert all(0 < len(nodes) < scenario.nodes.count for nodes in scenario.groups.values())
    assert {group.role for one in scenarios for group in one.nodes.group} == set(model.roles[1:])


def test_addresses_in_a_setting_are_those_of_the_nodes_with_the_role() -> None:
    scenarios = [draw_scenario(seed, overlay="index") for seed in SEEDS]
    named = [one for one in scenarios if "index" in one.network.overlay_settings]
    assert named
    for scenario in named:
        (nodes,) = scenario.groups.values()
        addresses = scenario.network.overlay_settings["index"]
        assert isinstance(addresses, tuple | list)
        assert list(addresses) == [f"10.0.0.{index}:8333" for index in nodes][: len(addresses)]
        assert len(addresses) >= 1


def test_what_else_a_seed_draws_is_what_it_draws_without_a_model() -> None:
    for seed in SEEDS[:20]:
        plain, under = draw_scenario(seed), draw_scenario(seed, overlay="everybody")
        assert (under.fault, under.mining, under.transactions) == (plain.fault, plain.mining, plain.transactions)
        assert under.nodes.count == plain.nodes.count
        assert (under.network.overlay, under.topology.source) == ("everybody", "addrman")


def test_some_begin_connected_and_some_write_letters() -> None:
    scenarios = [draw_scenario(seed, overlay="random") for seed in SEEDS]
    assert {one.warmup.start for one in scenarios} == {"handshake", "connected"}
    assert {one.network.own_messages for one in scenarios} == {True, False}
    assert {one.letters is None for one in scenarios} == {one.searches is None for one in scenarios} == {True, False}
    assert all(one.network.own_messages for one in scenarios if one.letters is not None)
    assert {one.links.transport for one in scenarios} == {"named", "libp2p"}
