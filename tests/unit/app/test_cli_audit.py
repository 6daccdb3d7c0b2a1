"""`minicoin audit`, on a log of a network that banks founded."""

import json
from pathlib import Path

import pytest
from tests.unit.drivers.audit.test_replay import LENGTH, Fleet
from tests.unit.netsync.banks_chain import keys_at

from minicoin.drivers.audit.files import audit_files
from minicoin.testing.certified_chain import public


@pytest.fixture
def log(cli) -> Path:
    """A node that followed the chain and ended."""
    directory = cli.datadir / "audit"
    fleet = Fleet(directory)
    fleet.start()
    assert fleet.reach(LENGTH)
    fleet.audited.stop()
    return directory


def test_entries_are_shown_one_a_line_and_chosen_by_kind_and_height(cli, log: Path) -> None:
    shown = cli("audit", "show").out.splitlines()
    assert len(shown) == sum(len(path.read_bytes().splitlines()) for path in audit_files(log))
    assert "network" in shown[0] and "stop" in shown[-1]
    found = [json.loads(line) for line in cli("audit", "show", "--kind", "members", "--json").out.splitlines()]
    assert [one["fields"]["version"] for one in found] == [1, 2, 3]
    assert all(len(one["hash"]) == 64 for one in found)
    above = cli("audit", "show", "--kind", "members", "--kind", "settings", "--from-height", "15").out.splitlines()
    assert len(above) == 3


def test_it_holds_until_somebody_changes_it(cli, log: Path) -> None:
    found = json.loads(cli("audit", "verify", "--json").out)
    assert found["broken"] is None and found["entries"] == len(cli("audit", "show").out.splitlines())
    assert "it holds" in cli("audit", "verify").out
    assert json.loads(cli("audit", "verify", "--json", "--holds", found["head"]).out)["holds"] is True
    missing = cli("audit", "verify", "--holds", "00" * 32)
    assert missing.code == 1 and "NO ENTRY HAS THIS HASH" in missing.out
    assert "64 hexadecimal digits" in cli("audit", "verify", "--holds", "xyz").err
    path = audit_files(log)[0]
    path.write_bytes(path.read_bytes().replace(b'"version":2', b'"version":9', 1))
    broken = cli("audit", "verify")
    assert broken.code == 1 and f"BROKEN at {path.name}, line" in broken.out
    for words in (("export", str(cli.datadir / "copy")), ("replay",)):
        refused = cli("audit", *words)
        assert refused.code == 1 and "is broken" in refused.err
    assert not (cli.datadir / "copy").exists()


def test_an_export_is_one_file_that_says_the_same(cli, log: Path) -> None:
    copy = cli.datadir / "copy.jsonl"
    found = json.loads(cli("audit", "export", str(copy), "--json").out)
    whole = json.loads(cli("audit", "verify", "--json").out)
    assert (found["head"], found["entries"]) == (whole["head"], whole["entries"])
    assert json.loads(cli("audit", "verify", "--log", str(copy), "--json").out)["head"] == found["head"]
    assert cli("audit", "show", "--log", str(copy)).out == cli("audit", "show").out
    again = cli("audit", "export", str(copy))
    assert again.code and "is there already" in again.err


def test_a_replay_says_who_signed_a_height(cli, log: Path) -> None:
    for height in (1, 10, 20, 30, LENGTH):
        found = json.loads(cli("audit", "replay", "--height", str(height), "--json").out)
        assert {one["key"] for one in found["members"]} == {public(key).hex() for key in keys_at(height)}
        assert found["admission"]["version"] == 0
    assert found["settings"]["min_interval_s"] == "2"
    shown = cli("audit", "replay").out
    assert f"block {LENGTH}: member list of version 3" in shown and "Auditor 0" in shown


def test_where_there_is_no_log(cli) -> None:
    for words in (("show",), ("verify",), ("replay",), ("export", "x")):
        refused = cli("audit", *words)
        assert refused.code == 1 and "no audit log in" in refused.err
