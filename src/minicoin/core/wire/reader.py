"""A cursor over one message's payload, for the codecs that are not hot. Owns the bounds checks, and that counts are
believed only as far as bytes stand behind them; limits of each message stand in its codec."""

from struct import Struct
from struct import error as StructError

from minicoin.core.encoding.compact import decode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.block import HEADER_SIZE, BlockHeader
from minicoin.core.primitives.transaction import Transaction, parse_transaction


class TooManyItems(DecodeError):
    """A list longer than its message may have: no damage on the way, for the checksum was right."""


class Reader:
    """Reads forward; every method raises DecodeError where bytes are missing."""

    __slots__ = ("_what", "at", "payload")

    def __init__(self, payload: bytes, what: str) -> None:
        self.payload = payload
        self.at = 0
        self._what = what

    @property
    def remaining(self) -> int:
        return len(self.payload) - self.at

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self.at + count
        if end > len(self.payload):
            raise DecodeError(f"truncated {self._what}")
        taken = self.payload[self.at : end]
        self.at = end
        return taken

    def unpack(self, layout: Struct) -> tuple[int, ...]:
        """One fixed layout of integers."""
        try:
            values = layout.unpack_from(self.payload, self.at)
        except StructError as error:
            raise DecodeError(f"truncated {self._what}") from error
        self.at += layout.size
        return values

    def compact(self) -> int:
        """A CompactSize."""
        value, self.at = decode_compact(self.payload, self.at)
        return value

    def count(self, size_min: int, count_max: int) -> int:
        """How many items of at least `size_min` bytes follow; refused above `count_max` or the bytes there are."""
        count = self.compact()
        if count > count_max:
            raise TooManyItems(f"{self._what} of {count} items, at most {count_max} allowed")
        if count * size_min > self.remaining:
            raise DecodeError(f"truncated {self._what}: more items than bytes")
        return count

    def var_bytes(self, length_max: int) -> bytes:
        """A length and that many bytes."""
        length = self.compact()
        if length > length_max:
            raise DecodeError(f"field of {length} bytes in {self._what}, at most {length_max} allowed")
        return self.take(length)

    def hashes(self, count: int) -> tuple[bytes, ...]:
        """`count` hashes of 32 bytes."""
        joined = self.take(32 * count)
        return tuple(joined[at : at + 32] for at in range(0, len(joined), 32))

    def header(self) -> BlockHeader:
        return BlockHeader.parse(self.take(HEADER_SIZE))

    def transaction(self) -> Transaction:
        found, self.at = parse_transaction(self.payload, self.at)
        return found

    def end(self) -> None:
        """Raises DecodeError where bytes are left over."""
        if self.at != len(self.payload):
            raise DecodeError(f"{self.remaining} bytes behind {self._what}")
