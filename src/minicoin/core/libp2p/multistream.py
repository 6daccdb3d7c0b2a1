"""multistream-select 1.0: both sides agree on a protocol, for a connection or for one of its streams.

The proposer sends its greeting and its one wish at once; the answerer says yes by an echo or `na` and listens on, a
bounded number of times. Specification: libp2p/specs connections, multiformats/multistream-select.
"""

from collections.abc import Container
from typing import Final

from minicoin.core.faults import DecodeError, PeerFault
from minicoin.core.libp2p.varint import decode_varint, encode_varint
from minicoin.core.limits import MULTISTREAM_MESSAGE_BYTES_MAX, MULTISTREAM_PROPOSALS_MAX

GREETING: Final = "/multistream/1.0.0"
REFUSAL: Final = "na"


def encode_message(text: str) -> bytes:
    """Length, text, newline."""
    line = text.encode() + b"\n"
    return encode_varint(len(line)) + line


class _Messages:
    """Cuts a byte stream into messages."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> str | None:
        """The next whole message, without its newline. Raises PeerFault on garbage."""
        try:
            found = decode_varint(self._buffer)
        except DecodeError as error:
            raise PeerFault(f"multistream: {error}") from error
        if found is None:
            return None
        length, at = found
        if not 0 < length <= MULTISTREAM_MESSAGE_BYTES_MAX:
            raise PeerFault(f"multistream: message of {length} bytes (at most {MULTISTREAM_MESSAGE_BYTES_MAX})")
        if len(self._buffer) < at + length:
            return None
        line, self._buffer = self._buffer[at : at + length], self._buffer[at + length :]
        if line[-1:] != b"\n":
            raise PeerFault("multistream: message without newline")
        try:
            return line[:-1].decode()
        except UnicodeDecodeError as error:
            raise PeerFault("multistream: message is not UTF-8") from error

    def take_rest(self) -> bytes:
        """What follows the negotiation and belongs to the protocol agreed on."""
        rest, self._buffer = self._buffer, b""
        return rest


class Proposer:
    """The side that opened: wants one protocol. Ends with `agreed` set, or None when the peer does not speak it."""

    __slots__ = ("_greeted", "_messages", "_output", "agreed", "protocol")

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.agreed: str | None = None
        self._output = encode_message(GREETING) + encode_message(protocol)
        self._greeted = False
        self._messages = _Messages()

    def receive(self, data: bytes) -> bool:
        """True once the negotiation is over. Raises PeerFault."""
        self._messages.feed(data)
        while (message := self._messages.next()) is not None:
            if not self._greeted:
                if message != GREETING:
                    raise PeerFault("multistream: the peer does not greet")
                self._greeted = True
            elif message == self.protocol:
                self.agreed = message
                return True
            elif message == REFUSAL:
                return True
            else:
                raise PeerFault(f"multistream: asked for {self.protocol} and was answered something else")
        return False

    def take_output(self) -> bytes:
        """What to send now."""
        output, self._output = self._output, b""
        return output

    def take_rest(self) -> bytes:
        """The bytes behind the answer."""
        return self._messages.take_rest()


class Answerer:
    """The side that was opened to: has some protocols. Ends with `agreed` set, or never."""

    __slots__ = ("_greeted", "_messages", "_output", "_refused", "_supported", "agreed")

    def __init__(self, supported: Container[str]) -> None:
        self.agreed: str | None = None
        self._supported = supported
        self._output = b""
        self._greeted = False
        self._refused = 0
        self._messages = _Messages()

    def receive(self, data: bytes) -> bool:
        """True once a protocol is agreed on. Raises PeerFault."""
        self._messages.feed(data)
        while (message := self._next()) is not None:
            if not self._greeted:
                if message != GREETING:
                    raise PeerFault("multistream: the peer does not greet")
                self._greeted = True
                self._output += encode_message(GREETING)
            elif message in self._supported:
                self.agreed = message
                self._output += encode_message(message)
                return True
            else:
                self._refused += 1
                if self._refused > MULTISTREAM_PROPOSALS_MAX:
                    raise PeerFault(f"multistream: more than {MULTISTREAM_PROPOSALS_MAX} proposals")
                self._output += encode_message(REFUSAL)
        return False

    def _next(self) -> str | None:
        try:
            return self._messages.next()
        except PeerFault as fault:
            if self._greeted:
                raise
            what = "it does not speak libp2p, as this port does: a node on plain TCP, or another program"
            raise PeerFault(f"{what} ({fault.reason})", fault.score) from fault

    def take_output(self) -> bytes:
        """What to send now."""
        output, self._output = self._output, b""
        return output

    def take_rest(self) -> bytes:
        """The bytes behind the agreement."""
        return self._messages.take_rest()
