"""An etcd that is not one: whatever it answers, the client ends with a word, holds little, and never waits for ever."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from tests.waiting import hang_guard, wait_until_async

from minicoin.core.limits import REGISTRY_ANSWER_BYTES_MAX, REGISTRY_VALUE_BYTES_MAX
from minicoin.drivers.registry.etcd import EtcdRegistry
from minicoin.drivers.registry.etcd_json import text
from minicoin.drivers.registry.port import RegistryUnavailable
from minicoin.drivers.registry.settings import EtcdSettings

from .liars import HEAD, NO_ANSWERS, Answer, lying, nothing
from .registries import Seen, unheard

_WATCH = "/v3/watch"


@asynccontextmanager
async def liar(answer: Answer, head: bytes = HEAD, head_of_watch: bytes = HEAD) -> AsyncIterator[EtcdRegistry]:
    """A client of a server that answers so."""
    async with lying(answer, lambda path: head_of_watch if path == _WATCH else head) as found:
        yield EtcdRegistry(EtcdSettings((found.endpoint,), "/m"), unheard)


async def _page(path: str) -> AsyncIterator[bytes]:
    if path == _WATCH:
        await trio.sleep_forever()
    yield b'{"header":{"revision":"5"}}'


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_an_answer_that_is_none_ends_with_a_word(answer: Answer) -> None:
    async def main() -> None:
        async with liar(answer) as registry:
            with hang_guard("the reading"), pytest.raises(RegistryUnavailable, match="etcd does not answer"):
                await registry.watch(Seen())

    trio.run(main)


def test_a_watch_that_is_never_answered_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(path: str) -> AsyncIterator[bytes]:
        async for piece in _page(path):
            yield piece
        # What goes before the watch may take its time.
        monkeypatch.setattr("minicoin.drivers.registry.http.TIMEOUT_S", 0.2)

    async def main() -> None:
        async with liar(answer, head_of_watch=b"") as registry:
            with hang_guard("the watch"), pytest.raises(RegistryUnavailable, match="the watch broke off"):
                await registry.watch(Seen())

    trio.run(main)


def test_what_is_no_http_ends_with_a_word() -> None:
    async def main() -> None:
        async with liar(nothing, b"220 mail.example ESMTP\r\n") as registry:
            with hang_guard("the call"), pytest.raises(RegistryUnavailable):
                await registry.put("a/node", b"")

    trio.run(main)


def _line(key: str, value: bytes, revision: int) -> bytes:
    item = {"key": text(key.encode()), "value": text(value), "mod_revision": str(revision)}
    return json.dumps({"result": {"header": {"revision": str(revision)}, "events": [{"kv": item}]}}).encode() + b"\n"


def test_a_watch_leaves_out_what_is_too_long_foreign_or_old_and_reads_again() -> None:
    readings = 0

    async def answer(path: str) -> AsyncIterator[bytes]:
        nonlocal readings
        if path != _WATCH:
            readings += 1
            yield b'{"header":{"revision":"5"}}'
            return
        yield _line("/m/a/node", b"new", 7)
        yield _line("/m/a/node", b"older", 6)
        yield _line("/other/a/node", b"foreign", 8)
        yield _line("/m/b/node", b"x" * (REGISTRY_VALUE_BYTES_MAX + 1), 9)
        # In two pieces, as a network may cut it.
        whole = _line("/m/c/node", b"last", 10)
        yield whole[:20]
        yield whole[20:]
        for _ in range(REGISTRY_ANSWER_BYTES_MAX // 65_536 + 2):
            yield b"x" * 65_536
        yield b"\n"
        await trio.sleep_forever()

    async def main() -> None:
        seen = Seen()
        async with liar(answer) as registry, trio.open_nursery() as nursery:
            nursery.start_soon(registry.watch, seen)
            with hang_guard("another reading"):
                await wait_until_async(lambda: readings > 1 and len(seen.ignored) > 1, "another reading")
            nursery.cancel_scope.cancel()
        assert seen.ignored[:2] == [
            f"b/node: {REGISTRY_VALUE_BYTES_MAX + 1} bytes are too many",
            "a change that is too long to be read",
        ]
        assert "older" not in str(seen.values) and "foreign" not in str(seen.values)

    trio.run(main)
