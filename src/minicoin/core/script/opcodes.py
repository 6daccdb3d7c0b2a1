"""Opcode numbers that templates need, and the name of every opcode as Bitcoin Core prints it. Owns no behaviour of
opcodes: running them is the verifier's."""

from typing import Final

OP_0: Final = 0x00
OP_PUSHDATA1: Final = 0x4C
OP_PUSHDATA2: Final = 0x4D
OP_PUSHDATA4: Final = 0x4E
OP_1NEGATE: Final = 0x4F
OP_RESERVED: Final = 0x50
OP_1: Final = 0x51
OP_16: Final = 0x60
OP_RETURN: Final = 0x6A
OP_DUP: Final = 0x76
OP_EQUAL: Final = 0x87
OP_EQUALVERIFY: Final = 0x88
OP_HASH160: Final = 0xA9
OP_CHECKSIG: Final = 0xAC
OP_CHECKSIGVERIFY: Final = 0xAD
OP_CHECKMULTISIG: Final = 0xAE
OP_CHECKMULTISIGVERIFY: Final = 0xAF
OP_CHECKSIGADD: Final = 0xBA

_FROM_NOP = """NOP VER IF NOTIF VERIF VERNOTIF ELSE ENDIF VERIFY RETURN TOALTSTACK FROMALTSTACK 2DROP 2DUP 3DUP 2OVER
2ROT 2SWAP IFDUP DEPTH DROP DUP NIP OVER PICK ROLL ROT SWAP TUCK CAT SUBSTR LEFT RIGHT SIZE INVERT AND OR XOR EQUAL
EQUALVERIFY RESERVED1 RESERVED2 1ADD 1SUB 2MUL 2DIV NEGATE ABS NOT 0NOTEQUAL ADD SUB MUL DIV MOD LSHIFT RSHIFT BOOLAND
BOOLOR NUMEQUAL NUMEQUALVERIFY NUMNOTEQUAL LESSTHAN GREATERTHAN LESSTHANOREQUAL GREATERTHANOREQUAL MIN MAX WITHIN
RIPEMD160 SHA1 SHA256 HASH160 HASH256 CODESEPARATOR CHECKSIG CHECKSIGVERIFY CHECKMULTISIG CHECKMULTISIGVERIFY NOP1
CHECKLOCKTIMEVERIFY CHECKSEQUENCEVERIFY NOP4 NOP5 NOP6 NOP7 NOP8 NOP9 NOP10 CHECKSIGADD"""

_NAMES: Final = {
    OP_0: "0",
    OP_PUSHDATA1: "OP_PUSHDATA1",
    OP_PUSHDATA2: "OP_PUSHDATA2",
    OP_PUSHDATA4: "OP_PUSHDATA4",
    OP_1NEGATE: "-1",
    OP_RESERVED: "OP_RESERVED",
    **{OP_1 + number - 1: str(number) for number in range(1, 17)},
    **{0x61 + place: f"OP_{name}" for place, name in enumerate(_FROM_NOP.split())},
    0xFF: "OP_INVALIDOPCODE",
}

assert _NAMES[OP_CHECKMULTISIGVERIFY] == "OP_CHECKMULTISIGVERIFY"


def opcode_name(opcode: int) -> str:
    """The name, or OP_UNKNOWN."""
    return _NAMES.get(opcode, "OP_UNKNOWN")


def small_number(opcode: int) -> int | None:
    """The number that OP_0 and OP_1 to OP_16 push; None for other opcodes."""
    if opcode == OP_0:
        return 0
    return opcode - OP_1 + 1 if OP_1 <= opcode <= OP_16 else None


def is_op_success(opcode: int) -> bool:
    """Whether it makes any tapscript succeed that holds it (BIP342)."""
    return (
        opcode in (80, 98)
        or 126 <= opcode <= 129
        or 131 <= opcode <= 134
        or 137 <= opcode <= 138
        or 141 <= opcode <= 142
        or 149 <= opcode <= 153
        or 187 <= opcode <= 254
    )
