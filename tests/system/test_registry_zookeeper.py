"""A real ZooKeeper: TLS, users and rights, sessions that move and expire, watches that fire once; and what is said of
what an operator set wrongly."""

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from tests.ports import free_ports
from tests.waiting import hang_guard, wait_until, wait_until_async

from minicoin.core.limits import REGISTRY_RECORDS_PER_NODE_MAX
from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.port import LeaseLost, Registry, RegistryRefused, RegistryUnavailable
from minicoin.drivers.registry.secret import PASSWORD, Secret, read_secret
from minicoin.drivers.registry.settings import TlsFiles, ZooKeeperSettings
from minicoin.drivers.registry.zookeeper import ZooKeeperRegistry
from minicoin.drivers.reports import RegistryFilesReplaced, RegistryWarned, Report

from .certificates import Certificates, install
from .registries import LEASE_US, Seen, holding, run, unheard, watching
from .zookeeper_server import PREFIX, ZooKeeperServer, running_ensemble, running_zookeeper


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("authority") / "ours")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("authority") / "theirs")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[ZooKeeperServer]:
    """With TLS both ways, and users with rights."""
    with running_zookeeper(tmp_path_factory.mktemp("guarded") / "zookeeper", certificates) as server:
        server.give_rights(bank1="one", bank2="two", bank3="three")
        yield server


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZooKeeperServer]:
    with running_zookeeper(tmp_path_factory.mktemp("plain") / "zookeeper") as server:
        yield server


def connect(settings: ZooKeeperSettings, **more: int) -> ZooKeeperRegistry:
    return ZooKeeperRegistry(settings, unheard, **more)


def member(server: ZooKeeperServer, user: str = "bank1") -> ZooKeeperSettings:
    return replace(server.settings, user=user, password=Secret(f"{user} password"))


def test_a_password_that_was_changed_is_taken_from_its_file_while_the_node_runs(
    guarded: ZooKeeperServer, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("bank3 password\n")
    password = read_secret("registry-password-file", PASSWORD, file)
    log: list[Report] = []

    async def main() -> None:
        registry = ZooKeeperRegistry(replace(member(guarded, "bank3"), password=password), log.append)
        await registry.put("three/records/a", b"1")
        guarded.change_password("bank3", "three", "another")
        with pytest.raises(RegistryRefused, match="does not let user 'bank3' do this"):
            await registry.put("three/records/a", b"2")
        file.write_text("another\n")
        await registry.put("three/records/a", b"3")
        assert [type(one) for one in log] == [RegistryFilesReplaced] and registry.problems == ()
        await registry.close()

    trio.run(main)
    assert guarded.read("three/records/a") == b"3"


def refusal_of(settings: ZooKeeperSettings, act: Callable[[Registry], Awaitable[object]] | None = None) -> str:
    """What is said to who does this."""

    with pytest.raises(RegistryRefused) as failure:
        trio.run(do, settings, act or (lambda registry: registry.watch(Seen())))
    return str(failure.value)


async def do(settings: ZooKeeperSettings, act: Callable[[Registry], Awaitable[object]]) -> None:
    """One thing, and no more."""
    registry = connect(settings)
    try:
        await act(registry)
    finally:
        await registry.close()


def put_a_value(registry: Registry) -> Awaitable[object]:
    return registry.put("one/records/a", b"1")


class Door:
    """The way to a server, which can be shut and opened."""

    def __init__(self, server: ZooKeeperServer) -> None:
        self._server = server
        self._streams: list[trio.SocketStream] = []
        self._is_shut = False
        self.endpoint = ""

    async def serve(self, stream: trio.SocketStream) -> None:
        if self._is_shut:
            return
        behind = await trio.open_tcp_stream("127.0.0.1", self._server.port)
        self._streams += [stream, behind]
        async with stream, behind, trio.open_nursery() as nursery:
            nursery.start_soon(self._pump, stream, behind, nursery.cancel_scope)
            nursery.start_soon(self._pump, behind, stream, nursery.cancel_scope)

    async def shut(self) -> None:
        self._is_shut = True
        streams, self._streams = self._streams, []
        for stream in streams:
            await trio.aclose_forcefully(stream)

    def open(self) -> None:
        self._is_shut = False

    async def _pump(self, source: trio.SocketStream, target: trio.SocketStream, both: trio.CancelScope) -> None:
        try:
            async for chunk in source:
                await target.send_all(chunk)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        both.cancel()


@asynccontextmanager
async def doors(server: ZooKeeperServer, count: int) -> AsyncIterator[list[Door]]:
    async with trio.open_nursery() as nursery:
        found = [Door(server) for _ in range(count)]
        for door in found:
            (listener, *_) = await nursery.start(trio.serve_tcp, door.serve, 0)
            door.endpoint = f"127.0.0.1:{listener.socket.getsockname()[1]}"
        yield found
        nursery.cancel_scope.cancel()


# --- rights and certificates ---


def test_members_with_certificates_and_users_find_each_other(guarded: ZooKeeperServer) -> None:
    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, connect(member(guarded)))
        one = holding(nursery, connect(member(guarded)), "one/node", b"1", LEASE_US)
        holding(nursery, connect(member(guarded, "bank2")), "two/node", b"2")
        await connect(member(guarded)).put("one/records/a", b"3")
        expected = {"one/node": b"1", "two/node": b"2", "one/records/a": b"3"}
        await wait_until_async(lambda: expected.items() <= seen.values.items(), "all of it")
        await wait_until_async(lambda: one.renewals > 1, "a renewal")
        assert seen.failures == one.failures == []

    run(main)


def test_nobody_writes_below_a_key_that_is_not_his(guarded: ZooKeeperServer) -> None:
    trio.run(do, member(guarded, "bank2"), lambda registry: registry.put("two/records/b", b"1"))
    for act in (
        lambda registry: registry.put("two/records/a", b"x"),
        lambda registry: registry.put("two/records/b", b"x"),
        lambda registry: registry.remove("two/records/b"),
        lambda registry: registry.hold("two/node", b"x", LEASE_US, Seen()),
        lambda registry: registry.put("three/records/a", b"x"),
    ):
        assert "ZooKeeper does not let user 'bank1' do this at /minicoin/t" in refusal_of(member(guarded), act)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"user": "", "password": Secret()}, "does not let who gives no user (registry-user) do this at /minicoin"),
        ({"password": Secret("wrong")}, "does not let user 'bank1' do this at /minicoin"),
        ({"user": "nobody"}, "does not let user 'nobody' do this at /minicoin"),
    ],
)
def test_a_user_without_a_right_is_told_so(guarded: ZooKeeperServer, wrong: dict, words: str) -> None:
    for act in (None, put_a_value):
        assert words in refusal_of(replace(member(guarded), **wrong), act)


def test_what_one_member_may_not_read_is_left_out_and_the_rest_is_told(plain: ZooKeeperServer) -> None:
    plain.put("good/node", b"1")
    plain.put("secret/node", b"2")
    plain.allow_nobody("secret")

    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, connect(plain.settings))
        assert seen.values.get("good/node") == b"1" and "secret/node" not in seen.values
        assert any("/minicoin/secret" in reason for reason in seen.ignored)

    run(main)


def test_a_place_that_is_missing_is_made_by_no_user(guarded: ZooKeeperServer) -> None:
    elsewhere = replace(member(guarded), prefix="/other/place")
    assert "there is no node /other/place in ZooKeeper: make it" in refusal_of(elsewhere, put_a_value)


def test_a_server_that_another_authority_vouches_for_is_not_spoken_to(
    guarded: ZooKeeperServer, strangers: Certificates
) -> None:
    ours = guarded.certificates
    assert ours is not None
    wrong = TlsFiles(strangers.ca, ours.cert("member"), ours.key("member"))
    assert "shows a certificate that registry-ca does not vouch for" in refusal_of(replace(member(guarded), tls=wrong))


def test_a_server_with_a_certificate_for_another_name_is_not_spoken_to(
    tmp_path: Path, certificates: Certificates
) -> None:
    with running_zookeeper(tmp_path / "zookeeper", certificates, shows="member") as server:
        words = refusal_of(server.settings)
        assert "certificate that registry-ca does not vouch for" in words and "127.0.0.1" in words


@pytest.mark.parametrize("is_foreign", [False, True])
def test_without_a_certificate_that_the_server_takes_the_word_is_about_it(
    guarded: ZooKeeperServer, strangers: Certificates, is_foreign: bool
) -> None:
    ours = guarded.certificates
    assert ours is not None
    tls = TlsFiles(ours.ca, strangers.cert("member"), strangers.key("member")) if is_foreign else TlsFiles(ours.ca)
    with pytest.raises(RegistryUnavailable, match=r"registry-cert"):
        trio.run(do, replace(member(guarded), tls=tls), put_a_value)


def test_a_server_that_wants_tls_is_guessed(guarded: ZooKeeperServer) -> None:
    with pytest.raises(RegistryUnavailable, match=r"if it speaks TLS, set registry-ca"):
        trio.run(do, replace(member(guarded), tls=None), put_a_value)


def test_a_server_without_tls_is_told_apart(plain: ZooKeeperServer, certificates: Certificates) -> None:
    with pytest.raises(RegistryUnavailable, match=r"breaks off the TLS handshake: does it speak TLS\?"):
        trio.run(do, replace(plain.settings, tls=certificates.files()), put_a_value)


def test_a_server_that_cannot_be_used_is_left_for_the_next(guarded: ZooKeeperServer, plain: ZooKeeperServer) -> None:
    """One that speaks no TLS; each session tries them in an order of its own."""
    settings = replace(member(guarded), endpoints=(plain.endpoint, guarded.endpoint))
    for number in range(8):
        trio.run(do, settings, lambda registry, key=f"one/records/n{number}": registry.put(key, b"1"))
    assert "one/records/n0" in guarded.written() and "one/records/n7" in guarded.written()


# --- sessions ---


def test_a_lease_that_the_servers_would_change_is_refused(tmp_path: Path) -> None:
    with running_zookeeper(tmp_path / "zookeeper", session_ms_max=1_000) as server:

        def hold(lease_us: int) -> Callable[[Registry], Awaitable[object]]:
            return lambda registry: registry.hold("one/node", b"1", lease_us, Seen())

        words = refusal_of(server.settings, hold(2 * SECOND_US))
        assert "lets a session live for 1 seconds, not for the 2 of our entry: set minSessionTimeout" in words
        assert "for 0.2 seconds, not for the 0.1" in refusal_of(server.settings, hold(SECOND_US // 10))
        assert server.written() == []


def test_a_session_moves_to_the_next_server_and_its_entry_stays(plain: ZooKeeperServer) -> None:
    async def main(nursery: trio.Nursery) -> None:
        async with doors(plain, 2) as (left, right):
            dead = f"127.0.0.1:{free_ports(1)[0]}"
            settings = replace(plain.settings, endpoints=(left.endpoint, dead, right.endpoint))
            witness = await watching(nursery, connect(plain.settings))
            seen = await watching(nursery, connect(settings))
            one = holding(nursery, connect(settings), "moved/node", b"here")
            await wait_until_async(lambda: seen.values.get("moved/node") == b"here" and one.held, "the entry")
            for door, other in ((left, right), (right, left)):
                other.open()
                await door.shut()
                plain.put("moved/records/a", door.endpoint.encode())
                expected = door.endpoint.encode()
                await wait_until_async(lambda e=expected: seen.values.get("moved/records/a") == e, "a change")
                renewals = one.renewals
                plain.put("moved/node", b"touched by another")
                await wait_until_async(lambda r=renewals: one.renewals > r, "word of the entry by the other way")
            assert (one.held, one.failures, seen.failures) == ([None], [], [])
            assert "moved/node" not in witness.gone

    run(main)


def test_an_ensemble_that_loses_servers_one_after_the_other_keeps_an_entry(tmp_path: Path) -> None:
    """Its leader too; a watch may have to begin again by then."""
    with running_ensemble(tmp_path / "ensemble", 3) as servers:

        async def main(nursery: trio.Nursery) -> None:
            settings = replace(servers[0].settings, endpoints=tuple(server.endpoint for server in servers))
            seen = await watching(nursery, connect(settings))
            one = holding(nursery, connect(settings), "one/node", b"here")
            await wait_until_async(lambda: seen.values.get("one/node") == b"here" and one.held, "the entry")
            for server, other in zip(servers, [*servers[1:], servers[0]], strict=True):
                server.kill()
                await trio.to_thread.run_sync(other.wait_up)
                other.put("two/records/a", server.endpoint.encode())
                expected = server.endpoint.encode()
                await wait_until_async(lambda e=expected: seen.values.get("two/records/a") == e, "a change")
                server.start()
                await trio.to_thread.run_sync(server.wait_up)
            renewals = one.renewals
            await wait_until_async(lambda: one.renewals > renewals, "word of the entry")
            assert (one.held, one.failures) == ([None], []) and "one/node" not in seen.gone

        run(main)


def test_a_session_that_expires_is_told_and_another_one_taken(plain: ZooKeeperServer) -> None:
    async def main(nursery: trio.Nursery) -> None:
        async with doors(plain, 1) as (door,):
            settings = replace(plain.settings, endpoints=(door.endpoint,))
            witness = await watching(nursery, connect(plain.settings))
            one = holding(nursery, connect(settings), "four/node", b"here", SECOND_US)
            await wait_until_async(lambda: witness.values.get("four/node") == b"here" and one.held, "the entry")
            gone, held = len(witness.gone), len(one.held)
            await door.shut()
            await wait_until_async(lambda: len(witness.gone) > gone, "the session's end")
            door.open()
            await wait_until_async(lambda: len(one.held) > held, "another session")
            await wait_until_async(lambda: witness.values.get("four/node") == b"here", "the entry again")
            lost = [failure for failure in one.failures if isinstance(failure, LeaseLost)]
            assert lost and "the lease of our entry has expired" in str(lost[0])

    run(main)


def test_certificates_that_are_replaced_are_looked_at_while_a_connection_lasts(
    guarded: ZooKeeperServer, tmp_path: Path
) -> None:
    ours = guarded.certificates
    assert ours is not None
    files = TlsFiles(tmp_path / "ca.pem", tmp_path / "node.pem", tmp_path / "node.key")
    install(ours.files(), files)
    log: list[Report] = []

    async def main(nursery: trio.Nursery) -> None:
        settings = replace(member(guarded), tls=files)
        one = holding(nursery, ZooKeeperRegistry(settings, log.append), "one/node", b"here", LEASE_US)
        await wait_until_async(lambda: one.renewals, "the entry")
        files.cert.write_bytes(b"nonsense")
        await wait_until_async(lambda: log, "word of it")
        assert isinstance(log[0], RegistryWarned) and "what was there before stays in use" in log[0].reason
        install(ours.files(), files)
        await wait_until_async(lambda: isinstance(log[-1], RegistryFilesReplaced), "word of the next")
        assert one.failures == []

    run(main)


def test_an_entry_that_somebody_removes_stands_again(plain: ZooKeeperServer) -> None:
    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, connect(plain.settings))
        one = holding(nursery, connect(plain.settings), "five/node", b"here")
        await wait_until_async(lambda: seen.values.get("five/node") and one.held, "the entry")
        plain.remove("five/node")
        await wait_until_async(lambda: one.renewals > 1 and "five/node" in plain.written(), "the entry again")
        assert (one.held, one.failures) == ([None], [])

    run(main)


def test_who_lost_an_entry_to_another_waits_for_it(plain: ZooKeeperServer) -> None:
    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, connect(plain.settings))
        old = holding(nursery, connect(plain.settings), "six/node", b"old")
        await wait_until_async(lambda: seen.values.get("six/node") == b"old" and old.held, "the first")
        async with trio.open_nursery() as second:
            new = holding(second, connect(plain.settings), "six/node", b"new", LEASE_US)
            await wait_until_async(lambda: new.renewals > 2, "that the second stays")
            assert plain.read("six/node") == b"new" and (old.held, new.held) == ([None], [b"old"])
            second.cancel_scope.cancel()
        await wait_until_async(lambda: seen.values.get("six/node") == b"old", "that the first is back")
        assert old.failures == []

    run(main)


# --- watches ---


def test_watches_that_fire_once_lose_nothing(plain: ZooKeeperServer) -> None:
    """Much happens while it is read; what stands there in the end is what is told in the end."""

    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, connect(plain.settings))
        with plain.operator() as operator:
            root = f"{PREFIX}/busy"
            operator.ensure_path(f"{root}/records")
            for turn in range(300):
                path = f"{root}/records/r{turn * 7 % 20}"
                if turn % 3 == 2 and operator.exists(path):
                    operator.delete(path)
                else:
                    operator.ensure_path(path)
                    operator.set(path, b"%d" % turn)
                if turn == 150:
                    operator.delete(root, recursive=True)
                if turn % 10 == 0:
                    await trio.lowlevel.checkpoint()
            expected = {
                f"busy/records/{name}": operator.get(f"{root}/records/{name}")[0]
                for name in operator.get_children(f"{root}/records")
            }

        def standing() -> dict[str, bytes]:
            return {key: value for key, value in seen.values.items() if key.startswith("busy/")}

        await wait_until_async(lambda: standing() == expected, "what stands there in the end")
        assert len(expected) > 5 and seen.failures == []
        plain.remove("busy")
        await wait_until_async(lambda: standing() == {}, "that all of it is gone")

    run(main)


def test_a_watch_that_is_silent_for_long_reads_again(plain: ZooKeeperServer) -> None:
    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, connect(plain.settings, silence_us=SECOND_US // 10))
        await wait_until_async(lambda: seen.wholes > 2, "further readings")
        assert seen.failures == []

    run(main)


def test_who_leaves_more_than_there_is_room_for_takes_nobodys_place(plain: ZooKeeperServer) -> None:
    with plain.operator() as operator:
        for number in range(REGISTRY_RECORDS_PER_NODE_MAX + 20):
            operator.create(f"{PREFIX}/greedy1/records/r{number:03}", b"x", makepath=True)
            operator.create(f"{PREFIX}/greedy2/folder{number:03}/r", b"x", makepath=True)
    plain.put("modest/records/a", b"1")

    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, connect(plain.settings))
        greedy = [sum(key.startswith(name) for key in seen.values) for name in ("greedy1/", "greedy2/")]
        # Its folder is one of them; and who fills his room with folders has none for values.
        assert greedy == [REGISTRY_RECORDS_PER_NODE_MAX + 1, 0]
        assert seen.values["modest/records/a"] == b"1"
        assert any("/minicoin/greedy" in reason and "too many" in reason for reason in seen.ignored)

    run(main)
    plain.remove("greedy1")
    plain.remove("greedy2")


# --- the end ---


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("zookeeper")}


@pytest.mark.parametrize("is_hung", [False, True])
def test_threads_end_with_the_registry_also_where_a_server_hangs(tmp_path: Path, is_hung: bool) -> None:
    before = _threads()
    with running_zookeeper(tmp_path / "zookeeper") as server:

        async def main(nursery: trio.Nursery) -> None:
            registry = connect(server.settings)
            await registry.put("one/records/a", b"1")
            async with trio.open_nursery() as duties:
                await watching(duties, registry)
                one = holding(duties, registry, "one/node", b"here")
                await wait_until_async(lambda: one.renewals, "the entry")
                assert len(_threads() - before) == 3
                if is_hung:
                    server.suspend()
                duties.cancel_scope.cancel()
            with hang_guard("the end"):
                await registry.close()

        run(main)
        wait_until(lambda: _threads() <= before, "the end of the threads")
