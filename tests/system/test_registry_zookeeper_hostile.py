"""A ZooKeeper that is not one: whatever it answers, the client ends with a word, holds little, and never waits for
ever."""

import socket
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from tests.no_files import no_file_left
from tests.waiting import hang_guard, wait_until, wait_until_async

from minicoin.core.limits import REGISTRY_ANSWER_BYTES_MAX, REGISTRY_VALUE_BYTES_MAX
from minicoin.drivers.registry.port import RegistryRefused, RegistryUnavailable
from minicoin.drivers.registry.settings import ZooKeeperSettings
from minicoin.drivers.registry.zookeeper import ZooKeeperRegistry

from .registries import LEASE_US, Seen, unheard

pytestmark = [
    pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning"),
    # kazoo's, where an event is of an unknown kind.
    pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning"),
]

_EXISTS, _CHILDREN, _PING = 3, 8, 11
"""Types of requests."""
_NO_NODE = -101
_WATCH_XID = -1

Answer = Callable[[int, int, str], bytes]
"""What is sent for a request: its number, its type, and the path that it names."""


def frame(body: bytes) -> bytes:
    return struct.pack("!i", len(body)) + body


def greeting(timeout_ms: int = 10_000) -> bytes:
    return frame(struct.pack("!iiq", 0, timeout_ms, 7) + struct.pack("!i", 16) + bytes(16) + b"\0")


def reply(xid: int, body: bytes = b"", error: int = 0) -> bytes:
    return frame(struct.pack("!iqi", xid, 1, error) + body)


def stat(size: int, mark: int = 1) -> bytes:
    return struct.pack("!qqqqiiiqiiq", mark, mark, 0, 0, 0, 0, 0, 0, size, 0, 0)


def names(*given: bytes | None) -> bytes:
    listed = (struct.pack("!i", -1) if name is None else struct.pack("!i", len(name)) + name for name in given)
    return struct.pack("!i", len(given)) + b"".join(listed)


def value(raw: bytes | None, size: int) -> bytes:
    head = struct.pack("!i", -1) if raw is None else struct.pack("!i", len(raw)) + raw
    return head + stat(size)


def event(path: bytes, kind: int = 4) -> bytes:
    return reply(_WATCH_XID, struct.pack("!ii", kind, 3) + struct.pack("!i", len(path)) + path)


@asynccontextmanager
async def liar(first: bytes, answer: Answer | None = None) -> AsyncIterator[ZooKeeperRegistry]:
    """A client of a server that greets and answers so; without `answer` it says nothing more."""

    async def serve(stream: trio.SocketStream) -> None:
        try:
            await _read_frame(stream)
            await stream.send_all(first)
            while (request := await _read_frame(stream)) is not None:
                xid, kind = struct.unpack("!ii", request[:8])
                path = request[12 : 12 + struct.unpack("!i", request[8:12])[0]] if len(request) > 12 else b""
                if answer is not None:
                    await stream.send_all(reply(xid) if kind == _PING else answer(xid, kind, path.decode()))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    before = set(threading.enumerate())
    async with trio.open_nursery() as nursery:
        (listener, *_) = await nursery.start(trio.serve_tcp, serve, 0)
        registry = ZooKeeperRegistry(
            ZooKeeperSettings((f"127.0.0.1:{listener.socket.getsockname()[1]}",), "/m"), unheard
        )
        try:
            yield registry
        finally:
            with hang_guard("the end"):
                await registry.close()
            nursery.cancel_scope.cancel()
    kazoos = {thread for thread in threading.enumerate() if thread.name.startswith("zookeeper")}
    wait_until(lambda: not any(thread.is_alive() for thread in kazoos - before), "the end of the threads")


async def _read_frame(stream: trio.SocketStream) -> bytes | None:
    raw = bytearray()
    while len(raw) < 4 or len(raw) < 4 + struct.unpack("!i", raw[:4])[0]:
        wanted = 4 - len(raw) if len(raw) < 4 else 4 + struct.unpack("!i", raw[:4])[0] - len(raw)
        chunk = await stream.receive_some(wanted)
        if not chunk:
            return None
        raw += chunk
    return bytes(raw[4:])


@pytest.mark.parametrize(
    "first",
    [
        struct.pack("!i", 2**31 - 1) + b"x",
        struct.pack("!i", REGISTRY_ANSWER_BYTES_MAX + 1) + b"x",
        struct.pack("!i", -1),
        struct.pack("!i", 0),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        frame(b"short"),
        frame(bytes(3)),
        greeting(0),
        greeting(-5),
    ],
)
def test_a_greeting_that_is_none_ends_with_a_word(first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minicoin.drivers.registry.zookeeper_session._TIMEOUT_S", 1)

    async def main() -> None:
        async with liar(first) as registry:
            with hang_guard("the call"), pytest.raises(RegistryUnavailable, match="ZooKeeper does not answer: "):
                await registry.put("one/node", b"1")

    trio.run(main)


def test_servers_that_no_name_leads_to_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minicoin.drivers.registry.zookeeper_session._TIMEOUT_S", 1)

    def no_such_name(*words: object) -> None:
        raise socket.gaierror("no such name")

    async def main() -> None:
        registry = ZooKeeperRegistry(ZooKeeperSettings(("zk1.example:2181", "zk2.example:2181"), "/m"), unheard)
        with (
            monkeypatch.context() as patched,
            pytest.raises(RegistryUnavailable, match="none of its servers is found by name"),
        ):
            patched.setattr("kazoo.protocol.connection.socket.getaddrinfo", no_such_name)
            await registry.put("one/node", b"1")
        await registry.close()

    trio.run(main)


def test_the_word_for_another_protocol_guesses_tls() -> None:
    async def main() -> None:
        async with liar(b"\x15\x03\x03\x00\x02\x02\x50") as registry:
            with pytest.raises(RegistryUnavailable, match=r"none of ZooKeeper's; if it speaks TLS, set registry-ca"):
                await registry.put("one/node", b"1")

    trio.run(main)


@pytest.mark.parametrize("timeout_ms", [1, 2**31 - 1])
def test_a_session_of_another_length_carries_no_lease(timeout_ms: int) -> None:
    async def main() -> None:
        async with liar(greeting(timeout_ms), lambda xid, kind, path: reply(xid)) as registry:
            with hang_guard("the lease"), pytest.raises(RegistryRefused, match="lets a session live for"):
                await registry.hold("one/node", b"1", LEASE_US, Seen())

    trio.run(main)


@pytest.mark.parametrize("first", [b"", greeting()])
def test_a_server_that_says_nothing_is_given_up(first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minicoin.drivers.registry.zookeeper_session._TIMEOUT_S", 0.2)

    async def main() -> None:
        async with liar(first) as registry:
            for act in (
                lambda: registry.watch(Seen()),
                lambda: registry.put("one/node", b"1"),
                lambda: registry.hold("one/node", b"1", LEASE_US, Seen()),
            ):
                with hang_guard("the call"), pytest.raises(RegistryUnavailable):
                    await act()

    trio.run(main)


@pytest.mark.parametrize(
    "answer",
    [
        lambda xid, kind, path: reply(xid + 1),
        lambda xid, kind, path: reply(xid, error=-12_345),
        lambda xid, kind, path: reply(xid, b"\xff"),
        lambda xid, kind, path: reply(xid, struct.pack("!i", 2**31 - 1)),
        lambda xid, kind, path: reply(xid) + reply(xid) + reply(xid),
        lambda xid, kind, path: reply(-4) + reply(-4),
        lambda xid, kind, path: event(b"\xff\xff"),
        lambda xid, kind, path: frame(b""),
        lambda xid, kind, path: reply(-1, b"x"),
    ],
)
def test_an_answer_that_is_none_ends_with_a_word(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minicoin.drivers.registry.zookeeper_session._TIMEOUT_S", 1)

    async def main() -> None:
        async with liar(greeting(), answer) as registry:
            for act in (lambda: registry.watch(Seen()), lambda: registry.hold("a/node", b"", 10_000_000, Seen())):
                with hang_guard("the call"), pytest.raises(RegistryUnavailable) as failure:
                    await act()
                assert str(failure.value)

    trio.run(main)


def test_names_and_values_that_are_none_are_left_out() -> None:
    odd = (None, b"", b".", b"..", b"a/b", "\N{SNOWMAN}".encode(), b"with blank", b"x" * 300, b"good")

    def answer(xid: int, kind: int, path: str) -> bytes:
        depth = path.removeprefix("/m").count("/")
        if kind == _EXISTS:
            return reply(xid, stat(5 if depth == 2 else 0))
        if kind == _CHILDREN:
            return reply(xid, names(*odd) if depth == 0 else names(b"node", b"lies", b"nothing", b"gone"))
        match path.rpartition("/")[2]:
            case "node":
                return reply(xid, value(b"right", 5))
            case "lies":
                return reply(xid, value(b"x" * (REGISTRY_VALUE_BYTES_MAX + 1), 5))
            case "nothing":
                return reply(xid, value(None, 5))
        return reply(xid, error=_NO_NODE)

    async def main() -> None:
        seen = Seen()
        async with liar(greeting(), answer) as registry, trio.open_nursery() as nursery:
            nursery.start_soon(registry.watch, seen)
            with hang_guard("the reading"):
                await wait_until_async(lambda: seen.wholes, "all of it")
            nursery.cancel_scope.cancel()
        assert seen.values == {"good/node": b"right", "good/nothing": b""}
        assert [reason.split(":")[0] for reason in seen.ignored] == ["good/lies"]

    trio.run(main)


def test_a_folder_of_more_names_than_there_is_room_for_costs_no_more_than_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("minicoin.drivers.registry.zookeeper_tree.REGISTRY_NODES_MAX", 30)
    monkeypatch.setattr("minicoin.drivers.registry.zookeeper_tree._PATHS_MAX", 300)
    asked: dict[str, None] = {}

    def answer(xid: int, kind: int, path: str) -> bytes:
        asked[path] = None
        if path == "/m":
            return reply(xid, stat(0) if kind == _EXISTS else names(*(b"%08d" % number for number in range(200_000))))
        if kind == _CHILDREN:
            return reply(xid, names(*(b"%08d" % number for number in range(100_000 if len(asked) < 3 else 70))))
        return reply(xid, stat(0))

    async def main() -> None:
        seen = Seen()
        async with liar(greeting(), answer) as registry, trio.open_nursery() as nursery:
            nursery.start_soon(registry.watch, seen)
            with hang_guard("the reading"):
                await wait_until_async(lambda: seen.wholes, "all of it")
            nursery.cancel_scope.cancel()
        assert seen.values == {} and seen.ignored[0] == "200000 nodes in /m are too many"
        assert len([path for path in asked if path.startswith("/m/")]) == 300

    trio.run(main)


def test_nodes_that_come_and_go_without_end_end_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each one that was seen in its folder and is gone when it is looked at leaves a watch behind."""
    monkeypatch.setattr("minicoin.drivers.registry.zookeeper_session.REGISTRY_KEYS_MAX", 300)
    turn = 0

    def answer(xid: int, kind: int, path: str) -> bytes:
        nonlocal turn
        if path == "/m":
            return reply(xid, stat(0) if kind == _EXISTS else names(b"one"))
        if kind == _CHILDREN:
            turn += 1
            listed = reply(xid, names(*(b"%d-%d" % (turn, number) for number in range(60))))
            return listed + event(b"/m/one")
        return reply(xid, stat(0)) if path == "/m/one" else reply(xid, error=_NO_NODE)

    async def main() -> None:
        async with liar(greeting(), answer) as registry:
            with hang_guard("the end of the watch"), pytest.raises(RegistryUnavailable, match="have come and gone"):
                await registry.watch(Seen())
        assert turn == 300 // 60 + 1

    trio.run(main)


def test_endless_pings_and_foreign_events_change_nothing() -> None:
    def answer(xid: int, kind: int, path: str) -> bytes:
        noise = (reply(-2) + event(b"/elsewhere") + event(b"/m/one/records", 99)) * 1_000
        if path == "/m":
            return noise + reply(xid, stat(0) if kind == _EXISTS else names())
        return noise + reply(xid, stat(0))

    async def main() -> None:
        seen = Seen()
        async with liar(greeting(), answer) as registry, trio.open_nursery() as nursery:
            nursery.start_soon(registry.watch, seen)
            with hang_guard("the reading"):
                await wait_until_async(lambda: seen.wholes, "all of it")
                await registry.put("one/node", b"1")
            nursery.cancel_scope.cancel()
        assert (seen.values, seen.wholes, seen.ignored) == ({}, 1, [])

    trio.run(main)


@pytest.mark.parametrize(
    "ask",
    [
        lambda registry: registry.watch(Seen()),
        lambda registry: registry.hold("a/node", b"", LEASE_US, Seen()),
        lambda registry: registry.put("a/node", b""),
    ],
)
def test_a_process_with_no_file_left_cannot_ask_and_lives(
    ask: Callable[[ZooKeeperRegistry], Awaitable[None]],
) -> None:
    async def main() -> None:
        registry = ZooKeeperRegistry(ZooKeeperSettings(("127.0.0.1:1",), "/m"), unheard)
        with no_file_left(), pytest.raises(RegistryUnavailable, match="cannot be asked: Too many open files"):
            await ask(registry)

    trio.run(main)
