"""Unsigned LEB128 integers, as multiformats and Protocol Buffers count lengths and codes.

Specification: multiformats/unsigned-varint (at most 9 bytes, shortest form only); Protocol Buffers allow longer forms.
"""

from typing import Final

from minicoin.core.faults import DecodeError

_BYTES_MAX: Final = 9
_PROTOBUF_BYTES_MAX: Final = 10


def encode_varint(value: int) -> bytes:
    """The shortest form; `value` in [0, 2**63)."""
    if value < 0x80:
        return bytes((value,))
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def decode_varint(buffer: bytes | bytearray | memoryview, at: int = 0) -> tuple[int, int] | None:
    """(value, position behind it), or None while bytes are missing. Raises DecodeError on a form that is not shortest
    or longer than 9 bytes."""
    value = 0
    for index, byte in enumerate(buffer[at : at + _BYTES_MAX]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if byte == 0 and index:
                raise DecodeError("varint is not in its shortest form")
            return value, at + index + 1
    if len(buffer) - at >= _BYTES_MAX:
        raise DecodeError("varint longer than 9 bytes")
    return None


def read_varint(buffer: bytes | memoryview, at: int) -> tuple[int, int]:
    """As decode_varint, where the buffer must hold all of it. Raises DecodeError when truncated."""
    found = decode_varint(buffer, at)
    if found is None:
        raise DecodeError("truncated varint")
    return found


def read_protobuf_varint(buffer: bytes | memoryview, at: int) -> tuple[int, int]:
    """As Protocol Buffers read it: any form of at most 10 bytes, cut to 64 bits."""
    value = 0
    for index, byte in enumerate(buffer[at : at + _PROTOBUF_BYTES_MAX]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + index + 1
    raise DecodeError("truncated varint" if len(buffer) - at < _PROTOBUF_BYTES_MAX else "varint longer than 10 bytes")
