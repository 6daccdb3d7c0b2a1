"""The nonce search, as a pure function that a worker runs in slices. Owns no schedule: node says what to search."""

from dataclasses import replace
from hashlib import sha256
from typing import Final

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.effects import SearchNonce
from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import MisuseError
from minicoin.core.mining.template import EXTRA_NONCE_BYTES
from minicoin.core.primitives.block import BlockHeader, RawBlock
from minicoin.core.primitives.target import bits_to_target

NONCES: Final = 1 << 32
_EXTRA_NONCES: Final = 1 << 8 * EXTRA_NONCE_BYTES
_NONCE_AT: Final = 76
# BIP141: one stack of one item, 32 zero bytes.
_COINBASE_WITNESS: Final = b"\x01\x20" + bytes(32)
_VERSION_BYTES: Final = 4
_LOCK_TIME_BYTES: Final = 4


def search(job: SearchNonce, extra_nonce: int, tries: int) -> RawBlock | None:
    """Try the first `tries` nonces (at most 2**32) under one extra nonce; the whole block, or None.

    Nothing is remembered: ask with another extra nonce the next time. Start at a random one, or two miners that pay
    to one script would search the same blocks.
    """
    target = bits_to_target(job.header.bits)
    if target is None:
        raise MisuseError(f"no hash can meet the bits {job.header.bits:#010x}")
    header = _header(job, extra_nonce)
    nonce = _find_nonce(header.raw[:_NONCE_AT], target, min(tries, NONCES))
    return None if nonce is None else assemble_block(job, extra_nonce, nonce)


def assemble_block(job: SearchNonce, extra_nonce: int, nonce: int) -> RawBlock:
    """The block of a job with both nonces filled in, whatever its hash."""
    header = replace(_header(job, extra_nonce), nonce=nonce)
    coinbase = _stripped_coinbase(job, extra_nonce)
    if job.coinbase_has_witness:
        body = coinbase[_VERSION_BYTES:-_LOCK_TIME_BYTES]
        coinbase = coinbase[:_VERSION_BYTES] + b"\0\x01" + body + _COINBASE_WITNESS + coinbase[-_LOCK_TIME_BYTES:]
    count = encode_compact(1 + len(job.transactions))
    return RawBlock(header, b"".join((header.raw, count, coinbase, *job.transactions)))


def _find_nonce(prefix: bytes, target: int, tries: int) -> int | None:
    # The hash state over the fixed bytes is copied, not computed anew; most hashes fail on their last bytes already.
    copy_midstate = sha256(prefix).copy
    zeros = bytes(32 - (target.bit_length() + 7) // 8)
    for nonce in range(tries):
        inner = copy_midstate()
        inner.update(nonce.to_bytes(4, "little"))
        digest = sha256(inner.digest()).digest()
        if digest.endswith(zeros) and int.from_bytes(digest, "little") <= target:
            return nonce
    return None


def _header(job: SearchNonce, extra_nonce: int) -> BlockHeader:
    root = sha256d(_stripped_coinbase(job, extra_nonce))
    for sibling in job.branch:
        root = sha256d(root + sibling)
    return replace(job.header, merkle_root=root, nonce=0)


def _stripped_coinbase(job: SearchNonce, extra_nonce: int) -> bytes:
    filling = (extra_nonce % _EXTRA_NONCES).to_bytes(EXTRA_NONCE_BYTES, "little")
    return job.coinbase_head + filling + job.coinbase_tail
