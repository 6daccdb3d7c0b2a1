"""BIP325: a signet block carries a script solution to the network's challenge in its witness commitment.

Builds the two virtual transactions that the solution signs and has the script verifier judge them. proof.py decides
which blocks need one.
"""

from typing import Final

from minicoin.core.chain.block_rules import commitment_index
from minicoin.core.chain.verifier import ScriptCheck, ScriptVerifier
from minicoin.core.encoding.compact import decode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.merkle import merkle_root
from minicoin.core.primitives.script_flags import ScriptFlag
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut, Witness, make_outpoint
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.script.opcodes import OP_PUSHDATA1, OP_PUSHDATA2, OP_PUSHDATA4, OP_RETURN
from minicoin.core.script.pushes import operations

SIGNET_HEADER: Final = bytes.fromhex("ecc7daa2")
_FLAGS: Final = ScriptFlag.P2SH | ScriptFlag.WITNESS | ScriptFlag.DERSIG | ScriptFlag.NULLDUMMY


def check_signet_solution(block: Block, challenge: bytes, verifier: ScriptVerifier) -> None:
    """Raises BlockRejected unless the block carries a solution that satisfies the challenge."""
    pair = signet_transactions(block, challenge)
    if pair is None:
        raise BlockRejected(BlockReason.BAD_SIGNATURE, "no witness commitment, or a malformed signet solution")
    to_spend, to_sign = pair
    if verifier.first_failure([ScriptCheck(to_sign, to_spend.outputs, int(_FLAGS))]) is not None:
        raise BlockRejected(BlockReason.BAD_SIGNATURE, "the solution does not satisfy the signet's challenge")


def signet_transactions(block: Block, challenge: bytes) -> tuple[Transaction, Transaction] | None:
    """(to_spend, to_sign) of BIP325; None where the block cannot carry a solution. A block without a solution has an
    empty one, which a challenge like OP_TRUE accepts."""
    if not block.transactions:
        return None
    coinbase = block.transactions[0]
    index = commitment_index(coinbase)
    if index is None:
        return None
    solution, cleared = take_solution(coinbase.outputs[index].script_pubkey)
    try:
        script_sig, witness = _parse_solution(solution) if solution is not None else (b"", ())
    except DecodeError:
        return None
    outputs = list(coinbase.outputs)
    outputs[index] = TxOut(outputs[index].value, cleared)
    unsigned = Transaction(coinbase.version, coinbase.inputs, tuple(outputs), coinbase.lock_time)
    root, _ = merkle_root([unsigned.txid, *(tx.txid for tx in block.transactions[1:])])
    header = block.header.raw
    signed = header[:36] + root + header[68:72]
    to_spend = Transaction(0, (TxIn(NULL_OUTPOINT, b"\0" + _push(signed), 0),), (TxOut(0, challenge),))
    to_sign = Transaction(
        0,
        (TxIn(make_outpoint(to_spend.txid, 0), script_sig, 0),),
        (TxOut(0, bytes((OP_RETURN,))),),
        witnesses=(witness,) if witness else (),
    )
    return to_spend, to_sign


def take_solution(script: bytes) -> tuple[bytes | None, bytes]:
    """(solution, the script with the solution cut out of its push); (None, script) where there is none."""
    solution: bytes | None = None
    rebuilt: list[bytes] = []
    try:
        for opcode, payload in operations(script):
            if not payload:
                rebuilt.append(bytes((opcode,)))
                continue
            kept = payload
            if solution is None and payload.startswith(SIGNET_HEADER) and len(payload) > len(SIGNET_HEADER):
                solution, kept = payload[len(SIGNET_HEADER) :], SIGNET_HEADER
            rebuilt.append(_push(kept))
    except DecodeError:
        # What does not parse counts as the script's end; so Bitcoin Core reads it.
        pass
    return (None, script) if solution is None else (solution, b"".join(rebuilt))


def _parse_solution(solution: bytes) -> tuple[bytes, Witness]:
    script_sig, at = _take_string(solution, 0)
    if at == len(solution):
        return script_sig, ()
    count, at = decode_compact(solution, at)
    items: list[bytes] = []
    for _ in range(count):
        item, at = _take_string(solution, at)
        items.append(item)
    if at != len(solution):
        raise DecodeError("bytes behind the signet solution")
    return script_sig, tuple(items)


def _take_string(buffer: bytes, at: int) -> tuple[bytes, int]:
    length, at = decode_compact(buffer, at)
    if len(buffer) - at < length:
        raise DecodeError("truncated signet solution")
    return buffer[at : at + length], at + length


def _push(payload: bytes) -> bytes:
    # Always by length: script.pushes would write short numbers as opcodes, which BIP325's signers do not.
    length = len(payload)
    if length < OP_PUSHDATA1:
        return bytes((length,)) + payload
    if length <= 0xFF:
        return bytes((OP_PUSHDATA1, length)) + payload
    if length <= 0xFFFF:
        return bytes((OP_PUSHDATA2,)) + length.to_bytes(2, "little") + payload
    return bytes((OP_PUSHDATA4,)) + length.to_bytes(4, "little") + payload
