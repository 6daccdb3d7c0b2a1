"""Admissions: who may connect."""

from dataclasses import replace

import pytest

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import ADMISSION_BODY_BYTES_MAX, ADMISSION_PEER_IDS_PER_ROW_MAX
from minicoin.core.signers.admission import (
    AdmissionRecord,
    AdmissionRow,
    AdmittedRole,
    first_admission,
)

from .banks import BANKS, DRAFT, FIRST, KEYS, NETWORK_ID, peer, public


def _signed(count: int, record: AdmissionRecord = DRAFT) -> AdmissionRecord:
    for key in KEYS[:count]:
        record = record.signed_by(key, NETWORK_ID)
    return record


def test_a_quorum_admits() -> None:
    record = _signed(4)
    assert record.problem(BANKS, NETWORK_ID) is None
    assert AdmissionRecord.decode(record.encode()) == record
    assert AdmissionRecord.decode_body(record.body()) == DRAFT
    assert [row.name for row in record.rows] == ["Auditor", "Bank 1", "Bank 2", "Bank 3", "Bank 4"]
    admitted = record.admitted()
    assert admitted[peer(8)].role is AdmittedRole.OBSERVER
    assert admitted[peer(1)].key == public(KEYS[1])
    assert peer(0) not in admitted


def test_too_few_do_not() -> None:
    assert _signed(3).problem(BANKS, NETWORK_ID) == "3 members signed it, and the quorum is 4"
    assert _signed(3).signed_by(KEYS[0], NETWORK_ID) == _signed(3)


def test_a_foreign_or_forged_signature_spoils_it() -> None:
    assert "does not hold" in str(_signed(4).with_signature(public(KEYS[4]), bytes(64)).problem(BANKS, NETWORK_ID))
    assert "no member" in str(_signed(4).with_signature(bytes(32), bytes(64)).problem(BANKS, NETWORK_ID))
    assert "does not hold" in str(_signed(5).problem(BANKS, b"m" * 32))


def test_nobody_signs_the_first_version() -> None:
    assert AdmissionRecord.decode(FIRST.encode()) == FIRST
    assert "network file's" in str(_signed(5, FIRST).problem(BANKS, NETWORK_ID))
    with pytest.raises(DecodeError, match="unsigned"):
        AdmissionRecord.decode(_signed(1, FIRST).encode())
    for odd in (replace(FIRST, height=1), replace(FIRST, previous=b"p" * 32)):
        with pytest.raises(DecodeError, match="in front of it"):
            AdmissionRecord.decode(odd.encode())


def test_signatures_are_no_part_of_what_is_signed() -> None:
    assert _signed(4).hash == DRAFT.hash
    for other in (replace(DRAFT, height=8), replace(DRAFT, version=2), replace(DRAFT, rows=DRAFT.rows[1:])):
        assert other.hash != DRAFT.hash


def _row(**changes: object) -> AdmissionRow:
    return replace(AdmissionRow("Bank", AdmittedRole.OBSERVER, None, (peer(1),)), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ((), "admits somebody"),
        ((_row(name=""),), "name has"),
        ((_row(name="a\nb"),), "name has"),
        ((_row(name="x" * 65),), "name has"),
        ((_row(peer_ids=()),), "nodes"),
        ((_row(peer_ids=tuple(map(peer, range(ADMISSION_PEER_IDS_PER_ROW_MAX + 1)))),), "nodes"),
        ((_row(peer_ids=(b"\0\5abcd",)),), "no peer id"),
        ((_row(peer_ids=(b"\x13\3abc",)),), "no peer id"),
        ((_row(), _row(name="Other")), "one node twice"),
        ((_row(), _row(peer_ids=(peer(2),))), "each once in a role"),
        ((_row(role=AdmittedRole.SIGNER),), "member's key"),
        ((_row(key=bytes(32)),), "member's key"),
        (
            (
                _row(role=AdmittedRole.SIGNER, key=bytes(32)),
                _row(name="Other", role=AdmittedRole.SIGNER, key=bytes(32), peer_ids=(peer(2),)),
            ),
            "one member twice",
        ),
        (
            tuple(_row(name=f"Bank {n}", peer_ids=tuple(peer(100 * n + i) for i in range(100))) for n in range(3)),
            "fewer",
        ),
    ],
)
def test_what_makes_no_sense_is_not_made(rows: tuple[AdmissionRow, ...], why: str) -> None:
    with pytest.raises(MisuseError, match=why):
        first_admission(rows)


def test_a_bank_may_sign_and_look_on() -> None:
    both = first_admission((_row(role=AdmittedRole.SIGNER, key=bytes(32)), _row(peer_ids=(peer(2),))))
    assert AdmissionRecord.decode(both.encode()) == both


def test_broken_bytes_are_refused() -> None:
    raw = _signed(4).encode()
    for at in range(len(raw)):
        with pytest.raises(DecodeError):
            AdmissionRecord.decode(raw[:at])
    for broken in (raw + b"\0", bytes(ADMISSION_BODY_BYTES_MAX * 3)):
        with pytest.raises(DecodeError):
            AdmissionRecord.decode(broken)
    with pytest.raises(DecodeError, match="behind"):
        AdmissionRecord.decode_body(raw)
    twice = replace(_signed(4), signatures=(_signed(4).signatures[0],) * 2)
    with pytest.raises(DecodeError, match="each once"):
        AdmissionRecord.decode(twice.encode())
    shuffled = replace(DRAFT, rows=DRAFT.rows[::-1])
    with pytest.raises(DecodeError, match="stand in order"):
        AdmissionRecord.decode(shuffled.encode())
