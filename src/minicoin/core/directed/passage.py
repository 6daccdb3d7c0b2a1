"""One letter under way at one node: whom it was given to, how that went, what is to be tried next, and until when.

Pure: it is told what happened and says what follows; messages, connections and routes are delivery's.

The time of a hop is shared by its tries: one of three next hops gets 2/5 of it, one of two half of what is left, the
last one all of it. What an early answer saves is there for those behind it. One that was silent too long is not waited
for, but its word counts when it comes: it may have had a slow line.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from minicoin.core.answers import LetterProblem
from minicoin.core.directed.letter import Letter
from minicoin.core.directed.messages import Receipt
from minicoin.core.limits import LETTER_ASKERS_MAX, LETTER_HOP_US, LETTER_HOPS_MAX, LETTER_TRIES_MAX
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import ConnId, Micros, RequestId

_SHARES: Final = {1: (1, 1), 2: (1, 2), 3: (2, 5)}
assert max(_SHARES) == LETTER_TRIES_MAX


class Given(Enum):
    """What a next hop made of a letter it was given."""

    ASKED = auto()
    """It has said nothing so far, and is waited for."""
    SILENT = auto()
    """It said nothing for its share of the time."""
    TAKEN = auto()
    """It passes it on."""
    FAILED = auto()
    """It said that it came to nothing, or left."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Where, counted from the sender, and why."""

    hop: int
    problem: LetterProblem


@dataclass(slots=True)
class Passage:
    """Made when a letter comes or is written; over with a receipt, or with a failure."""

    letter: Letter
    hash: bytes
    hops: int
    """How many it may still take from here."""
    floods: bool
    began_at: Micros
    request: RequestId | None = None
    """Who is answered, where we wrote it."""
    askers: list[ConnId] = field(default_factory=list)
    """Who gave it to us, and is told how it ended."""
    group: bytes = b""
    """The source group of the first of them."""
    reach: tuple[NodeAddress, ...] = ()
    """Whom we would be connected to for it."""
    given: dict[ConnId, Given] = field(default_factory=dict)
    try_until: Micros | None = None
    """Of the one that is asked now; or, where none is and the way is looked for, when to look again."""
    failure: Failure | None = None
    """That of the furthest hop so far."""
    receipt: Receipt | None = None
    """Once it is here the letter is done with, and remembered for whoever sends it again."""

    @property
    def hop(self) -> int:
        """The hop from here, counted from the sender."""
        return LETTER_HOPS_MAX - self.hops + 1

    @property
    def hop_until(self) -> Micros:
        """Until then the letter is given to somebody, or fails here."""
        return Micros(self.began_at + LETTER_HOP_US)

    @property
    def until(self) -> Micros:
        """Until then all hops from here have ended. A flood makes no tries, so its way there and back is one."""
        return Micros(self.began_at + LETTER_HOP_US * (1 if self.floods else self.hops))

    @property
    def is_done(self) -> bool:
        """Whether the receipt is here."""
        return self.receipt is not None

    @property
    def is_looking(self) -> bool:
        """Whether it waits for a way, with nobody asked."""
        return self.try_until is not None and self.asked is None

    @property
    def is_taken(self) -> bool:
        """Whether somebody passes it on."""
        return Given.TAKEN in self.given.values()

    @property
    def asked(self) -> ConnId | None:
        """Who is waited for."""
        return next((conn for conn, given in self.given.items() if given is Given.ASKED), None)

    def next_deadline(self) -> Micros:
        """When it wants to be looked at, if nothing happens before."""
        return self.until if self.try_until is None else min(self.try_until, self.until)

    # --- giving it on ---

    def may_try_at(self, now: Micros) -> bool:
        """Whether another next hop may be asked, for their number and the time."""
        return len(self.given) < LETTER_TRIES_MAX and now < self.hop_until

    def ask(self, conn: ConnId, others: int, now: Micros) -> None:
        """It is given to this one; so many others could be asked behind it."""
        tries = min(others + 1, LETTER_TRIES_MAX - len(self.given))
        part, whole = _SHARES[tries]
        self.given[conn] = Given.ASKED
        self.try_until = Micros(now + (self.hop_until - now) * part // whole)

    def flood(self, conns: tuple[ConnId, ...]) -> None:
        """It is given to these, of whom only a receipt may come back."""
        for conn in conns:
            self.given[conn] = Given.TAKEN

    def look_again(self, at: Micros) -> None:
        """Nobody can be asked before then."""
        self.try_until = min(at, self.hop_until)

    # --- what came of it ---

    def on_taken(self, conn: ConnId) -> None:
        """It passes the letter on. One that failed before has nothing more to say."""
        if self.given.get(conn) in (Given.ASKED, Given.SILENT):
            if self.given[conn] is Given.ASKED:
                self.try_until = None
            self.given[conn] = Given.TAKEN

    def on_failed(self, conn: ConnId, failure: Failure) -> bool:
        """It came to nothing there. Whether that leaves nobody who is waited for: then another one is to be asked, or
        the letter fails here."""
        given = self.given.get(conn)
        if given is None or given is Given.FAILED:
            return False
        self.given[conn] = Given.FAILED
        self.note(failure)
        if given is Given.ASKED:
            self.try_until = None
        return self.asked is None and not self.is_taken and self.try_until is None

    def on_silence(self) -> None:
        """The one that was asked has had its time."""
        conn = self.asked
        self.try_until = None
        if conn is not None:
            self.given[conn] = Given.SILENT
            self.note(Failure(self.hop, LetterProblem.NO_ANSWER))

    def note(self, failure: Failure) -> None:
        """The furthest one is what is told; of two as far, the later."""
        if self.failure is None or failure.hop >= self.failure.hop:
            self.failure = failure

    def outcome(self) -> Failure:
        """Why it failed, when it has."""
        if self.is_taken:
            # Whoever took it had a hop of its own, and those behind it had theirs.
            return Failure(min(self.hop + 1, LETTER_HOPS_MAX), LetterProblem.NO_RECEIPT)
        return self.failure or Failure(self.hop, LetterProblem.NO_WAY)

    # --- who waits for it ---

    def add_asker(self, conn: ConnId) -> bool:
        """It gave us the letter, too. False where too many did."""
        if conn in self.askers:
            return True
        if len(self.askers) >= LETTER_ASKERS_MAX:
            return False
        self.askers.append(conn)
        return True
