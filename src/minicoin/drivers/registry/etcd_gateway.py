"""Calls to an etcd cluster over its JSON gateway: who we are, and what went wrong.

Who we are is a token for a user's password, asked for anew when the server no longer knows it, with the password as its
file has it by then. Where a cluster checks users, its gateway refuses every client certificate with a CommonName
(etcd#10392): certificates for it have subject alternative names only.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, TypeVar

import httpx
import trio

from minicoin.core.faults import DecodeError
from minicoin.core.limits import REGISTRY_ANSWER_BYTES_MAX
from minicoin.drivers.registry.etcd_json import EtcdFailure, encode, read_failure, read_token
from minicoin.drivers.registry.foreign_json import Json, as_object, decode
from minicoin.drivers.registry.http import FAILURES, TIMEOUT_S, HttpServers, NoAnswer, read_body
from minicoin.drivers.registry.port import LeaseLost, RegistryRefused, RegistryUnavailable
from minicoin.drivers.registry.secret import CurrentSecret
from minicoin.drivers.registry.settings import EtcdSettings
from minicoin.drivers.reports import Report

T = TypeVar("T")

# gRPC's numbers.
_INVALID_ARGUMENT: Final = 3
_NOT_FOUND: Final = 5
_PERMISSION_DENIED: Final = 7
_UNAUTHENTICATED: Final = 16
_PLAIN_TEXT_BYTES_MAX: Final = 200
_STALE_TOKEN: Final = ("invalid auth token", "revision of auth store is old")
_ANSWERED: Final = frozenset({_INVALID_ARGUMENT, _NOT_FOUND, _PERMISSION_DENIED, _UNAUTHENTICATED, 9, 11})
"""The cluster's answer, which another endpoint would give as well."""


class EtcdGateway:
    """One cluster."""

    def __init__(self, settings: EtcdSettings, report: Callable[[Report], None]) -> None:
        """Raises MisuseError for certificates or a password that cannot be used."""
        self._settings = settings
        self._servers = HttpServers("etcd", settings.endpoints, settings.tls, report)
        self._password = CurrentSecret(settings.password, lambda: self.endpoint, report)
        self._token = ""

    @property
    def endpoint(self) -> str:
        """The one that is asked first."""
        return self._servers.endpoint

    @property
    def problems(self) -> tuple[str, ...]:
        """What of our own files that were replaced cannot be used."""
        return tuple(filter(None, (self._servers.problem, self._password.problem)))

    async def call(self, path: str, request: Json, read: Callable[[Json], T]) -> T:
        """What one answer says, from whichever endpoint gives it. Raises RegistryUnavailable."""
        raw = encode(request)

        async def ask() -> T:
            try:
                return read(await self._call_as_user(path, raw))
            except EtcdFailure as failure:
                if failure.code in _ANSWERED:
                    raise self._explain(failure) from failure
                raise NoAnswer(failure.message) from failure

        return await self._servers.ask_each(ask)

    @asynccontextmanager
    async def lines(self, path: str, request: Json) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of an answer without an end; one that is too long comes as an empty one. Raises
        RegistryUnavailable."""
        asked = self.endpoint
        try:
            if self._settings.user and not self._token:
                await self._authenticate()
            async with self._begin(path, encode(request)) as response:
                if response.status_code != httpx.codes.OK:
                    with trio.fail_after(TIMEOUT_S):
                        raise _failure_of(response, await read_body(response))
                yield _split(response)
        except EtcdFailure as failure:
            if _is_stale(failure):
                # The next call asks for another.
                self._token = ""
                raise RegistryUnavailable("etcd no longer knows our token") from failure
            raise self._explain(failure) from failure
        except FAILURES as error:
            self._servers.leave(asked)
            raise RegistryUnavailable(f"the watch broke off: {self._servers.words(asked, error)}") from error

    async def close(self) -> None:
        """Close what is open."""
        await self._servers.close()

    # --- as a user ---

    async def _call_as_user(self, path: str, raw: bytes) -> Json:
        if self._settings.user and not self._token:
            await self._authenticate()
        try:
            return await self._post(path, raw)
        except EtcdFailure as failure:
            if not (self._settings.user and _is_stale(failure)):
                raise
        await self._authenticate()
        return await self._post(path, raw)

    async def _authenticate(self) -> None:
        self._token = ""
        who = {"name": self._settings.user, "password": self._password.value}
        self._token = read_token(await self._post("auth/authenticate", encode(who)))

    async def _post(self, path: str, raw: bytes) -> Json:
        """Raises EtcdFailure, or one of FAILURES."""
        with trio.fail_after(TIMEOUT_S):
            async with self._begin(path, raw) as response:
                body = await read_body(response)
        if response.status_code != httpx.codes.OK:
            raise _failure_of(response, body)
        return as_object(decode(body))

    def _begin(self, path: str, raw: bytes) -> AbstractAsyncContextManager[httpx.Response]:
        headers = {"Authorization": self._token} if self._token else {}
        return self._servers.begin("POST", f"v3/{path}", content=raw, headers=headers)

    # --- in words ---

    def _explain(self, failure: EtcdFailure) -> RegistryUnavailable:
        user = self._settings.user
        if "CommonName" in failure.message:
            return RegistryRefused(
                "etcd's gateway refuses our certificate, since it has a CommonName: make registry-cert with subject "
                "alternative names only, and let registry-user say who we are"
            )
        if "user name is empty" in failure.message:
            return RegistryRefused("etcd asks for a user: set registry-user and registry-password-file")
        if "authentication failed" in failure.message:
            return RegistryRefused(
                f"etcd knows no user {user!r} with this password: correct registry-user, or what "
                "registry-password-file holds, which is read again"
            )
        if "authentication is not enabled" in failure.message:
            return RegistryRefused("etcd checks no users: enable its authentication, or leave registry-user out")
        if failure.code == _PERMISSION_DENIED or "permission denied" in failure.message:
            return RegistryRefused(
                f"etcd does not let user {user!r} do this: its role must read {self._settings.prefix}/ and write below "
                "our own peer id there"
            )
        if failure.code == _NOT_FOUND and "lease" in failure.message:
            return LeaseLost("the lease of our entry has expired")
        if failure.code == _UNAUTHENTICATED:
            return RegistryRefused(f"etcd does not take our token: {failure.message}")
        return RegistryUnavailable(f"etcd says: {failure.message}")


def _is_stale(failure: EtcdFailure) -> bool:
    return any(words in failure.message for words in _STALE_TOKEN)


def _failure_of(response: httpx.Response, body: bytes) -> EtcdFailure:
    """Why not; the gateway itself says so in plain text."""
    try:
        return read_failure(as_object(decode(body)))
    except DecodeError:
        code = _INVALID_ARGUMENT if response.status_code == httpx.codes.BAD_REQUEST else 0
        return EtcdFailure(code, body[:_PLAIN_TEXT_BYTES_MAX].decode("ascii", "replace").strip())


async def _split(response: httpx.Response) -> AsyncIterator[bytes]:
    rest = bytearray()
    is_too_long = False
    async for chunk in response.aiter_raw():
        rest += chunk
        *lines, tail = rest.split(b"\n")
        rest = bytearray(tail)
        for line in lines:
            yield b"" if is_too_long else bytes(line)
            is_too_long = False
        if len(rest) > REGISTRY_ANSWER_BYTES_MAX:
            # Its end is looked for, and no more.
            is_too_long = True
            rest.clear()
