"""The members who sign the blocks from a height on, and what their number makes of faults and quorums.

n members tolerate f = (n - 1) // 3 that lie or are silent; a quorum is q = (n + f) // 2 + 1, so that two quorums share
an honest member (Buchman, Kwon, Milosevic 2018). Who proposes turns with height and round.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from minicoin.core.crypto.hashing import tagged_hash
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import MEMBERS_MAX

KEY_BYTES: Final = 32
_COUNT_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class MemberList:
    """Their keys in ascending order, each once. Made by `member_list` or `decode`."""

    keys: tuple[bytes, ...]
    hash: bytes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.keys) <= MEMBERS_MAX:
            raise MisuseError(f"a list has 1 to {MEMBERS_MAX} members, not {len(self.keys)}")
        if any(len(key) != KEY_BYTES for key in self.keys):
            raise MisuseError(f"a member's key has {KEY_BYTES} bytes")
        if any(low >= high for low, high in zip(self.keys, self.keys[1:], strict=False)):
            raise MisuseError("the members of a list stand in order, each once")
        object.__setattr__(self, "hash", tagged_hash("minicoin/members", self.encode()))

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, key: bytes) -> bool:
        return key in self.keys

    @property
    def faults(self) -> int:
        """How many may lie, whatever they do."""
        return (len(self.keys) - 1) // 3

    @property
    def quorum(self) -> int:
        """How many must agree."""
        return (len(self.keys) + self.faults) // 2 + 1

    @property
    def spare(self) -> int:
        """How many may be silent: the others are a quorum."""
        return len(self.keys) - self.quorum

    def index(self, key: bytes) -> int | None:
        """The place of a key in the list, or None."""
        return self.keys.index(key) if key in self.keys else None

    def proposer(self, height: int, round_: int) -> bytes:
        """Whose turn it is."""
        return self.keys[(height + round_) % len(self.keys)]

    def encode(self) -> bytes:
        return len(self.keys).to_bytes(_COUNT_BYTES, "little") + b"".join(self.keys)

    @classmethod
    def decode(cls, raw: bytes) -> "MemberList":
        """What encode() gave. Raises DecodeError."""
        count = int.from_bytes(raw[:_COUNT_BYTES], "little")
        if len(raw) != _COUNT_BYTES + count * KEY_BYTES:
            raise DecodeError(f"a list of {count} members has {len(raw)} bytes")
        keys = (raw[at : at + KEY_BYTES] for at in range(_COUNT_BYTES, len(raw), KEY_BYTES))
        try:
            return cls(tuple(keys))
        except MisuseError as error:
            raise DecodeError(str(error)) from error


def member_list(keys: Iterable[bytes]) -> MemberList:
    """The list of these keys, in whatever order they come. Raises MisuseError, also for a key that comes twice."""
    return MemberList(tuple(sorted(keys)))
