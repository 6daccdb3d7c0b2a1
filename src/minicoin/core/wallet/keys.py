"""Seed words and the account keys derived from them: BIP39, BIP32, and BIP84's m/84'/coin'/0'.

Embit does the derivation. What it is lax about is checked here: word counts other than 12 and 24, and depth and
version of an account key read back from a file.
"""

from dataclasses import dataclass
from enum import IntEnum

from embit import bip32, bip39

from minicoin.core.crypto.hashing import hash160
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.params.network import Network

ENTROPY_BYTES = (16, 32)
_WORD_COUNTS = (12, 24)
_HARDENED = 1 << 31
_PURPOSE = 84
_ACCOUNT_DEPTH = 3


class Chain(IntEnum):
    """BIP44's two address chains."""

    RECEIVING = 0
    CHANGE = 1


@dataclass(frozen=True, slots=True, order=True)
class KeyPath:
    """A key of the account: m/84'/coin'/0'/chain/index."""

    chain: Chain
    index: int


def path_text(path: KeyPath, network: Network) -> str:
    """The derivation path from the master key, as RPC and descriptors write it."""
    return f"m/{_PURPOSE}h/{network.keys.bip44_coin_type}h/0h/{int(path.chain)}/{path.index}"


def mnemonic_from_entropy(entropy: bytes) -> str:
    """The 12 or 24 words of 16 or 32 bytes (BIP39, English)."""
    if len(entropy) not in ENTROPY_BYTES:
        raise MisuseError(f"seed words are made of 16 or 32 bytes, not {len(entropy)}")
    return str(bip39.mnemonic_from_bytes(entropy))


def entropy_from_mnemonic(words: str) -> bytes:
    """The bytes behind the words. Raises DecodeError for a wrong count, an unknown word or a wrong checksum."""
    found = words.lower().split()
    if len(found) not in _WORD_COUNTS:
        raise DecodeError(f"seed words are 12 or 24 words, these are {len(found)}")
    for place, word in enumerate(found, 1):
        if word not in bip39.WORDLIST:
            raise DecodeError(f"word {place} of the seed words is not in the list: {word!r}")
    try:
        return bytes(bip39.mnemonic_to_bytes(" ".join(found)))
    except ValueError as error:
        raise DecodeError("the checksum of the seed words does not match: a word is wrong or misplaced") from error


class AccountKey:
    """The account's public key: derives every address, can sign nothing."""

    __slots__ = ("_chains", "_key", "_versions")

    def __init__(self, key: bip32.HDKey) -> None:
        self._key = key
        self._chains = {chain: key.child(int(chain)) for chain in Chain}

    @classmethod
    def parse(cls, text: str, network: Network) -> "AccountKey":
        """An account key in BIP32's text form. Raises DecodeError."""
        try:
            key = bip32.HDKey.from_base58(text)
        except (ValueError, IndexError, bip32.EmbitError) as error:
            raise DecodeError("not an extended public key") from error
        if key.is_private or key.version != network.keys.bip32_public or key.depth != _ACCOUNT_DEPTH:
            raise DecodeError(f"not an account's public key of the network {network.name}")
        return cls(key)

    def __str__(self) -> str:
        return str(self._key.to_base58())

    def public_key(self, path: KeyPath) -> bytes:
        """The compressed public key (33 bytes)."""
        return bytes(self._chains[path.chain].child(path.index).sec())

    def key_hash(self, path: KeyPath) -> bytes:
        """What the address of the key commits to (20 bytes)."""
        return hash160(self.public_key(path))


class SigningKey:
    """The account's private key, in memory while the wallet is unlocked."""

    __slots__ = ("_chains", "_fingerprint", "_key")

    def __init__(self, key: bip32.HDKey, master_fingerprint: bytes) -> None:
        self._key = key
        self._fingerprint = master_fingerprint
        self._chains = {chain: key.child(int(chain)) for chain in Chain}

    @classmethod
    def from_entropy(cls, entropy: bytes, network: Network, passphrase: str = "") -> "SigningKey":
        """BIP39's seed of the words (with its optional 25th word), BIP84's account 0 on the network."""
        seed = bip39.mnemonic_to_seed(mnemonic_from_entropy(entropy), passphrase)
        root = bip32.HDKey.from_seed(seed, version=network.keys.bip32_private)
        path = [_PURPOSE | _HARDENED, network.keys.bip44_coin_type | _HARDENED, _HARDENED]
        return cls(root.derive(path), bytes(root.my_fingerprint))

    def __repr__(self) -> str:
        return "SigningKey(...)"

    @property
    def fingerprint(self) -> bytes:
        """Of the master key, as descriptors name it."""
        return self._fingerprint

    def account_key(self, network: Network) -> AccountKey:
        """The public half."""
        return AccountKey(self._key.to_public(version=network.keys.bip32_public))

    def secret(self, path: KeyPath) -> bytes:
        """The private key (32 bytes)."""
        return bytes(self._chains[path.chain].child(path.index).secret)
