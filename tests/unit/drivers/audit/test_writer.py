"""Entries are written off the loop; a disk that refuses keeps nobody waiting."""

import os
from pathlib import Path

import pytest
from tests.waiting import wait_until

from minicoin.core.limits import AUDIT_ENTRIES_WAITING_MAX
from minicoin.drivers.audit import writer as module
from minicoin.drivers.audit.entry import EntryKind
from minicoin.drivers.audit.verify import read_entries, verify_log
from minicoin.drivers.audit.writer import AuditWriter

from .audited import made, vote


def kinds(directory: Path) -> list[EntryKind]:
    return [read.entry.kind for read in read_entries(directory)]


def test_what_is_put_is_written_and_what_comes_together_has_one_fsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, synced = made(tmp_path, 1 << 20), list[int]()
    files.append([vote(1)])
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(descriptor), real(descriptor)))
    writer = AuditWriter(files, lambda reason: None)
    writer.put([vote(2)])
    writer.put([vote(3), vote(4)])
    writer.stop()
    assert len(synced) == 1
    verdict = verify_log(tmp_path)
    assert (verdict.entries, verdict.broken) == (5, None)
    status = writer.status()
    assert (status.entries, status.head, status.trouble, status.warnings) == (5, verdict.head, "", ())


def test_a_full_disk_is_told_once_and_what_did_not_fit_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AUDIT_RETRY_US", 10_000)
    monkeypatch.setattr(module, "AUDIT_GROUP_US", 0)
    files, told, is_full = made(tmp_path, 1 << 22), list[str](), [True]
    real = os.write

    def write(descriptor: int, raw: bytes) -> int:
        if is_full[0]:
            raise OSError(28, "No space left on device")
        return real(descriptor, raw)

    monkeypatch.setattr(os, "write", write)
    writer = AuditWriter(files, told.append)
    writer.put([vote(1)])
    wait_until(lambda: writer.status().trouble, "the writer to fail")
    writer.put(vote(height) for height in range(2, AUDIT_ENTRIES_WAITING_MAX + 12))
    status = writer.status()
    assert status.trouble == "No space left on device" and status.lost == 11
    assert "is not written: No space left" in status.warnings[0] and "11 entries" in status.warnings[1]
    is_full[0] = False
    wait_until(lambda: not writer.status().trouble and not writer.status().lost, "the log to be written")
    writer.stop()
    assert told == ["No space left on device"]
    assert kinds(tmp_path) == [EntryKind.NETWORK, *[EntryKind.VOTE] * AUDIT_ENTRIES_WAITING_MAX, EntryKind.LOST]
    assert verify_log(tmp_path).broken is None


def test_a_disk_that_stays_full_ends_with_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = made(tmp_path)

    def refuse(descriptor: int, raw: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", refuse)
    writer = AuditWriter(files, lambda reason: None)
    writer.put([vote(1)])
    writer.stop()
    assert not kinds_of_nothing(tmp_path)


def kinds_of_nothing(directory: Path) -> list[Path]:
    return list(directory.glob("*.jsonl"))


def test_little_room_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AUDIT_FREE_BYTES_MIN", 1 << 80)
    writer = AuditWriter(made(tmp_path), lambda reason: None)
    writer.put([vote(1)])
    writer.stop()
    assert any("move the oldest files" in warning for warning in writer.status().warnings)
