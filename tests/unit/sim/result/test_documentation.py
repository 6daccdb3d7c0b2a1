from pathlib import Path

import pytest

from minicoin.sim.result.json import to_json
from minicoin.sim.result.parquet import write_parquet

from .synthetic import make_record

PAGE = (Path(__file__).parents[4] / "docs" / "results.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*to_json(make_record()), *to_json(make_record())["figures"]])
def test_every_key_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_every_table_is_documented(tmp_path: Path) -> None:
    write_parquet(make_record(), tmp_path)
    assert [file.stem for file in sorted(tmp_path.iterdir()) if f"`{file.stem}`" not in PAGE] == []
