"""Letters that came for us: kept on disk before their sender gets a receipt, and known again when they come again.

One write holds all that is kept and is under way alone; what comes meanwhile waits for the next. A write that fails
loses the letters it would have brought, and their senders hear so: none of them was promised anything.

Where there is no room for another letter, the sender with most letters loses its oldest, so that one who writes a lot
pushes out itself. The hashes of what came are remembered for as long as a letter may be old (`letter`), longer than the
letters themselves; where they are full, nothing new is taken, since it could not be known again.
"""

from collections import Counter
from dataclasses import dataclass
from struct import Struct
from typing import Final

from minicoin.core.answers import LetterProblem
from minicoin.core.directed.letter import HASH_BYTES, Letter, read_letter
from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import LETTER_AGE_MAX_S, LETTER_ASKERS_MAX, LETTER_HASHES_REMEMBERED_MAX, LETTERS_KEPT_MAX
from minicoin.core.units import SECOND_US, ConnId, Micros
from minicoin.core.wire.reader import Reader

LETTERS_KEY: Final = "letters"

_VERSION: Final = b"\x01"
_TIME: Final = Struct("<Q")
# Of both clocks: a letter from one that goes ahead may be sent again until this one has caught up with it.
_REMEMBERED_US: Final = 2 * LETTER_AGE_MAX_S * SECOND_US


@dataclass(frozen=True, slots=True)
class ReceivedLetter:
    """A letter for us, and when it came."""

    letter: Letter
    hash: bytes
    at: Micros


@dataclass(frozen=True, slots=True)
class Asker:
    """Who gave us a letter, and how many hops it had taken."""

    conn: ConnId
    hops: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A letter that is not on disk yet, and who waits for its receipt."""

    received: ReceivedLetter
    askers: list[Asker]


class Letterbox:
    """The letters of one node."""

    def __init__(self) -> None:
        self._kept: dict[bytes, ReceivedLetter] = {}
        """What the disk holds, oldest first."""
        self._hashes: dict[bytes, Micros] = {}
        """When each letter came that is on disk, or was."""
        self._new: dict[bytes, Arrival] = {}
        """What no write holds yet."""
        self._writing: dict[bytes, Arrival] = {}
        self._kept_next: dict[bytes, ReceivedLetter] = {}
        """What the disk holds when the write under way is done."""

    def listing(self) -> tuple[ReceivedLetter, ...]:
        """What is on disk, oldest first."""
        return tuple(self._kept.values())

    @property
    def unwritten_count(self) -> int:
        """How many wait for the disk."""
        return len(self._new) + len(self._writing)

    def has(self, hash_: bytes) -> bool:
        """Whether this letter is on disk, or was there within its time."""
        return hash_ in self._hashes

    def take(self, letter: Letter, hash_: bytes, asker: Asker, now: Micros) -> LetterProblem | None:
        """A letter that never was on disk, to be kept; or why it is not."""
        waiting = self._new.get(hash_) or self._writing.get(hash_)
        if waiting is not None:
            if len(waiting.askers) < LETTER_ASKERS_MAX and asker.conn not in [one.conn for one in waiting.askers]:
                waiting.askers.append(asker)
            return None
        self._forget_old(now)
        if self.unwritten_count >= LETTERS_KEPT_MAX:
            return LetterProblem.CROWDED
        if self.unwritten_count + len(self._hashes) >= LETTER_HASHES_REMEMBERED_MAX:
            return LetterProblem.CROWDED
        self._new[hash_] = Arrival(ReceivedLetter(letter, hash_, now), [asker])
        return None

    def _forget_old(self, now: Micros) -> None:
        for hash_, at in list(self._hashes.items()):
            if now - at > _REMEMBERED_US and hash_ not in self._kept:
                del self._hashes[hash_]

    # --- the disk ---

    def begin_write(self) -> bytes | None:
        """The document to be written now; None where there is nothing new, or a write is under way."""
        if self._writing or not self._new:
            return None
        self._writing, self._new = self._new, {}
        arrived = {hash_: one.received for hash_, one in self._writing.items()}
        self._kept_next = _with_room({**self._kept, **arrived})
        hashes = {**self._hashes, **{hash_: one.at for hash_, one in arrived.items()}}
        return _encode(self._kept_next, hashes)

    def end_write(self, error: str) -> tuple[Arrival, ...]:
        """The write is done, or the disk refused it: the letters it was for."""
        arrivals, self._writing = tuple(self._writing.values()), {}
        kept, self._kept_next = self._kept_next, {}
        if not error:
            self._kept = kept
            self._hashes |= {one.received.hash: one.received.at for one in arrivals}
        return arrivals

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Letterbox":
        """What begin_write() gave. Raises DecodeError."""
        reader = Reader(raw, "saved letters")
        if reader.take(1) != _VERSION:
            raise DecodeError("saved letters of an unknown version")
        letterbox = cls()
        for _ in range(reader.count(HASH_BYTES + _TIME.size, LETTERS_KEPT_MAX)):
            hash_ = reader.take(HASH_BYTES)
            (at,) = reader.unpack(_TIME)
            letterbox._kept[hash_] = ReceivedLetter(read_letter(reader), hash_, Micros(at))
        for _ in range(reader.count(HASH_BYTES + _TIME.size, LETTER_HASHES_REMEMBERED_MAX)):
            hash_ = reader.take(HASH_BYTES)
            (at,) = reader.unpack(_TIME)
            letterbox._hashes[hash_] = Micros(at)
        reader.end()
        return letterbox


def _with_room(kept: dict[bytes, ReceivedLetter]) -> dict[bytes, ReceivedLetter]:
    counts = Counter(one.letter.sender for one in kept.values())
    while len(kept) > LETTERS_KEPT_MAX:
        sender = max(counts, key=lambda one: counts[one])
        del kept[next(hash_ for hash_, one in kept.items() if one.letter.sender == sender)]
        counts[sender] -= 1
    return kept


def _encode(kept: dict[bytes, ReceivedLetter], hashes: dict[bytes, Micros]) -> bytes:
    out = bytearray(_VERSION)
    out += encode_compact(len(kept))
    for one in kept.values():
        out += one.hash + _TIME.pack(one.at) + one.letter.encode()
    out += encode_compact(len(hashes))
    for hash_, at in hashes.items():
        out += hash_ + _TIME.pack(at)
    return bytes(out)
