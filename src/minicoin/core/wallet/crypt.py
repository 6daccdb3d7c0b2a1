"""The wallet's seed at rest: ChaCha20-Poly1305 under a key that scrypt stretches from the passphrase.

The stretching is slow work: whoever performs the effect StretchKey calls `stretch_key`; salt, key and nonce come in.
What the seal is bound to (wallet and network) is authenticated, so a sealed seed cannot be moved into another file.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from minicoin.core.effects import StretchKey
from minicoin.core.faults import MisuseError
from minicoin.core.wallet.errors import WrongPassphrase

KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12
# More than any parameters take that a wallet file may name.
_SCRYPT_MEMORY_BYTES: Final = 1 << 28


@dataclass(frozen=True, slots=True)
class Stretching:
    """The scrypt parameters of one wallet (RFC 7914): 2**15 and r=8 take 32 MiB and about 0.1 s."""

    salt: bytes
    log2_n: int = 15
    r: int = 8
    p: int = 1


@dataclass(frozen=True, slots=True)
class Protection:
    """What sealing needs from outside: the stretched key, how it was stretched, and a nonce never used before."""

    key: bytes = field(repr=False)
    stretching: Stretching
    nonce: bytes

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES or len(self.nonce) != NONCE_BYTES or len(self.stretching.salt) != SALT_BYTES:
            raise MisuseError("a seal needs a key of 32, a nonce of 12 and a salt of 16 bytes")


@dataclass(frozen=True, slots=True)
class SealedSeed:
    """The encrypted seed as the file keeps it."""

    stretching: Stretching
    nonce: bytes
    ciphertext: bytes


def stretch_key(job: StretchKey) -> bytes:
    """The key of a passphrase; takes a while."""
    return hashlib.scrypt(
        job.passphrase,
        salt=job.salt,
        n=1 << job.log2_n,
        r=job.r,
        p=job.p,
        dklen=KEY_BYTES,
        maxmem=_SCRYPT_MEMORY_BYTES,
    )


def seal_seed(entropy: bytes, protection: Protection, context: bytes) -> SealedSeed:
    """Encrypt. `context` must be the same when it is opened."""
    ciphertext = ChaCha20Poly1305(protection.key).encrypt(protection.nonce, entropy, context)
    return SealedSeed(protection.stretching, protection.nonce, ciphertext)


def open_seed(sealed: SealedSeed, key: bytes, context: bytes) -> bytes:
    """Decrypt. Raises WrongPassphrase where key or context is not the one it was sealed with."""
    if len(key) != KEY_BYTES:
        raise MisuseError(f"a stretched key has {KEY_BYTES} bytes, not {len(key)}")
    try:
        return ChaCha20Poly1305(key).decrypt(sealed.nonce, sealed.ciphertext, context)
    except InvalidTag as error:
        raise WrongPassphrase("the wallet passphrase is wrong") from error
