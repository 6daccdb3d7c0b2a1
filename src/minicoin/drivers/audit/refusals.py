"""Refusals, of which strangers choose how many there are: the first of a group in ten minutes is told, then a sum."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from minicoin.core.limits import AUDIT_REFUSAL_GROUPS_MAX, AUDIT_REFUSALS_EVERY_US
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros
from minicoin.drivers.audit.entry import AuditDraft, EntryKind, Fields, moment

OTHERS: Final = "others"
"""All groups beyond those that are counted apart."""


@dataclass(slots=True)
class _Sum:
    kind: EntryKind
    since: Micros
    count: int = 0
    """Beyond the first."""


class Refusals:
    """Since the last sums."""

    def __init__(self) -> None:
        self._sums: dict[tuple[EntryKind, str], _Sum] = {}
        self._ends_at: Micros | None = None

    def note(self, draft: AuditDraft, group: str) -> Iterable[AuditDraft]:
        """One more; what of it is to be told now."""
        told = list(self.end(draft.time, draft.height))
        if self._ends_at is None:
            self._ends_at = Micros(draft.time + AUDIT_REFUSALS_EVERY_US)
        known = self._sums.get((draft.kind, group))
        if known is None and len(self._sums) < AUDIT_REFUSAL_GROUPS_MAX:
            self._sums[draft.kind, group] = _Sum(draft.kind, draft.time)
            return [*told, AuditDraft(draft.time, draft.height, draft.kind, {**draft.fields, "group": group})]
        if known is None:
            known = self._sums.setdefault((draft.kind, OTHERS), _Sum(draft.kind, draft.time))
        known.count += 1
        return told

    def end(self, now: Micros, height: int, *, is_over: bool = False) -> Iterable[AuditDraft]:
        """The sums, when their time has come, or the node ends."""
        if self._ends_at is None or (now < self._ends_at and not is_over):
            return ()
        sums, self._sums, self._ends_at = self._sums, {}, None
        return [AuditDraft(now, height, kind, _summed(one, group)) for (kind, group), one in sums.items() if one.count]


def _summed(one: _Sum, group: str) -> Fields:
    return {"count": one.count, "group": group, "since": moment(one.since)}


def group_of(remote: NodeAddress) -> str:
    """The network group of an address, as people write it: /16 of IPv4, /32 of IPv6."""
    ip = remote.ip
    if ip is None:
        return remote.host
    bits = 16 if ip.version == 4 else 32
    size = ip.max_prefixlen - bits
    return f"{type(ip)(int(ip) >> size << size)}/{bits}"
