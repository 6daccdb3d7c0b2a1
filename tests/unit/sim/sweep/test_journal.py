"""The journal: what was finished is found again, whatever a kill has left behind it."""

import json
from pathlib import Path

import pytest

from minicoin.sim.sweep.journal import NAME, JournalBusy, open_journal
from minicoin.sim.sweep.plan import JobId
from minicoin.sim.sweep.work import JobOutcome

DONE = [
    JobOutcome(JobId("aa", seed), {"seed": seed, "digest": f"d{seed}", "x": 0.1, "none": None}) for seed in (1, 2, 3)
]


def write(directory: Path, outcomes: list[JobOutcome], code: str = "v1") -> None:
    with open_journal(directory, code) as journal:
        for outcome in outcomes:
            journal.add(outcome)


def rows(directory: Path, code: str = "v1") -> dict[JobId, object]:
    with open_journal(directory, code) as journal:
        return dict(journal.rows)


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    write(tmp_path / "new" / "one", DONE)
    assert rows(tmp_path / "new" / "one") == {outcome.id: outcome.row for outcome in DONE}


def test_a_failed_job_is_written_down_and_not_taken_over(tmp_path: Path) -> None:
    write(tmp_path, [JobOutcome(JobId("aa", 1), None, "SetupFailed: why")])
    assert rows(tmp_path) == {}
    assert json.loads((tmp_path / NAME).read_text())["error"] == "SetupFailed: why"
    write(tmp_path, DONE[:1])
    assert list(rows(tmp_path)) == [JobId("aa", 1)]


def test_other_code_starts_anew(tmp_path: Path) -> None:
    write(tmp_path, DONE, "v1")
    assert rows(tmp_path, "v2") == {}
    write(tmp_path, DONE[:1], "v2")
    assert (len(rows(tmp_path, "v2")), len(rows(tmp_path, "v1"))) == (1, 3)


def test_cut_anywhere_it_keeps_every_whole_line_and_goes_on(tmp_path: Path) -> None:
    write(tmp_path, DONE)
    whole = (tmp_path / NAME).read_bytes()
    for length in range(len(whole) + 1):
        (tmp_path / NAME).write_bytes(whole[:length])
        kept = whole[:length].count(b"\n")
        assert list(rows(tmp_path)) == [outcome.id for outcome in DONE[:kept]]
        if length % 71 == 0:
            write(tmp_path, DONE)
            assert len(rows(tmp_path)) == 3


@pytest.mark.parametrize(
    "damage", [b"\0\0\0\0\n", b"{}\n", b"[1]\n", b'"text"\n', b'{"scenario_hash":"a"\n', b"\xff\n"]
)
def test_a_damaged_line_costs_its_job_only(tmp_path: Path, damage: bytes) -> None:
    write(tmp_path, DONE)
    lines = (tmp_path / NAME).read_bytes().splitlines(keepends=True)
    (tmp_path / NAME).write_bytes(lines[0] + damage + lines[2])
    with open_journal(tmp_path, "v1") as journal:
        assert [job.seed for job in journal.rows] == [1, 3]
        assert journal.unreadable == 1


def test_one_sweep_at_a_time(tmp_path: Path) -> None:
    with open_journal(tmp_path, "v1"), pytest.raises(JournalBusy, match="another sweep is running in"):
        rows(tmp_path)
    assert rows(tmp_path) == {}
