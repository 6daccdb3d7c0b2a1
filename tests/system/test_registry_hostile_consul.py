"""A Consul that is not one: whatever it answers, the client ends with a word, holds little, and never waits on."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from tests.waiting import hang_guard, wait_until_async

from minicoin.core.limits import REGISTRY_KEYS_MAX, REGISTRY_VALUE_BYTES_MAX
from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.consul import ConsulRegistry
from minicoin.drivers.registry.port import RegistryUnavailable
from minicoin.drivers.registry.secret import Secret
from minicoin.drivers.registry.settings import ConsulSettings

from .liars import HEAD, NO_ANSWERS, Answer, Liar, endless, lying, nothing
from .registries import Seen, unheard


def head_with(*lines: str) -> bytes:
    return HEAD.removesuffix(b"\r\n") + "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


INDEXED = head_with("X-Consul-Index: 5")


@asynccontextmanager
async def liar(answer: Answer, head: bytes = INDEXED) -> AsyncIterator[tuple[ConsulRegistry, Liar]]:
    """A client of a server that answers so."""
    async with lying(answer, lambda path: head) as found:
        settings = ConsulSettings((found.endpoint,), "/m", token=Secret("1-2-3"))
        yield ConsulRegistry(settings, unheard, silence_us=SECOND_US // 10), found


def listing(**values: object) -> bytes:
    return json.dumps([{"Key": key.replace("__", "/"), "Value": value} for key, value in values.items()]).encode()


def base64(raw: bytes) -> str:
    return b64encode(raw).decode()


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_an_answer_that_is_none_ends_with_a_word(answer: Answer) -> None:
    async def main() -> None:
        async with liar(answer) as (registry, _):
            for act in (registry.watch(Seen()), registry.hold("a/node", b"", SECOND_US, Seen())):
                with hang_guard("the answer"), pytest.raises(RegistryUnavailable, match="Consul does not answer"):
                    await act

    trio.run(main)


@pytest.mark.parametrize("index", ["", "-1", "5.0", "9" * 30, "0x5"])
def test_an_index_that_is_none_ends_with_a_word(index: str) -> None:
    async def answer(path: str) -> AsyncIterator[bytes]:
        yield b"[]"

    async def main() -> None:
        async with liar(answer, head_with(f"X-Consul-Index: {index}")) as (registry, _):
            with hang_guard("the answer"), pytest.raises(RegistryUnavailable, match="without an X-Consul-Index"):
                await registry.watch(Seen())

    trio.run(main)


@pytest.mark.parametrize("status", ["404 Not Found", "301 Moved\r\nLocation: http://127.0.0.1:1/", "204 No Content"])
def test_another_server_than_consul_is_no_empty_registry(status: str) -> None:
    async def main() -> None:
        async with liar(nothing, HEAD.replace(b"200 OK", status.encode())) as (registry, _):
            for act in (registry.watch(Seen()), registry.put("a/node", b""), registry.remove("a/node")):
                with hang_guard("the answer"), pytest.raises(RegistryUnavailable, match="Consul does not answer"):
                    await act

    trio.run(main)


def test_a_query_that_is_never_answered_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("http", "consul_api"):
        monkeypatch.setattr(f"minicoin.drivers.registry.{module}.TIMEOUT_S", 0.2)

    async def main() -> None:
        async with liar(nothing, b"") as (registry, _):
            with hang_guard("the query"), pytest.raises(RegistryUnavailable, match="Consul does not answer"):
                await registry.watch(Seen())

    trio.run(main)


def test_too_much_of_everybody_leaves_nothing_and_the_watch_goes_on() -> None:
    async def answer(path: str) -> AsyncIterator[bytes]:
        if "keys" in path:
            yield b'["m/a/", "m/b/", "n/c/", "m/d", 5]'
        elif path == "/v1/kv/m/":
            yield b"[]"
        elif path.startswith("/v1/kv/m/b/"):
            yield listing(m__b__node=base64(b"b"))
        else:
            async for piece in endless(path):
                yield piece

    async def main() -> None:
        seen = Seen()
        async with liar(answer) as (registry, found), trio.open_nursery() as nursery:
            nursery.start_soon(registry.watch, seen)
            with hang_guard("two readings"):
                await wait_until_async(lambda: seen.wholes > 1, "two readings")
            nursery.cancel_scope.cancel()
        assert (seen.values, set(seen.ignored)) == ({"b/node": b"b"}, {"a/: more than can be read"})
        assert not any(b"/n/" in request or b"/d" in request for request in found.requests)

    trio.run(main)


def test_what_is_foreign_too_long_or_too_much_is_left_out() -> None:
    long = base64(b"x" * (REGISTRY_VALUE_BYTES_MAX + 1))
    rows = [
        {"Key": "other/a/node", "Value": base64(b"foreign")},
        {"Key": "m/a/node", "Value": None},
        {"Key": "m/b/node", "Value": long},
        {"Key": "m/c/\u00fc\u0000", "Value": base64(b"odd")},
        {"Key": "m/d/", "Value": None},
    ]
    rows += [{"Key": f"m/e/{number}", "Value": ""} for number in range(REGISTRY_KEYS_MAX)]

    async def answer(path: str) -> AsyncIterator[bytes]:
        yield json.dumps(rows).encode()

    async def main() -> None:
        seen = Seen()
        async with liar(answer) as (registry, _), trio.open_nursery() as nursery:
            nursery.start_soon(registry.watch, seen)
            with hang_guard("a reading"):
                await wait_until_async(lambda: seen.wholes, "a reading")
            nursery.cancel_scope.cancel()
        assert len(seen.values) == REGISTRY_KEYS_MAX
        assert dict(list(seen.values.items())[:2]) == {"a/node": b"", "c/\\xfc\0": b"odd"}
        assert set(seen.ignored) == {
            f"b/node: a value of more than {REGISTRY_VALUE_BYTES_MAX} bytes",
            f"more than {REGISTRY_KEYS_MAX} keys",
        }

    trio.run(main)


def test_an_index_that_goes_back_and_forth_is_followed_and_what_is_known_not_told_again() -> None:
    indexes = [7, 9, 3, 3, 12]
    told: list[bytes] = []

    class Counting(Seen):
        def on_value(self, key: str, value: bytes) -> None:
            super().on_value(key, value)
            told.append(value)

    async def answer(path: str) -> AsyncIterator[bytes]:
        yield listing(m__a__node=base64(b"here"))

    def head(path: str) -> bytes:
        index = indexes[0] if "recurse" not in path or len(indexes) == 1 else indexes.pop(0)
        # A cookie each time, which nobody keeps.
        return head_with(f"X-Consul-Index: {index}", f"Set-Cookie: c{index}=1")

    async def main() -> None:
        seen = Counting()
        async with lying(answer, head) as found, trio.open_nursery() as nursery:
            registry = ConsulRegistry(ConsulSettings((found.endpoint,), "/m"), unheard, silence_us=SECOND_US // 10)
            nursery.start_soon(registry.watch, seen)
            with hang_guard("all readings"):
                await wait_until_async(lambda: seen.wholes > 5, "all readings")
            nursery.cancel_scope.cancel()
        queries = [request.split(b" ")[1].decode() for request in found.requests if b"recurse" in request]
        waits = [query.partition("index=")[2].partition("&")[0] for query in queries][:6]
        assert waits == ["", "7", "9", "", "3", "12"]
        assert told == [b"here"]
        assert not any(b"cookie" in request.lower() for request in found.requests)

    trio.run(main)


def test_our_token_goes_along_and_nowhere_else() -> None:
    async def answer(path: str) -> AsyncIterator[bytes]:
        yield b"true"

    async def main() -> None:
        async with liar(answer) as (registry, found):
            await registry.put("a/node", b"value")
            (request,) = found.requests
            assert b"x-consul-token: 1-2-3\r\n" in request.lower() and b"1-2-3" not in request.split(b"\r\n")[0]
            assert "1-2-3" not in registry.endpoint

    trio.run(main)


def test_questions_that_fail_together_at_one_endpoint_are_all_answered_by_the_next() -> None:
    async def wait_for_both(path: str) -> AsyncIterator[bytes]:
        with hang_guard("two questions"):
            await wait_until_async(lambda: len(bad.requests) == 2, "two questions")
        raise trio.BrokenResourceError
        yield b""

    async def done(path: str) -> AsyncIterator[bytes]:
        yield b"true"

    bad = Liar(wait_for_both, lambda path: INDEXED)

    async def main() -> None:
        async with lying(done) as good, trio.open_nursery() as nursery:
            (listener, *_) = await nursery.start(trio.serve_tcp, bad.serve, 0)
            dead = f"127.0.0.1:{listener.socket.getsockname()[1]}"
            registry = ConsulRegistry(ConsulSettings((dead, good.endpoint), "/m"), unheard)
            async with trio.open_nursery() as questions:
                for key in ("a/node", "b/node"):
                    questions.start_soon(registry.put, key, b"")
            assert (len(bad.requests), len(good.requests)) == (2, 2)
            assert registry.endpoint == f"http://{good.endpoint}/m"
            nursery.cancel_scope.cancel()

    trio.run(main)
