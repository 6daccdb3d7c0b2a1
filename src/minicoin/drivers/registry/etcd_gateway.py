"""Calls to an etcd cluster over its JSON gateway: which endpoint, who we are, what went wrong.

An endpoint that does not answer is left for the next one; a call is tried once at each. Who we are is a token for a
user's password, asked for anew when the server no longer knows it. Where a cluster checks users, its gateway refuses
every client certificate with a CommonName (etcd#10392): certificates for it have subject alternative names only.
"""

import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import httpx
import trio

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import REGISTRY_ANSWER_BYTES_MAX, REGISTRY_TIMEOUT_US
from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.etcd_json import EtcdFailure, Json, decode, encode, read_failure, read_token
from minicoin.drivers.registry.port import RegistryRefused, RegistryUnavailable
from minicoin.drivers.registry.settings import EtcdSettings

T = TypeVar("T")

_TIMEOUT_S: Final = REGISTRY_TIMEOUT_US / SECOND_US
# gRPC's numbers.
_INVALID_ARGUMENT: Final = 3
_NOT_FOUND: Final = 5
_PERMISSION_DENIED: Final = 7
_UNAUTHENTICATED: Final = 16
_PLAIN_TEXT_BYTES_MAX: Final = 200
_STALE_TOKEN: Final = ("invalid auth token", "revision of auth store is old")
_ANSWERED: Final = frozenset({_INVALID_ARGUMENT, _NOT_FOUND, _PERMISSION_DENIED, _UNAUTHENTICATED, 9, 11})
"""The cluster's answer, which another endpoint would give as well."""


class LeaseLost(RegistryUnavailable):
    """The lease is no more; what stood under it is gone."""


class EtcdGateway:
    """One cluster."""

    def __init__(self, settings: EtcdSettings) -> None:
        """Raises MisuseError for certificates that cannot be used."""
        self._settings = settings
        self._scheme = "http" if settings.ca is None else "https"
        self._at = 0
        self._token = ""
        transport = httpx.AsyncHTTPTransport(
            verify=False if settings.ca is None else _tls(settings),
            # A server that vanished without a word is noticed by the kernel.
            socket_options=[
                (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
                (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            ],
            limits=httpx.Limits(max_connections=8),
        )
        timeout = httpx.Timeout(_TIMEOUT_S)
        self._client = httpx.AsyncClient(
            transport=transport, timeout=timeout, trust_env=False, headers={"Accept-Encoding": "identity"}
        )

    @property
    def endpoint(self) -> str:
        """The one that is asked first."""
        return f"{self._scheme}://{self._settings.endpoints[self._at]}"

    async def call(self, path: str, request: Json, read: Callable[[Json], T]) -> T:
        """What one answer says, from whichever endpoint gives it. Raises RegistryUnavailable."""
        raw = encode(request)
        why = ""
        for _ in self._settings.endpoints:
            try:
                return read(await self._call_as_user(path, raw))
            except EtcdFailure as failure:
                if failure.code in _ANSWERED:
                    raise self._explain(failure) from failure
                why = failure.message
            except (httpx.HTTPError, DecodeError, trio.TooSlowError) as error:
                refusal = self._tls_refusal(error)
                if refusal is not None:
                    raise RegistryRefused(refusal) from error
                why = self._words(error)
            self._move_on()
        raise RegistryUnavailable(f"etcd does not answer: {why}")

    @asynccontextmanager
    async def lines(self, path: str, request: Json) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of an answer without an end; one that is too long comes as an empty one. Raises
        RegistryUnavailable."""
        try:
            if self._settings.user and not self._token:
                await self._authenticate()
            response = await self._open(path, encode(request))
            try:
                yield _split(response)
            finally:
                await response.aclose()
        except EtcdFailure as failure:
            if _is_stale(failure):
                # The next call asks for another.
                self._token = ""
                raise RegistryUnavailable("etcd no longer knows our token") from failure
            raise self._explain(failure) from failure
        except (httpx.HTTPError, DecodeError, trio.TooSlowError) as error:
            self._move_on()
            raise RegistryUnavailable(f"the watch broke off: {self._words(error)}") from error

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    # --- one endpoint ---

    async def _open(self, path: str, raw: bytes) -> httpx.Response:
        """An answer that has begun, and may go on for ever. Raises as `_post` does."""
        timeout = httpx.Timeout(_TIMEOUT_S, read=None)
        asked = self._client.build_request(
            "POST", self._url(path), content=raw, headers=self._headers(), timeout=timeout
        )
        with trio.fail_after(_TIMEOUT_S):
            response = await self._client.send(asked, stream=True)
            if response.status_code == httpx.codes.OK:
                return response
            try:
                raise _failure_of(response, await _read(response))
            finally:
                await response.aclose()

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
        who = {"name": self._settings.user, "password": self._settings.password}
        self._token = read_token(await self._post("auth/authenticate", encode(who)))

    async def _post(self, path: str, raw: bytes) -> Json:
        """Raises EtcdFailure, httpx.HTTPError, trio.TooSlowError or DecodeError."""
        with trio.fail_after(_TIMEOUT_S):
            async with self._client.stream("POST", self._url(path), content=raw, headers=self._headers()) as response:
                body = await _read(response)
        if response.status_code != httpx.codes.OK:
            raise _failure_of(response, body)
        return decode(body)

    def _url(self, path: str) -> str:
        return f"{self.endpoint}/v3/{path}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": self._token} if self._token else {}

    def _move_on(self) -> None:
        self._at = (self._at + 1) % len(self._settings.endpoints)

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
            return RegistryRefused(f"etcd knows no user {user!r} with this password (registry-user)")
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

    def _tls_refusal(self, error: BaseException) -> str | None:
        """What the operator has to do about a handshake that failed; None where that is not why."""
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__ or cause.__context__
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"{self.endpoint} shows a certificate that registry-ca does not vouch for: {cause.verify_message}"
        if cause is not None and "alert" in str(cause).lower():
            return f"{self.endpoint} does not take our certificate (registry-cert): {cause.reason}"
        return None

    def _words(self, error: BaseException) -> str:
        if isinstance(error, httpx.ConnectError) and (not str(error) or "reset" in str(error)):
            # The connection was there, and ended.
            return f"{self.endpoint} breaks off the TLS handshake: does it speak TLS?"
        if isinstance(error, httpx.ReadError) and self._settings.ca is not None:
            return f"{self.endpoint} breaks off the connection: does it ask for another certificate (registry-cert)?"
        if isinstance(error, httpx.RemoteProtocolError) and self._settings.ca is None:
            return f"{self.endpoint} hangs up without an answer: if it speaks TLS, set registry-ca"
        return str(error) or f"{self.endpoint}: {type(error).__name__}"


def _tls(settings: EtcdSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca)
        if settings.cert is not None:
            context.load_cert_chain(settings.cert, settings.key)
    except (OSError, ssl.SSLError) as error:
        raise MisuseError(
            f"registry-ca, registry-cert or registry-key is no certificate or key as PEM, or they do not match: {error}"
        ) from error
    return context


def _is_stale(failure: EtcdFailure) -> bool:
    return any(words in failure.message for words in _STALE_TOKEN)


def _failure_of(response: httpx.Response, body: bytes) -> EtcdFailure:
    """Why not; the gateway itself says so in plain text."""
    try:
        return read_failure(decode(body))
    except DecodeError:
        code = _INVALID_ARGUMENT if response.status_code == httpx.codes.BAD_REQUEST else 0
        return EtcdFailure(code, body[:_PLAIN_TEXT_BYTES_MAX].decode("ascii", "replace").strip())


async def _read(response: httpx.Response) -> bytes:
    """The body. Raises DecodeError where it is too long."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > REGISTRY_ANSWER_BYTES_MAX:
            raise DecodeError(f"an answer of more than {REGISTRY_ANSWER_BYTES_MAX} bytes")
    return bytes(body)


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
