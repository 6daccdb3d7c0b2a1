"""Whether what an index says holds: views and witnesses, compared. Nothing here is proof against anybody.

1. A complete view leaves out a member where a witness named it with a record that lives, or it is connected to us and
   speaks this model, and it has been so for SETTLED.
2. Of two complete views that differ in a member for SETTLED, one leaves out or the other invents. Which of the two, a
   node cannot know; who cares dials.
3. An index that refuses us while another takes us in contradicts it too.
4. A view is confirmed where a witness was heard that contradicts nothing; with no witness it is unconfirmed.
"""

from dataclasses import dataclass
from enum import StrEnum

from minicoin.core.limits import INDEX_SETTLED_US
from minicoin.core.units import Micros


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


class Doubts:
    """Since when members are missing from which views: a difference counts once it is SETTLED."""

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
        complete = [other for other in joined if other.is_complete]
        if not view.is_complete:
            return Judgement(Standing.UNCONFIRMED)
        left_out = {member for member in vouched if member not in view.members}
        for other in complete:
            left_out |= other.members - view.members
        invented = {member for other in complete for member in view.members - other.members} - vouched
        settled = self._settled(view.name, left_out | invented, now)
        if settled & left_out:
            count = len(settled & left_out)
            return Judgement(Standing.CONTRADICTED, f"{view.name} leaves out {count} that others vouch for")
        if settled & invented:
            return Judgement(
                Standing.CONTRADICTED, f"{view.name} names {len(settled)} that another index does not know"
            )
        return Judgement(Standing.CONFIRMED if heard or complete else Standing.UNCONFIRMED)

    def _settled(self, name: str, doubtful: set[bytes], now: Micros) -> set[bytes]:
        """Those that have been doubtful long enough; the others are remembered from now, or forgotten."""
        kept = {(name, member): self._since.get((name, member), now) for member in sorted(doubtful)}
        self._since = {key: at for key, at in self._since.items() if key[0] != name} | kept
        return {member for (_, member), at in kept.items() if at + INDEX_SETTLED_US <= now}
