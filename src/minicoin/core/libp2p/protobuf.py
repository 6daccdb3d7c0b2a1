"""The part of Protocol Buffers that libp2p's messages use: varint and length-delimited fields.

A reader that gives all fields in the order of the bytes, bounded in number, and writers of single fields; which field
means what is said by the modules that own the messages. Specification: protobuf.dev/programming-guides/encoding.
"""

from dataclasses import dataclass
from typing import Final

from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.varint import encode_varint, read_protobuf_varint

_VARINT: Final = 0
_FIXED64: Final = 1
_LENGTH_DELIMITED: Final = 2
_FIXED32: Final = 5
_FIELD_NUMBER_MAX: Final = (1 << 29) - 1
# Well above what any message of ours carries, low enough that a message costs no more than its bytes.
FIELDS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Field:
    """One field as it stood in the bytes. `value` is an int for varints and bytes for length-delimited fields."""

    number: int
    value: int | bytes

    def as_bytes(self) -> bytes:
        """The value of a bytes, string or message field. Raises DecodeError when the wire type says otherwise."""
        if isinstance(self.value, int):
            raise DecodeError(f"field {self.number} is a number where bytes belong")
        return self.value

    def as_int(self) -> int:
        """The value of an integer or enum field. Raises DecodeError when the wire type says otherwise."""
        if isinstance(self.value, bytes):
            raise DecodeError(f"field {self.number} is bytes where a number belongs")
        return self.value

    def as_text(self) -> str:
        """The value of a string field. Raises DecodeError on bytes that are not UTF-8."""
        try:
            return self.as_bytes().decode()
        except UnicodeDecodeError as error:
            raise DecodeError(f"field {self.number} is not UTF-8") from error


def read_fields(message: bytes) -> list[Field]:
    """All varint and length-delimited fields in order; fixed-width ones are skipped. Raises DecodeError."""
    fields: list[Field] = []
    at, size = 0, len(message)
    while at < size:
        tag, at = read_protobuf_varint(message, at)
        number, wire_type = tag >> 3, tag & 7
        if not 0 < number <= _FIELD_NUMBER_MAX:
            raise DecodeError(f"field number {number} is out of range")
        if len(fields) == FIELDS_MAX:
            raise DecodeError(f"more than {FIELDS_MAX} fields")
        if wire_type == _VARINT:
            value, at = read_protobuf_varint(message, at)
            fields.append(Field(number, value))
            continue
        if wire_type == _LENGTH_DELIMITED:
            length, at = read_protobuf_varint(message, at)
        elif wire_type in (_FIXED64, _FIXED32):
            length = 8 if wire_type == _FIXED64 else 4
        else:
            raise DecodeError(f"wire type {wire_type} is not supported")
        if length > size - at:
            raise DecodeError(f"field {number} claims {length} bytes of {size - at}")
        if wire_type == _LENGTH_DELIMITED:
            fields.append(Field(number, message[at : at + length]))
        at += length
    return fields


def encode_bytes_field(number: int, value: bytes) -> bytes:
    """A bytes, string or embedded message field."""
    if number < 16 and len(value) < 0x80:
        # Nearly all of them: number and length in a byte each.
        return bytes((number << 3 | _LENGTH_DELIMITED, len(value))) + value
    return encode_varint(number << 3 | _LENGTH_DELIMITED) + encode_varint(len(value)) + value


def encode_int_field(number: int, value: int) -> bytes:
    """An unsigned integer or enum field."""
    return encode_varint(number << 3 | _VARINT) + encode_varint(value)
