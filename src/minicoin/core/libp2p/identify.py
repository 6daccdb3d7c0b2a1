"""The identify message: what a peer tells about itself, and where it saw us come from.

A peer may send it in several length-prefixed pieces, and a push may carry only what changed. Everything in it is the
peer's claim except the identity, which the handshake proved. Specification: libp2p/specs identify.
"""

from dataclasses import dataclass, field
from typing import Final

from minicoin.core.faults import DecodeError, PeerFault
from minicoin.core.libp2p.multiaddr import Multiaddr, decode_known
from minicoin.core.libp2p.protobuf import encode_bytes_field, read_fields
from minicoin.core.libp2p.varint import decode_varint, encode_varint
from minicoin.core.limits import (
    IDENTIFY_ADDRESSES_MAX,
    IDENTIFY_MESSAGE_BYTES_MAX,
    IDENTIFY_MESSAGES_MAX,
    IDENTIFY_PROTOCOLS_MAX,
)

IDENTIFY: Final = "/ipfs/id/1.0.0"
IDENTIFY_PUSH: Final = "/ipfs/id/push/1.0.0"
_TEXT_LENGTH_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Identify:
    """One message. Empty fields were absent."""

    public_key: bytes = b""
    listen_addresses: tuple[Multiaddr, ...] = ()
    protocols: tuple[str, ...] = ()
    observed_address: Multiaddr | None = None
    protocol_version: str = ""
    agent_version: str = ""

    def encode(self) -> bytes:
        """The message without its length prefix."""
        fields = [encode_bytes_field(1, self.public_key)] if self.public_key else []
        fields += [encode_bytes_field(2, address.encode()) for address in self.listen_addresses]
        fields += [encode_bytes_field(3, protocol.encode()) for protocol in self.protocols]
        if self.observed_address is not None:
            fields.append(encode_bytes_field(4, self.observed_address.encode()))
        fields.append(encode_bytes_field(5, self.protocol_version.encode()))
        fields.append(encode_bytes_field(6, self.agent_version.encode()))
        return b"".join(fields)

    @classmethod
    def decode(cls, message: bytes) -> "Identify":
        """Read a message without its length prefix. Raises DecodeError; unknown addresses are left out."""
        public_key = b""
        addresses: list[bytes] = []
        protocols: list[str] = []
        observed: tuple[Multiaddr, ...] = ()
        texts = {5: "", 6: ""}
        for part in read_fields(message):
            match part.number:
                case 1:
                    public_key = part.as_bytes()
                case 2 if len(addresses) < IDENTIFY_ADDRESSES_MAX:
                    addresses.append(part.as_bytes())
                case 3 if len(protocols) < IDENTIFY_PROTOCOLS_MAX:
                    protocols.append(_printable(part.as_text()))
                case 4:
                    observed = decode_known([part.as_bytes()])
                case 5 | 6:
                    texts[part.number] = _printable(part.as_text())
        return cls(
            public_key=public_key,
            listen_addresses=decode_known(addresses),
            protocols=tuple(protocols),
            observed_address=observed[0] if observed else None,
            protocol_version=texts[5],
            agent_version=texts[6],
        )

    def updated(self, later: "Identify") -> "Identify":
        """This, with what a later message carries in place of what it said before."""
        return Identify(
            public_key=later.public_key or self.public_key,
            listen_addresses=later.listen_addresses or self.listen_addresses,
            protocols=later.protocols or self.protocols,
            observed_address=later.observed_address or self.observed_address,
            protocol_version=later.protocol_version or self.protocol_version,
            agent_version=later.agent_version or self.agent_version,
        )


@dataclass(slots=True)
class IdentifyReader:
    """Collects what one identify stream brings, until the peer closes it."""

    _buffer: bytes = field(default=b"", repr=False)
    _messages: int = 0
    found: Identify = Identify()

    def receive(self, data: bytes) -> None:
        """Take bytes of the stream. Raises PeerFault on garbage or too much of it."""
        self._buffer += data
        try:
            while (head := decode_varint(self._buffer)) is not None:
                length, at = head
                if length > IDENTIFY_MESSAGE_BYTES_MAX:
                    raise PeerFault(f"identify: message of {length} bytes (at most {IDENTIFY_MESSAGE_BYTES_MAX})")
                if len(self._buffer) - at < length:
                    return
                self._messages += 1
                if self._messages > IDENTIFY_MESSAGES_MAX:
                    raise PeerFault(f"identify: more than {IDENTIFY_MESSAGES_MAX} messages")
                self.found = self.found.updated(Identify.decode(self._buffer[at : at + length]))
                self._buffer = self._buffer[at + length :]
        except DecodeError as error:
            raise PeerFault(f"identify: {error}") from error

    @property
    def is_whole(self) -> bool:
        """What came so far ends with a message."""
        return self._messages > 0 and not self._buffer

    def finish(self) -> Identify:
        """The peer closed the stream: all it said. Raises PeerFault when that is nothing, or ends within a message."""
        if not self.is_whole:
            raise PeerFault("identify: truncated message")
        return self.found


def encode_delimited(message: Identify) -> bytes:
    """As the stream carries it: length, message."""
    encoded = message.encode()
    return encode_varint(len(encoded)) + encoded


def _printable(text: str) -> str:
    """These texts reach logs and pages: bounded, and without control characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_TEXT_LENGTH_MAX])
