"""When a node whose role is `auto` becomes a super node, and when it steps back. What it looks at is its own: how full
those are that it is connected to, by their own fresh words. Statuses from afar say how it was, and name the dead.

1. Capable is not elected. A node may stand when it has been up for some looks, since who has been there for long stays
   longer; when it knows where it can be reached; and when its neighbours answer it soon. It does stand when there are
   too few: its parents are fuller than FULL_PERMILLE in the median, or it finds no parent at all.
2. All leaves see the same, so each stands with a chance: one that makes as many super nodes as bring the load to its
   aim. It needs no count of the network: a super node with L leaves, which have p parents each, stands for L / p nodes.
3. A super node steps back, by chance as well, when there are too many: both it and those it is linked to, in the
   median, are emptier than EMPTY_PERMILLE, and it has links enough that every leaf still finds its parents. Between
   full and empty nothing changes, and what was seen once is looked at again first.
4. What one operator can say weighs little: links count once a network group, a leaf's parents are in distinct ones, and
   nobody steps back whose own places are taken. Whoever makes himself super node gains no more than he has anyway: the
   role was always its holder's word, and a leaf believes each network group once.
5. A new super node has no leaves, and its coming changes nothing for those that have parents: so a leaf that sees a
   full parent, and knows somebody half empty, changes over by a chance of one in CHANGE_OVER_ONE_IN looks.
6. Who stands and is reached by nobody in some looks was wrong about its address: it steps back, and waits twice as long
   each time.
"""

from dataclasses import dataclass
from typing import Final

from minicoin.core.rng import Rng

FULL_PERMILLE: Final = 750
EMPTY_PERMILLE: Final = 300
AIM_PERMILLE: Final = 500
DELAY_MAX_MS: Final = 1_000
"""In which neighbours answer, in the median, for the line to be good enough."""
UP_LOOKS: Final = 10
"""A node stands no sooner; where nobody else does, sooner."""
ALONE_UP_LOOKS: Final = 2
CHANGE_OVER_ONE_IN: Final = 4
TERM_LOOKS: Final = 10
"""After each change of role."""
TRIAL_LOOKS: Final = 10
_IN_A_ROW: Final = 2
_CHANCE_MAX_PERMILLE: Final = 125
_STRIKES_MAX: Final = 6


@dataclass(frozen=True, slots=True)
class SupersSeen:
    """What one node sees at a look."""

    loads: tuple[int, ...]
    """How full the super nodes are that it is connected to, in thousandths of their places; of a network group one."""
    leaves: int
    """Mean number of their leaves."""
    is_short: bool
    """It looks for parents and finds none; of a super node, always false."""
    is_reachable: bool
    """It knows where; of a super node, somebody came."""
    delay_ms: int
    own_load: int = 0
    """Of a super node."""


class Election:
    """Of one node."""

    def __init__(self, parents: int, rng: Rng) -> None:
        self._parents = parents
        self._rng = rng
        self._up = 0
        """Looks since its start."""
        self._in_role = TERM_LOOKS
        self._in_a_row = 0
        self._strikes = 0
        self._waits = 0
        """Looks until it may stand again."""

    @property
    def state(self) -> tuple[int, ...]:
        """What is equal in equal nodes."""
        return self._up, self._in_role, self._in_a_row, self._strikes, self._waits

    def leaf_stands(self, seen: SupersSeen) -> bool:
        """A look of a leaf: whether it becomes a super node now."""
        self._count()
        is_alone = not seen.loads
        is_crowded = seen.is_short or (not is_alone and _median(seen.loads) >= FULL_PERMILLE)
        self._in_a_row = self._in_a_row + 1 if is_crowded else 0
        may_stand = (
            self._up >= (ALONE_UP_LOOKS if is_alone else UP_LOOKS)
            and not self._waits
            and seen.is_reachable
            and seen.delay_ms <= DELAY_MAX_MS
        )
        if not may_stand or self._in_a_row < _IN_A_ROW or not self._draws(self._chance_to_stand(seen)):
            return False
        self._change()
        return True

    def super_steps_back(self, seen: SupersSeen) -> bool:
        """A look of a super node: whether it becomes a leaf now."""
        self._count()
        if seen.is_reachable:
            self._strikes = 0
        elif self._in_role >= TRIAL_LOOKS and seen.loads:
            self._strikes = min(self._strikes + 1, _STRIKES_MAX)
            self._change()
            self._waits = TERM_LOOKS << self._strikes
            return True
        load = _median((*seen.loads, seen.own_load))
        is_empty = max(load, seen.own_load) < EMPTY_PERMILLE and len(seen.loads) >= self._parents
        self._in_a_row = self._in_a_row + 1 if is_empty else 0
        chance = 1_000 * (AIM_PERMILLE - load) // (4 * AIM_PERMILLE)
        if self._in_role < TERM_LOOKS or self._in_a_row < _IN_A_ROW or not self._draws(chance):
            return False
        self._change()
        self._waits = TERM_LOOKS
        return True

    def _chance_to_stand(self, seen: SupersSeen) -> int:
        if not seen.loads:
            return _CHANCE_MAX_PERMILLE
        load = 1_000 if seen.is_short else _median(seen.loads)
        wanted = 1_000 * self._parents * (load - AIM_PERMILLE) // (AIM_PERMILLE * max(1, seen.leaves))
        return max(1, min(wanted, _CHANCE_MAX_PERMILLE))

    def _draws(self, permille: int) -> bool:
        return self._rng.below(1_000) < permille

    def _count(self) -> None:
        self._up += 1
        self._in_role += 1
        self._waits = max(0, self._waits - 1)

    def _change(self) -> None:
        self._in_role = self._in_a_row = 0


def _median(values: tuple[int, ...]) -> int:
    return sorted(values)[len(values) // 2]
