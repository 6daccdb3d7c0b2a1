"""Letters, searches, joins and pieces in whole runs."""

from tests.unit.sim.engine.runs import SMALL, simulate

from minicoin.core.units import SECOND_US
from minicoin.sim.engine.components import largest_component
from minicoin.sim.engine.run import record_of
from minicoin.sim.measure.record import NEVER

TEXT = (
    SMALL.replace("count = 6", "count = 12")
    .replace("[network]", "[network]\nown_messages = true")
    .replace('geography = "simblock-2019"', 'geography = "simblock-2019"\ntransport = "named"')
)
ERRANDS = """
[letters]
rate_per_s = 1.0
start_s = 5
stop_s = 40
[searches]
rate_per_s = 1.0
"""
LOSS = """
[[fault]]
kind = "node-loss"
nodes = [3]
at_s = 30
[measure]
connections_every_s = 2
"""
CRASH = """
[[fault]]
kind = "crash"
nodes = [2, 5]
at_s = 20
restart_after_s = 6
"""


def test_letters_and_searches_end_as_their_senders_are_told() -> None:
    record = record_of(simulate(TEXT + ERRANDS))
    letters = [one for one in record.errands if one.kind == "letter"]
    searches = [one for one in record.errands if one.kind == "search"]
    assert len(letters) > 15 and len(searches) > 15
    assert all(5 * SECOND_US <= one.sent_at_us < 40 * SECOND_US for one in letters)
    assert {one.outcome for one in letters} == {"delivered"}
    assert all(0 < one.took_us < 5 * SECOND_US and one.cost >= 1 for one in letters)
    assert {one.outcome for one in searches} <= {"found", "uncertain", "unknown"}
    assert all(one.took_us != NEVER and one.sender != one.addressee for one in record.errands)
    commands = [name for name in record.traffic.types if name.startswith("directed/")]
    assert record.traffic.received_messages[:, [record.traffic.types.index(name) for name in commands]].sum() > 0


def test_a_letter_to_a_node_that_is_gone_is_never_delivered() -> None:
    simulation = simulate(TEXT + ERRANDS + LOSS, "letters.rate_per_s=4.0", "letters.stop_s=60.0")
    record = record_of(simulation)
    lost = [one for one in record.errands if one.kind == "letter" and not one.was_up]
    assert lost and all(one.addressee == 3 and one.outcome in ("maybe", "failed") for one in lost)
    (pieces,) = (series for series in record.series if series.name == "component")
    assert pieces.values.max() == 1
    assert largest_component(simulation.honest) == round(pieces.values[-1] * 11)


def test_who_is_switched_on_again_joins() -> None:
    record = record_of(simulate(TEXT + CRASH))
    assert [join.node for join in record.joins] == [2, 5]
    for join in record.joins:
        assert join.started_us >= 26 * SECOND_US
        assert 0 < join.ready_us <= join.level_us


def test_without_a_load_nothing_is_asked() -> None:
    record = record_of(simulate(TEXT))
    assert record.errands == [] and record.joins == []
