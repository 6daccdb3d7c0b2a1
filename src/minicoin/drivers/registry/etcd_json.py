"""etcd's JSON gateway (version 3 of its API) as values: what is asked, and what of an answer is used.

Keys and values are base64. Integers of 64 bits are JSON strings, and fields that are zero or empty are left out. What a
server answers is foreign: anything that is not of this form is a DecodeError.
"""

import json
from base64 import b64encode
from dataclasses import dataclass

from minicoin.core.faults import DecodeError
from minicoin.drivers.registry.foreign_json import Json, as_object, decode, from_base64, list_of, number, string


@dataclass(frozen=True, slots=True)
class KeyValue:
    """One key at one revision; without a value where only keys were asked for."""

    key: bytes
    value: bytes
    revision: int
    """At which it was written last."""


@dataclass(frozen=True, slots=True)
class Page:
    """What stood there at one revision of the whole store."""

    revision: int
    items: tuple[KeyValue, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A key was written or removed."""

    item: KeyValue
    is_removed: bool


@dataclass(frozen=True, slots=True)
class WatchLine:
    """One line of a watch."""

    revision: int
    changes: tuple[Change, ...] = ()
    compact_revision: int = 0
    """Nonzero: what was asked for is no longer there, older changes were thrown away."""
    is_canceled: bool = False
    cancel_reason: str = ""


class EtcdFailure(Exception):
    """The server's own word for why not, with gRPC's number for it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


# --- asking ---


def encode(request: Json) -> bytes:
    """Of any request."""
    return json.dumps(request).encode()


def text(raw: bytes) -> str:
    """Bytes as the gateway has them."""
    return b64encode(raw).decode()


def range_end(prefix: bytes) -> bytes:
    """Behind all keys with this prefix, which ends in a slash."""
    return prefix[:-1] + bytes((prefix[-1] + 1,))


def put_request(key: bytes, value: bytes, lease: int = 0) -> Json:
    """Of kv/put, and within a transaction."""
    request = {"key": text(key), "value": text(value)}
    return request | {"lease": str(lease)} if lease else request


def create_request(key: bytes, value: bytes, lease: int) -> Json:
    """Of kv/txn: write the key if nothing stands there, and read it otherwise."""
    return {
        "compare": [{"key": text(key), "target": "CREATE", "result": "EQUAL", "create_revision": "0"}],
        "success": [{"request_put": put_request(key, value, lease)}],
        "failure": [{"request_range": {"key": text(key)}}],
    }


def keys_request(prefix: bytes, count_max: int) -> Json:
    """Of kv/range: the keys alone."""
    return {"key": text(prefix), "range_end": text(range_end(prefix)), "keys_only": True, "limit": str(count_max)}


def watch_request(prefix: bytes, start_revision: int) -> Json:
    """Of watch: everything from a revision on."""
    where = {"key": text(prefix), "range_end": text(range_end(prefix)), "start_revision": str(start_revision)}
    return {"create_request": where}


# --- reading ---


def read_failure(answer: Json) -> EtcdFailure:
    """Why not, from an answer that says no. Raises DecodeError."""
    inner = answer.get("error")
    if isinstance(inner, dict):
        # Of a stream.
        answer = inner
    message = answer.get("message", answer.get("error", ""))
    code = answer.get("code", answer.get("grpc_code", 0))
    if not isinstance(message, str) or not isinstance(code, int):
        raise DecodeError("not an error of etcd")
    return EtcdFailure(code, message[:500])


def read_lease(answer: Json) -> int:
    """Of lease/grant: its id. Raises DecodeError."""
    return number(answer, "ID")


def read_token(answer: Json) -> str:
    """Of auth/authenticate: what goes into a header. Raises DecodeError."""
    token = string(answer, "token")
    if not (token.isascii() and token.isprintable()):
        raise DecodeError("token is no token")
    return token


def read_page(answer: Json) -> Page:
    """Of kv/range. Raises DecodeError."""
    revision = number(as_object(answer.get("header", {})), "revision")
    items = tuple(_key_value(item) for item in list_of(answer, "kvs"))
    return Page(revision, items, answer.get("more") is True)


def read_created(answer: Json) -> tuple[bool, bytes | None]:
    """Of a create_request: whether it was written, and else what stands there. Raises DecodeError."""
    if answer.get("succeeded") is True:
        return True, None
    for response in list_of(answer, "responses"):
        page = read_page(as_object(as_object(response).get("response_range", {})))
        if page.items:
            return False, page.items[0].value
    return False, None


def read_watch(line: bytes) -> WatchLine:
    """One line of a watch. Raises DecodeError, or EtcdFailure where it is the server's reason to end."""
    answer = as_object(decode(line))
    if "error" in answer:
        raise read_failure(answer)
    result = as_object(answer.get("result", {}))
    return WatchLine(
        number(as_object(result.get("header", {})), "revision"),
        tuple(_change(event) for event in list_of(result, "events")),
        number(result, "compact_revision"),
        result.get("canceled") is True,
        string(result, "cancel_reason")[:500],
    )


def read_time_to_live(answer: Json) -> int:
    """Of lease/keepalive, in seconds; 0 where the lease is no more. Raises DecodeError."""
    return number(as_object(answer.get("result", {})), "TTL")


def _change(event: object) -> Change:
    fields = as_object(event)
    return Change(_key_value(fields.get("kv", {})), fields.get("type") == "DELETE")


def _key_value(item: object) -> KeyValue:
    fields = as_object(item)
    return KeyValue(_raw(fields, "key"), _raw(fields, "value"), number(fields, "mod_revision"))


def _raw(fields: Json, name: str) -> bytes:
    return from_base64(string(fields, name), name)
