"""Whether what an index says holds: views and witnesses, compared. Nothing here is proof against anybody.

1. A complete view leaves out a member where a witness named it with a record that lives, or it is connected to us and
   speaks this model, and it has been so for INDEX_SETTLED_US.
2. Of two complete views that differ in a member for INDEX_SETTLED_US, one leaves out or the other invents. Which of the
   two, a node cannot know; who cares dials.
3. Where half of a view's members that we tried, and four at least, cannot be reached, it may have invented them.
4. An index that refuses us while another takes us in contradicts it too.
5. A view is confirmed where a witness was heard that contradicts nothing; with no witness it is unconfirmed.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from minicoin.core.limits import INDEX_SETTLED_US
from minicoin.core.units import Micros

_UNREACHED_MIN: Final = 4


class Standing(StrEnum):
    """What a view is worth."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one index."""

    standing: Standing
    says: str = ""


@dataclass(frozen=True, slots=True)
class ViewSeen:
    """One index's view as a member has it."""

    name: str
    is_complete: bool
    members: frozenset[bytes]
    refused: str = ""
    unreached: int = 0
    tried: int = 0
    """Of its members, those we wanted to be connected to."""


class Doubts:
    """Since when members are missing from which views: a difference counts once it is INDEX_SETTLED_US old."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, bytes], Micros] = {}

    def judge(
        self, view: ViewSeen, others: tuple[ViewSeen, ...], vouched: frozenset[bytes], *, heard: bool, now: Micros
    ) -> Judgement:
        """`vouched` are members that witnesses named or that are connected; `heard` whether a witness was."""
        joined = [other for other in others if not other.refused]
        if view.refused:
            if joined:
                return Judgement(Standing.CONTRADICTED, f"{view.name} refuses us ({view.refused}), another does not")
            return Judgement(Standing.UNCONFIRMED, f"{view.name} refuses us: {view.refused}")
        if view.unreached >= max(_UNREACHED_MIN, (view.tried + 1) // 2):
            told = f"{view.unreached} of {view.tried} that {view.name} names, and we tried, cannot be reached"
            return Judgement(Standing.CONTRADICTED, told)
        complete = [other for other in joined if other.is_complete]
        if not view.is_complete:
            return Judgement(Standing.UNCONFIRMED)
        left_out = set(vouched - view.members)
        different = {other.name: (other.members ^ view.members) - vouched for other in complete}
        settled = self._settled(view.name, left_out.union(*different.values()), now)
        if settled & left_out:
            count = len(settled & left_out)
            return Judgement(Standing.CONTRADICTED, f"{view.name} leaves out {count} that a witness is connected to")
        for name, members in different.items():
            if count := len(settled & members):
                told = f"{view.name} and {name} differ in {count} members: one leaves out, or the other invents"
                return Judgement(Standing.CONTRADICTED, told)
        return Judgement(Standing.CONFIRMED if heard or complete else Standing.UNCONFIRMED)

    def _settled(self, name: str, doubtful: set[bytes], now: Micros) -> set[bytes]:
        """Those that have been doubtful long enough; the others are remembered from now, or forgotten."""
        kept = {(name, member): self._since.get((name, member), now) for member in sorted(doubtful)}
        self._since = {key: at for key, at in self._since.items() if key[0] != name} | kept
        return {member for (_, member), at in kept.items() if at + INDEX_SETTLED_US <= now}
