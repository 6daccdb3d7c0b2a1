from dataclasses import fields

from minicoin.sim.result.summary import FaultCoverage, SeriesRange, Summary, figures_json, summarize

from .synthetic import block, empty_record, make_record


def test_faults_that_never_fired_are_there_with_zero() -> None:
    assert summarize(make_record()).faults == [
        FaultCoverage("partition", 1, 4_211),
        FaultCoverage("crash", 2, 3),
        FaultCoverage("torn-write", 1, 0),
    ]


def test_series_ranges() -> None:
    tips, converged, _, nothing = summarize(make_record()).series
    assert tips == SeriesRange("tips", "tips", 160, 1.0, 2.0, 1.0)
    assert converged.least == 0.6
    assert nothing == SeriesRange("nothing", "things", 0, None, None, None)


def test_best_blocks_reach_all_while_stale_ones_do_not() -> None:
    found = summarize(make_record())
    assert found.best_blocks.coverage == 1.0 > found.blocks.coverage
    assert found.best_blocks.items + found.forks.stale == found.blocks.items == 40


def test_nodes_are_counted_without_node_records() -> None:
    assert summarize(empty_record(blocks=[block(0, 0, [0, 1, 2])])).nodes == 3
    assert summarize(empty_record()).nodes == 0


def test_json_has_every_figure_in_order() -> None:
    figures = figures_json(summarize(make_record()))
    assert list(figures) == [field.name for field in fields(Summary)]
