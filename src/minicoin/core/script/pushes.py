"""Reading a script operation by operation: pushes, the two shapes whose meaning consensus defines (BIP16, BIP141), and
the encoding of pushes and script numbers. Owns no template; standard does."""

from collections.abc import Iterator
from typing import NamedTuple

from minicoin.core.faults import DecodeError
from minicoin.core.script.opcodes import (
    OP_1,
    OP_1NEGATE,
    OP_16,
    OP_EQUAL,
    OP_PUSHDATA1,
    OP_PUSHDATA2,
    OP_PUSHDATA4,
    small_number,
)

_LENGTH_BYTES = {OP_PUSHDATA1: 1, OP_PUSHDATA2: 2, OP_PUSHDATA4: 4}


class Operation(NamedTuple):
    """One opcode with what it pushes (empty for opcodes above OP_PUSHDATA4 and for OP_0)."""

    opcode: int
    pushed: bytes = b""

    @property
    def is_push(self) -> bool:
        """Whether it only pushes; OP_RESERVED counts, as it does in Bitcoin Core."""
        return self.opcode <= OP_16


def operations(script: bytes) -> Iterator[Operation]:
    """The operations in order. Raises DecodeError where a push runs over the end."""
    at, end = 0, len(script)
    while at < end:
        opcode = script[at]
        at += 1
        if opcode > OP_PUSHDATA4:
            yield Operation(opcode)
            continue
        length = opcode
        if opcode >= OP_PUSHDATA1:
            width = _LENGTH_BYTES[opcode]
            if end - at < width:
                raise DecodeError("script ends inside the length of a push")
            length = int.from_bytes(script[at : at + width], "little")
            at += width
        if end - at < length:
            raise DecodeError("script ends inside a push")
        yield Operation(opcode, script[at : at + length])
        at += length


def parse_operations(script: bytes) -> tuple[Operation, ...] | None:
    """All operations, or None where the script does not parse."""
    try:
        return tuple(operations(script))
    except DecodeError:
        return None


def is_push_only(script: bytes) -> bool:
    """Whether it parses and every operation only pushes."""
    parsed = parse_operations(script)
    return parsed is not None and all(operation.is_push for operation in parsed)


def last_push(script: bytes) -> bytes | None:
    """What the last operation of a push-only script pushes by length (empty for numbers by opcode and for an empty
    script); None where it is not push-only or does not parse. BIP16's redeem script."""
    pushed = b""
    try:
        for opcode, pushed in operations(script):  # noqa: B007 (the last one is the result)
            if opcode > OP_16:
                return None
    except DecodeError:
        return None
    return pushed


def is_p2sh(script: bytes) -> bool:
    """BIP16's template, byte for byte."""
    return len(script) == 23 and script.startswith(b"\xa9\x14") and script[22] == OP_EQUAL


def witness_program(script: bytes) -> tuple[int, bytes] | None:
    """(version, program) of a witness output, or None (BIP141)."""
    if not 4 <= len(script) <= 42 or script[1] + 2 != len(script):
        return None
    version = small_number(script[0])
    return None if version is None else (version, script[2:])


def push(item: bytes) -> bytes:
    """The shortest script that pushes `item` (the minimal encoding that BIP62's rule 3 asks for)."""
    length = len(item)
    if length == 1 and 1 <= item[0] <= 16:
        return bytes((OP_1 + item[0] - 1,))
    if item == b"\x81":
        return bytes((OP_1NEGATE,))
    if length < OP_PUSHDATA1:
        return bytes((length,)) + item
    if length <= 0xFF:
        return bytes((OP_PUSHDATA1, length)) + item
    if length <= 0xFFFF:
        return bytes((OP_PUSHDATA2,)) + length.to_bytes(2, "little") + item
    return bytes((OP_PUSHDATA4,)) + length.to_bytes(4, "little") + item


def encode_number(value: int) -> bytes:
    """A script number: little-endian magnitude, the top bit its sign, zero empty."""
    if value == 0:
        return b""
    magnitude = abs(value)
    encoded = bytearray(magnitude.to_bytes((magnitude.bit_length() + 7) // 8, "little"))
    if encoded[-1] & 0x80:
        encoded.append(0)
    if value < 0:
        encoded[-1] |= 0x80
    return bytes(encoded)


def decode_number(item: bytes) -> int:
    """The value of a script number of any length, minimal or not."""
    if not item:
        return 0
    magnitude = int.from_bytes(item, "little") & ~(0x80 << 8 * (len(item) - 1))
    return -magnitude if item[-1] & 0x80 else magnitude
