"""A scenario's geography, lines and topology; the names of its sources are those of the parts that own them."""

from typing import get_args

import pytest

from minicoin.core.faults import MisuseError
from minicoin.sim import geography, pools, topology
from minicoin.sim.geography import FixedBandwidth, LognormalBandwidth
from minicoin.sim.model import network, parameters
from minicoin.sim.scenario import attackers, fault_rates, faults, fields, looking, setting
from minicoin.sim.scenario.problems import ScenarioError, models_of, tag_of
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.sources import scenario_geography, scenario_lines, scenario_topology


def scenario(*tables: str, nodes: str = "count = 50") -> Scenario:
    return Scenario.from_toml(
        f'name = "a"\nquestion = "b"\n[nodes]\n{nodes}\n[mining]\nblocks = 1\n' + "\n".join(tables)
    )


def test_names_are_those_of_the_parts_that_own_them() -> None:
    assert set(get_args(setting.Geography)) == {*geography.GEOGRAPHIES, "uniform"}
    assert set(get_args(setting.TopologySource)) == {*topology.SOURCES, "gervais", "static", "addrman"}
    assert {name for place in geography.GEOGRAPHIES.values() for name in place.regions} == set(get_args(fields.Region))
    assert get_args(setting.Discipline) == get_args(parameters.Discipline)
    assert get_args(setting.Relay) == get_args(parameters.Relay)
    habits = looking.Model.model_fields
    assert set(get_args(habits["announce_to"].annotation)) == set(get_args(parameters.AnnounceTo))
    assert habits["announce_bytes"].default == parameters.HEADERS_BYTES
    assert habits["request_bytes"].default == parameters.VECTOR_BYTES


def test_random_rates_know_every_kind_of_fault() -> None:
    # A registry lies only where the file names whom it tells what.
    kinds = [tag_of(model) for model in models_of(faults.Fault) if model is not faults.RegistryLies]
    assert list(get_args(fault_rates.FaultKind)) == kinds
    assert None not in [tag_of(model) for model in models_of(attackers.Attacker)]


def test_geography_keeps_its_own_law_unless_told() -> None:
    assert scenario_geography(scenario()) == geography.named("simblock-2019")
    told = scenario_geography(scenario('[links]\nlatency = "pareto"\nlatency_drawn = "per_link"'))
    assert (told.latency_law, told.latency_drawn) == ("pareto", "per_link")
    assert scenario_geography(scenario('[links]\nlatency = "fixed"')).latency_law == "fixed"


def test_bandwidth_of_the_file_takes_the_place_of_the_geographys() -> None:
    place = scenario_geography(scenario("[links]\nup_mbit = 3"))
    assert [(lines.down_mbit, lines.up_mbit) for lines in place.bandwidth if isinstance(lines, FixedBandwidth)] == [
        (lines.down_mbit, 3.0)
        for lines in geography.named("simblock-2019").bandwidth
        if isinstance(lines, FixedBandwidth)
    ]
    drawn = scenario('[links]\ngeography = "gervais-2016"\nup_mbit = 3\ndown_mbit = 4')
    assert all(isinstance(lines, LognormalBandwidth) for lines in scenario_geography(drawn).bandwidth)
    lines = scenario_lines(drawn, 1)
    assert set(lines.up) == {375_000}
    assert set(lines.down) == {500_000}


@pytest.mark.parametrize("keys", ["up_mbit = 1e-6", "down_mbit = 7e-6", "up_mbit = 0"])
def test_a_rate_that_would_round_to_unlimited_is_refused(keys: str) -> None:
    with pytest.raises(ScenarioError, match=r"mbit: should be greater than or equal to 0.000008"):
        scenario(f"[links]\n{keys}")
    with pytest.raises(ScenarioError, match=r"mbit: should be greater than or equal to 0.000008"):
        scenario(f'[[nodes.group]]\nname = "g"\ncount = 1\n{keys}')


def test_the_slowest_line_is_a_byte_a_second() -> None:
    for name in ("simblock-2019", "gervais-2016"):
        slow = scenario(f'[links]\ngeography = "{name}"\nup_mbit = 8e-6\ndown_mbit = 8e-6')
        lines = scenario_lines(slow, 1)
        assert set(lines.up) == set(lines.down) == {1}
    assert geography.bytes_per_second(1e-9) == 1
    assert geography.bytes_per_second(0.0) == 0


def test_pools_have_their_own_lines_and_places() -> None:
    made = scenario('[topology]\nsource = "gervais"\n[links]\ngeography = "gervais-2016"')
    lines = scenario_lines(made, 1)
    place = scenario_geography(made)
    assert set(lines.up[:16]) == set(lines.down[:16]) == {12_500_000}
    assert tuple(place.regions[region] for region in lines.region[:16]) == pools.POOL_REGIONS
    # As the model has them.
    drawn = network.draw_lines(place, scenario_topology(made, 1), 1)
    assert (drawn.up.tolist(), drawn.down.tolist()) == (list(lines.up), list(lines.down))
    assert drawn.region.tolist() == list(lines.region)


def test_uniform_has_one_latency_and_no_limit_unless_told() -> None:
    made = scenario('[links]\ngeography = "uniform"\nlatency_ms = 12.5\nup_mbit = 8')
    assert scenario_geography(made).latency_us == ((12_500,),)
    assert set(scenario_lines(made, 1).up) == {1_000_000}
    assert set(scenario_lines(made, 1).down) == {0}


def test_groups_have_lines_and_regions_of_their_own_and_leave_the_others_as_drawn() -> None:
    grouped = scenario(nodes='count = 50\n[[nodes.group]]\nname = "g"\ncount = 2\nregion = "JP"\nup_mbit = 0.5')
    lines, plain = scenario_lines(grouped, 3), scenario_lines(scenario(), 3)
    assert lines.region[:2] == (4, 4)
    assert lines.up[:2] == (62_500, 62_500)
    assert lines.down == plain.down
    assert (lines.region[2:], lines.up[2:]) == (plain.region[2:], plain.up[2:])


@pytest.mark.parametrize("source", [name for name in get_args(setting.TopologySource) if name != "addrman"])
def test_every_source_gives_links_from_the_seed(source: str) -> None:
    degrees = "degrees = [2, 3]" if source == "static" else ""
    made = scenario(f'[topology]\nsource = "{source}"\n{degrees}')
    first, again = scenario_topology(made, 5), scenario_topology(made, 5)
    assert first.nodes == 50
    assert len(first.source) >= 49
    assert first.outbound() == again.outbound()


def test_outbound_and_degrees_are_read() -> None:
    assert [len(peers) for peers in scenario_topology(scenario("[topology]\noutbound = 3"), 1).outbound()] == [3] * 50
    static = scenario('[topology]\nsource = "static"\ndegrees = [2, 3]')
    assert [len(peers) for peers in scenario_topology(static, 1).outbound()] == [2, 3] * 25


def test_address_books_have_no_links_to_draw() -> None:
    with pytest.raises(MisuseError, match="nodes find each other"):
        scenario_topology(scenario('[topology]\nsource = "addrman"'), 1)
