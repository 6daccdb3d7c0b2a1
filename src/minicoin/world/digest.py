"""The trace digest: SHA-256 over every event in order, each reduced to what tells it from any other.

Two runs of one seed give one digest on every Python. A listener may look at every line instead, to find where two
runs part.
"""

import hashlib
from collections.abc import Callable
from struct import Struct

from minicoin.core.events import (
    BlockRead,
    BlockStored,
    BytesReceived,
    ChainMoved,
    DeadlineReached,
    Event,
    MessageReceived,
    ProposalVerified,
    TransactionVerified,
)
from minicoin.core.wire.codec import command_of, encode_payload
from minicoin.core.wire.messages import BlockMessage, GetData, Headers, Inv, Message, NotFound, Ping, Pong, Tx

_PENDING_BYTES_MAX = 256 << 10
_HEAD = Struct("<qIq")

Listener = Callable[[int, int, str], None]
"""Hears (time in microseconds, index of the host, what happened)."""


def _vectors(message: Inv | GetData | NotFound) -> bytes:
    return b"".join([b"%d" % vector.type + vector.hash for vector in message.inventory])


def _headers(message: Headers) -> bytes:
    return b"".join([header.hash for header in message.headers])


_KEYS: dict[type, Callable[..., bytes]] = {
    Headers: _headers,
    Inv: _vectors,
    GetData: _vectors,
    NotFound: _vectors,
    BlockMessage: lambda message: message.block.hash,
    Tx: lambda message: message.transaction.wtxid,
    Ping: lambda message: message.nonce.to_bytes(8, "little"),
    Pong: lambda message: message.nonce.to_bytes(8, "little"),
}


def has_key(message: Message) -> bool:
    """Whether hashes in the message tell it from others."""
    return type(message) in _KEYS


def message_key(message: Message) -> bytes:
    """Bytes that differ where messages differ: the command, and hashes where there are some, else the payload."""
    find = _KEYS.get(type(message))
    return command_of(message).encode() + b" " + (encode_payload(message) if find is None else find(message))


def event_key(event: Event) -> bytes:
    """The same for any event."""
    match event:
        case MessageReceived(conn, message):
            return b"%d " % conn + message_key(message)
        case BytesReceived(conn, data):
            return b"bytes %d " % conn + data
        case DeadlineReached():
            return b"deadline"
        case BlockStored(block):
            return b"stored " + block
        case BlockRead(conn, block):
            return b"read %d " % conn + block
        case ChainMoved(update):
            return b"moved " + update.tip
        case ProposalVerified(block, refusal, members):
            verdict_key = b"" if members is None else members.hash
            return b"proposal " + block + verdict_key + (b"" if refusal is None else refusal.name.encode())
        case TransactionVerified(verdict):
            return b"verified " + verdict.transaction.wtxid + verdict.tip
        case _:
            return repr(event).encode()


class TraceDigest:
    """The running digest."""

    __slots__ = ("_hash", "_pending", "_pending_bytes", "listener")

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self.listener: Listener | None = None

    def note(self, time_us: int, host: int, number: int, key: bytes) -> None:
        """One event at one host; `number` a connection or 0."""
        line = _HEAD.pack(time_us, host, number) + key
        self._pending.append(line)
        self._pending_bytes += len(line)
        if self.listener is not None:
            self.listener(time_us, host, _text(number, key))
        if self._pending_bytes >= _PENDING_BYTES_MAX:
            self._flush()

    def _flush(self) -> None:
        self._hash.update(b"".join(self._pending))
        self._pending.clear()
        self._pending_bytes = 0

    def hexdigest(self) -> str:
        """So far."""
        self._flush()
        return self._hash.hexdigest()


def _text(number: int, key: bytes) -> str:
    """For people, on one line, and as different as the keys are."""
    word, _, rest = key.partition(b" ")
    if key.isascii() and (text := key.decode("ascii")).isprintable():
        shown = text
    elif word.isalnum():
        shown = f"{word.decode('ascii')} {rest.hex()}"
    else:
        shown = key.hex()
    return f"connection {number}: {shown}" if number else shown
