"""What held at a height, from the log alone: who signed its block, who might connect, and what was set.

Members and settings that blocks change hold from the height that a change names. An admission and a configuration are
not the chain's: they hold here from where this node stood when it took them up.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from minicoin.core.faults import DecodeError
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.changes import MemberChange
from minicoin.drivers.audit.entry import AuditEntry, EntryKind, Value

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """At one height."""

    height: int
    network: str
    """Its id."""
    name: str
    members: tuple[tuple[str, bytes], ...]
    """Name and key, in the order of the list."""
    members_version: int
    admission: AdmissionRecord | None
    """None where anybody may connect."""
    settings: Pairs
    """What validity depends on, and the founding values of the rest, by name."""
    settings_version: int
    configuration: Pairs
    """What members set of what validity does not depend on."""
    configuration_version: int
    evidence: int
    """Pieces about this height and those below."""


@dataclass(frozen=True, slots=True)
class _Founding:
    network: str
    name: str
    members: tuple[tuple[str, bytes], ...]
    admission: AdmissionRecord | None
    settings: dict[str, str]


def replay(entries: Iterable[AuditEntry], height: int) -> Replayed:
    """Raises DecodeError for a log whose beginning is not there, and for what its entries do not say."""
    rest = iter(entries)
    founding = _founding(next(rest, None))
    found = Replayed(
        height,
        founding.network,
        founding.name,
        founding.members,
        0,
        founding.admission,
        tuple(sorted(founding.settings.items())),
        0,
        (),
        0,
        0,
    )
    for entry in rest:
        found = _after(found, founding, entry)
    return found


def _after(found: Replayed, founding: _Founding, entry: AuditEntry) -> Replayed:
    fields, height = entry.fields, found.height
    match entry.kind:
        case EntryKind.MEMBERS | EntryKind.RECOVERY if _number(fields.get("from")) <= height:
            change = MemberChange.decode(_octets(fields.get("change")))
            # A recovery takes the place of whatever the members before made of the heights behind its block.
            if change.version <= found.members_version and entry.kind is EntryKind.MEMBERS:
                return found
            named = tuple(zip(change.names, change.members.keys, strict=True))
            return replace(found, members=named, members_version=change.version)
        case EntryKind.SETTINGS if _number(fields.get("from")) <= height:
            version = _number(fields.get("version"))
            if version <= found.settings_version:
                return found
            # A change is whole: what it does not name is as it was founded.
            settings = {**founding.settings, **_texts(fields.get("settings"))}
            return replace(found, settings=tuple(sorted(settings.items())), settings_version=version)
        case EntryKind.CONFIGURATION if entry.height <= height:
            version = _number(fields.get("version"))
            if version <= found.configuration_version:
                return found
            configuration = tuple(sorted(_texts(fields.get("settings")).items()))
            return replace(found, configuration=configuration, configuration_version=version)
        case EntryKind.ADMISSION if entry.height <= height:
            record = AdmissionRecord.decode(_octets(fields.get("record")))
            is_newer = found.admission is None or record.version > found.admission.version
            return replace(found, admission=record) if is_newer else found
        case EntryKind.EVIDENCE if entry.height <= height:
            return replace(found, evidence=found.evidence + 1)
        case _:
            return found


def _founding(entry: AuditEntry | None) -> _Founding:
    if entry is None or entry.kind is not EntryKind.NETWORK:
        raise DecodeError(
            "the log does not begin with its network: bring back the files that were moved away, or take an export"
        )
    fields = entry.fields
    admission = _octets(fields.get("admission"))
    return _Founding(
        str(fields.get("id")),
        str(fields.get("name")),
        tuple(_member(one) for one in _list(fields.get("members"))),
        AdmissionRecord.decode(admission) if admission else None,
        _texts(fields.get("settings")),
    )


def _member(value: Value) -> tuple[str, bytes]:
    pair = _list(value)
    if len(pair) != len(("name", "key")):
        raise DecodeError("a member has a name and a key")
    return str(pair[0]), _octets(pair[1])


def _list(value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise DecodeError("an entry of the log does not say what its kind says")
    return value


def _number(value: Value) -> int:
    if type(value) is not int:
        raise DecodeError("an entry of the log does not say what its kind says")
    return value


def _texts(value: Value) -> dict[str, str]:
    if not isinstance(value, dict):
        raise DecodeError("an entry of the log does not say what its kind says")
    return {str(name): str(text) for name, text in value.items()}


def _octets(value: Value) -> bytes:
    try:
        return bytes.fromhex(str(value))
    except ValueError as error:
        raise DecodeError("an entry of the log does not say what its kind says") from error
