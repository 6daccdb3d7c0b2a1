"""Scripts as people read them: the assembly text of Bitcoin Core's RPC."""

from minicoin.core.faults import DecodeError
from minicoin.core.script.opcodes import OP_PUSHDATA4, opcode_name
from minicoin.core.script.pushes import decode_number, operations
from minicoin.core.script.standard import is_unspendable

_SIGHASH_NAMES = {
    0x01: "ALL",
    0x02: "NONE",
    0x03: "SINGLE",
    0x81: "ALL|ANYONECANPAY",
    0x82: "NONE|ANYONECANPAY",
    0x83: "SINGLE|ANYONECANPAY",
}
_NUMBER_BYTES_MAX = 4


def script_asm(script: bytes, *, names_sighash: bool = False) -> str:
    """Pushes of up to four bytes as numbers, longer ones as hex, opcodes by name, `[error]` where it does not parse.

    `names_sighash` shows the last byte of signatures by name, as Core does for a scriptSig.
    """
    shows_sighash = names_sighash and not is_unspendable(script)
    words: list[str] = []
    try:
        for opcode, pushed in operations(script):
            if opcode > OP_PUSHDATA4:
                words.append(opcode_name(opcode))
            elif len(pushed) <= _NUMBER_BYTES_MAX:
                words.append(str(decode_number(pushed)))
            elif shows_sighash and is_signature(pushed):
                words.append(f"{pushed[:-1].hex()}[{_SIGHASH_NAMES[pushed[-1]]}]")
            else:
                words.append(pushed.hex())
    except DecodeError:
        words.append("[error]")
    return " ".join(words)


def is_signature(item: bytes) -> bool:
    """Whether it is a strictly DER-encoded ECDSA signature (BIP66) with a defined sighash type behind it."""
    if not 9 <= len(item) <= 73 or item[-1] not in _SIGHASH_NAMES:
        return False
    if item[0] != 0x30 or item[1] != len(item) - 3:
        return False
    length_r = item[3]
    if 5 + length_r >= len(item):
        return False
    length_s = item[5 + length_r]
    if length_r + length_s + 7 != len(item):
        return False
    return _is_der_integer(item[2 : 4 + length_r]) and _is_der_integer(item[4 + length_r : -1])


def _is_der_integer(field: bytes) -> bool:
    """Type 2, a length, and the shortest form of a number that is not negative."""
    digits = field[2:]
    if field[0] != 0x02 or not digits or digits[0] & 0x80:
        return False
    return not (len(digits) > 1 and digits[0] == 0 and not digits[1] & 0x80)
