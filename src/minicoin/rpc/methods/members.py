"""The members who sign the blocks: the list, its changes, and who stands behind them. Minicoin's own methods."""

from minicoin.core.answers import MembersDrafted
from minicoin.core.commands import ApproveMembers, Asks, HoldSigningKey, ProposeMembers, TakeOver
from minicoin.core.queries.members import ChangeReport, MemberRow
from minicoin.core.signers.members import KEY_BYTES
from minicoin.rpc.errors import INVALID_PARAMETER, MISC_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional, require_members
from minicoin.rpc.shapes import JsonObject

_HEIGHT_MAX = (1 << 32) - 1
_CHANGE = "hash, version, from_height, added, removed, members (each name and key), signers (names)"


async def list_members(call: Call) -> Json:
    await require_members(call)
    found = await call.port.query(lambda node: node.members.report())
    evidence = await call.port.query(lambda node: node.evidence.listing()) or ()
    return {
        "finalized": found.finalized,
        "height": found.height,
        "quorum": found.quorum,
        "faults": found.faults,
        "members": [
            _member(row) | {"evidence": sum(one.evidence.accused == row.key for one in evidence)}
            for row in found.members
        ],
        "pending": None if found.pending is None else _change(found.pending),
        "drafts": [_change(draft) | {"missing": draft.missing} for draft in found.drafts],
    }


async def member_history(call: Call) -> Json:
    await require_members(call)
    return [_change(change) for change in await call.port.query(lambda node: node.members.history())]


async def get_anchor(call: Call) -> Json:
    await require_members(call)
    text = await call.port.query(lambda node: node.members.anchor())
    if text is None:
        raise RpcError(MISC_ERROR, "no block is final yet: there is nothing to anchor on")
    return text


async def propose_members(call: Call) -> Json:
    await require_members(call)
    added = read_added(call)
    removed = tuple(map(_text, call.array("remove")))
    height = call.positive("from_height", 1, _HEIGHT_MAX) if call.has("from_height") else None
    return await _drafted(call, ProposeMembers(added, removed, height, call.flag("force")))


def read_added(call: Call) -> tuple[tuple[str, bytes], ...]:
    """Name and key of each new member."""
    return tuple(_added(name, key) for name, key in call.mapping("add").items())


async def approve_members(call: Call) -> Json:
    await require_members(call)
    return await _drafted(call, ApproveMembers(call.text("hash"), call.flag("force")))


async def load_signing_key(call: Call) -> Json:
    await require_members(call)
    held = await call.port.query(lambda node: node.members.held_keys)
    found = await call.port.find_keys(held, call.text("passphrase"))
    return [(await call.port.command(HoldSigningKey(*one))).member.hex() for one in found]


async def take_over(call: Call) -> Json:
    await require_members(call)
    await call.port.command(TakeOver(call.integer("sign_from") if call.has("sign_from") else None))
    return None


async def _drafted(call: Call, command: Asks[MembersDrafted]) -> Json:
    drafted = await call.port.command(command)
    change = drafted.change
    return {
        "hash": change.hash.hex(),
        "version": change.version,
        "from_height": change.from_height,
        "signatures": len(change.signatures),
        "quorum": drafted.quorum,
        "missing": drafted.missing,
        "warnings": list(drafted.warnings),
    }


def _added(name: str, key: Json) -> tuple[str, bytes]:
    try:
        octets = bytes.fromhex(_text(key))
    except ValueError:
        octets = b""
    if len(octets) != KEY_BYTES:
        raise RpcError(INVALID_PARAMETER, f"the key of {name} must be {2 * KEY_BYTES} hex digits")
    return name, octets


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise RpcError(INVALID_PARAMETER, f"{value!r} must be a string")
    return value


def _member(row: MemberRow) -> JsonObject:
    return {
        "name": row.name,
        "key": row.key.hex(),
        "signed": row.signed,
        "missed": row.missed,
        "last_signed": row.last_signed,
        "own": row.is_own,
    }


def _change(report: ChangeReport) -> JsonObject:
    return {
        "hash": report.hash.hex(),
        "version": report.version,
        "from_height": report.from_height,
        "added": _named(report.added),
        "removed": _named(report.removed),
        "members": _named(report.members),
        "signers": list(report.signers),
        "carried_at": report.carried_at,
    }


def _named(rows: tuple[tuple[str, bytes], ...]) -> list[Json]:
    return [{"name": name, "key": key.hex()} for name, key in rows]


METHODS = (
    Method(
        "listmembers",
        Category.MEMBERS,
        "The members who sign the block to come, what of the last blocks each has signed, and changes on their way: "
        "the one that the chain carries and that is not in force yet, and drafts with the signatures so far.",
        "An object: finalized, height, quorum, faults, members (name, key, signed, missed, last_signed, own, evidence: "
        f"pieces against it), pending (null, or {_CHANGE}, carried_at), drafts.",
        list_members,
    ),
    Method(
        "getmemberhistory",
        Category.MEMBERS,
        "The founding list, and every change of it that the chain carried.",
        f"An array of objects: {_CHANGE}, carried_at.",
        member_history,
    ),
    Method(
        "getanchor",
        Category.MEMBERS,
        "The tip, the members behind it and who may connect, as the file that a new node starts with (--anchor), so "
        "that nobody can show it another history.",
        "A string: the file's text.",
        get_anchor,
    ),
    Method(
        "proposemembers",
        Category.MEMBERS,
        "Draft a change of the member list and sign it as this node's member. When answered, our signature is on disk "
        "and the other members hear of it; a block carries the change once a quorum has signed it.",
        "An object: hash, version, from_height, signatures, quorum, missing, warnings.",
        propose_members,
        (
            optional("add", Kind.OBJECT, {}, "Name and key (hex) of each new member."),
            optional("remove", Kind.ARRAY, [], "Name or key of each member that leaves."),
            optional("from_height", Kind.INTEGER, None, "The first block of the new list; soon by default."),
            optional("force", Kind.FLAG, False, "Sign it although the chain would stand still."),
        ),
    ),
    Method(
        "loadsigningkey",
        Category.MEMBERS,
        "Hold the signing key that was made beside this node's (minicoin consortium newkey), or that its signer has by "
        "now, and sign with it from the height on whose list has it. The node goes on as it runs.",
        "An array: the keys (hex) that it holds now and did not before.",
        load_signing_key,
        (optional("passphrase", Kind.TEXT, "", "The new key's, where it has one and the node has to open it."),),
    ),
    Method(
        "takeover",
        Category.MEMBERS,
        "Have this node, which was started with --standby, sign in the place of the one that had its key until now: "
        "as soon as others have answered and the key has been silent for a whole height. Refused while the other node "
        "is connected; where it shows up later, this one stands by again, and getconsensusinfo says why (abstains).",
        "Null.",
        take_over,
        (
            optional(
                "sign_from",
                Kind.INTEGER,
                None,
                "You answer for it that the key signed nothing from this block on; where the chain stands still.",
            ),
        ),
    ),
    Method(
        "approvemembers",
        Category.MEMBERS,
        "Sign a draft of another member as this node's member.",
        "An object: hash, version, from_height, signatures, quorum, missing, warnings.",
        approve_members,
        (
            Argument("hash", Kind.TEXT, "What its hash begins with, 8 characters or more."),
            optional("force", Kind.FLAG, False, "Sign it although the chain would stand still."),
        ),
    ),
)
