"""Noise_XX_25519_ChaChaPoly_SHA256: the handshake's state machine and the cipher states it ends in.

Knows nothing of libp2p: payloads are opaque, framing is secure.py's. Specification: noiseprotocol.org revision 34,
sections 5 (states) and 7.5 (XX); primitives from `cryptography`.
"""

from hashlib import sha256
from hmac import digest as hmac_digest
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from minicoin.core.faults import MisuseError, PeerFault

PROTOCOL_NAME: Final = b"Noise_XX_25519_ChaChaPoly_SHA256"
KEY_BYTES: Final = 32
TAG_BYTES: Final = 16

# Section 7.5: who sends what; even messages are the initiator's.
_XX: Final = (("e",), ("e", "ee", "s", "es"), ("s", "se"))
# Section 12.3: four zero bytes, then the counter in little-endian order.
_NONCE: Final = Struct("<4xQ")


class CipherState:
    """One direction's key and counter. A message that fails to decrypt is final: the caller must close."""

    __slots__ = ("_aead", "_counter")

    def __init__(self, key: bytes) -> None:
        self._aead = ChaCha20Poly1305(key)
        self._counter = 0

    def encrypt(self, plaintext: bytes | bytearray | memoryview, associated: bytes | None = None) -> bytes:
        """Ciphertext and tag."""
        nonce = _NONCE.pack(self._counter)
        self._counter += 1
        return self._aead.encrypt(nonce, plaintext, associated)

    def decrypt(self, ciphertext: bytes | memoryview, associated: bytes | None = None) -> bytes:
        """The plaintext. Raises PeerFault when the message is forged, replayed, out of order or truncated."""
        nonce = _NONCE.pack(self._counter)
        self._counter += 1
        try:
            return self._aead.decrypt(nonce, ciphertext, associated)
        except InvalidTag as error:
            # Whoever is on the way can change a byte: it says nothing of the peer, as a frame's wrong magic does not.
            raise PeerFault("noise: a message does not decrypt", score=0) from error


class HandshakeXX:
    """One side of one handshake. Call write and read in turn, three messages in all, then `split`."""

    __slots__ = (
        "_chaining_key",
        "_cipher",
        "_ephemeral",
        "_hash",
        "_initiator",
        "_message",
        "_remote_ephemeral",
        "_static",
        "remote_static",
    )

    def __init__(self, initiator: bool, static: bytes, ephemeral: bytes, prologue: bytes = b"") -> None:
        """`static` and `ephemeral` are this side's private keys; the ephemeral one must never be used again."""
        self._initiator = initiator
        self._static = X25519PrivateKey.from_private_bytes(static)
        self._ephemeral = X25519PrivateKey.from_private_bytes(ephemeral)
        # The name has exactly the length of a hash, so it is one (section 5.2).
        self._hash = PROTOCOL_NAME
        self._chaining_key = PROTOCOL_NAME
        self._cipher: CipherState | None = None
        self._message = 0
        self._remote_ephemeral = b""
        self.remote_static = b""
        self._mix_hash(prologue)

    @property
    def is_done(self) -> bool:
        """All three messages have passed."""
        return self._message == len(_XX)

    @property
    def is_our_turn(self) -> bool:
        """The next message is ours to write."""
        return not self.is_done and self._initiator == (self._message % 2 == 0)

    @property
    def static_public(self) -> bytes:
        """Our static public key, which the identity signs."""
        return self._static.public_key().public_bytes_raw()

    def write(self, payload: bytes) -> bytes:
        """The next message, carrying `payload`."""
        if not self.is_our_turn:
            raise MisuseError("noise: it is the peer's turn")
        message = b""
        for token in _XX[self._message]:
            if token == "e":
                public = self._ephemeral.public_key().public_bytes_raw()
                self._mix_hash(public)
                message += public
            elif token == "s":
                message += self._encrypt_and_hash(self.static_public)
            else:
                self._mix_key(token)
        self._message += 1
        return message + self._encrypt_and_hash(payload)

    def read(self, message: bytes | memoryview) -> bytes:
        """The payload of the peer's next message. Raises PeerFault on anything but a sound message."""
        if self.is_our_turn or self.is_done:
            raise MisuseError("noise: it is our turn")
        at = 0
        for token in _XX[self._message]:
            if token == "e":
                self._remote_ephemeral = _take(message, at, KEY_BYTES)
                self._mix_hash(self._remote_ephemeral)
                at += KEY_BYTES
            elif token == "s":
                self.remote_static = self._decrypt_and_hash(_take(message, at, KEY_BYTES + TAG_BYTES))
                at += KEY_BYTES + TAG_BYTES
            else:
                self._mix_key(token)
        self._message += 1
        return self._decrypt_and_hash(bytes(message[at:]))

    def split(self) -> tuple[CipherState, CipherState]:
        """(for sending, for receiving), once all messages have passed."""
        if not self.is_done:
            raise MisuseError("noise: the handshake is not done")
        first, second = _hkdf(self._chaining_key, b"")
        ours, theirs = (first, second) if self._initiator else (second, first)
        return CipherState(ours), CipherState(theirs)

    def _mix_hash(self, data: bytes) -> None:
        self._hash = sha256(self._hash + data).digest()

    def _mix_key(self, token: str) -> None:
        """Mix in a shared secret; the token's letters are the initiator's key and the responder's."""
        ours = token[0] if self._initiator else token[1]
        theirs = token[1] if self._initiator else token[0]
        private = self._ephemeral if ours == "e" else self._static
        public = self._remote_ephemeral if theirs == "e" else self.remote_static
        try:
            secret = private.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError as error:
            # A point of low order would make the secret known to everybody.
            raise PeerFault("noise: degenerate public key") from error
        self._chaining_key, key = _hkdf(self._chaining_key, secret)
        self._cipher = CipherState(key)

    def _encrypt_and_hash(self, plaintext: bytes) -> bytes:
        ciphertext = plaintext if self._cipher is None else self._cipher.encrypt(plaintext, self._hash)
        self._mix_hash(ciphertext)
        return ciphertext

    def _decrypt_and_hash(self, ciphertext: bytes) -> bytes:
        plaintext = ciphertext if self._cipher is None else self._cipher.decrypt(ciphertext, self._hash)
        self._mix_hash(ciphertext)
        return plaintext


def _hkdf(chaining_key: bytes, material: bytes) -> tuple[bytes, bytes]:
    """Section 4.3, for two outputs."""
    temporary = hmac_digest(chaining_key, material, "sha256")
    first = hmac_digest(temporary, b"\x01", "sha256")
    return first, hmac_digest(temporary, first + b"\x02", "sha256")


def _take(message: bytes | memoryview, at: int, count: int) -> bytes:
    taken = bytes(message[at : at + count])
    if len(taken) < count:
        raise PeerFault(f"noise: handshake message of {len(message)} bytes is too short")
    return taken
