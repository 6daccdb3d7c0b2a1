"""Calls of Consul's HTTP API (/v1): sessions, keys and values, and blocking queries; who we are, and what went wrong.

1. Who we are is a token in a header, as its file has it at each question. What it may not do is a refusal that says
   which rule is missing, but lists leave out without a word what it may not read; `read` of one key does not.
2. Any agent or server of a cluster passes calls on to the leader; one that has none is left for the next.
3. X-Consul-Index says how far the store was, and makes the next query wait for what comes behind it. It orders the
   changes of one store and decides nothing else.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from urllib.parse import quote

import httpx
import trio

from minicoin.core.faults import DecodeError
from minicoin.core.limits import REGISTRY_VALUE_BYTES_MAX
from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.foreign_json import Json, as_list, as_object, decode, from_base64, list_of, string
from minicoin.drivers.registry.http import TIMEOUT_S, HttpServers, NoAnswer, TooLong, read_body
from minicoin.drivers.registry.port import LeaseLost, RegistryRefused, RegistryUnavailable
from minicoin.drivers.registry.secret import CurrentSecret
from minicoin.drivers.registry.settings import ConsulSettings
from minicoin.drivers.reports import Report

T = TypeVar("T")

_WORDS_BYTES_MAX: Final = 300
_INDEX_DIGITS_MAX: Final = 20
_BASE64_CHARACTERS_MAX: Final = -(-REGISTRY_VALUE_BYTES_MAX // 3) * 4
_WAIT_MORE: Final = 1 / 16
"""By so much of it at most Consul lengthens a wait, so that not all queries come back at once."""
_DENIED: Final = "Permission denied"
_EXPIRED: Final = "the session of our entry has expired"
_SESSION_RULE: Final = 'session "AGENT" { policy = "write" }, AGENT being the name of the agent that is asked'


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A key with its value; None for one that is too long."""

    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Listing:
    """What stood there; None for more than an answer may hold."""

    index: int
    items: tuple[StoredValue, ...] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """As it came."""

    status: int
    index: str
    body: bytes | None
    """None: too long."""

    @property
    def words(self) -> str:
        """Consul's own."""
        return (self.body or b"")[:_WORDS_BYTES_MAX].decode("ascii", "replace").strip() or f"status {self.status}"


class ConsulApi:
    """One cluster. Keys are those below the prefix of its settings."""

    def __init__(self, settings: ConsulSettings, report: Callable[[Report], None]) -> None:
        """Raises MisuseError for certificates or a token that cannot be used."""
        self._servers = HttpServers("Consul", settings.endpoints, settings.tls, report)
        self._root = settings.prefix.removeprefix("/") + "/"
        self._token = CurrentSecret(settings.token, lambda: self.endpoint, report)

    @property
    def endpoint(self) -> str:
        """The one that is asked first."""
        return self._servers.endpoint

    @property
    def problems(self) -> tuple[str, ...]:
        """What of our own files that were replaced cannot be used."""
        return tuple(filter(None, (self._servers.problem, self._token.problem)))

    async def close(self) -> None:
        """Close what is open."""
        await self._servers.close()

    # --- sessions ---

    async def create_session(self, ttl_us: int) -> str:
        """Its id. What it has locked is deleted when it ends, which it does when nobody has renewed it for its time, or
        for twice that time at most."""
        asked = {
            "Name": "minicoin",
            "TTL": f"{-(-ttl_us * 1_000 // SECOND_US)}ms",
            "Behavior": "delete",
            # Who takes over need not wait, and whether the agent that we ask is well says nothing of us.
            "LockDelay": "0s",
            "NodeChecks": [],
        }
        return await self._ask("PUT", "session/create", _SESSION_RULE, read_session, json.dumps(asked).encode())

    async def renew_session(self, session: str) -> None:
        """Raises LeaseLost where it is no more."""
        await self._ask("PUT", f"session/renew/{quote(session)}", _SESSION_RULE, _read_renewed)

    async def destroy_session(self, session: str) -> None:
        """And delete what it has locked."""
        await self._ask("PUT", f"session/destroy/{quote(session)}", _SESSION_RULE, _read_done)

    # --- values ---

    async def read(self, key: str) -> bytes | None:
        """None where nothing stands, or something that is too long. Where we may not read, this is a refusal, whereas
        lists leave it out."""
        return await self._ask("GET", self._path(key), self._read_rule, _read_value)

    async def put(self, key: str, value: bytes) -> None:
        """Let a value stand until it is replaced or removed."""
        await self._ask("PUT", self._path(key), self._write_rule(key), _read_done, value)

    async def remove(self, key: str) -> None:
        """Nothing stands there any more."""
        await self._ask("DELETE", self._path(key), self._write_rule(key), _read_done)

    async def lock(self, key: str, value: bytes, session: str) -> None:
        """Let a value stand as long as a session does, whoever had locked it before: in one step, so that nobody sees
        it missing. Raises LeaseLost where the session is no more."""
        full = self._root + key
        lock = {"Verb": "lock", "Key": full, "Value": b64encode(value).decode(), "Session": session}
        steps = [{"KV": {"Verb": "delete", "Key": full}}, {"KV": lock}]
        why = await self._ask("PUT", "txn", self._write_rule(key), _read_conflict, json.dumps(steps).encode())
        if _DENIED in why:
            raise self._refusal(self._write_rule(key))
        if "invalid session" in why:
            raise LeaseLost(_EXPIRED)
        if why:
            raise RegistryUnavailable(f"Consul says: {why}")

    # --- all that is there ---

    async def list_below(self, folder: str = "", index: int = 0, wait_s: float = 0) -> Listing:
        """As soon as something is there that is newer than an index, or after a time."""
        query = f"?recurse&index={index}&wait={wait_s:.3f}s" if index else "?recurse"
        listing = await self._ask(
            "GET", self._path(folder) + query, self._list_rule, _read_listing, wait_s=wait_s * (1 + _WAIT_MORE)
        )
        if listing.items is None:
            return listing
        # A server may answer what was not asked.
        ours = tuple(
            replace(item, key=item.key.removeprefix(self._root))
            for item in listing.items
            if item.key.startswith(self._root)
        )
        return Listing(listing.index, ours)

    async def folders(self) -> tuple[str, ...]:
        """The names of the next level, each with its slash."""
        names = await self._ask("GET", f"{self._path('')}?keys&separator=/", self._list_rule, _read_folders)
        return tuple(name.removeprefix(self._root) for name in names if name.startswith(self._root))

    # --- one call ---

    async def _ask(
        self, method: str, path: str, rule: str, read: Callable[[Answer], T], content: bytes = b"", *, wait_s: float = 0
    ) -> T:
        """What an answer comes to; `rule` is what our token's policy must have for it. Raises RegistryUnavailable."""

        async def ask() -> T:
            answer = await self._fetch(method, path, content, wait_s)
            match answer.status:
                case httpx.codes.OK | httpx.codes.NOT_FOUND | httpx.codes.CONFLICT:
                    return read(answer)
                case httpx.codes.FORBIDDEN if "ACL not found" in answer.words:
                    raise RegistryRefused(
                        "Consul does not know our token: correct what registry-token-file holds, which is read again"
                    )
                case httpx.codes.FORBIDDEN:
                    raise self._refusal(rule)
                case httpx.codes.BAD_REQUEST if "HTTPS server" in answer.words:
                    raise NoAnswer(f"{self.endpoint} speaks TLS: set registry-ca")
                case _ if "Invalid Session TTL" in answer.words:
                    raise RegistryRefused(f"Consul's session_ttl_min is too long for our entry: {answer.words}")
                case _:
                    raise NoAnswer(answer.words)

        return await self._servers.ask_each(ask)

    async def _fetch(self, method: str, path: str, content: bytes, wait_s: float) -> Answer:
        """Raises one of FAILURES."""
        token = self._token.value
        headers = {"X-Consul-Token": token} if token else {}
        begun = self._servers.begin(method, f"v1/{path}", content=content, headers=headers, wait_s=wait_s)
        with trio.fail_after(wait_s + TIMEOUT_S):
            async with begun as response:
                try:
                    body = await read_body(response)
                except TooLong:
                    # Its head counts: what stands there can be read in parts.
                    body = None
        return Answer(response.status_code, response.headers.get("X-Consul-Index", ""), body)

    def _path(self, key: str) -> str:
        return f"kv/{quote(self._root + key)}"

    # --- in words ---

    @property
    def _read_rule(self) -> str:
        return f'key_prefix "{self._root}" {{ policy = "read" }}'

    @property
    def _list_rule(self) -> str:
        """Only asked for where Consul's `enable_key_list_policy` is on."""
        return f'key_prefix "{self._root}" {{ policy = "list" }}'

    def _write_rule(self, key: str) -> str:
        return f'key_prefix "{self._root}{key.partition("/")[0]}/" {{ policy = "write" }}'

    def _refusal(self, rule: str) -> RegistryRefused:
        if not self._token.value:
            return RegistryRefused(f"Consul asks for a token: set registry-token-file to one whose policy has {rule}")
        return RegistryRefused(f"Consul does not let our token do this: its policy needs {rule}")


# --- what answers say ---


def read_session(answer: Answer) -> str:
    """Of session/create: its id. Raises DecodeError."""
    return string(as_object(decode(_body_of(answer))), "ID")


def read_values(raw: bytes) -> tuple[StoredValue, ...]:
    """Of kv/KEY, with or without `recurse`. Raises DecodeError."""
    return tuple(_value_of(as_object(item)) for item in as_list(decode(raw), "the answer"))


def read_folders(raw: bytes) -> tuple[str, ...]:
    """Of kv/PREFIX?keys&separator=/: without the keys. Raises DecodeError."""
    names = as_list(decode(raw), "the answer")
    return tuple(name for name in names if isinstance(name, str) and name.endswith("/"))


def read_conflict(raw: bytes) -> str:
    """Of a transaction that was not done: why. Raises DecodeError."""
    errors = [string(as_object(error), "What") for error in list_of(as_object(decode(raw)), "Errors")]
    return "; ".join(errors)[:_WORDS_BYTES_MAX] or "a conflict"


def _value_of(item: Json) -> StoredValue:
    # An empty value is null.
    text = "" if item.get("Value") is None else string(item, "Value")
    value = None if len(text) > _BASE64_CHARACTERS_MAX else from_base64(text, "Value")
    return StoredValue(string(item, "Key"), value)


def _read_value(answer: Answer) -> bytes | None:
    if _is_nothing(answer):
        return None
    standing = read_values(_body_of(answer))
    return standing[0].value if standing else None


def _read_listing(answer: Answer) -> Listing:
    if _is_nothing(answer):
        return Listing(_index_of(answer), ())
    return Listing(_index_of(answer), None if answer.body is None else read_values(answer.body))


def _read_folders(answer: Answer) -> tuple[str, ...]:
    return () if _is_nothing(answer) else read_folders(_body_of(answer))


def _read_conflict(answer: Answer) -> str:
    """Empty where there was none."""
    return read_conflict(_body_of(answer)) if answer.status == httpx.codes.CONFLICT else _read_done(answer)


def _read_renewed(answer: Answer) -> None:
    if answer.status == httpx.codes.NOT_FOUND:
        raise LeaseLost(_EXPIRED)
    _read_done(answer)


def _read_done(answer: Answer) -> str:
    if answer.status != httpx.codes.OK:
        raise DecodeError(f"{answer.words} (status {answer.status})")
    return ""


def _is_nothing(answer: Answer) -> bool:
    """Consul says so with an index, others without."""
    return answer.status == httpx.codes.NOT_FOUND and _index_of(answer) >= 0


def _body_of(answer: Answer) -> bytes:
    if answer.body is None:
        raise TooLong("an answer that is too long")
    return answer.body


def _index_of(answer: Answer) -> int:
    if not (answer.index.isascii() and answer.index.isdigit() and len(answer.index) <= _INDEX_DIGITS_MAX):
        raise DecodeError(f"{answer.words}, without an X-Consul-Index")
    return int(answer.index)
