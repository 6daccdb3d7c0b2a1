from dataclasses import fields, is_dataclass

import numpy as np
import polars as pl
import pytest

from minicoin.core.faults import MisuseError
from minicoin.sim.result.json import to_json
from minicoin.sim.result.parquet import read_parquet, write_parquet

from .synthetic import block, empty_record, make_record


def assert_same(one: object, other: object) -> None:
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype and one.shape == other.shape and np.array_equal(one, other)
    elif is_dataclass(one):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, list):
        assert len(one) == len(other)
        for item, its_other in zip(one, other, strict=True):
            assert_same(item, its_other)
    else:
        assert one == other


@pytest.mark.parametrize("record", [make_record(), make_record(engine="model", blocks=3), empty_record()])
def test_the_record_comes_back(record, tmp_path) -> None:
    write_parquet(record, tmp_path / "result")
    found = read_parquet(tmp_path / "result")
    assert_same(record, found)
    assert to_json(found) == to_json(record)


def test_arrays_that_come_back_may_be_changed(tmp_path) -> None:
    write_parquet(make_record(), tmp_path)
    read_parquet(tmp_path).blocks[0].arrivals[0] = 5


def test_a_second_run_replaces_the_first(tmp_path) -> None:
    write_parquet(make_record(blocks=9), tmp_path)
    write_parquet(make_record(blocks=2), tmp_path)
    assert len(read_parquet(tmp_path).blocks) == 2


def test_tables_can_be_read_by_others(tmp_path) -> None:
    write_parquet(empty_record(blocks=[block(0, 0, [0, 5]), block(1, 1, [7, 0])]), tmp_path)
    arrivals = pl.read_parquet(tmp_path / "arrivals.parquet")
    assert arrivals.rows() == [("block", 0, 0, 0), ("block", 0, 1, 5), ("block", 1, 0, 7), ("block", 1, 1, 0)]
    assert pl.read_parquet(tmp_path / "run.parquet")["digest"].to_list() == ["cd" * 32]


def test_a_directory_without_a_result(tmp_path) -> None:
    with pytest.raises(MisuseError, match=r"no result in .*run\.parquet is missing"):
        read_parquet(tmp_path)
