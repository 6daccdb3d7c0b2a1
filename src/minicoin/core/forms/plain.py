"""The plain forms that values are written in: integers, text, bytes, and forms written out by hand.

Every form reads back exactly what it wrote. `derived` makes the forms of compound types from these.
"""

from collections.abc import Callable, Mapping
from struct import Struct
from types import NoneType
from typing import Final, Protocol

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.wire.reader import Reader

_DOUBLE: Final = Struct("<d")
_BYTES_MAX: Final = 1 << 32
"""The reader refuses lengths that no bytes stand behind; records bound the bytes."""


class Codec(Protocol):
    """How one type is written."""

    @property
    def shape(self) -> str:
        """A description that changes whenever the written form does."""

    def write(self, value: object, out: bytearray) -> None:
        """Append the value. Raises MisuseError where it is of another type."""

    def read(self, reader: Reader) -> object:
        """The value. Raises DecodeError."""


class OwnCodec:
    """A form written out by hand."""

    __slots__ = ("_read", "_write", "shape")

    def __init__(
        self, shape: str, write: Callable[[object, bytearray], None], read: Callable[[Reader], object]
    ) -> None:
        self.shape = shape
        self._write = write
        self._read = read

    def write(self, value: object, out: bytearray) -> None:
        self._write(value, out)

    def read(self, reader: Reader) -> object:
        return self._read(reader)


class _Int:
    """Any size: 64-bit nonces come unsigned."""

    shape = "int"

    def write(self, value: object, out: bytearray) -> None:
        if not isinstance(value, int):
            raise wrong_type(value, self.shape)
        raw = value.to_bytes((value.bit_length() >> 3) + 1, "little", signed=True)
        out.append(len(raw))
        out += raw

    def read(self, reader: Reader) -> int:
        return int.from_bytes(reader.take(reader.take(1)[0]), "little", signed=True)


class _Bool:
    shape = "bool"

    def write(self, value: object, out: bytearray) -> None:
        if not isinstance(value, bool):
            raise wrong_type(value, self.shape)
        out.append(value)

    def read(self, reader: Reader) -> bool:
        return reader.take(1) != b"\0"


class _Float:
    shape = "float"

    def write(self, value: object, out: bytearray) -> None:
        if not isinstance(value, float | int):
            raise wrong_type(value, self.shape)
        out += _DOUBLE.pack(value)

    def read(self, reader: Reader) -> float:
        found: float = _DOUBLE.unpack(reader.take(_DOUBLE.size))[0]
        return found


class _Bytes:
    shape = "bytes"

    def write(self, value: object, out: bytearray) -> None:
        if not isinstance(value, bytes):
            raise wrong_type(value, self.shape)
        out += encode_compact(len(value))
        out += value

    def read(self, reader: Reader) -> bytes:
        return reader.var_bytes(_BYTES_MAX)


class _Text:
    shape = "text"

    def write(self, value: object, out: bytearray) -> None:
        if not isinstance(value, str):
            raise wrong_type(value, self.shape)
        # A lone surrogate gets in through JSON, and must get out again.
        raw = value.encode("utf-8", "surrogatepass")
        out += encode_compact(len(raw))
        out += raw

    def read(self, reader: Reader) -> str:
        try:
            return reader.var_bytes(_BYTES_MAX).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise DecodeError(f"not text: {error}") from error


class _None:
    shape = "none"

    def write(self, value: object, out: bytearray) -> None:
        if value is not None:
            raise wrong_type(value, self.shape)

    def read(self, reader: Reader) -> None:
        return None


class FixedBytes:
    """Hashes and the like, in a tuple without a length each."""

    __slots__ = ("shape", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.shape = f"bytes{size}"

    def write(self, value: object, out: bytearray) -> None:
        if not isinstance(value, bytes) or len(value) != self.size:
            raise wrong_type(value, self.shape)
        out += value

    def read(self, reader: Reader) -> bytes:
        return reader.take(self.size)


PLAIN: Final[Mapping[object, Codec]] = {
    int: _Int(),
    bool: _Bool(),
    float: _Float(),
    bytes: _Bytes(),
    str: _Text(),
    NoneType: _None(),
}


def wrong_type(value: object, expected: str) -> MisuseError:
    """Who wrote a value of another type than its hint says."""
    # The value itself stays out of the text: it may be a secret.
    return MisuseError(f"a {type(value).__name__} where {expected[:80]} belongs")
