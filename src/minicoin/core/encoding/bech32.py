"""Bech32 and Bech32m segwit addresses (BIP173, BIP350), for any human-readable prefix."""

from collections.abc import Iterable

from minicoin.core.faults import DecodeError

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {letter: value for value, letter in enumerate(_CHARSET)}
_BECH32 = 1
_BECH32M = 0x2BC830A3
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_ADDRESS_LENGTH_MAX = 90


def encode_segwit(hrp: str, version: int, program: bytes) -> str:
    """The address of a witness program. Version 0 uses bech32, later ones bech32m (BIP350)."""
    values = [version, *_regroup(program, 8, 5, pad=True)]
    constant = _BECH32 if version == 0 else _BECH32M
    polymod = _polymod([*_expand(hrp), *values, 0, 0, 0, 0, 0, 0]) ^ constant
    checksum = [(polymod >> 5 * (5 - i)) & 31 for i in range(6)]
    return hrp + "1" + "".join(_CHARSET[value] for value in [*values, *checksum])


def decode_segwit(text: str) -> tuple[str, int, bytes]:
    """(hrp, witness version, program). Raises DecodeError with what is wrong."""
    if len(text) > _ADDRESS_LENGTH_MAX:
        raise DecodeError("bech32 address longer than 90 letters")
    if text.lower() != text and text.upper() != text:
        raise DecodeError("bech32 address mixes upper and lower case")
    hrp, separator, rest = text.lower().rpartition("1")
    if not separator or not hrp or len(rest) < 7:
        raise DecodeError("not a bech32 address")
    try:
        values = [_VALUES[letter] for letter in rest]
    except KeyError as error:
        raise DecodeError(f"not a bech32 letter: {error.args[0]!r}") from error
    constant = _polymod([*_expand(hrp), *values])
    version = values[0]
    if constant != (_BECH32 if version == 0 else _BECH32M):
        raise DecodeError("bech32 checksum does not match")
    program = bytes(_regroup(values[1:-6], 5, 8, pad=False))
    if version > 16 or not 2 <= len(program) <= 40 or (version == 0 and len(program) not in (20, 32)):
        raise DecodeError("not a valid witness program")
    return hrp, version, program


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            if (top >> bit) & 1:
                check ^= generator
    return check


def _expand(hrp: str) -> list[int]:
    codes = [ord(letter) for letter in hrp]
    if any(not 33 <= code <= 126 for code in codes):
        raise DecodeError("bech32 prefix holds a letter outside ASCII")
    return [code >> 5 for code in codes] + [0] + [code & 31 for code in codes]


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
        raise DecodeError("bech32 padding is not zero")
    return regrouped
