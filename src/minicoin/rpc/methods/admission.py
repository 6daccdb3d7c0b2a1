"""Who may connect to the nodes of a network whose members sign that. Minicoin's own methods."""

from collections.abc import Sequence

from minicoin.core.answers import ADMISSION_IS_OFF, AdmissionSigned
from minicoin.core.commands import ApproveAdmission, Asks, ProposeAdmission
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.queries.admission import AdmissionDraftReport, AdmissionReport
from minicoin.core.signers.admission import AdmissionRecord, AdmissionRow, AdmittedRole
from minicoin.core.signers.votes import is_public_key
from minicoin.rpc.errors import INVALID_PARAMETER, MISC_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.shapes import JsonObject

_ROLES = {"signer": AdmittedRole.SIGNER, "observer": AdmittedRole.OBSERVER}
_FIELDS = ("name", "role", "member", "peerids")
_BANKS = "banks (array of: name, role, member (null for observers), peerids)"
_SIGNED = "An object: version, hash, signatures, quorum, missing, consequences (array of strings)."


async def _report(call: Call) -> AdmissionReport:
    found = await call.port.query(lambda node: node.admission.report())
    if found is None:
        raise RpcError(MISC_ERROR, ADMISSION_IS_OFF)
    return found


async def get_admission(call: Call) -> Json:
    report = await _report(call)
    drafts: list[Json] = [_draft_shape(draft) for draft in report.drafts]
    signed: Json = None if report.signed is None else _name(report.signed)
    return _shape(report.current) | {"drafts": drafts, "signed": signed, "warnings": list(report.warnings)}


async def get_admission_history(call: Call) -> Json:
    report = await _report(call)
    versions: list[Json] = [_shape(record) for record in report.history]
    split: Json = None
    if report.split is not None:
        both = dict(report.split[0].signatures)
        liars: list[Json] = [key.hex() for key, _ in report.split[1].signatures if key in both]
        contents: list[Json] = [_shape(record) for record in report.split]
        split = {"version": report.split[1].version, "members": liars, "contents": contents}
    return {"versions": versions, "split": split}


async def propose_admission(call: Call) -> Json:
    rows = tuple(_row(value) for value in call.array("banks"))
    expelled = tuple(_text(value, "expelled") for value in call.array("expelled"))
    return await _sign(call, ProposeAdmission(rows, expelled))


async def approve_admission(call: Call) -> Json:
    version = call.positive("version", 1, (1 << 32) - 1)
    return await _sign(call, ApproveAdmission(version, call.octets("hash")))


async def _sign(call: Call, command: Asks[AdmissionSigned]) -> Json:
    signed = await call.port.command(command)
    return {
        "version": signed.version,
        "hash": signed.hash.hex(),
        "signatures": signed.signatures,
        "quorum": signed.quorum,
        "missing": max(0, signed.quorum - signed.signatures),
        "consequences": list(signed.consequences),
    }


# --- reading ---


def _row(value: Json) -> AdmissionRow:
    if not isinstance(value, dict) or not set(value) <= set(_FIELDS):
        raise RpcError(INVALID_PARAMETER, f"a bank is an object with {', '.join(_FIELDS)}")
    name = _text(value.get("name"), "name")
    role = _ROLES.get(_text(value.get("role", "signer" if value.get("member") else "observer"), "role"))
    if role is None:
        raise RpcError(INVALID_PARAMETER, f"a role is {' or '.join(_ROLES)}")
    member, peer_ids = value.get("member"), value.get("peerids")
    if not isinstance(peer_ids, list):
        raise RpcError(INVALID_PARAMETER, f"peerids of {name} is an array of strings")
    return AdmissionRow(
        name,
        role,
        None if member is None else _key(_text(member, "member")),
        tuple(sorted(_peer_id(_text(one, "peerids")) for one in peer_ids)),
    )


def _text(value: Json, name: str) -> str:
    if not isinstance(value, str):
        raise RpcError(INVALID_PARAMETER, f"{name} is a string")
    return value


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise RpcError(INVALID_PARAMETER, f"a member's key has 64 hexadecimal digits, not {text[:80]!r}")
    if not is_public_key(key):
        raise RpcError(INVALID_PARAMETER, f"{text} is no public key, and nobody could sign with it")
    return key


def _peer_id(text: str) -> bytes:
    try:
        return PeerId.parse(text).multihash
    except DecodeError as error:
        raise RpcError(INVALID_PARAMETER, str(error)) from error


# --- showing ---


def _name(record: AdmissionRecord) -> JsonObject:
    return {"version": record.version, "hash": record.hash.hex()}


def _shape(record: AdmissionRecord) -> JsonObject:
    signers: list[Json] = [key.hex() for key, _ in record.signatures]
    return _name(record) | {
        "height": record.height,
        "previous": record.previous.hex(),
        "signers": signers,
        "banks": _banks(record.rows),
        "hex": record.encode().hex(),
    }


def _banks(rows: Sequence[AdmissionRow]) -> list[Json]:
    shown: list[Json] = []
    for row in rows:
        ids: list[Json] = [str(PeerId(peer_id)) for peer_id in row.peer_ids]
        member = None if row.key is None else row.key.hex()
        shown.append({"name": row.name, "role": row.role.name.lower(), "member": member, "peerids": ids})
    return shown


def _draft_shape(report: AdmissionDraftReport) -> JsonObject:
    draft = report.draft
    missing = max(0, draft.quorum - len(draft.record.signatures))
    return _shape(draft.record) | {
        "quorum": draft.quorum,
        "missing": missing,
        "consequences": list(report.consequences),
    }


METHODS = (
    Method(
        "getadmission",
        Category.MEMBERS,
        "Who may connect: the version this node goes by, the drafts that members signed, and what an operator should "
        "know. `hex` is the record as it travels.",
        f"An object: version, hash, height, previous, signers, {_BANKS}, hex, drafts (array of the same with quorum, "
        "missing and consequences), signed (what this node's member signed last), warnings.",
        get_admission,
        (),
    ),
    Method(
        "getadmissionhistory",
        Category.MEMBERS,
        "The versions of who may connect that this node went by, lowest first, and evidence of two contents of one.",
        f"An object: versions (array of: version, hash, height, previous, signers, {_BANKS}, hex), split (null, or: "
        "version, members who signed both, contents).",
        get_admission_history,
        (),
    ),
    Method(
        "proposeadmission",
        Category.MEMBERS,
        "Sign, as this node's member, a draft of the next version. Each bank named takes the place of what it has in "
        "that role. It holds once a quorum of the members signed the same.",
        _SIGNED,
        propose_admission,
        (
            Argument("banks", Kind.ARRAY, "Objects: name, role (signer or observer), member (its key), peerids."),
            optional("expelled", Kind.ARRAY, [], "Names of banks that may connect no longer."),
        ),
    ),
    Method(
        "approveadmission",
        Category.MEMBERS,
        "Sign, as this node's member, a draft that another proposed. A member signs one content of a version.",
        _SIGNED,
        approve_admission,
        (
            Argument("version", Kind.INTEGER, "Which."),
            optional("hash", Kind.HEX, "", "The first digits of its hash, where there are several of the version."),
        ),
    ),
)
