"""libp2p's use of Noise: two-byte framing, the payload that proves the identity, the muxers offered within it.

The peer's identity is verified before this side sends anything but its own handshake; a dialler that expects a certain
peer sends not even its own identity to another. Specification: libp2p/specs noise, and inlined muxer negotiation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from minicoin.core.faults import DecodeError, PeerFault
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.keys import PublicKey
from minicoin.core.libp2p.noise import KEY_BYTES, TAG_BYTES, CipherState, HandshakeXX
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.libp2p.protobuf import encode_bytes_field, read_fields
from minicoin.core.limits import NOISE_HANDSHAKE_MESSAGE_BYTES_MAX, NOISE_MESSAGE_BYTES_MAX

Entropy = Callable[[int], bytes]
"""Where secrets come from: so many unpredictable bytes, never recorded, never from core.rng."""

PLAINTEXT_BYTES_MAX: Final = NOISE_MESSAGE_BYTES_MAX - TAG_BYTES
_SIGNATURE_PREFIX: Final = b"noise-libp2p-static-key:"
_LENGTH_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class Payload:
    """What a side says about itself in its handshake message."""

    public_key: bytes
    signature: bytes
    muxers: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """The NoiseHandshakePayload message."""
        extensions = b"".join(encode_bytes_field(2, muxer.encode()) for muxer in self.muxers)
        return (
            encode_bytes_field(1, self.public_key)
            + encode_bytes_field(2, self.signature)
            + (encode_bytes_field(4, extensions) if extensions else b"")
        )

    @classmethod
    def decode(cls, message: bytes) -> "Payload":
        """Read a NoiseHandshakePayload message. Raises DecodeError."""
        public_key = signature = b""
        muxers: list[str] = []
        for field in read_fields(message):
            if field.number == 1:
                public_key = field.as_bytes()
            elif field.number == 2:
                signature = field.as_bytes()
            elif field.number == 4:
                muxers += [inner.as_text() for inner in read_fields(field.as_bytes()) if inner.number == 2]
        return cls(public_key, signature, tuple(muxers))


class SecureChannel:
    """One side of an encrypted connection: handshake messages first, then any number of transport messages."""

    __slots__ = (
        "_buffer",
        "_expected_peer",
        "_handshake",
        "_identity",
        "_muxers",
        "_receiving",
        "_sending",
        "output",
        "remote_muxers",
        "remote_peer",
        "remote_public_key",
    )

    def __init__(
        self,
        dialler: bool,
        identity: Identity,
        expected_peer: PeerId | None,
        entropy: Entropy,
        muxers: tuple[str, ...],
    ) -> None:
        self._identity = identity
        self._expected_peer = expected_peer
        self._muxers = muxers
        self._handshake: HandshakeXX | None = HandshakeXX(dialler, entropy(KEY_BYTES), entropy(KEY_BYTES))
        self._sending: CipherState | None = None
        self._receiving: CipherState | None = None
        self._buffer = bytearray()
        self.output = bytearray()
        """Framed handshake messages that the caller takes and clears."""
        self.remote_peer: PeerId | None = None
        self.remote_public_key = b""
        self.remote_muxers: tuple[str, ...] = ()
        if dialler:
            self._send_handshake(self._handshake.write(b""))

    @property
    def is_open(self) -> bool:
        """The handshake is done: the remote identity is proven and `encrypt` may be used."""
        return self._sending is not None

    def receive(self, data: bytes) -> list[bytes]:
        """Take bytes of the socket; gives the plaintexts of transport messages. Raises PeerFault."""
        if self._buffer:
            self._buffer += data
            source: bytes | bytearray = self._buffer
        else:
            source = data
        plaintexts: list[bytes] = []
        at, size = 0, len(source)
        with memoryview(source) as view:
            while size - at >= _LENGTH_BYTES:
                length = view[at] << 8 | view[at + 1]
                if self._receiving is None and length > NOISE_HANDSHAKE_MESSAGE_BYTES_MAX:
                    raise PeerFault(f"noise: handshake message of {length} bytes")
                end = at + _LENGTH_BYTES + length
                if end > size:
                    break
                with view[at + _LENGTH_BYTES : end] as message:
                    if self._receiving is None:
                        self._on_handshake(message)
                    else:
                        plaintexts.append(self._receiving.decrypt(message))
                at = end
            rest = bytes(view[at:]) if source is data else b""
        if source is data:
            self._buffer += rest
        else:
            del self._buffer[:at]
        return plaintexts

    def encrypt(self, plaintext: bytes | bytearray | memoryview) -> bytes:
        """One framed transport message of at most PLAINTEXT_BYTES_MAX bytes."""
        assert self._sending is not None
        ciphertext = self._sending.encrypt(plaintext)
        return len(ciphertext).to_bytes(_LENGTH_BYTES, "big") + ciphertext

    def _on_handshake(self, message: memoryview) -> None:
        handshake = self._handshake
        assert handshake is not None
        payload = handshake.read(message)
        # The first message carries no proof and nothing we would use.
        if handshake.remote_static:
            self._authenticate(handshake.remote_static, payload)
        if handshake.is_our_turn:
            self._send_handshake(handshake.write(self._payload(handshake.static_public).encode()))
        if handshake.is_done:
            self._sending, self._receiving = handshake.split()
            self._handshake = None

    def _payload(self, static_public: bytes) -> Payload:
        signature = self._identity.sign(_SIGNATURE_PREFIX + static_public)
        return Payload(self._identity.public_key, signature, self._muxers)

    def _authenticate(self, static: bytes, message: bytes) -> None:
        """Check the proof of identity. Raises PeerFault."""
        try:
            payload = Payload.decode(message)
            key = PublicKey.decode(payload.public_key)
        except DecodeError as error:
            raise PeerFault(f"noise: malformed identity: {error}") from error
        if not key.verifies(payload.signature, _SIGNATURE_PREFIX + static):
            raise PeerFault("noise: the identity key did not sign this connection")
        peer = PeerId.of_key(payload.public_key)
        if self._expected_peer is not None and peer != self._expected_peer:
            # Not a breach of protocol: addresses change hands.
            raise PeerFault(f"expected peer {self._expected_peer} and found {peer}", score=0)
        if peer == self._identity.peer_id:
            raise PeerFault("connected to ourselves", score=0)
        self.remote_peer, self.remote_public_key, self.remote_muxers = peer, payload.public_key, payload.muxers

    def _send_handshake(self, message: bytes) -> None:
        self.output += len(message).to_bytes(_LENGTH_BYTES, "big") + message
