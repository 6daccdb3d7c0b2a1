"""A password in a file: what is in use when another takes its place, or something that is none."""

import os
from pathlib import Path

import pytest

from minicoin.core.faults import MisuseError
from minicoin.drivers.registry.secret import NO_SECRET, PASSWORD, TOKEN, CurrentSecret, Secret, read_secret
from minicoin.drivers.reports import RegistryFilesReplaced, RegistryWarned, Report


def current(secret: Secret, log: list[Report]) -> CurrentSecret:
    return CurrentSecret(secret, lambda: "etcd1", log.append)


def test_what_takes_its_place_is_in_use_from_the_next_time_on(tmp_path: Path) -> None:
    file, log = tmp_path / "password", list[Report]()
    file.write_text("first\n")
    found = current(read_secret("registry-password-file", PASSWORD, file), log)
    assert found.value == found.value == "first" and log == []
    fresh = tmp_path / "fresh"
    fresh.write_text("later\n")
    os.replace(fresh, file)
    assert found.value == found.value == "later"
    assert log == [RegistryFilesReplaced("etcd1")] and found.problem == ""


@pytest.mark.parametrize("raw", [b"", b"two\nlines\n", b"\xff", b"x" * 4_097, None])
def test_what_is_none_leaves_the_one_before_in_use_and_is_told_once(raw: bytes | None, tmp_path: Path) -> None:
    file, log = tmp_path / "password", list[Report]()
    file.write_text("first")
    found = current(read_secret("registry-password-file", PASSWORD, file), log)
    if raw is None:
        file.unlink()
    else:
        file.write_bytes(raw)
    assert found.value == found.value == "first"
    assert log == [RegistryWarned("etcd1", found.problem)]
    assert "what was there before stays in use: registry-password-file" in found.problem and str(file) in found.problem
    file.write_text("later, and longer")
    assert found.value == "later, and longer" and found.problem == ""


def test_a_token_is_of_visible_characters(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a b")
    assert read_secret("registry-password-file", PASSWORD, file).first == "a b"
    with pytest.raises(MisuseError, match="holds no token: one is of visible characters"):
        read_secret("registry-token-file", TOKEN, file)


def test_of_no_file_it_stays_what_it_is() -> None:
    log = list[Report]()
    assert current(Secret("x"), log).value == "x" and current(NO_SECRET, log).value == ""
    assert current(NO_SECRET, log).problem == "" and "horse" not in repr(Secret("correct horse"))
