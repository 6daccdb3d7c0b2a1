"""What kazoo runs on: one thread, and sockets that we open, bound and end.

kazoo asks its handler (kazoo.interfaces.IHandler) for every thread, socket, wait and pause; ours decides that

1. there is one thread; whatever it stumbles over ends its session and nothing else, and `abort` ends it within
   moments, also where a server holds a connection and says nothing;
2. an answer of more than REGISTRY_ANSWER_BYTES_MAX is not read: kazoo asks a socket for all of it, knowing its length;
3. TLS is ours: kazoo would compare no names and believe the system's authorities too;
4. a session whose time-out the server changed is none where a lease stands on it (ZooKeeper's ConnectResponse);
5. what went wrong is kept in words.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from struct import Struct
from typing import Final

from kazoo.handlers.threading import KazooTimeoutError
from kazoo.handlers.utils import AsyncResult, create_socket_pair, selector_select
from kazoo.protocol.states import Callback

from minicoin.core.limits import REGISTRY_ANSWER_BYTES_MAX, REGISTRY_TIMEOUT_US
from minicoin.core.units import SECOND_US

_TIMEOUT_S: Final = REGISTRY_TIMEOUT_US / SECOND_US
_GREETING: Final = Struct("!iii")
"""The length of a ConnectResponse, the protocol's version, and the time-out of the session in milliseconds."""


class Conversation:
    """One session's dealings with its servers, as kazoo's thread has them; read from others without a lock."""

    def __init__(
        self,
        make_context: Callable[[], ssl.SSLContext] | None,
        timeout_ms: int | None,
        on_trouble: Callable[[], None],
    ) -> None:
        """`make_context` is called for each connection; `timeout_ms` is what the session's time-out has to be."""
        self._make_context = make_context
        self._timeout_ms = timeout_ms
        self._on_trouble = on_trouble
        self._ended = threading.Event()
        self._open: socket.socket | None = None
        self.place = ""
        """Whom we spoke to last."""
        self.failure = ""
        """What went wrong last; empty while all is in order."""
        self.refusal = ""
        """What somebody has to change before it can be in order; of any server, until one opens the session."""
        self.rounds = 0
        """How often all servers were tried in vain since then, the first time perhaps not all of them."""
        self._is_round_over = False

    @property
    def is_secret(self) -> bool:
        """By TLS."""
        return self._make_context is not None

    # --- connections ---

    def connect(self, address: tuple[str, int], host: str, timeout_s: float) -> "BoundedSocket":
        """Raises OSError."""
        self._is_round_over = False
        self.place = f"[{host}]:{address[1]}" if ":" in host else f"{host}:{address[1]}"
        try:
            return BoundedSocket(self._connect(address, host, min(timeout_s, _TIMEOUT_S)), self)
        except OSError as error:
            is_broken = self.is_secret and isinstance(error, ssl.SSLError | ConnectionResetError)
            self.on_failure(error, "breaks off the TLS handshake: does it speak TLS?" if is_broken else "")
            raise

    def _connect(self, address: tuple[str, int], host: str, timeout_s: float) -> socket.socket:
        plain = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._hold(plain)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.settimeout(timeout_s)
            plain.connect(address)
            if self._make_context is None:
                return plain
            context = self._make_context()
            secret = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        except OSError:
            plain.close()
            raise
        try:
            self._hold(secret)
            secret.do_handshake()
        except OSError:
            secret.close()
            raise
        return secret

    def _hold(self, connection: socket.socket) -> None:
        """From now on `abort` ends it. In this order: it looks for a connection after it has said that this ends."""
        self._open = connection
        if self._ended.is_set():
            raise ConnectionAbortedError("the session ends")

    def abort(self) -> None:
        """Whatever is waited for ends."""
        self._ended.set()
        connection = self._open
        if connection is not None:
            # It may have ended already.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def pause(self, seconds: float) -> None:
        """Before the servers are tried again."""
        if not self._is_round_over:
            self._is_round_over = True
            self.rounds += 1
            self._on_trouble()
        self._ended.wait(seconds)

    # --- what was heard ---

    def on_greeting(self, timeout_ms: int) -> None:
        """The server opens a session. Raises ConnectionAbortedError where it is not the one that we asked for."""
        if timeout_ms <= 0:
            # The session has expired, which kazoo knows.
            return
        if self._timeout_ms is not None and timeout_ms != self._timeout_ms:
            self.refusal = (
                f"{self.place} lets a session live for {timeout_ms / 1_000:g} seconds, not for the "
                f"{self._timeout_ms / 1_000:g} of our entry: set minSessionTimeout and maxSessionTimeout of the "
                "servers so that they allow it"
            )
            raise ConnectionAbortedError(self.refusal)
        self.failure = self.refusal = ""
        self.rounds = 0

    def on_failure(self, error: BaseException, words: str = "") -> None:
        """A connection has failed; `words` say it better than the error."""
        self.refusal = self._refusal(error) or self.refusal
        if isinstance(error, TimeoutError):
            words = "does not answer in time"
        self.failure = f"{self.place} {words}" if words else f"{self.place}: {_words_of(error)}"

    def on_hangup(self, *, is_greeted: bool) -> None:
        """The server has closed the connection."""
        hint = "does it ask for another certificate (registry-cert)?"
        if not self.is_secret:
            hint = "if it speaks TLS, set registry-ca"
        self.failure = f"{self.place} " + (
            "ends the connection" if is_greeted else f"hangs up without an answer: {hint}"
        )

    def _refusal(self, error: BaseException) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"{self.place} shows a certificate that registry-ca does not vouch for: {error.verify_message}"
        if isinstance(error, ssl.SSLError) and "alert" in str(error).lower():
            return f"{self.place} does not take our certificate (registry-cert): {error.reason}"
        return ""


class BoundedSocket:
    """A connection as kazoo uses it."""

    def __init__(self, connection: socket.socket, conversation: Conversation) -> None:
        self._connection = connection
        self._conversation = conversation
        self._greeting = bytearray()

    @property
    def _is_greeted(self) -> bool:
        return len(self._greeting) == _GREETING.size

    def fileno(self) -> int:
        """For waiting."""
        return self._connection.fileno()

    def setblocking(self, flag: bool) -> None:
        """As sockets have it."""
        self._connection.setblocking(flag)

    def pending(self) -> int:
        """Bytes that were received and decrypted; waiting for the socket would not tell of them."""
        return self._connection.pending() if isinstance(self._connection, ssl.SSLSocket) else 0

    def send(self, raw: bytes) -> int:
        """As sockets have it."""
        return self._connection.send(raw)

    def recv(self, size: int) -> bytes:
        """As sockets have it; `size` is what is missing of an answer. Raises OSError."""
        talk = self._conversation
        try:
            if size > REGISTRY_ANSWER_BYTES_MAX:
                hint = "" if talk.is_secret else "; if it speaks TLS, set registry-ca"
                raise ConnectionAbortedError(f"an answer of {size} bytes is none of ZooKeeper's{hint}")
            chunk = self._connection.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except (ConnectionResetError, ssl.SSLEOFError):
            talk.on_hangup(is_greeted=self._is_greeted)
            raise
        except OSError as error:
            talk.on_failure(error)
            raise
        if not chunk:
            talk.on_hangup(is_greeted=self._is_greeted)
        elif not self._is_greeted:
            self._greeting += chunk[: _GREETING.size - len(self._greeting)]
            if self._is_greeted:
                talk.on_greeting(_GREETING.unpack(self._greeting)[2])
        return chunk

    def close(self) -> None:
        """As sockets have it."""
        self._connection.close()


class OneThread:
    """What kazoo asks for (kazoo.interfaces.IHandler). Answers and watches are told on its thread, by functions that
    only pass them on."""

    name: Final = "minicoin"
    timeout_exception: Final = KazooTimeoutError
    running: Final = False
    """kazoo's results then call those who wait for them at once, instead of by another thread."""

    def __init__(self, conversation: Conversation, on_end: Callable[[], None]) -> None:
        """`on_end` is told when the thread has ended."""
        self._conversation = conversation
        self._on_end = on_end

    def start(self) -> None:
        """There is nothing that waits for work."""

    def stop(self) -> None:
        """See start."""

    def spawn(self, work: Callable[[], None]) -> threading.Thread:
        """kazoo's loop."""
        talk = self._conversation

        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - the supervisor of a library's thread: whatever a server's answer does to it ends this session, which has a successor
                talk.failure = f"{talk.place} gives an answer that is none ({error!r:.100})"
            finally:
                self._on_end()

        thread = threading.Thread(target=run, name="zookeeper", daemon=True)
        thread.start()
        return thread

    def create_connection(
        self, address: tuple[str, int], hostname: str, timeout: float, **given: object
    ) -> BoundedSocket:
        """What else is given, of TLS, is ours to say."""
        return self._conversation.connect(address, hostname, timeout)

    def select(
        self, read: Sequence[object], write: Sequence[object], other: Sequence[object], timeout: float
    ) -> tuple[Sequence[object], Sequence[object], Sequence[object]]:
        """Wait for sockets."""
        ready = [one for one in read if isinstance(one, BoundedSocket) and one.pending()]
        if ready:
            return ready, [], []
        found: tuple[Sequence[object], Sequence[object], Sequence[object]] = selector_select(
            read, write, other, min(timeout, _TIMEOUT_S)
        )
        return found

    def sleep_func(self, seconds: float) -> None:
        """Between two tries."""
        self._conversation.pause(seconds)

    def dispatch_callback(self, callback: Callback) -> None:
        """Of a watch."""
        callback.func(*callback.args)

    def async_result(self) -> AsyncResult:
        """Of a call."""
        return AsyncResult(self, threading.Condition, KazooTimeoutError)

    def create_socket_pair(self) -> tuple[socket.socket, socket.socket]:
        """By which kazoo wakes its thread."""
        pair: tuple[socket.socket, socket.socket] = create_socket_pair(socket)
        return pair

    def event_object(self) -> threading.Event:
        """As threads have them."""
        return threading.Event()


def _words_of(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
