"""Recoveries of a halted network: drafted, signed, put together. Minicoin's own methods."""

from minicoin.core.answers import RecoveryDrafted
from minicoin.core.commands import Asks, ProposeRecovery, SignRecovery
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.params.recovery_file import RecoveryFile
from minicoin.core.params.table import NotToml, parse_toml
from minicoin.core.signers.recovery import Recovery
from minicoin.rpc.errors import INVALID_PARAMETER, MISC_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional, require_members
from minicoin.rpc.methods.members import read_added
from minicoin.rpc.shapes import JsonObject

_RECOVERY = (
    "hash, height, blockhash, previous, members (each name and key), signers (keys), bound (null, or a block hash)"
)


async def list_recoveries(call: Call) -> Json:
    await require_members(call)
    found = await call.port.query(lambda node: node.recoveries.report())
    if isinstance(found, str):
        raise RpcError(MISC_ERROR, found)
    return {
        "needed": found.needed,
        "of": found.members,
        "named": [_recovery(one) for one in found.named],
        "unnamed": [_recovery(one) for one in found.unnamed],
        "drafts": [_recovery(one.recovery) | {"missing": one.missing} for one in found.drafts],
    }


async def propose_recovery(call: Call) -> Json:
    await require_members(call)
    added = read_added(call)
    removed = tuple(str(one) for one in call.array("remove"))
    return await _drafted(call, ProposeRecovery(added, removed, call.flag("sign"), call.flag("force")))


async def sign_recovery(call: Call) -> Json:
    await require_members(call)
    file = await _read(call, call.text("file"))
    return await _drafted(call, SignRecovery(file, call.flag("sign"), call.flag("force")))


async def combine_recovery(call: Call) -> Json:
    await require_members(call)
    files = [await _read(call, str(text)) for text in call.array("files")]
    found = await call.port.query(lambda node: node.recoveries.combined(files))
    if isinstance(found, str):
        raise RpcError(MISC_ERROR, found)
    return _recovery(found.recovery) | {"file": await _text(call, found)}


async def _read(call: Call, text: str) -> RecoveryFile:
    try:
        mapping = parse_toml(text)
    except NotToml as error:
        raise RpcError(INVALID_PARAMETER, f"no recovery file: {error}") from error
    found = await call.port.query(lambda node: node.recoveries.read(mapping))
    if isinstance(found, str):
        raise RpcError(INVALID_PARAMETER, f"no recovery file: {found}")
    return found


async def _text(call: Call, file: RecoveryFile) -> str:
    return await call.port.query(lambda node: node.recoveries.text(file))


async def _drafted(call: Call, command: Asks[RecoveryDrafted]) -> Json:
    drafted = await call.port.command(command)
    return _recovery(drafted.file.recovery) | {
        "needed": drafted.needed,
        "missing": drafted.missing,
        "signed": drafted.is_signed,
        "warnings": list(drafted.warnings),
        "file": await _text(call, drafted.file),
    }


def _recovery(recovery: Recovery) -> JsonObject:
    members = zip(recovery.members.keys, recovery.names, strict=True)
    return {
        "hash": recovery.hash.hex(),
        "height": recovery.height,
        "blockhash": hash_to_hex(recovery.block),
        "previous": recovery.previous.hex(),
        "members": [{"name": name, "key": key.hex()} for key, name in members],
        "signers": [one.hex() for one in recovery.signers()],
        "bound": None if recovery.bound is None else hash_to_hex(recovery.bound.block),
    }


_DRAFTED = f"An object: {_RECOVERY}, needed, missing, signed, warnings, file."

METHODS = (
    Method(
        "listrecoveries",
        Category.MEMBERS,
        "The recoveries that this node's configuration names, those that peers follow and it does not name, and drafts "
        "with the signatures so far.",
        f"An object: needed, of, named, unnamed, drafts; each recovery with {_RECOVERY}, drafts also with missing.",
        list_recoveries,
    ),
    Method(
        "proposerecovery",
        Category.MEMBERS,
        "What a recovery of the halted network behind its last certified block would be; with sign it is signed as "
        "this node's member, which then signs no more block for the members at hand.",
        _DRAFTED,
        propose_recovery,
        (
            optional("add", Kind.OBJECT, {}, "Name and key (hex) of each new member."),
            optional("remove", Kind.ARRAY, [], "Name or key of each member that is lost."),
            optional("sign", Kind.FLAG, False, "Sign it; else nothing is done."),
            optional("force", Kind.FLAG, False, "Sign it although a quorum of members was heard."),
        ),
    ),
    Method(
        "signrecovery",
        Category.MEMBERS,
        "The same for a recovery that another member drafted.",
        _DRAFTED,
        sign_recovery,
        (
            Argument("file", Kind.TEXT, "The text of its file."),
            optional("sign", Kind.FLAG, False, "Sign it; else nothing is done."),
            optional("force", Kind.FLAG, False, "Sign it although a quorum of members was heard."),
        ),
    ),
    Method(
        "combinerecovery",
        Category.MEMBERS,
        "The recovery that enough members have signed, of these files and what the network passed on, as the file that "
        "every node is started with (--recovery).",
        f"An object: {_RECOVERY}, file.",
        combine_recovery,
        (optional("files", Kind.ARRAY, [], "The texts of files with signatures."),),
    ),
)
