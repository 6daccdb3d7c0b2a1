"""What was changed in a log shows, and where."""

from pathlib import Path

import pytest

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.drivers.audit.entry import AuditDraft, EntryKind, line_hash
from minicoin.drivers.audit.files import audit_files
from minicoin.drivers.audit.verify import read_entries, verify_log

from .audited import NETWORK_ID, NOW, append, lines, made, vote


@pytest.fixture
def log(tmp_path: Path) -> Path:
    files = made(tmp_path)
    append(files, [vote(height) for height in range(1, 30)])
    files.close()
    assert len(audit_files(tmp_path)) > 3
    return tmp_path


def rewrite(path: Path, changed: list[bytes]) -> None:
    path.write_bytes(b"".join(changed))


def test_a_whole_log_holds(log: Path) -> None:
    raw = lines(log)
    verdict = verify_log(log, line_hash(raw[3][:-1]))
    assert (verdict.entries, verdict.first, verdict.broken, verdict.is_cut) == (len(raw), 0, None, False)
    assert verdict.head == line_hash(raw[-1][:-1]) and verdict.network == NETWORK_ID.hex() and verdict.holds is True
    assert verify_log(log).holds is None and verify_log(log, bytes(32)).holds is False
    exported = log / "exported"
    exported.write_bytes(b"".join(raw))
    assert verify_log(exported).head == verdict.head


def test_each_line_that_is_changed_taken_away_or_doubled_shows(log: Path) -> None:
    """But for the last, which nothing names yet."""
    count = verify_log(log).entries
    place = 0
    for path in audit_files(log):
        before = path.read_bytes().splitlines(keepends=True)
        for number, line in enumerate(before):
            place += 1
            if place == count:
                break
            changed = line.replace(b'"time":"2026', b'"time":"2025')
            for instead in ((), (changed,), (line, line)):
                rewrite(path, [*before[:number], *instead, *before[number + 1 :]])
                verdict = verify_log(log)
                assert verdict.broken is not None and verdict.entries <= place, (path.name, number)
        rewrite(path, before)
    assert place == count and verify_log(log).broken is None


def test_the_first_place_is_named(log: Path) -> None:
    path = audit_files(log)[1]
    before = path.read_bytes().splitlines(keepends=True)
    rewrite(path, [*before[:2], before[2].replace(b'"round":0', b'"round":9'), *before[3:]])
    broken = verify_log(log).broken
    assert broken is not None and broken.file == path.name and broken.line == 4
    assert "hash of the entry before it" in broken.text
    rewrite(path, [*before[:2], b"nonsense\n", *before[3:]])
    broken = verify_log(log).broken
    assert broken is not None and (broken.line, broken.sequence) == (3, None) and "no JSON" in broken.text


def test_a_cut_at_the_end_is_found_by_a_hash_that_was_noted(log: Path) -> None:
    noted = verify_log(log).head
    path = audit_files(log)[-1]
    rewrite(path, path.read_bytes().splitlines(keepends=True)[:-1])
    verdict = verify_log(log, noted)
    assert verdict.broken is None and verdict.holds is False


def test_a_line_that_is_being_written_is_no_error(log: Path) -> None:
    count = verify_log(log).entries
    with audit_files(log)[-1].open("ab") as file:
        file.write(b'{"fields":')
    verdict = verify_log(log)
    assert (verdict.entries, verdict.is_cut, verdict.broken) == (count, True, None)
    assert len(list(read_entries(log))) == count
    # In the middle it is one.
    with audit_files(log)[0].open("ab") as file:
        file.write(b'{"fields":')
    assert "no end" in str(verify_log(log).broken)
    with pytest.raises(DecodeError, match=r"000001\.jsonl, line"):
        list(read_entries(log))


def test_the_oldest_files_may_be_moved_away_and_none_in_the_middle(log: Path) -> None:
    first, second, *_ = audit_files(log)
    first.unlink()
    verdict = verify_log(log)
    assert verdict.broken is None and verdict.first == next(iter(read_entries(log))).entry.sequence > 0
    audit_files(log)[1].unlink()
    assert "should stand here" in str(verify_log(log).broken)
    assert second.exists()


def test_a_file_that_tells_another_story_of_how_far_it_came(tmp_path: Path) -> None:
    files = made(tmp_path, 1 << 20)
    append(files, [vote(1), vote(2)])
    files.append([AuditDraft(NOW, 2, EntryKind.SEGMENT, {**files.head.standing.to_fields(), "votes_height": 99})])
    assert "come elsewhere" in str(verify_log(tmp_path).broken)


def test_where_there_is_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "audit"):
        with pytest.raises(MisuseError, match="no audit log in"):
            verify_log(path)
