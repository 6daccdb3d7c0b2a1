"""One entry is one line, and there is one way to write it."""

import json

import pytest

from minicoin.core.faults import DecodeError
from minicoin.core.limits import AUDIT_ENTRY_BYTES_MAX
from minicoin.drivers.audit.entry import NONE_BEFORE, AuditDraft, AuditEntry, EntryKind, line_hash, moment, parse_entry

from .audited import NOW, vote

ENTRY = AuditEntry(
    7, line_hash(b"before"), AuditDraft(NOW, 5, EntryKind.EVIDENCE, {"says": "Bänk\n", "n": [1, None, True]})
)
LINE = ENTRY.encode()


def test_it_comes_back() -> None:
    assert parse_entry(LINE) == ENTRY
    assert LINE.isascii() and b"\n" not in LINE and b" " not in LINE
    shown = ENTRY.shown()
    assert shown["hash"] == line_hash(LINE).hex() and shown["seq"] == 7
    assert shown["time"] == moment(NOW) == "2026-09-21T14:13:20.123456Z"


def test_what_a_vote_is_known_by() -> None:
    assert vote(5, 3, "precommit").vote == (3, "precommit", "")
    assert ENTRY.draft.vote is None


def _with(**changes: object) -> bytes:
    found = json.loads(LINE) | changes
    return json.dumps(found, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"nonsense",
        LINE[:-1],
        LINE + b" ",
        LINE.replace(b'"seq":7', b'"seq": 7'),
        LINE.replace(b'"seq":7', b'"seq":7.0'),
        LINE.replace(b'"seq":7', b'"seq":NaN'),
        _with(seq=-1),
        _with(seq=True),
        _with(height="5"),
        _with(kind="rumour"),
        _with(kind=["vote"]),
        _with(prev="00"),
        _with(prev="xyz"),
        _with(time="yesterday"),
        _with(time=5),
        _with(time="2026-09-21"),
        _with(fields=[]),
        _with(more=1),
        b"[" * 100_000,
        LINE.ljust(AUDIT_ENTRY_BYTES_MAX + 1),
    ],
)
def test_what_is_no_entry_is_refused(line: bytes) -> None:
    with pytest.raises(DecodeError):
        parse_entry(line)


def test_before_the_first_there_is_none() -> None:
    assert bytes(32) == NONE_BEFORE
