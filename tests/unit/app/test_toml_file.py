"""Files of TOML, and files that are none."""

from pathlib import Path

import pytest

from minicoin.app.toml_file import read_toml
from minicoin.core.params.table import NotToml


def test_a_file_is_read_with_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "some.toml"
    for encoding in ("utf-8", "utf-8-sig"):
        path.write_text("name = 'münze'", encoding=encoding)
        assert read_toml(path) == {"name": "münze"}


@pytest.mark.parametrize("raw", [b"name", b"name = '\xff'", b"a = " + b"9" * 5_000, b"a = " + b"[" * 50_000])
def test_what_is_none_is_told(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "some.toml"
    path.write_bytes(raw)
    with pytest.raises(NotToml):
        read_toml(path)


def test_a_file_that_is_not_there_is_the_systems_word(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_toml(tmp_path / "none.toml")
