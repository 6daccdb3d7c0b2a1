"""Records that members sign: read, judged by the list of their height, and contradicted."""

from dataclasses import replace

import pytest
from tests.unit.records.world import ALICE, GROUP, NETWORK, NOW, OTHER_GROUP, store_of
from tests.unit.signers.banks import BANKS, DRAFT, KEYS, public

from minicoin.core.faults import DecodeError, MisuseError, PeerFault
from minicoin.core.records.held import Taken
from minicoin.core.records.kinds import ADMISSION, ADMISSION_DRAFT, KINDS
from minicoin.core.records.record import SignedRecord, decode_record, source_of, statement_record
from minicoin.core.records.statements import read_statement
from minicoin.core.records.store import RecordStore
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.members import MemberList

KNOWN_HEIGHT = 7


def members_at(height: int) -> MemberList | None:
    return BANKS if 1 <= height <= KNOWN_HEIGHT else None


def made(record: AdmissionRecord = DRAFT, *, by: int = 4, kind: str = ADMISSION) -> SignedRecord:
    for key in KEYS[:by]:
        record = record.signed_by(key, NETWORK.network_id)
    return statement_record(kind, record.version, record.body(), record.signatures)


def draft_of(number: int, record: AdmissionRecord = DRAFT) -> SignedRecord:
    record = record.signed_by(KEYS[number], NETWORK.network_id)
    return statement_record(ADMISSION_DRAFT, record.version, record.body(), record.signatures)


def store() -> RecordStore:
    return RecordStore(NETWORK, ALICE, members_at)


def test_a_statement_is_read_out_of_the_value() -> None:
    assert read_statement(KINDS[ADMISSION], DRAFT.body()) == DRAFT
    assert read_statement(KINDS["status"], b"whatever") is None
    assert decode_record(made().encode()) == made()


@pytest.mark.parametrize(
    "changes",
    [{"key": "x"}, {"version": 2}, {"expires_s": 1_800_000_000}, {"value": b""}, {"value": DRAFT.body()[:-1]}],
)
def test_nothing_beside_the_statement_is_anybodys_to_choose(changes: dict[str, object]) -> None:
    with pytest.raises(DecodeError):
        decode_record(replace(made(), **changes).encode())  # type: ignore[arg-type]


def test_keys_and_signatures_are_whole() -> None:
    raw = made(by=1).encode()
    assert decode_record(raw)
    key_at = raw.index(b"\x20" + public(KEYS[0]))
    with pytest.raises(DecodeError):
        decode_record(raw[:key_at] + b"\x1f" + raw[key_at + 2 :])


def test_a_quorum_of_the_heights_members_is_believed() -> None:
    kept = store()
    assert kept.take(made(by=3), GROUP, NOW) is Taken.NOT_ALLOWED
    assert kept.take(made(replace(DRAFT, height=KNOWN_HEIGHT + 1)), GROUP, NOW) is Taken.EARLY
    assert kept.take(made(), GROUP, NOW) is Taken.NEW
    assert kept.take(made(by=5), OTHER_GROUP, NOW) is Taken.OLD
    assert kept.get(ADMISSION, b"", "") == made()
    assert store_of().take(made(), GROUP, NOW) is Taken.EARLY


def test_who_is_no_member_counts_for_nothing_and_a_forgery_is_a_fault() -> None:
    three, fourth = made().signatures[:3], made().signatures[3]
    stranger = replace(made(), signatures=(*three, replace(fourth, signer=b"\xff" * 32)))
    assert store().take(stranger, GROUP, NOW) is Taken.NOT_ALLOWED
    forged = made(replace(DRAFT, version=2))
    with pytest.raises(PeerFault, match="forged"):
        store().take(replace(made(), signatures=forged.signatures), GROUP, NOW)
    with pytest.raises(PeerFault, match="forged"):
        RecordStore(replace(NETWORK, subsidy_sat=7), None, members_at).take(made(), GROUP, NOW)


def test_each_member_has_a_draft_of_its_own() -> None:
    kept = store()
    assert [kept.take(draft_of(number), GROUP, NOW) for number in range(5)] == [Taken.NEW] * 5
    assert kept.take(draft_of(0, replace(DRAFT, version=2)), GROUP, NOW) is Taken.NEW
    assert kept.take(draft_of(0), GROUP, NOW) is Taken.OLD
    assert len(kept.of_kind(ADMISSION_DRAFT)) == 5
    assert source_of(ADMISSION_DRAFT, public(KEYS[0])) != source_of("status", public(KEYS[0]))


def test_how_many_signed_is_no_difference() -> None:
    one, other = store(), store()
    one.take(made(by=4), GROUP, NOW)
    other.take(made(by=5), GROUP, NOW)
    assert one.sources.digest() == other.sources.digest()


def test_a_second_content_of_a_version_is_told_and_not_held() -> None:
    kept = store()
    told: list[SignedRecord] = []
    kept.watch_contradictions(told.append)
    second = made(replace(DRAFT, rows=DRAFT.rows[1:]))
    kept.take(made(), GROUP, NOW)
    assert kept.take(made(replace(DRAFT, rows=DRAFT.rows[1:]), by=3), GROUP, NOW) is Taken.OLD
    assert kept.take(made(), GROUP, NOW) is Taken.OLD
    assert told == []
    with pytest.raises(PeerFault, match="forged"):
        kept.take(replace(second, signatures=made().signatures), GROUP, NOW)
    assert kept.take(second, GROUP, NOW) is Taken.OLD
    assert told == [second]
    assert kept.of_kind(ADMISSION) == (made(),)


def test_what_is_early_is_told() -> None:
    kept = store()
    told: list[tuple[SignedRecord, bytes]] = []
    kept.watch_early(lambda record, group, now: told.append((record, group)))
    early = made(replace(DRAFT, height=KNOWN_HEIGHT + 1))
    kept.take(early, GROUP, NOW)
    assert told == [(early, GROUP)]


def test_a_restart_asks_again_who_signs() -> None:
    kept = store()
    kept.take(made(), GROUP, NOW)
    again, behind = store(), store_of()
    again.restore(kept.all_held(), NOW)
    behind.restore(kept.all_held(), NOW)
    assert (len(again), len(behind)) == (1, 0)


def test_no_nodes_identity_signs_what_members_sign() -> None:
    with pytest.raises(MisuseError, match="signed with members' keys"):
        store().sign(ADMISSION, "", DRAFT.body(), NOW)
    with pytest.raises(MisuseError, match="has one signer"):
        store().co_sign(made())
