"""The table of network models: medians, and words where there is nothing to count."""

import io
from dataclasses import replace

from rich.console import Console

from minicoin.sim.result.compare import result_row
from minicoin.sim.result.json import to_json
from minicoin.sim.result.models import GROUPS, ModelColumn, models_html, models_json, shown_groups
from minicoin.sim.result.models_terminal import print_models
from minicoin.sim.result.overlay import ErrandEnds, Spent
from minicoin.sim.result.summary import summarize

from .synthetic import make_record

BLOCKS = {"blocks.items": 4, "blocks.coverage": 1.0, "violations": 0, "events": 9_000}
RANDOM = ModelColumn(
    "random",
    [
        BLOCKS | {"blocks.per_item.p50_us": 400_000, "blocks.per_item.p99_us": None, "overlay.survival": 1.0},
        BLOCKS | {"blocks.per_item.p50_us": 600_000, "blocks.per_item.p99_us": None, "overlay.survival": 1.0},
        BLOCKS | {"blocks.per_item.p50_us": 500_000, "blocks.per_item.p99_us": 7_000_000, "overlay.survival": 0.995},
    ],
)
GOSSIP = ModelColumn(
    "gossip",
    [
        BLOCKS
        | {
            "blocks.per_item.p50_us": 100_000,
            "blocks.per_item.p99_us": 900_000,
            "overlay.control.bytes_per_node_hour": 1_500_000.0,
            "overlay.control.events_per_node_hour": 0.0,
            "overlay.survival": 0.4,
            "overlay.recovery_us": None,
        }
    ],
    failed=1,
)
LINES = {line.figure: line for group in GROUPS for line in group.lines}


def test_every_figure_has_one_line() -> None:
    assert len(LINES) == sum(len(group.lines) for group in GROUPS)
    assert len({line.title for line in LINES.values()}) == len(LINES)


def test_a_cell_is_the_median_over_the_seeds() -> None:
    line = LINES["blocks.per_item.p50_us"]
    assert (RANDOM.value(line), RANDOM.cell(line)) == (500_000, "500.0 ms")


def test_a_percentile_that_most_seeds_never_reached_is_not_reached() -> None:
    assert RANDOM.cell(LINES["blocks.per_item.p99_us"]) == "not reached"
    assert RANDOM.cell(LINES["blocks.per_item.p90_us"]) == "not reached"
    # Where no item was followed, nothing was measured.
    assert RANDOM.cell(LINES["transactions.per_item.p50_us"]) == "not measured"


def test_what_a_model_does_not_have_is_said_and_no_zero() -> None:
    control = LINES["overlay.control.bytes_per_node_hour"]
    assert (RANDOM.cell(control), GOSSIP.cell(control)) == ("has none", "1.5 MB")
    assert GOSSIP.cell(LINES["overlay.control.events_per_node_hour"]) == "0"


def test_a_network_that_was_never_broken_needs_no_recovery() -> None:
    line = LINES["overlay.recovery_us"]
    assert (RANDOM.cell(line), GOSSIP.cell(line)) == ("never broken", "never whole again")
    assert ModelColumn("x", [{}]).cell(line) == "not measured"


def test_groups_that_nobody_has_a_figure_of_are_left_out() -> None:
    shown = [group.title for group in shown_groups([RANDOM, GOSSIP])]
    assert "Control" in shown and "Letters" not in shown


def test_json_holds_numbers_where_there_are_some_and_words_where_not() -> None:
    said = models_json([RANDOM, GOSSIP])
    assert isinstance(said, dict)
    one = said["random"]
    assert isinstance(one, dict) and isinstance(one["figures"], dict) and isinstance(one["absent"], dict)
    assert (one["runs"], one["failed"]) == (3, 0)
    assert one["figures"]["blocks.per_item.p50_us"] == 500_000
    assert one["figures"]["blocks.per_item.p99_us"] is None
    assert one["absent"]["blocks.per_item.p99_us"] == "not reached"
    assert one["absent"].keys() | {name for name, value in one["figures"].items() if value is not None} == LINES.keys()


def test_the_terminal_shows_models_side_by_side() -> None:
    console = Console(file=io.StringIO(), width=120)
    print_models("four-models", "Which?", [RANDOM, GOSSIP], 3, console)
    text = console.file.getvalue()
    (line,) = (line for line in text.splitlines() if "t50 of a block" in line)
    assert line.split()[-4:] == ["500.0", "ms", "100.0", "ms"]
    assert "gossip: 1 run failed" in text


def test_the_page_has_the_same_cells_and_says_how_to_run_it_again() -> None:
    page = models_html("four-models", "Which <one>?", [RANDOM, GOSSIP], 3, ["minicoin sim run x --seed 1"])
    assert "Which &lt;one&gt;?" in page and "<code>minicoin sim run x --seed 1</code>" in page
    for line in (LINES["overlay.control.bytes_per_node_hour"], LINES["blocks.per_item.p99_us"]):
        for model in (RANDOM, GOSSIP):
            assert f">{model.cell(line)}</td>" in page
    assert "Runs that failed" in page
    # Tables scroll by themselves on a narrow screen.
    assert '<div class="scroll"><table>' in page


def test_lines_name_figures_that_runs_have() -> None:
    spent, errands = Spent(1.0, 1.0), ErrandEnds(1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    summary = summarize(make_record())
    measured = replace(
        summary.overlay,
        control=spent,
        records=spent,
        letters_spent=spent,
        upkeep=spent,
        letters=errands,
        searches=errands,
    )
    row = result_row(to_json(make_record(), replace(summary, overlay=measured)), {})
    assert [figure for figure in LINES if figure not in row] == []
