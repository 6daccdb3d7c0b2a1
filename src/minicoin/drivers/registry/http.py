"""HTTP to the servers of a registry: which of them, over which TLS, how long, and what went wrong in words.

1. A server that does not answer is left for the next one; what is asked is tried once at each.
2. Every wait has an end, every answer a limit. What is no answer is a word for the operator and nothing else.
3. Certificates that were replaced are taken at the next question; what is still being answered ends as it began.
"""

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, TypeVar

import httpx
import trio

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import REGISTRY_ANSWER_BYTES_MAX, REGISTRY_TIMEOUT_US
from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.port import RegistryRefused, RegistryUnavailable
from minicoin.drivers.registry.settings import TlsFiles
from minicoin.drivers.registry.tls import Tls
from minicoin.drivers.reports import Report

T = TypeVar("T")

TIMEOUT_S: Final = REGISTRY_TIMEOUT_US / SECOND_US
FAILURES: Final = (httpx.HTTPError, DecodeError, trio.TooSlowError)
"""What comes of a server that does not answer, or not in HTTP, or not as it should."""
_CONNECTIONS_MAX: Final = 8


class NoAnswer(Exception):
    """The server says that it cannot answer; another one may."""


class TooLong(DecodeError):
    """An answer of more than REGISTRY_ANSWER_BYTES_MAX."""


@dataclass(slots=True)
class _Pool:
    """Connections of one TLS context."""

    client: httpx.AsyncClient
    context: ssl.SSLContext | None
    answers: int = 0
    """That are being read."""


class HttpServers:
    """Of one registry. `name` is what its operator calls its kind."""

    def __init__(
        self, name: str, endpoints: tuple[str, ...], tls: TlsFiles | None, report: Callable[[Report], None]
    ) -> None:
        """`endpoints` are HOST:PORT. Raises MisuseError for one that no URL can have, or certificates that cannot be
        used."""
        self._name = name
        self._endpoints = endpoints
        self._scheme = "http" if tls is None else "https"
        for endpoint in endpoints:
            _require_url(f"{self._scheme}://{endpoint}", endpoint)
        self._at = 0
        self._tls = None if tls is None else Tls(tls, lambda: self.endpoint, report)
        self._pool = _make_pool(None if self._tls is None else self._tls.context())

    @property
    def endpoint(self) -> str:
        """The one that is asked first."""
        return f"{self._scheme}://{self._endpoints[self._at]}"

    @property
    def problem(self) -> str:
        """Why files of TLS that were replaced are not in use; empty where they are."""
        return "" if self._tls is None else self._tls.problem

    async def ask_each(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What one server answers; `ask` fails with NoAnswer or one of FAILURES where the next may know. Raises
        RegistryUnavailable."""
        why = ""
        for _ in self._endpoints:
            asked = self.endpoint
            try:
                return await ask()
            except NoAnswer as failure:
                why = str(failure)
            except FAILURES as error:
                refusal = _refusal(asked, error)
                if refusal is not None:
                    raise RegistryRefused(refusal) from error
                why = self.words(asked, error)
            self.leave(asked)
        raise RegistryUnavailable(f"{self._name} does not answer: {why}")

    def leave(self, endpoint: str) -> None:
        """The next one is asked first from now on; where several questions failed at one, the first has left it."""
        if endpoint == self.endpoint:
            self._at = (self._at + 1) % len(self._endpoints)

    @asynccontextmanager
    async def begin(
        self,
        method: str,
        path: str,
        *,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        wait_s: float = 0,
    ) -> AsyncIterator[httpx.Response]:
        """An answer of the first server that has begun, and may go on for ever; `wait_s` is how much longer than usual
        the server may take to begin. Raises one of FAILURES."""
        pool = await self._current_pool()
        pool.answers += 1
        try:
            asked = pool.client.build_request(
                method, f"{self.endpoint}/{path}", content=content, headers=headers, timeout=_PATIENCE
            )
            with trio.fail_after(wait_s + TIMEOUT_S):
                response = await pool.client.send(asked, stream=True)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            pool.answers -= 1
            if pool is not self._pool:
                await _close_unused(pool)

    async def close(self) -> None:
        """Close what is open."""
        await self._pool.client.aclose()

    async def _current_pool(self) -> _Pool:
        """With the certificates as they are now."""
        if self._tls is not None and (context := self._tls.context()) is not self._pool.context:
            before, self._pool = self._pool, _make_pool(context)
            await _close_unused(before)
        return self._pool

    def words(self, endpoint: str, error: BaseException) -> str:
        """For the operator: why that one did not answer."""
        if isinstance(error, trio.TooSlowError | httpx.TimeoutException):
            return f"{endpoint} does not answer in time"
        if isinstance(error, httpx.ConnectError) and (not str(error) or "reset" in str(error)):
            # The connection was there, and ended.
            return f"{endpoint} breaks off the TLS handshake: does it speak TLS?"
        if isinstance(error, httpx.ReadError) and self._tls is not None:
            return f"{endpoint} breaks off the connection: does it ask for another certificate (registry-cert)?"
        if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError) and self._tls is None:
            return f"{endpoint} hangs up without an answer: if it speaks TLS, set registry-ca"
        return str(error) or f"{endpoint}: {type(error).__name__}"


def _require_url(url: str, endpoint: str) -> None:
    """Raises MisuseError where each question would fail with something else than one of FAILURES."""
    try:
        # The host is decoded when it is asked for.
        _ = httpx.URL(url).host
    except (httpx.InvalidURL, ValueError) as error:
        raise MisuseError(f"registry: {endpoint!r} is no place of a server: {error}") from error


def _refusal(endpoint: str, error: BaseException) -> str | None:
    """What the operator has to do about a handshake that failed; None where that is not why."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"{endpoint} shows a certificate that registry-ca does not vouch for: {cause.verify_message}"
    if cause is not None and "alert" in str(cause).lower():
        return f"{endpoint} does not take our certificate (registry-cert): {cause.reason}"
    return None


async def read_body(response: httpx.Response) -> bytes:
    """All of an answer. Raises TooLong, or another one of FAILURES."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > REGISTRY_ANSWER_BYTES_MAX:
            raise TooLong(f"an answer of more than {REGISTRY_ANSWER_BYTES_MAX} bytes")
    return bytes(body)


_PATIENCE: Final = httpx.Timeout(TIMEOUT_S, read=None)
"""How long an answer may take its reader says."""


def _make_pool(context: ssl.SSLContext | None) -> _Pool:
    transport = httpx.AsyncHTTPTransport(
        verify=False if context is None else context,
        # A server that vanished without a word is noticed by the kernel.
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)],
        limits=httpx.Limits(max_connections=_CONNECTIONS_MAX),
    )
    client = httpx.AsyncClient(
        transport=transport,
        trust_env=False,
        headers={"Accept-Encoding": "identity"},
        # None is kept: a server could send more and more of them.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )
    return _Pool(client, context)


async def _close_unused(pool: _Pool) -> None:
    if not pool.answers:
        await pool.client.aclose()
