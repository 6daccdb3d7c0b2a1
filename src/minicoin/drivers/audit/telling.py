"""Entries of what the node tells: the notices that a bank may have to account for, and nothing of the others."""

from collections.abc import Callable, Iterable

from minicoin.core.chain.member_history import RecoveredList
from minicoin.core.connmgr.door import NOT_ADMITTED
from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.libp2p.upgrade import STRANGER
from minicoin.core.notices import (
    AdmissionChanged,
    ConfigurationChanged,
    EvidenceFound,
    InboundLost,
    MembersCarried,
    PeerClosed,
    PeerRefused,
    PeerUnreachable,
    ProposalRefused,
    RecoveryContradicted,
    RecoverySigned,
    RecoveryUnnamed,
    SettingsCarried,
    SigningStopped,
    VoteCast,
)
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.evidence import Evidence
from minicoin.core.signers.votes import NIL, Vote
from minicoin.core.units import Micros
from minicoin.drivers.audit.entry import AuditDraft, EntryKind, Fields
from minicoin.drivers.audit.refusals import Refusals, group_of

_PROPOSALS = "proposals"


class Telling:
    """Of one node. `height` is that of its tip."""

    def __init__(self, height: Callable[[], int]) -> None:
        self._height = height
        self._refusals = Refusals()

    def take(self, now: Micros, notice: object) -> list[AuditDraft]:
        """What a notice, or the time, has to say to the log."""
        height = self._height()
        told = list(self._refusals.end(now, height))
        match notice:
            case MembersCarried(at, block, change):
                told.append(members_draft(now, at, block, change))
            case RecoverySigned(recovery, at, block, members):
                signed: Fields = {"block": hash_to_hex(block), "members": _keys(members), "recovery": recovery.hex()}
                told.append(AuditDraft(now, at, EntryKind.RECOVERY_SIGNED, signed))
            case RecoveryUnnamed(recovery, at):
                told.append(AuditDraft(now, at, EntryKind.RECOVERY_UNNAMED, {"recovery": recovery.hex()}))
            case RecoveryContradicted(recovery, at, block, certificate):
                left = {"block": hash_to_hex(block), "certificate": certificate.hex(), "recovery": recovery.hex()}
                told.append(AuditDraft(now, at, EntryKind.RECOVERY_CONTRADICTED, left))
            case SettingsCarried(version, from_height, at, settings, signers):
                told.append(
                    AuditDraft(now, at, EntryKind.SETTINGS, settings_fields(version, from_height, settings, signers))
                )
            case AdmissionChanged(_, admitted, expelled, _, record):
                names = {"admitted": list(admitted), "expelled": list(expelled)}
                told.append(AuditDraft(now, height, EntryKind.ADMISSION, {**names, **admission_fields(record)}))
            case ConfigurationChanged(version, signed_at, settings, signers, unknown):
                fields = configuration_fields(version, signed_at, settings, signers)
                told.append(AuditDraft(now, height, EntryKind.CONFIGURATION, {**fields, "unknown": list(unknown)}))
            case VoteCast(member, vote):
                told.append(AuditDraft(now, vote.height, EntryKind.VOTE, vote_fields(member, vote)))
            case EvidenceFound(evidence):
                told.append(AuditDraft(now, evidence.height, EntryKind.EVIDENCE, evidence_fields(evidence)))
            case SigningStopped(reason):
                told.append(AuditDraft(now, height, EntryKind.SIGNING_STOPPED, {"reason": reason}))
            case ProposalRefused(block, at, reason):
                fields = {"block": hash_to_hex(block), "reason": reason}
                told += self._refusals.note(AuditDraft(now, at, EntryKind.PROPOSAL_REFUSED, fields), _PROPOSALS)
            case InboundLost(remote, reason) | PeerUnreachable(remote, reason, _) if reason.endswith(STRANGER):
                told += self._refuse(now, height, remote, reason)
            case PeerRefused(_, remote, reason) | PeerClosed(_, remote, reason) if reason == NOT_ADMITTED:
                told += self._refuse(now, height, remote, reason)
            case _:
                pass
        return told

    def end(self, now: Micros) -> list[AuditDraft]:
        """What was counted, as the node ends."""
        return list(self._refusals.end(now, self._height(), is_over=True))

    def _refuse(self, now: Micros, height: int, remote: NodeAddress, reason: str) -> Iterable[AuditDraft]:
        peer = encode_base58(remote.peer_id) if remote.peer_id else None
        fields: Fields = {"address": remote.host, "peer": peer, "reason": reason}
        return self._refusals.note(AuditDraft(now, height, EntryKind.PEER_REFUSED, fields), group_of(remote))


def members_draft(now: Micros, height: int, block: bytes, change: MemberChange) -> AuditDraft:
    """A change that a block carries, or the list of a recovery that names it."""
    fields: Fields = {
        "block": hash_to_hex(block),
        "change": change.encode().hex(),
        "from": change.from_height,
        "signers": _keys(key for key, _ in change.signatures),
        "version": change.version,
    }
    if isinstance(change, RecoveredList):
        return AuditDraft(now, height, EntryKind.RECOVERY, {**fields, "recovery": change.recovery.hex()})
    return AuditDraft(now, height, EntryKind.MEMBERS, fields)


def settings_fields(
    version: int, from_height: int, settings: tuple[tuple[str, str], ...], signers: tuple[bytes, ...]
) -> Fields:
    return {
        "from": from_height,
        "settings": dict(settings),
        "signers": _keys(signers),
        "version": version,
    }


def configuration_fields(
    version: int, signed_at: int, settings: tuple[tuple[str, str], ...], signers: tuple[bytes, ...]
) -> Fields:
    return {
        "settings": dict(settings),
        "signed_at": signed_at,
        "signers": _keys(signers),
        "version": version,
    }


def admission_fields(record: AdmissionRecord) -> Fields:
    return {"record": record.encode().hex(), "version": record.version}


def vote_fields(member: bytes, vote: Vote) -> Fields:
    block = None if vote.block == NIL else hash_to_hex(vote.block)
    return {"block": block, "kind": vote.kind.name.lower(), "member": member.hex(), "round": vote.round}


def evidence_fields(evidence: Evidence) -> Fields:
    return {"accused": evidence.accused.hex(), "evidence": evidence.encode().hex(), "says": evidence.text}


def _keys(members: Iterable[bytes]) -> list[str]:
    return [key.hex() for key in members]
