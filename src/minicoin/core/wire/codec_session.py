"""Codecs of handshake, negotiation, keep-alive, reject and alert messages."""

from collections.abc import Callable
from struct import Struct
from typing import Final, TypeVar

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import (
    ALERT_BYTES_MAX,
    REJECT_EXTRA_BYTES_MAX,
    REJECT_REASON_BYTES_MAX,
    SIGNATURE_BYTES_MAX,
    USER_AGENT_BYTES_MAX,
)
from minicoin.core.wire.codec_addresses import pack_ip16, unpack_ip
from minicoin.core.wire.messages_session import Alert, FeeFilter, NetAddress, Ping, Pong, Reject, SendCmpct, Version
from minicoin.core.wire.reader import Reader

T = TypeVar("T")

COMMAND_BYTES: Final = 12
_VERSION_HEAD: Final = Struct("<iQq")
_U64: Final = Struct("<Q")
_I64: Final = Struct("<q")
_I32: Final = Struct("<i")
_PORT: Final = Struct(">H")
_SEND_CMPCT: Final = Struct("<BQ")


def encode_empty(_message: object) -> bytes:
    """The payload of a message that has no fields."""
    return b""


def decode_empty(message: Callable[[], T]) -> Callable[[bytes], T]:
    """A decoder that refuses any payload."""

    def decode(payload: bytes) -> T:
        if payload:
            raise DecodeError(f"{len(payload)} bytes in a message without fields")
        return message()

    return decode


def encode_version(message: Version) -> bytes:
    """All fields, relay (BIP37) included."""
    user_agent = message.user_agent.encode()
    if len(user_agent) > USER_AGENT_BYTES_MAX:
        raise MisuseError(f"user agent of {len(user_agent)} bytes, at most {USER_AGENT_BYTES_MAX} allowed")
    return b"".join(
        (
            _VERSION_HEAD.pack(message.version, message.services, message.timestamp),
            _encode_net_address(message.addr_recv),
            _encode_net_address(message.addr_from),
            _U64.pack(message.nonce),
            encode_compact(len(user_agent)),
            user_agent,
            _I32.pack(message.start_height),
            b"\x01" if message.relay else b"\0",
        )
    )


def decode_version(payload: bytes) -> Version:
    """Fields that old nodes left out keep their defaults, and bytes behind the last field are ignored: later
    versions may add fields before anything is negotiated."""
    reader = Reader(payload, "version")
    version, services, timestamp = reader.unpack(_VERSION_HEAD)
    addr_recv = _decode_net_address(reader)
    if not reader.remaining:
        return Version(version, services, timestamp, addr_recv)
    addr_from = _decode_net_address(reader)
    (nonce,) = reader.unpack(_U64)
    user_agent = _decode_text(reader, USER_AGENT_BYTES_MAX) if reader.remaining else ""
    start_height = reader.unpack(_I32)[0] if reader.remaining else 0
    relay = reader.take(1) != b"\0" if reader.remaining else True
    return Version(version, services, timestamp, addr_recv, addr_from, nonce, user_agent, start_height, relay)


def encode_send_cmpct(message: SendCmpct) -> bytes:
    return _SEND_CMPCT.pack(message.announce, message.version)


def decode_send_cmpct(payload: bytes) -> SendCmpct:
    reader = Reader(payload, "sendcmpct")
    announce, version = reader.unpack(_SEND_CMPCT)
    reader.end()
    if announce > 1:
        raise DecodeError(f"sendcmpct announces {announce}, neither 0 nor 1")
    return SendCmpct(announce == 1, version)


def encode_fee_filter(message: FeeFilter) -> bytes:
    return _I64.pack(message.feerate)


def decode_fee_filter(payload: bytes) -> FeeFilter:
    return FeeFilter(_decode_one(payload, "feefilter", _I64))


def encode_nonce(message: Ping | Pong) -> bytes:
    return _U64.pack(message.nonce)


def decode_ping(payload: bytes) -> Ping:
    return Ping(_decode_one(payload, "ping", _U64))


def decode_pong(payload: bytes) -> Pong:
    return Pong(_decode_one(payload, "pong", _U64))


def refuse_reject(_message: Reject) -> bytes:
    """BIP61 is retired: nothing of ours sends it."""
    raise MisuseError("reject is read, never sent")


def decode_reject(payload: bytes) -> Reject:
    """The extra field is a hash, or absent."""
    reader = Reader(payload, "reject")
    message = _decode_text(reader, COMMAND_BYTES)
    ccode = reader.take(1)[0]
    reason = _decode_text(reader, REJECT_REASON_BYTES_MAX)
    if reader.remaining > REJECT_EXTRA_BYTES_MAX:
        raise DecodeError(f"reject with {reader.remaining} extra bytes, at most {REJECT_EXTRA_BYTES_MAX} allowed")
    return Reject(message, ccode, reason, reader.take(reader.remaining))


def encode_alert(message: Alert) -> bytes:
    parts = (encode_compact(len(message.payload)), message.payload)
    return b"".join((*parts, encode_compact(len(message.signature)), message.signature))


def decode_alert(payload: bytes) -> Alert:
    reader = Reader(payload, "alert")
    alert = Alert(reader.var_bytes(ALERT_BYTES_MAX), reader.var_bytes(SIGNATURE_BYTES_MAX))
    reader.end()
    return alert


def _decode_one(payload: bytes, what: str, layout: Struct) -> int:
    reader = Reader(payload, what)
    (value,) = reader.unpack(layout)
    reader.end()
    return value


def _decode_text(reader: Reader, length_max: int) -> str:
    # Replaced, not refused: the text is for people, and old nodes put anything into it.
    return reader.var_bytes(length_max).decode(errors="replace")


def _encode_net_address(address: NetAddress) -> bytes:
    return _U64.pack(address.services) + pack_ip16(address.host) + _PORT.pack(address.port)


def _decode_net_address(reader: Reader) -> NetAddress:
    (services,) = reader.unpack(_U64)
    host = unpack_ip(reader.take(16))
    (port,) = reader.unpack(_PORT)
    return NetAddress(services, host, port)
