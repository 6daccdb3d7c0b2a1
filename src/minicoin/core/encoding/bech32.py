"""Bech32 and Bech32m segwit addresses (BIP173, BIP350), for any human-readable prefix."""

from collections.abc import Iterable

from minicoin.core.faults import DecodeError

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {letter: value for value, letter in enumerate(_CHARSET)}
BECH32 = 1
BECH32M = 0x2BC830A3
"""What is left of a good text of each kind."""
SEPARATOR = "1"
CHECKSUM_LETTERS = 6
LENGTH_MAX = 90
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_PROGRAM_BYTES = range(2, 41)
_PROGRAM_V0_BYTES = (20, 32)
_VERSION_MAX = 16


def encode_segwit(hrp: str, version: int, program: bytes) -> str:
    """The address of a witness program. Version 0 uses bech32, later ones bech32m (BIP350)."""
    values = [version, *_regroup(program, 8, 5, pad=True)]
    constant = BECH32 if version == 0 else BECH32M
    polymod = remainder_of(hrp, [*values, 0, 0, 0, 0, 0, 0]) ^ constant
    checksum = [(polymod >> 5 * (5 - i)) & 31 for i in range(6)]
    return hrp + "1" + "".join(_CHARSET[value] for value in [*values, *checksum])


def decode_bech32(text: str) -> tuple[str, list[int], int] | None:
    """(hrp, values without the checksum, BECH32 or BECH32M); None where the text is neither."""
    if len(text) > LENGTH_MAX or (text.lower() != text and text.upper() != text):
        return None
    hrp, separator, rest = text.lower().rpartition(SEPARATOR)
    values = [letter_value(letter) for letter in rest]
    known = [value for value in values if value is not None]
    if not separator or not hrp or len(known) < max(len(values), CHECKSUM_LETTERS):
        return None
    if any(not "!" <= letter <= "~" for letter in hrp):
        return None
    constant = remainder_of(hrp, known)
    return (hrp, known[:-CHECKSUM_LETTERS], constant) if constant in (BECH32, BECH32M) else None


def witness_program_of(values: list[int], constant: int) -> tuple[int, bytes]:
    """(witness version, program). Raises DecodeError with Bitcoin Core's word for what is wrong."""
    if not values:
        raise DecodeError("Empty Bech32 data section")
    version = values[0]
    if version == 0 and constant != BECH32:
        raise DecodeError("Version 0 witness address must use Bech32 checksum")
    if version != 0 and constant != BECH32M:
        raise DecodeError("Version 1+ witness address must use Bech32m checksum")
    program = bytes(_regroup(values[1:], 5, 8, pad=False))
    size = f"{len(program)} {'byte' if len(program) == 1 else 'bytes'}"
    if version == 0 and len(program) not in _PROGRAM_V0_BYTES:
        raise DecodeError(f"Invalid Bech32 v0 address program size ({size}), per BIP141")
    if version > _VERSION_MAX:
        raise DecodeError("Invalid Bech32 address witness version")
    if len(program) not in _PROGRAM_BYTES:
        raise DecodeError(f"Invalid Bech32 address program size ({size})")
    return version, program


def letter_value(letter: str) -> int | None:
    """The five bits of a letter in lower case."""
    return _VALUES.get(letter)


def remainder_of(hrp: str, values: Iterable[int]) -> int:
    """What the checksum leaves of a whole text."""
    codes = [ord(letter) for letter in hrp]
    check = 1
    for value in (*(code >> 5 for code in codes), 0, *(code & 31 for code in codes), *values):
        check = next_remainder(check, value)
    return check


def next_remainder(check: int, value: int) -> int:
    """The remainder after one value more."""
    top = check >> 25
    check = (check & 0x1FFFFFF) << 5 ^ value
    for bit, generator in enumerate(_GENERATOR):
        if (top >> bit) & 1:
            check ^= generator
    return check


def _regroup(values: Iterable[int], width: int, target: int, *, pad: bool) -> list[int]:
    accumulator = bits = 0
    regrouped: list[int] = []
    for value in values:
        accumulator = (accumulator << width) | value
        bits += width
        while bits >= target:
            bits -= target
            regrouped.append((accumulator >> bits) & ((1 << target) - 1))
        accumulator &= (1 << bits) - 1
    if pad:
        if bits:
            regrouped.append((accumulator << (target - bits)) & ((1 << target) - 1))
    elif bits >= width or accumulator:
        raise DecodeError("Invalid padding in Bech32 data section")
    return regrouped
