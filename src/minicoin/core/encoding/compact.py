"""CompactSize, Bitcoin's variable-length integer. Non-minimal forms are refused, as Bitcoin Core does."""

from struct import Struct
from struct import error as StructError

from minicoin.core.faults import DecodeError

_U16 = Struct("<H")
_U32 = Struct("<I")
_U64 = Struct("<Q")


def encode_compact(value: int) -> bytes:
    """1, 3, 5 or 9 bytes; `value` in [0, 2**64)."""
    if value < 0xFD:
        return bytes((value,))
    if value <= 0xFFFF:
        return b"\xfd" + _U16.pack(value)
    if value <= 0xFFFF_FFFF:
        return b"\xfe" + _U32.pack(value)
    return b"\xff" + _U64.pack(value)


def compact_length(value: int) -> int:
    """How many bytes encode_compact gives."""
    return 1 if value < 0xFD else 3 if value <= 0xFFFF else 5 if value <= 0xFFFF_FFFF else 9


def decode_compact(buffer: bytes | memoryview, at: int) -> tuple[int, int]:
    """(value, position behind it). Raises DecodeError when truncated or not minimal."""
    try:
        first = buffer[at]
        if first < 0xFD:
            return first, at + 1
        if first == 0xFD:
            value, low, end = _U16.unpack_from(buffer, at + 1)[0], 0xFD, at + 3
        elif first == 0xFE:
            value, low, end = _U32.unpack_from(buffer, at + 1)[0], 0x1_0000, at + 5
        else:
            value, low, end = _U64.unpack_from(buffer, at + 1)[0], 0x1_0000_0000, at + 9
    except (IndexError, StructError) as error:
        raise DecodeError("truncated CompactSize") from error
    if value < low:
        raise DecodeError("non-minimal CompactSize")
    return value, end
