"""Records: small signed values that nodes keep for each other. Minicoin's own methods."""

from collections.abc import Callable

from minicoin.core.answers import RECORDS_ARE_OFF, RecordSigned
from minicoin.core.commands import Asks, PutRecord, SignRecord
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import QUERY_PAGE_RECORDS_MAX
from minicoin.core.queries.node import NodeQueries
from minicoin.core.queries.records import RecordReport, parse_signer, read_report, signer_text
from minicoin.core.units import SECOND_US
from minicoin.rpc.errors import INVALID_ADDRESS, INVALID_PARAMETER, MISC_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.shapes import JsonObject

_RECORD = (
    "kind, key, signers (peer ids, or members' keys), version, time, expires (null for never), hex, text (where it is "
    "some)"
)


async def _require_records(call: Call) -> None:
    if not await call.port.query(lambda node: node.records.is_on):
        raise RpcError(MISC_ERROR, RECORDS_ARE_OFF)


async def list_records(call: Call) -> Json:
    await _require_records(call)
    kind, count, skip = call.text("kind"), call.positive("count", 1, 100_000), call.positive("skip", 0, 100_000)
    found: list[RecordReport] = []
    try:
        while len(found) < count:
            at, most = skip + len(found), count - len(found)
            page = await call.port.query(_page(kind, at, most))
            found += page
            if len(page) < min(most, QUERY_PAGE_RECORDS_MAX):
                break
    except MisuseError as error:
        raise RpcError(INVALID_PARAMETER, str(error)) from error
    return [_shape(one) for one in found]


def _page(kind: str, at: int, most: int) -> Callable[[NodeQueries], tuple[RecordReport, ...]]:
    return lambda node: node.records.listing(kind, most, at)


async def get_record(call: Call) -> Json:
    await _require_records(call)
    kind, key = call.text("kind"), call.text("key")
    try:
        signer = parse_signer(kind, call.text("signer"))
    except (MisuseError, DecodeError) as error:
        raise RpcError(INVALID_PARAMETER, str(error)) from error
    found = await call.port.query(lambda node: node.records.find(kind, signer, key))
    if found is None:
        raise RpcError(INVALID_ADDRESS, f"this node has no {kind} record with key {key!r} of that signer")
    return _shape(found)


async def put_record(call: Call) -> Json:
    value = call.octets("value") if call.flag("is_hex") else call.text("value").encode()
    life_s = call.integer("seconds") if call.has("seconds") else None
    return await _sign(call, PutRecord(call.text("kind"), call.text("key"), value, life_s))


async def sign_record(call: Call) -> Json:
    return await _sign(call, SignRecord(call.octets("record")))


async def _sign(call: Call, command: Asks[RecordSigned]) -> Json:
    signed = await call.port.command(command)
    return _shape(read_report(signed.encoded)) | {"missing": signed.missing, "record": signed.encoded.hex()}


def _shape(report: RecordReport) -> JsonObject:
    shape: JsonObject = {
        "kind": report.kind,
        "key": report.key,
        "signers": [signer_text(report.kind, signer) for signer in report.signers],
        "version": report.version,
        "time": report.version // SECOND_US,
        "expires": report.expires_s or None,
        "hex": report.value.hex(),
    }
    try:
        text = report.value.decode()
    except UnicodeDecodeError:
        return shape
    # Control characters are no text: a terminal would obey them.
    return shape | {"text": text} if text.isprintable() else shape


METHODS = (
    Method(
        "listrecords",
        Category.RECORDS,
        "The records this node holds, of one kind or of all, in the order in which they became known.",
        f"An array of objects: {_RECORD}.",
        list_records,
        (
            optional(
                "kind",
                Kind.TEXT,
                "",
                "One kind only: status, super, alert, change, config, admission, admission-draft.",
            ),
            optional("count", Kind.INTEGER, 1_000, "How many at most."),
            optional("skip", Kind.INTEGER, 0, "How many to leave out before."),
        ),
    ),
    Method(
        "getrecord",
        Category.RECORDS,
        "One record this node holds.",
        f"An object: {_RECORD}.",
        get_record,
        (
            Argument("kind", Kind.TEXT, "Its kind."),
            optional("signer", Kind.TEXT, "", "The peer id or member that signed it; none where several did together."),
            optional("key", Kind.TEXT, "", "Its key."),
        ),
    ),
    Method(
        "putrecord",
        Category.RECORDS,
        "Sign a record as this node. When answered it is on disk and peers hear of it; where others must sign it too, "
        "it is neither, and `record` is for their signrecord.",
        f"An object: {_RECORD}, missing (signatures), record (hex).",
        put_record,
        (
            Argument("kind", Kind.TEXT, "Its kind."),
            Argument("key", Kind.TEXT, "Its key, which may be empty; a newer record of the same key takes its place."),
            Argument("value", Kind.TEXT, "What it says."),
            optional("seconds", Kind.INTEGER, None, "How long it is to live; as long as its kind allows by default."),
            optional("is_hex", Kind.FLAG, False, "Whether the value is given as hex."),
        ),
    ),
    Method(
        "signrecord",
        Category.RECORDS,
        "Add this node's signature to a record that several sign; the last one needed gives it to everybody.",
        f"An object: {_RECORD}, missing (signatures), record (hex).",
        sign_record,
        (Argument("record", Kind.HEX, "What putrecord or signrecord gave as `record`."),),
    ),
)
