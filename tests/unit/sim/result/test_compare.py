import json
import re

import pytest

from minicoin.core.faults import MisuseError
from minicoin.sim.result.compare import comparison_html, read_rows, result_row, write_rows
from minicoin.sim.result.json import to_json

from .synthetic import make_record


def rows_of_a_sweep(engines=("full",)):
    rows = []
    for engine in engines:
        for nodes in (10, 30, 90):
            for seed in (1, 2, 3):
                record = make_record(nodes, 12, engine=engine, seed=seed)
                rows.append(result_row(to_json(record), {"nodes.count": nodes}))
    return rows


def plots_of(html: str):
    found = re.search(r'<script type="application/json" id="plots">(.*?)</script>', html)
    assert found is not None
    return {plot["name"]: plot for plot in json.loads(found[1])}


def test_a_row_has_parameters_and_single_figures() -> None:
    record = make_record()
    row = result_row(to_json(record), {"nodes.count": 60, "network.spacing_s": 1.5})
    assert (row["scenario"], row["engine"], row["seed"], row["digest"]) == ("synthetic", "full", 41, record.digest)
    assert (row["set.nodes.count"], row["set.network.spacing_s"]) == (60, 1.5)
    assert row["forks.stale"] == 4
    assert row["wall.run_s"] == 2.0
    assert isinstance(row["blocks.per_item.p50_us"], int)
    assert "hottest" not in row and "types" not in row


def test_sweeps_are_read_below_each_other_though_columns_differ(tmp_path) -> None:
    rows = rows_of_a_sweep()
    write_rows(rows[:4], tmp_path / "one.parquet")
    write_rows([{**row, "set.loss": 0.1} for row in rows[4:]], tmp_path / "two.parquet")
    table = read_rows([tmp_path / "one.parquet", tmp_path / "two.parquet"])
    assert table.height == 9
    assert table["set.loss"].null_count() == 4


def test_rows_of_one_table_may_lack_columns(tmp_path) -> None:
    write_rows([{"scenario": "a", "x": 1}, {"scenario": "b", "x": None, "y": 2.5}], tmp_path / "s.parquet")
    assert read_rows([tmp_path / "s.parquet"]).rows() == [("a", 1, None), ("b", None, 2.5)]


def test_medians_by_hand(tmp_path) -> None:
    rows = rows_of_a_sweep()
    for row, value in zip(rows, [1, 5, 3, 10, 10, 10, 7, 8, 9], strict=True):
        row["blocks.per_item.p50_us"] = value * 1_000_000
    write_rows(rows, tmp_path / "sweep.parquet")
    points, line = plots_of(comparison_html(read_rows([tmp_path / "sweep.parquet"]), "nodes.count"))[
        "by-blocks-per-item-p50-us"
    ]["traces"]
    assert len(points["x"]) == 9
    assert (line["x"], line["y"]) == ([10, 30, 90], [3, 10, 8])


def test_a_run_that_reached_too_few_comes_after_all_others(tmp_path) -> None:
    rows = rows_of_a_sweep()
    for row, value in zip(rows, [1, 5, None, 10, None, None, 7, 8, 9], strict=True):
        row["blocks.per_item.p90_us"] = None if value is None else value * 1_000_000
    write_rows(rows, tmp_path / "sweep.parquet")
    html = comparison_html(read_rows([tmp_path / "sweep.parquet"]), "nodes.count")
    points, line = plots_of(html)["by-blocks-per-item-p90-us"]["traces"]
    assert len(points["x"]) == 6
    # Medians: 5 of 1, 5 and never; never of 10 and twice never; 8.
    assert (line["x"], line["y"]) == ([10, 90], [5, 8])
    assert "not reached" in html


def test_each_engine_is_a_line_and_a_model_is_named(tmp_path) -> None:
    write_rows(rows_of_a_sweep(("full", "model")), tmp_path / "sweep.parquet")
    html = comparison_html(read_rows([tmp_path / "sweep.parquet"]), "nodes.count")
    names = [trace["name"] for trace in plots_of(html)["by-events"]["traces"] if trace["mode"] == "lines"]
    assert names == ["engine full", "engine model"]
    assert "a model, not the node code" in html


def test_words_as_values(tmp_path) -> None:
    rows = [result_row(to_json(make_record(10, 5)), {"topology.source": name}) for name in ("random", "ring")]
    write_rows(rows, tmp_path / "sweep.parquet")
    page = comparison_html(read_rows([tmp_path / "sweep.parquet"]), "topology.source")
    plot = plots_of(page)["by-events"]
    assert plot["layout"]["xaxis"]["type"] == "category"


def test_mistakes_are_named(tmp_path) -> None:
    write_rows(rows_of_a_sweep(), tmp_path / "sweep.parquet")
    with pytest.raises(MisuseError, match=r"'loss' was not swept; the runs vary nodes\.count"):
        comparison_html(read_rows([tmp_path / "sweep.parquet"]), "loss")
    with pytest.raises(MisuseError, match=r"no sweep result: .*none\.parquet"):
        read_rows([tmp_path / "none.parquet"])
    with pytest.raises(MisuseError, match="no file given"):
        read_rows([])
