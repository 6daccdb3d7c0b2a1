"""Which notices become entries, and what they say."""

import pytest
from tests.unit.signers.banks import ADMISSIONS, BANKS, BLOCK, VOTES

from minicoin.core.chain.member_history import RecoveredList
from minicoin.core.connmgr.door import NOT_ADMITTED
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.upgrade import STRANGER
from minicoin.core.notices import (
    AdmissionChanged,
    ConfigurationChanged,
    EvidenceFound,
    InboundLost,
    MembersCarried,
    Notice,
    PeerClosed,
    PeerRefused,
    PeerUnreachable,
    ProposalRefused,
    RecoveryContradicted,
    RecoverySigned,
    RecoveryUnnamed,
    SettingsCarried,
    SigningStopped,
    TipMoved,
    VoteCast,
)
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.evidence import decode_evidence
from minicoin.core.units import ConnId, Micros
from minicoin.drivers.audit.entry import AuditDraft, EntryKind
from minicoin.drivers.audit.telling import Telling

from .audited import NOW

CHANGE = MemberChange(1, 20, bytes(32), BANKS, ("A", "B", "C", "D", "E"))
PEER = Identity.from_number(1).peer_id
AWAY = NodeAddress("203.0.113.7", 18444, PEER.multihash)


def told(notice: Notice) -> AuditDraft:
    (draft,) = Telling(lambda: 5).take(NOW, notice)
    assert draft.time == NOW
    return draft


def test_a_change_of_members() -> None:
    draft = told(MembersCarried(9, BLOCK, CHANGE))
    assert (draft.kind, draft.height) == (EntryKind.MEMBERS, 9)
    assert MemberChange.decode(bytes.fromhex(str(draft.fields["change"]))) == CHANGE
    assert (draft.fields["version"], draft.fields["from"]) == (1, 20)


def test_a_change_of_settings() -> None:
    draft = told(SettingsCarried(2, 30, 9, (("min_interval_s", "5"),), (b"\1" * 32,)))
    assert (draft.kind, draft.height) == (EntryKind.SETTINGS, 9)
    assert draft.fields == {
        "from": 30,
        "settings": {"min_interval_s": "5"},
        "signers": ["01" * 32],
        "version": 2,
    }


def test_another_configuration() -> None:
    draft = told(ConfigurationChanged(3, 4, (("alert", "hello"),), (b"\1" * 32,), ("x is no setting",)))
    assert (draft.kind, draft.height) == (EntryKind.CONFIGURATION, 5)
    assert draft.fields == {
        "settings": {"alert": "hello"},
        "signed_at": 4,
        "signers": ["01" * 32],
        "unknown": ["x is no setting"],
        "version": 3,
    }


def test_another_admission() -> None:
    record = ADMISSIONS.first
    draft = told(AdmissionChanged(1, ("Bank 6",), ("Bank 0",), 6, record))
    assert (draft.kind, draft.height) == (EntryKind.ADMISSION, 5)
    assert AdmissionRecord.decode(bytes.fromhex(str(draft.fields["record"]))) == record
    assert (draft.fields["admitted"], draft.fields["expelled"]) == (["Bank 6"], ["Bank 0"])


def test_a_vote_evidence_and_the_end_of_signing() -> None:
    draft = told(VoteCast(VOTES.accused, VOTES.first.vote))
    assert (draft.kind, draft.height, draft.vote) == (EntryKind.VOTE, 7, (0, "precommit", hash_to_hex(BLOCK)))
    assert draft.fields["block"] == hash_to_hex(BLOCK) and draft.fields["member"] == VOTES.accused.hex()
    draft = told(EvidenceFound(VOTES))
    assert decode_evidence(bytes.fromhex(str(draft.fields["evidence"]))).encode() == VOTES.encode()
    assert (draft.height, draft.fields["accused"]) == (7, VOTES.accused.hex())
    assert told(SigningStopped("its key is used twice")).fields == {"reason": "its key is used twice"}


def test_what_becomes_of_a_recovery() -> None:
    draft = told(RecoverySigned(b"\1" * 32, 7, BLOCK, BANKS.keys[:3]))
    assert (draft.kind, draft.height) == (EntryKind.RECOVERY_SIGNED, 7)
    assert draft.fields == {
        "block": hash_to_hex(BLOCK),
        "members": [key.hex() for key in BANKS.keys[:3]],
        "recovery": "01" * 32,
    }
    draft = told(RecoveryUnnamed(b"\1" * 32, 7))
    assert (draft.kind, draft.height) == (EntryKind.RECOVERY_UNNAMED, 7)
    draft = told(RecoveryContradicted(b"\1" * 32, 8, BLOCK, b"\2\3"))
    assert (draft.kind, draft.height) == (EntryKind.RECOVERY_CONTRADICTED, 8)
    assert draft.fields == {"block": hash_to_hex(BLOCK), "certificate": "0203", "recovery": "01" * 32}


def test_who_signed_a_recovery_that_took_over() -> None:
    signatures = ((BANKS.keys[0], bytes(64)), (BANKS.keys[2], bytes(64)))
    taken = RecoveredList(2, 8, bytes(32), BANKS, ("A", "B", "C", "D", "E"), signatures, b"\1" * 32)
    draft = told(MembersCarried(7, BLOCK, taken))
    assert (draft.kind, draft.fields["recovery"]) == (EntryKind.RECOVERY, "01" * 32)
    assert draft.fields["signers"] == [BANKS.keys[0].hex(), BANKS.keys[2].hex()]


@pytest.mark.parametrize(
    "notice",
    [
        InboundLost(AWAY, f"peer {PEER} {STRANGER}"),
        PeerUnreachable(AWAY, f"peer {PEER} {STRANGER}", is_chosen=True),
        PeerRefused(ConnId(1), AWAY, NOT_ADMITTED),
        PeerClosed(ConnId(1), AWAY, NOT_ADMITTED),
    ],
)
def test_a_stranger_is_refused(notice: Notice) -> None:
    draft = told(notice)
    assert (draft.kind, draft.height) == (EntryKind.PEER_REFUSED, 5)
    assert draft.fields["group"] == "203.0.0.0/16" and draft.fields["peer"] == str(PEER)


def test_refusals_are_bounded_and_summed_when_the_node_ends() -> None:
    telling = Telling(lambda: 5)
    refused = ProposalRefused(BLOCK, 6, "bad-cb-amount")
    drafts = [draft for _ in range(50) for draft in telling.take(NOW, refused)]
    assert [(draft.kind, draft.fields["reason"]) for draft in drafts] == [(EntryKind.PROPOSAL_REFUSED, "bad-cb-amount")]
    (summed,) = telling.end(NOW)
    assert (summed.kind, summed.fields["count"]) == (EntryKind.PROPOSAL_REFUSED, 49)


def test_what_nobody_has_to_account_for_is_left_out() -> None:
    telling = Telling(lambda: 5)
    for notice in (
        TipMoved(BLOCK, 5, 5),
        InboundLost(AWAY, "closed before it opened"),
        PeerClosed(ConnId(1), AWAY, "it left"),
        PeerRefused(ConnId(1), AWAY, "no room"),
    ):
        assert telling.take(Micros(NOW), notice) == []
