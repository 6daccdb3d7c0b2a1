"""The eight letters behind a descriptor that catch typing errors (BIP380)."""

from functools import reduce
from operator import xor
from typing import Final

from minicoin.core.faults import DecodeError

# Letters that are confused with one another stand in one row, so that an error changes one symbol only.
_INPUT: Final = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
_VALUES: Final = {letter: value for value, letter in enumerate(_INPUT)}
_OUTPUT: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0xF5DEE51989, 0xA9FDCA3312, 0x1BAB10E32D, 0x3706B1677A, 0x644D626FFD)
_LENGTH: Final = 8


def descriptor_checksum(payload: str) -> str:
    """The checksum of a descriptor without one. Raises DecodeError where a letter may not stand in a descriptor."""
    state, group, count = 1, 0, 0
    for letter in payload:
        value = _VALUES.get(letter)
        if value is None:
            raise DecodeError("Invalid characters in payload")
        state = _step(state, value & 31)
        group = 3 * group + (value >> 5)
        count += 1
        if count == 3:
            state = _step(state, group)
            group = count = 0
    if count:
        state = _step(state, group)
    for _ in range(_LENGTH):
        state = _step(state, 0)
    state ^= 1
    return "".join(_OUTPUT[state >> 5 * (_LENGTH - 1 - place) & 31] for place in range(_LENGTH))


def with_checksum(payload: str) -> str:
    """The descriptor as it is handed out."""
    return f"{payload}#{descriptor_checksum(payload)}"


def split_checksum(text: str, *, is_required: bool = False) -> tuple[str, str]:
    """(payload, its checksum). Raises DecodeError where the text carries another one, or none and one is required."""
    payload, *behind = text.split("#")
    if len(behind) > 1:
        raise DecodeError("Multiple '#' symbols")
    if not behind and is_required:
        raise DecodeError("Missing checksum")
    if behind and len(behind[0]) != _LENGTH:
        raise DecodeError(f"Expected {_LENGTH} character checksum, not {len(behind[0])} characters")
    computed = descriptor_checksum(payload)
    if behind and behind[0] != computed:
        raise DecodeError(f"Provided checksum '{behind[0]}' does not match computed checksum '{computed}'")
    return payload, computed


def _mix(top: int) -> int:
    return reduce(xor, (term for bit, term in enumerate(_GENERATOR) if top >> bit & 1), 0)


# What the five bits shifted out leave behind.
_MIXED: Final = tuple(map(_mix, range(32)))


def _step(state: int, value: int) -> int:
    return (state & 0x7FFFFFFFF) << 5 ^ value ^ _MIXED[state >> 35]
