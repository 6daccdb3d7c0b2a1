"""One iterative lookup: ask those known to be nearest to a key whom they know to be nearer, until nobody is.

1. At most alpha questions are under way; each goes to the nearest of the k nearest that was not asked yet.
2. It ends when the `enough` nearest that are not silent have answered (libp2p's resiliency), when nobody is left to
   ask, when somebody named the peer that is looked for, or after KAD_ASKS_PER_LOOKUP_MAX questions: peers that keep on
   inventing nearer ones hold it up no longer than that.
3. Of one answer at most k peers are taken; who was silent is not asked again.
4. Of one network group at most KAD_GROUP_IN_LOOKUP_MAX are taken: whoever makes identities around a key until all that
   are near to it are his answers for it only as far as his addresses lie in many networks, too. The peer that is looked
   for is taken in any case.
5. The depth of a peer says how many answers led to it, one after another: 0 for those that we knew ourselves.

Sans I/O and without time: whoever runs it asks, waits, and says what came of it.
"""

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from minicoin.core.limits import KAD_ASKS_PER_LOOKUP_MAX, KAD_GROUP_IN_LOOKUP_MAX
from minicoin.core.overlay.kademlia.keyspace import Contact


class _State(Enum):
    NEW = auto()
    ASKED = auto()
    ANSWERED = auto()
    SILENT = auto()


@dataclass(slots=True)
class _Candidate:
    contact: Contact
    depth: int
    state: _State = _State.NEW


@dataclass(frozen=True, slots=True)
class Found:
    """A peer that was looked for, the id of who named it (empty where we knew it), and its depth."""

    contact: Contact
    told_by: bytes
    depth: int


class Lookup:
    """The state of one lookup of `target`, a key; `wanted` is the id of the peer looked for, where it is one."""

    __slots__ = (
        "_alpha",
        "_asked",
        "_candidates",
        "_enough",
        "_groups",
        "_k",
        "_order",
        "_own",
        "asks",
        "found",
        "target",
        "wanted",
    )

    def __init__(
        self, target: int, seeds: Iterable[Contact], *, own: bytes, k: int, alpha: int, enough: int, wanted: bytes = b""
    ) -> None:
        self.target = target
        self.wanted = wanted
        self.asks = 0
        """Questions so far."""
        self.found: Found | None = None
        """The peer that was looked for."""
        self._own = own
        self._k = k
        self._alpha = alpha
        self._enough = enough
        self._asked = 0
        self._candidates: dict[bytes, _Candidate] = {}
        self._order: list[tuple[int, bytes]] = []
        self._groups: dict[bytes, int] = {}
        self._learn(seeds, b"", 0)

    def next_ask(self) -> Contact | None:
        """Whom to ask now; None where nobody is, or enough are being asked."""
        if self._asked >= self._alpha or self.asks >= KAD_ASKS_PER_LOOKUP_MAX or self.is_over:
            return None
        for candidate in self._nearest(self._k):
            if candidate.state is _State.NEW:
                candidate.state = _State.ASKED
                self._asked += 1
                self.asks += 1
                return candidate.contact
        return None

    def answer(self, peer_id: bytes, closer: Iterable[Contact]) -> None:
        """The peer answered, and named these."""
        candidate = self._end(peer_id, _State.ANSWERED)
        if candidate is not None:
            self._learn(closer, peer_id, candidate.depth + 1)

    def fail(self, peer_id: bytes) -> None:
        """The peer gave no answer."""
        self._end(peer_id, _State.SILENT)

    @property
    def is_over(self) -> bool:
        """Nothing more will come of it."""
        if self.found is not None:
            return True
        nearest = self._nearest(self._k)
        if all(candidate.state is _State.ANSWERED for candidate in nearest[: self._enough]):
            return True
        if self._asked:
            return False
        return self.asks >= KAD_ASKS_PER_LOOKUP_MAX or all(each.state is not _State.NEW for each in nearest)

    def closest(self, count: int) -> list[Contact]:
        """The nearest that answered."""
        answered = (candidate for candidate in self._in_order() if candidate.state is _State.ANSWERED)
        return [candidate.contact for candidate, _ in zip(answered, range(count), strict=False)]

    # --- inside ---

    def _learn(self, contacts: Iterable[Contact], told_by: bytes, depth: int) -> None:
        for contact, _ in zip(contacts, range(self._k), strict=False):
            peer_id = contact.peer_id
            if peer_id == self._own:
                continue
            if peer_id == self.wanted and self.found is None:
                self.found = Found(contact, told_by, depth)
            if peer_id not in self._candidates and self._groups.get(contact.group, 0) < KAD_GROUP_IN_LOOKUP_MAX:
                self._groups[contact.group] = self._groups.get(contact.group, 0) + 1
                self._candidates[peer_id] = _Candidate(contact, depth)
                insort(self._order, (contact.key ^ self.target, peer_id))

    def _end(self, peer_id: bytes, state: _State) -> _Candidate | None:
        candidate = self._candidates.get(peer_id)
        if candidate is None or candidate.state is not _State.ASKED:
            return None
        self._asked -= 1
        candidate.state = state
        return candidate

    def _in_order(self) -> Iterable[_Candidate]:
        return (self._candidates[peer_id] for _, peer_id in self._order)

    def _nearest(self, count: int) -> list[_Candidate]:
        living = (candidate for candidate in self._in_order() if candidate.state is not _State.SILENT)
        return [candidate for candidate, _ in zip(living, range(count), strict=False)]
