"""Builds a network's first block from a short recipe, and searches the nonce of a new one.

Every built-in network's genesis, Bitcoin's included, has this one form: a coinbase with a message and one output.
"""

from dataclasses import dataclass, replace
from hashlib import sha256

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import MisuseError
from minicoin.core.primitives.block import ZERO_HASH, Block, BlockHeader
from minicoin.core.primitives.merkle import block_merkle_root
from minicoin.core.primitives.target import bits_to_target
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut
from minicoin.core.units import COIN_SAT

# Satoshi's coinbase opens with the bits of block 0 and the number 4; every network that descends from it kept them.
_SCRIPT_PREFIX = bytes.fromhex("04ffff001d0104")
_MESSAGE_BYTES_MAX = 91
_NONCES = 1 << 32


@dataclass(frozen=True, slots=True)
class GenesisRecipe:
    """What a genesis block is made of. `message` is ASCII, at most 91 characters (a coinbase script holds 100)."""

    message: str
    time: int
    bits: int
    nonce: int
    output_script: bytes
    reward_sat: int = 50 * COIN_SAT
    version: int = 1


def build_genesis(recipe: GenesisRecipe) -> Block:
    """The block. Raises MisuseError for a message that does not fit."""
    coinbase = Transaction(
        version=1,
        inputs=(TxIn(NULL_OUTPOINT, _SCRIPT_PREFIX + _push(recipe.message)),),
        outputs=(TxOut(recipe.reward_sat, recipe.output_script),),
    )
    root, _ = block_merkle_root([coinbase])
    header = BlockHeader(recipe.version, ZERO_HASH, root, recipe.time, recipe.bits, recipe.nonce)
    return Block(header, (coinbase,))


def find_genesis_nonce(recipe: GenesisRecipe) -> GenesisRecipe:
    """The recipe with the lowest nonce whose block meets its own target. Takes as long as the work asks for."""
    target = bits_to_target(recipe.bits)
    if target is None:
        raise MisuseError(f"no hash can meet the bits {recipe.bits:#010x}")
    prefix = sha256(build_genesis(recipe).header.raw[:76])
    for nonce in range(_NONCES):
        attempt = prefix.copy()
        attempt.update(nonce.to_bytes(4, "little"))
        if int.from_bytes(sha256(attempt.digest()).digest(), "little") <= target:
            return replace(recipe, nonce=nonce)
    raise MisuseError("no nonce of this genesis block meets its target; change its time or message")


def _push(message: str) -> bytes:
    try:
        payload = message.encode("ascii")
    except UnicodeEncodeError as error:
        raise MisuseError(f"the genesis message must be ASCII: {message!r}") from error
    if not 1 <= len(payload) <= _MESSAGE_BYTES_MAX:
        raise MisuseError(f"the genesis message must have 1 to {_MESSAGE_BYTES_MAX} characters, has {len(payload)}")
    pushdata = b"\x4c" if len(payload) > 75 else b""
    return pushdata + encode_compact(len(payload)) + payload
