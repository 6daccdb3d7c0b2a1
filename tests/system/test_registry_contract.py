"""What every kind of registry does, shown by the real things: a folder, and processes of etcd, Consul and ZooKeeper.
Others join by a row in `KINDS`."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
from tests.waiting import wait_until_async

from minicoin.core.limits import REGISTRY_VALUE_BYTES_MAX
from minicoin.core.units import SECOND_US
from minicoin.drivers.clock import WallClock
from minicoin.drivers.registry.consul import ConsulRegistry
from minicoin.drivers.registry.etcd import EtcdRegistry
from minicoin.drivers.registry.file import FileRegistry
from minicoin.drivers.registry.port import Registry, RegistryUnavailable
from minicoin.drivers.registry.settings import FileSettings
from minicoin.drivers.registry.zookeeper import ZooKeeperRegistry

from .consul_server import ConsulServer, running_consul
from .etcd_server import EtcdServer, running_etcd
from .registries import LEASE_US, holding, run, unheard, watching
from .zookeeper_server import ZooKeeperServer, running_zookeeper


@dataclass(frozen=True)
class Place:
    """One registry as its operator has it."""

    connect: Callable[[], Registry]
    lose: Callable[[], object]
    """As kill -9 does."""
    bring_back: Callable[[], object]
    write: Callable[[str, bytes], object]
    """What anybody might write there."""
    words: tuple[str, ...]
    """How a node is started with it."""
    begin_anew: Callable[[str], object]
    """From now on everything is somewhere of this name, where nothing stands."""


@contextmanager
def folder(directory: Path) -> Iterator[Place]:
    shared, away = directory / "shared", directory / "away"
    shared.mkdir()
    settings = FileSettings(shared)

    def clear(name: str) -> None:
        shutil.rmtree(shared)
        shared.mkdir()

    def write(key: str, value: bytes) -> None:
        path = shared / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"minicoin registry until removed\n" + value)

    yield Place(
        lambda: FileRegistry(settings, WallClock(), look_every_s=0.05),
        lambda: shared.rename(away),
        lambda: away.rename(shared),
        write,
        ("--registry", f"file://{shared}"),
        clear,
    )


@contextmanager
def etcd(directory: Path) -> Iterator[Place]:
    with running_etcd(directory / "etcd") as server:
        yield _place(server, "etcd", lambda: EtcdRegistry(server.settings, unheard))


@contextmanager
def zookeeper(directory: Path) -> Iterator[Place]:
    with running_zookeeper(directory / "zookeeper") as server:
        yield _place(server, "zookeeper", lambda: ZooKeeperRegistry(server.settings, unheard))


@contextmanager
def consul(directory: Path) -> Iterator[Place]:
    with running_consul(directory / "consul") as server:
        yield _place(server, "consul", lambda: ConsulRegistry(server.settings, unheard))


def _place(server: EtcdServer | ZooKeeperServer | ConsulServer, kind: str, connect: Callable[[], Registry]) -> Place:
    def begin_anew(name: str) -> None:
        server.prefix = name if isinstance(server, ConsulServer) else f"/{name}"

    words = ("--registry", f"{kind}://{server.endpoint}{server.settings.prefix}")
    return Place(connect, server.kill, server.start, server.put, words, begin_anew)


KINDS = {"file": folder, "etcd": etcd, "consul": consul, "zookeeper": zookeeper}


@pytest.fixture(scope="module", params=KINDS)
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One of each kind for all tests."""
    with KINDS[request.param](tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture
def place(shown: Place, request: pytest.FixtureRequest) -> Place:
    shown.begin_anew(request.function.__name__)
    return shown


def test_whoever_registers_is_found_by_those_who_watch_and_by_those_who_come_later(place: Place) -> None:
    async def main(nursery: trio.Nursery) -> None:
        early = await watching(nursery, place.connect())
        assert early.values == {}
        one = holding(nursery, place.connect(), "one/node", b"here")
        holding(nursery, place.connect(), "two/node", b"there")
        both = {"one/node": b"here", "two/node": b"there"}
        await wait_until_async(lambda: early.values == both, "both, by a watch")
        late = await watching(nursery, place.connect())
        assert late.values == both
        # A watch may tell of an entry before its holder has the answer.
        await wait_until_async(lambda: one.held == [None], "the holder's answer")

    run(main)


def test_what_is_put_stands_until_it_is_replaced_or_removed(place: Place) -> None:
    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, place.connect())
        registry = place.connect()
        for value in (b"1", bytes(range(256)), b"x" * REGISTRY_VALUE_BYTES_MAX):
            await registry.put("one/records/a", value)
            await wait_until_async(lambda value=value: seen.values == {"one/records/a": value}, "the value")
        await registry.remove("one/records/a")
        await registry.remove("one/records/b")
        await wait_until_async(lambda: seen.values == {}, "that it is gone")

    run(main)


def test_a_lease_is_renewed_as_long_as_it_is_held_and_ends_with_it(place: Place) -> None:
    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, place.connect())
        async with trio.open_nursery() as holders:
            one = holding(holders, place.connect(), "one/node", b"here", LEASE_US)
            await wait_until_async(lambda: one.renewals > 4, "renewals beyond the lease's time")
            assert (seen.values, seen.gone, one.failures) == ({"one/node": b"here"}, [], [])
            holders.cancel_scope.cancel()
        await wait_until_async(lambda: seen.values == {}, "that it left")

    run(main)


def test_an_entry_without_its_holder_expires(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, place.connect())
        # As of a node that was killed: nobody renews it and nobody gives it back.
        monkeypatch.setattr("minicoin.drivers.registry.lease._FAREWELL_S", 0)
        monkeypatch.setattr("minicoin.drivers.registry.zookeeper._FAREWELL_S", 0)
        async with trio.open_nursery() as holders:
            one = holding(holders, place.connect(), "one/node", b"here", SECOND_US)
            await wait_until_async(lambda: seen.values and one.held, "the entry, and the holder's answer")
            holders.cancel_scope.cancel()
        await wait_until_async(lambda: seen.gone and not seen.values, "the lease's end")

    run(main)


def test_who_takes_over_an_entry_is_told_what_stood_there(place: Place) -> None:
    async def main(nursery: trio.Nursery) -> None:
        holding(nursery, place.connect(), "one/node", b"here")
        seen = await watching(nursery, place.connect())
        await wait_until_async(lambda: seen.values, "the entry")
        again = holding(nursery, place.connect(), "one/node", b"here")
        await wait_until_async(lambda: again.renewals, "the same by another")
        twin = holding(nursery, place.connect(), "one/node", b"elsewhere")
        await wait_until_async(lambda: twin.renewals, "another one")
        assert (again.held, twin.held) == ([None], [b"here"])
        await wait_until_async(lambda: seen.values == {"one/node": b"elsewhere"}, "the new one")

    run(main)


def test_a_registry_that_is_killed_and_comes_back_has_what_stood_there_and_watches_go_on(place: Place) -> None:
    async def main(nursery: trio.Nursery) -> None:
        one = holding(nursery, place.connect(), "one/node", b"here")
        await place.connect().put("one/records/a", b"1")
        seen = await watching(nursery, place.connect())
        await wait_until_async(lambda: len(seen.values) == 2 and one.held, "both, and the holder's answer")
        place.lose()
        await wait_until_async(lambda: seen.failures, "that it is gone")
        with pytest.raises(RegistryUnavailable) as failure:
            await place.connect().put("one/records/a", b"2")
        assert str(failure.value)
        wholes = seen.wholes
        place.bring_back()
        await wait_until_async(lambda: seen.wholes > wholes, "another reading")
        await wait_until_async(lambda: seen.values == {"one/node": b"here", "one/records/a": b"1"}, "both again")
        await place.connect().put("one/records/a", b"3")
        await wait_until_async(lambda: seen.values.get("one/records/a") == b"3", "a change")
        assert one.held[0] is None

    run(main)


def test_what_is_too_long_or_no_key_of_anybody_is_left_out_with_a_word(place: Place) -> None:
    async def main(nursery: trio.Nursery) -> None:
        place.write("one/records/long", b"x" * (REGISTRY_VALUE_BYTES_MAX + 70))
        place.write("one/records/good", b"1")
        early = await watching(nursery, place.connect())
        assert early.values == {"one/records/good": b"1"} and early.ignored
        place.write("two/records/long", b"x" * 1_000_000)
        place.write("two/records/good", b"2")
        await wait_until_async(lambda: early.values.get("two/records/good") == b"2", "what is good")
        place.write("one/records/good", b"x" * 100_000)
        await wait_until_async(lambda: "one/records/good" not in early.values, "what is good no more")
        assert set(early.values) == {"two/records/good"}

    run(main)
