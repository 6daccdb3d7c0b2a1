"""How far a log has come: what is in it already, so that nothing is written twice and what is missing is found.

It follows from the entries; the first of each file says it, so that opening a log reads its last file only.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final

from minicoin.core.faults import DecodeError
from minicoin.core.limits import AUDIT_VOTES_REMEMBERED_MAX, RECOVERIES_NAMED_MAX
from minicoin.drivers.audit.entry import AuditDraft, AuditEntry, EntryKind, Value

_NUMBERS: Final = ("members", "settings", "admission", "configuration", "evidence", "votes_height")


@dataclass(frozen=True, slots=True)
class LogStanding:
    """Behind an entry."""

    network: str = ""
    """The id of its network, in hexadecimal."""
    members: int = 0
    """The version of the last change of members; so with settings, admission and configuration."""
    recoveries: tuple[str, ...] = ()
    """Hashes."""
    settings: int = 0
    admission: int = 0
    configuration: int = 0
    evidence: int = 0
    """So many pieces."""
    votes_height: int = 0
    """The highest that our member voted at, and which of its votes there are in."""
    votes: tuple[tuple[int, str, str], ...] = ()
    is_stopped: bool = False
    """The node said that it stops, and nothing came after."""
    promised: tuple[int, ...] = ()
    """Heights of recoveries that our member signed."""

    def to_fields(self) -> dict[str, Value]:
        """As the first entry of a file has it."""
        return asdict(self) | {
            "recoveries": list(self.recoveries),
            "votes": [list(vote) for vote in self.votes],
            "promised": list(self.promised),
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Value]) -> "LogStanding":
        """What to_fields() gave. Raises DecodeError."""
        numbers = [fields.get(name) for name in _NUMBERS]
        network, votes, stopped = fields.get("network"), fields.get("votes"), fields.get("is_stopped")
        if not isinstance(network, str) or not isinstance(votes, list) or not isinstance(stopped, bool):
            raise DecodeError("the first entry of a file does not say how far the log has come")
        members, settings, admission, configuration, evidence, height = (_number(number) for number in numbers)
        recoveries = fields.get("recoveries")
        if not isinstance(recoveries, list):
            raise DecodeError("the first entry of a file does not say which recoveries there were")
        # Files of earlier versions do not say.
        promised = fields.get("promised", [])
        if not isinstance(promised, list):
            raise DecodeError("the first entry of a file does not say which recoveries were signed")
        told = tuple(_vote(vote) for vote in votes)
        return cls(
            network,
            members,
            tuple(map(str, recoveries)),
            settings,
            admission,
            configuration,
            evidence,
            height,
            told,
            stopped,
            tuple(map(_number, promised)),
        )

    def has(self, draft: AuditDraft) -> bool:
        """Whether the version that it tells of, or a later one, is in; or the same vote, which a start signs again."""
        if draft.kind is EntryKind.VOTE:
            return draft.height == self.votes_height and draft.vote in self.votes
        if draft.kind is EntryKind.RECOVERY:
            return draft.fields.get("recovery") in self.recoveries
        if draft.kind is EntryKind.RECOVERY_SIGNED:
            return draft.height in self.promised
        known = {
            EntryKind.MEMBERS: self.members,
            EntryKind.SETTINGS: self.settings,
            EntryKind.ADMISSION: self.admission,
            EntryKind.CONFIGURATION: self.configuration,
        }.get(draft.kind)
        return known is not None and _number(draft.fields.get("version")) <= known

    def after(self, entry: AuditEntry) -> "LogStanding":
        """Behind one more entry. Raises DecodeError where the entry does not say what its kind says."""
        fields = entry.fields
        here = replace(self, is_stopped=entry.kind is EntryKind.STOP)
        match entry.kind:
            case EntryKind.NETWORK:
                return LogStanding(network=str(fields.get("id")))
            case EntryKind.SEGMENT:
                return LogStanding.from_fields(fields)
            case EntryKind.MEMBERS:
                return replace(here, members=_number(fields.get("version")))
            case EntryKind.RECOVERY:
                recoveries = (*self.recoveries, str(fields.get("recovery")))
                return replace(here, members=_number(fields.get("version")), recoveries=recoveries)
            case EntryKind.RECOVERY_SIGNED:
                return replace(here, promised=(*self.promised, entry.height)[-RECOVERIES_NAMED_MAX:])
            case EntryKind.SETTINGS:
                return replace(here, settings=_number(fields.get("version")))
            case EntryKind.ADMISSION:
                return replace(here, admission=_number(fields.get("version")))
            case EntryKind.CONFIGURATION:
                return replace(here, configuration=_number(fields.get("version")))
            case EntryKind.EVIDENCE:
                return replace(here, evidence=self.evidence + 1)
            case EntryKind.VOTE if entry.height >= self.votes_height:
                vote = entry.draft.vote
                known = self.votes if entry.height == self.votes_height else ()
                votes = known if vote is None else (*known, vote)
                return replace(here, votes_height=entry.height, votes=votes[-AUDIT_VOTES_REMEMBERED_MAX:])
            case _:
                return here


def _number(value: Value) -> int:
    if type(value) is not int or value < 0:
        raise DecodeError(f"{value!r} is no number that an entry counts by")
    return value


def _vote(value: Value) -> tuple[int, str, str]:
    match value:
        case [int(round_), str(kind), str(block)]:
            return round_, kind, block
        case _:
            raise DecodeError("a vote is a round, a kind and a block")
