"""The log's lines: a word and what belongs to it, for every notice of the core and every report of the drivers.

The only place that knows their texts; app/log.py says which are written, and how. People search for these words and
programs read them: a line keeps its word and its names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.notices import (
    AddressesForgotten,
    AddressesLearned,
    AdmissionChanged,
    AdmissionContradicted,
    BlockConnected,
    BlockDisconnected,
    BlockMarkedInvalid,
    BlockMined,
    ChainHalted,
    ConfigurationChanged,
    ConfigurationContradicted,
    EvidenceFound,
    InboundLost,
    LetterReceived,
    MembersCarried,
    MempoolNotRestored,
    MessageDropped,
    MinedBlockRefused,
    NetworkSwitched,
    Notice,
    OwnAddressLearned,
    OwnAdmissionLost,
    PaymentAbandoned,
    PeerClosed,
    PeerOpened,
    PeerPenalised,
    PeerReady,
    PeerRefused,
    PeerUnreachable,
    ProposalRefused,
    QuorumLost,
    QuorumPresent,
    RecordsIgnored,
    RecordsLearned,
    RecoveryContradicted,
    RecoveryNamed,
    RecoverySigned,
    RecoveryUnnamed,
    Reorganised,
    SettingsApplied,
    SettingsCarried,
    SigningStopped,
    TakeOverRefused,
    TipMoved,
    TransactionAdded,
    TransactionRefused,
    TransactionRemoved,
    Unanchored,
    VoteCast,
    WalletChanged,
    WalletNotSaved,
)
from minicoin.core.signers.evidence import Evidence, TwoAdmissions, TwoCertificates, TwoConfigurations, TwoVotes
from minicoin.drivers.reports import (
    AcceptFailed,
    AuditTroubled,
    MdnsFailed,
    MiningFailed,
    RecordingEnded,
    RegistryConnected,
    RegistryFilesReplaced,
    RegistryLost,
    RegistryWarned,
    Report,
    RpcAcceptFailed,
    SignerFound,
    SignerLost,
)
from minicoin.rpc.port import LOG_AREAS

Fields = Mapping[str, str | int]

_AREAS: Final[dict[str, tuple[type, ...]]] = {
    "net": (
        PeerOpened,
        PeerRefused,
        PeerUnreachable,
        InboundLost,
        AddressesLearned,
        AddressesForgotten,
        OwnAddressLearned,
    ),
    "mempool": (TransactionAdded, TransactionRemoved, TransactionRefused),
    "mining": (BlockMined,),
    "validation": (BlockDisconnected, BlockConnected, VoteCast),
    "wallet": (WalletChanged,),
}
AREA_OF: Final = {kind: area for area in LOG_AREAS for kind in _AREAS[area]}
"""What is told only where its area was asked for."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says behind the time."""

    word: str
    fields: Fields


def line_of(notice: Notice | Report) -> Line:
    """The line of anything that is told."""
    match notice:
        case BlockDisconnected(block, height):
            return Line("block-disconnected", {"height": height, "block": hash_to_hex(block)})
        case BlockConnected(block, height):
            return Line("block-connected", {"height": height, "block": hash_to_hex(block)})
        case TipMoved(block, height):
            return Line("tip", {"height": height, "block": hash_to_hex(block)})
        case Reorganised(disconnected, connected, tip):
            return Line("reorg", {"disconnected": disconnected, "connected": connected, "tip": hash_to_hex(tip)})
        case BlockMarkedInvalid(block, rule, detail):
            return Line("block-refused", {"block": hash_to_hex(block), "reason": rule, "detail": detail})
        case ChainHalted(what, error):
            return Line("work-failed", {"what": what, "error": error})
        case Unanchored(genesis):
            return Line("unanchored", {"genesis": hash_to_hex(genesis), "remedy": "--anchor with a member's file"})
        case QuorumPresent(present, quorum):
            return Line("quorum", {"present": present, "needed": quorum})
        case QuorumLost(present, quorum, missing):
            keys = ",".join(key.hex() for key in missing)
            return Line("quorum-lost", {"present": present, "needed": quorum, "missing": keys})
        case RecoverySigned() | RecoveryNamed() | RecoveryUnnamed() | RecoveryContradicted():
            return _recovery_line(notice)
        case SigningStopped(reason):
            return Line("signing-stopped", {"reason": reason})
        case TakeOverRefused(reason):
            return Line("takeover-refused", {"reason": reason})
        case EvidenceFound(evidence):
            return _evidence_line(evidence)
        case ProposalRefused(block, height, reason):
            return Line("proposal-refused", {"block": hash_to_hex(block), "height": height, "reason": reason})
        case MembersCarried(height, block, change):
            where = {"version": change.version, "from": change.from_height, "height": height}
            return Line("members-carried", {**where, "members": len(change.members), "block": hash_to_hex(block)})
        case VoteCast(_, vote):
            slot = {"height": vote.height, "round": vote.round}
            return Line("vote", {"kind": vote.kind.name.lower(), **slot, "block": hash_to_hex(vote.block)})
        case SettingsCarried(version, from_height, height, settings, signers):
            where = {"version": version, "from": from_height, "height": height}
            return Line("settings-carried", {**where, "settings": _set(settings), "signers": len(signers)})
        case SettingsApplied(version, height, settings):
            return Line("settings-applied", {"version": version, "height": height, "settings": _set(settings)})
        case BlockMined(block):
            return Line("block-mined", {"block": hash_to_hex(block)})
        case MinedBlockRefused(reason):
            return Line("mined-block-refused", {"reason": reason})
        case TransactionAdded(txid, fee_sat, vsize):
            return Line("tx-accepted", {"txid": hash_to_hex(txid), "fee": fee_sat, "vsize": vsize})
        case TransactionRemoved(txid, cause, replaced_by, block_with_it):
            fields: dict[str, str | int] = {"txid": hash_to_hex(txid), "reason": cause}
            if replaced_by is not None:
                fields["by"] = hash_to_hex(replaced_by)
            if block_with_it is not None:
                fields["block"] = hash_to_hex(block_with_it)
            return Line("tx-removed", fields)
        case TransactionRefused(txid, refusal):
            return Line("tx-refused", {"txid": hash_to_hex(txid), "reason": refusal})
        case MempoolNotRestored(error):
            return Line("mempool-not-restored", {"error": error})
        case PeerOpened(conn, remote, inbound):
            return Line("peer-opened", {"conn": conn, "remote": str(remote), "inbound": int(inbound)})
        case PeerReady(conn, remote, agent, height):
            return Line("peer-ready", {"conn": conn, "remote": str(remote), "agent": agent, "height": height})
        case PeerClosed(conn, remote, reason):
            return Line("peer-closed", {"conn": conn, "remote": str(remote), "reason": reason})
        case PeerRefused(conn, remote, reason):
            return Line("peer-refused", {"conn": conn, "remote": str(remote), "reason": reason})
        case PeerPenalised(conn, remote, reason, score):
            return Line("peer-fault", {"conn": conn, "remote": str(remote), "reason": reason, "score": score})
        case MessageDropped(conn, remote, reason, count):
            return Line("message-dropped", {"conn": conn, "remote": str(remote), "reason": reason, "count": count})
        case PeerUnreachable(remote, reason, is_chosen):
            return Line("dial-failed", {"remote": str(remote), "reason": reason, "chosen": int(is_chosen)})
        case InboundLost(remote, reason):
            return Line("inbound-failed", {"remote": str(remote), "reason": reason})
        case NetworkSwitched(is_active):
            return Line("network-active" if is_active else "network-inactive", {})
        case AddressesLearned(source, origin, added):
            return Line("addresses-found", {"source": source, "origin": origin, "count": len(added)})
        case AddressesForgotten(source, origin, forgotten):
            return Line("addresses-gone", {"source": source, "origin": origin, "count": len(forgotten)})
        case RecordsLearned(records):
            kinds = dict.fromkeys(record.kind for record in records)
            return Line("records", {"count": len(records), "kinds": ",".join(kinds)})
        case RecordsIgnored(origin, count, reason):
            return Line("records-ignored", {"origin": origin, "count": count, "reason": reason})
        case OwnAddressLearned(address):
            return Line("own-address", {"address": str(address)})
        case LetterReceived(sender, letter_id, text):
            return Line("letter", {"from": encode_base58(sender), "id": letter_id.hex(), "text": text})
        case WalletChanged(txids):
            return Line("wallet-changed", {"txids": ",".join(map(hash_to_hex, txids))})
        case WalletNotSaved(error):
            return Line("wallet-not-saved", {"error": error})
        case PaymentAbandoned(txid):
            return Line("payment-abandoned", {"txid": hash_to_hex(txid)})
        case AdmissionChanged(version, admitted, expelled, peers):
            banks = {"admitted": ", ".join(admitted), "expelled": ", ".join(expelled)}
            return Line("admission", {"version": version, **banks, "nodes": peers})
        case OwnAdmissionLost(version):
            return Line("admission-lost", {"version": version, "reason": "this node is not named: others refuse it"})
        case AdmissionContradicted(version, members, is_split):
            who = ",".join(member.hex() for member in members)
            return Line("admission-contradicted", {"version": version, "members": who, "split": int(is_split)})
        case AuditTroubled(reason):
            return Line("audit-not-written", {"reason": reason})
        case ConfigurationChanged(version, height, settings, signers, unknown):
            told = {"settings": _set(settings), "signers": str(len(signers)), "unknown": "; ".join(unknown)}
            return Line("configuration", {"version": version, "height": height, **told})
        case ConfigurationContradicted(version, members, is_split):
            who = ",".join(member.hex() for member in members)
            return Line("configuration-contradicted", {"version": version, "members": who, "split": int(is_split)})
        case RecordingEnded(reason, events, length_bytes):
            return Line("recording-ended", {"reason": reason, "events": events, "bytes": length_bytes})
        case AcceptFailed(reason):
            return Line("accept-failed", {"reason": reason})
        case RpcAcceptFailed(reason):
            return Line("rpc-accept-failed", {"reason": reason})
        case MdnsFailed(reason):
            return Line("mdns-failed", {"reason": reason})
        case MiningFailed(reason):
            return Line("mining-failed", {"reason": reason})
        case RegistryConnected(endpoint, nodes):
            return Line("registry", {"endpoint": endpoint, "nodes": nodes})
        case RegistryLost(endpoint, reason):
            return Line("registry-lost", {"endpoint": endpoint, "reason": reason})
        case RegistryWarned(endpoint, reason):
            return Line("registry-warning", {"endpoint": endpoint, "reason": reason})
        case RegistryFilesReplaced(endpoint):
            return Line("registry-files-replaced", {"endpoint": endpoint})
        case SignerFound(place, keys):
            return Line("signer", {"place": place, "keys": " ".join(key.hex() for key in keys)})
        case SignerLost(place, reason):
            return Line("signer-lost", {"place": place, "reason": reason})
        case _:
            assert_never(notice)


def _set(settings: tuple[tuple[str, str], ...]) -> str:
    return " ".join(f"{name}={value}" for name, value in settings)


def _recovery_line(notice: RecoverySigned | RecoveryNamed | RecoveryUnnamed | RecoveryContradicted) -> Line:
    where: dict[str, str | int] = {"recovery": notice.recovery.hex(), "height": notice.height}
    match notice:
        case RecoverySigned():
            where |= {"block": hash_to_hex(notice.block), "members": len(notice.members)}
            return Line("recovery-signed", where)
        case RecoveryNamed():
            where |= {"block": hash_to_hex(notice.block), "members": len(notice.members)}
            return Line("recovery-named", {**where, "signers": len(notice.signers)})
        case RecoveryUnnamed():
            return Line("recovery-unnamed", {**where, "remedy": "--recovery with its file, if your bank agreed to it"})
        case RecoveryContradicted():
            left = {"block": hash_to_hex(notice.block), "certificate": notice.certificate.hex()}
            return Line("recovery-contradicted", {**where, **left})


def _evidence_line(evidence: Evidence) -> Line:
    accused, height = evidence.accused.hex(), evidence.height
    match evidence:
        case TwoVotes(first):
            return Line("signed-twice", {"member": accused, "height": height, "round": first.vote.round})
        case TwoCertificates(first, second):
            blocks = {"one": hash_to_hex(first.block), "other": hash_to_hex(second.block)}
            return Line("certified-twice", {"height": height, **blocks})
        case TwoAdmissions(first):
            return Line("admission-signed-twice", {"member": accused, "height": height, "version": first.version})
        case TwoConfigurations(first_set):
            return Line(
                "configuration-signed-twice", {"member": accused, "height": height, "version": first_set.version}
            )
        case _:
            assert_never(evidence)
