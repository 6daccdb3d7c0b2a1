"""Files that only grow: numbered, mended after a crash, and refused where they are not what they should be."""

import os
from pathlib import Path

import pytest

from minicoin.drivers.audit.entry import AuditDraft, EntryKind, line_hash, parse_entry
from minicoin.drivers.audit.files import AuditBroken, audit_files
from minicoin.drivers.audit.verify import read_entries, verify_log

from .audited import NOW, append, cut, lines, made, vote


def test_a_log_begins_with_its_network_and_each_entry_names_the_one_before(tmp_path: Path) -> None:
    files = made(tmp_path)
    append(files, [vote(height) for height in range(1, 30)])
    files.close()
    entries = [read.entry for read in read_entries(tmp_path)]
    assert entries[0].kind is EntryKind.NETWORK and [entry.sequence for entry in entries] == list(range(len(entries)))
    raw = lines(tmp_path)
    assert [entry.previous for entry in entries[1:]] == [line_hash(line[:-1]) for line in raw[:-1]]
    assert files.head.hash == line_hash(raw[-1][:-1])


def test_a_full_file_is_followed_by_another_that_carries_the_hash_over(tmp_path: Path) -> None:
    files = made(tmp_path)
    append(files, [vote(height) for height in range(1, 30)])
    paths = audit_files(tmp_path)
    assert [path.name for path in paths] == [f"{number:06}.jsonl" for number in range(1, len(paths) + 1)]
    assert len(paths) > 2
    for path in paths[1:]:
        first = parse_entry(path.read_bytes().splitlines()[0])
        assert first.kind is EntryKind.SEGMENT
        assert first.fields["votes_height"] == first.height - 1
    assert verify_log(tmp_path).broken is None


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    files = made(tmp_path)
    append(files, [vote(1), vote(2)])
    files.close()
    again = made(tmp_path)
    assert again.head == files.head and not again.cut_bytes
    append(again, [vote(height) for height in range(3, 30)])
    assert verify_log(tmp_path).broken is None
    assert made(tmp_path).head == again.head
    assert again.head.standing.votes_height == 29


def test_what_is_in_already_is_passed_over(tmp_path: Path) -> None:
    files = made(tmp_path)
    changes = [AuditDraft(NOW, 5, EntryKind.MEMBERS, {"version": version}) for version in (1, 2, 1, 2, 3)]
    append(files, changes)
    append(files, changes)
    told = [read.entry for read in read_entries(tmp_path) if read.entry.kind is EntryKind.MEMBERS]
    assert [entry.fields["version"] for entry in told] == [1, 2, 3]


def test_whatever_a_crash_leaves_of_the_end_is_mended(tmp_path: Path) -> None:
    files = made(tmp_path / "whole")
    append(files, [vote(height) for height in range(1, 12)])
    whole = lines(tmp_path / "whole")
    size = sum(map(len, whole))
    last = len(whole[-1])
    for gone in sorted({*range(0, last, 11), last - 1, last, last + 1, *range(last, size, 97), size - 1}):
        directory = tmp_path / str(gone)
        directory.mkdir()
        for path in audit_files(tmp_path / "whole"):
            (directory / path.name).write_bytes(path.read_bytes())
        cut(directory, gone)
        again = made(directory)
        kept = lines(directory)
        assert kept == whole[: len(kept)] and again.head.sequence == len(kept) - 1
        assert again.cut_bytes + sum(map(len, kept)) == size - gone
        append(again, [vote(50)])
        assert verify_log(directory).broken is None
        again.close()


def test_zeros_at_the_end_are_what_a_lost_write_leaves(tmp_path: Path) -> None:
    files = made(tmp_path)
    append(files, [vote(1)])
    with audit_files(tmp_path)[-1].open("ab") as file:
        file.write(bytes(300) + b"\n" + bytes(20))
    assert made(tmp_path).cut_bytes == 321


def test_a_line_that_was_changed_is_left_as_it_is(tmp_path: Path) -> None:
    files = made(tmp_path)
    append(files, [vote(height) for height in range(1, 6)])
    path = audit_files(tmp_path)[-1]
    before = path.read_bytes()
    for old, new in ((b'"round":0', b'"round":1'), (b'{"fields"', b'{"faelds"')):
        path.write_bytes(before.replace(old, new, 1))
        changed = path.read_bytes()
        with pytest.raises(AuditBroken, match="audit verify"):
            made(tmp_path)
        assert path.read_bytes() == changed


def test_another_networks_log_is_not_gone_on_with(tmp_path: Path) -> None:
    append(made(tmp_path), [vote(1)])
    with pytest.raises(AuditBroken, match="of the network 6e6e6e6e6e6e6e6e, not of this one"):
        made(tmp_path, network_id=b"m" * 32)


def test_what_is_no_log_is_not_one(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "000001.jsonl").write_text("hello\n")
    with pytest.raises(AuditBroken, match=r"line 1 of .* cannot be read"):
        made(tmp_path)
    (tmp_path / "000001.jsonl").unlink()
    append(made(tmp_path), [vote(1)])
    path = audit_files(tmp_path)[0]
    path.write_bytes(b"".join(lines(tmp_path)[1:]))
    with pytest.raises(AuditBroken, match="does not begin as"):
        made(tmp_path)


def test_a_disk_that_refuses_leaves_the_log_whole_and_it_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = made(tmp_path)
    append(files, [vote(1)])
    before, head = lines(tmp_path), files.head
    real = os.write

    def write(descriptor: int, raw: bytes) -> int:
        if len(raw) <= 100:
            raise OSError(28, "No space left on device")
        return real(descriptor, raw[:100])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        for drafts in ([vote(2)], [vote(height) for height in range(2, 30)]):
            with pytest.raises(OSError, match="No space left"):
                append(files, drafts)
            assert lines(tmp_path) == before and files.head == head
    append(files, [vote(2)])
    assert verify_log(tmp_path).broken is None and files.head.sequence == head.sequence + 1


def test_a_disk_that_refuses_a_new_file_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = made(tmp_path, bytes_max=1)
    append(files, [vote(1)])
    count, head = len(audit_files(tmp_path)), files.head

    def refuse(descriptor: int, raw: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", refuse)
        with pytest.raises(OSError, match="No space left"):
            files.append([vote(2)])
    assert len(audit_files(tmp_path)) == count and files.head == head
    append(files, [vote(2)])
    assert verify_log(tmp_path).broken is None
    assert files.free_bytes() > 0 and NOW
