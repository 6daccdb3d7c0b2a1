"""What the members of a network set while it runs. Minicoin's own methods."""

from minicoin.core.answers import NO_SETTINGS, SettingsDrafted
from minicoin.core.commands import ApproveSettings, Asks, ProposeSettings
from minicoin.core.configuration.settable import SettingInForce
from minicoin.core.queries.configuration import SettingsDraftReport
from minicoin.core.signers.settings import Settings
from minicoin.rpc.errors import INVALID_PARAMETER, MISC_ERROR, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.shapes import JsonObject

_HEIGHT_MAX = (1 << 32) - 1
_DRAFT = "hash, version, from_height (null for what a record sets), settings (object), signers (names)"
_SIGNED = "An object: hash, version, from_height, settings, signatures, quorum, missing, warnings."


async def get_configuration(call: Call) -> Json:
    report = await call.port.query(lambda node: node.configuration.report())
    if report is None:
        raise RpcError(MISC_ERROR, NO_SETTINGS)
    names = dict(report.names)
    split: Json = None
    if report.split is not None:
        both = dict(report.split[0].signatures)
        liars = [key for key, _ in report.split[1].signatures if key in both]
        split = {"version": report.split[1].version, "members": _names(tuple(liars), names)}
    return {
        "version": report.version,
        "settings": [_value(value, names) for value in report.values],
        "drafts": [_draft(draft, names) | {"missing": draft.missing} for draft in report.drafts],
        "pending": None if report.pending is None else _draft(report.pending, names),
        "split": split,
    }


async def propose_configuration(call: Call) -> Json:
    values = tuple((name, _text(name, value)) for name, value in call.mapping("settings").items())
    height = call.positive("from_height", 1, _HEIGHT_MAX) if call.has("from_height") else None
    return await _drafted(call, ProposeSettings(values, height))


async def approve_configuration(call: Call) -> Json:
    return await _drafted(call, ApproveSettings(call.text("hash")))


async def _drafted(call: Call, command: Asks[SettingsDrafted]) -> Json:
    drafted = await call.port.command(command)
    return {
        "hash": drafted.hash.hex(),
        "version": drafted.version,
        "from_height": drafted.from_height or None,
        "settings": _object(drafted.settings),
        "signatures": drafted.signatures,
        "quorum": drafted.quorum,
        "missing": max(0, drafted.quorum - drafted.signatures),
        "warnings": list(drafted.warnings),
    }


def _text(name: str, value: Json) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise RpcError(INVALID_PARAMETER, f"the value of {name} must be a number, a string or null")


def _object(settings: Settings) -> JsonObject:
    return dict(settings)


def _names(signers: tuple[bytes, ...], names: dict[bytes, str]) -> list[Json]:
    return [names.get(key, key.hex()) for key in signers]


def _value(value: SettingInForce, names: dict[bytes, str]) -> JsonObject:
    return {
        "name": value.name,
        "value": value.value,
        "unit": value.unit,
        "source": value.source,
        "version": value.version or None,
        "from_height": value.from_height or None,
        "signers": _names(value.signers, names),
        "problem": value.problem,
    }


def _draft(draft: SettingsDraftReport, names: dict[bytes, str]) -> JsonObject:
    return {
        "hash": draft.hash.hex(),
        "version": draft.version,
        "from_height": draft.from_height or None,
        "settings": _object(draft.settings),
        "signers": _names(draft.signers, names),
        "carried_at": draft.carried_at or None,
    }


METHODS = (
    Method(
        "getconfiguration",
        Category.MEMBERS,
        "What the members may set while the network runs: what holds at this node, by whose word, and what is drafted. "
        "`version` is that of the record, 0 for none.",
        "An object: version, settings (array of: name, value, unit, source, version, from_height, signers, problem), "
        f"drafts (array of: {_DRAFT}, missing), pending (null or the same, carried_at), split (null or: version, "
        "members).",
        get_configuration,
    ),
    Method(
        "proposeconfiguration",
        Category.MEMBERS,
        "Draft other settings and sign them as this node's member. What validity depends on (min_interval_s) a block "
        "carries once a quorum has signed it; the rest holds then at once.",
        _SIGNED,
        propose_configuration,
        (
            Argument("settings", Kind.OBJECT, "Name and value of each; null for what it is without the members."),
            optional("from_height", Kind.INTEGER, None, "The first block that it holds for; soon by default."),
        ),
    ),
    Method(
        "approveconfiguration",
        Category.MEMBERS,
        "Sign a draft of another member as this node's member.",
        _SIGNED,
        approve_configuration,
        (Argument("hash", Kind.TEXT, "What its hash begins with, 8 characters or more."),),
    ),
)
