"""A real Consul: TLS, tokens and rights, sessions that end, leaders that are lost, stores that are set back; and what
is said of what an operator set wrongly."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from tests.ports import free_ports
from tests.waiting import wait_until, wait_until_async

from minicoin.core.limits import REGISTRY_ANSWER_BYTES_MAX
from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.consul import ConsulRegistry
from minicoin.drivers.registry.port import LeaseLost, Registry, RegistryRefused, RegistryUnavailable
from minicoin.drivers.registry.secret import TOKEN, Secret, read_secret
from minicoin.drivers.registry.settings import ConsulSettings, TlsFiles
from minicoin.drivers.reports import RegistryFilesReplaced, RegistryWarned, Report

from .certificates import Certificates
from .consul_server import PREFIX, ConsulServer, require_consul, running_consul
from .registries import LEASE_US, Seen, holding, run, unheard, watching

READ = f'key_prefix "{PREFIX}/" {{ policy = "read" }}'
SESSIONS = 'session_prefix "" { policy = "write" }'
SOON_US = SECOND_US // 10


def own(folder: str) -> str:
    return f'key_prefix "{PREFIX}/{folder}/" {{ policy = "write" }}'


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("authority") / "ours")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("authority") / "theirs")


@pytest.fixture(scope="module")
def guarded_server(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[ConsulServer]:
    """With TLS both ways, and rights."""
    with running_consul(tmp_path_factory.mktemp("guarded") / "consul", certificates, has_rights=True) as server:
        yield server


@pytest.fixture(scope="module")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsulServer]:
    with running_consul(tmp_path_factory.mktemp("plain") / "consul") as server:
        yield server


@pytest.fixture
def guarded(guarded_server: ConsulServer) -> ConsulServer:
    """Nothing stands there."""
    guarded_server.clear()
    return guarded_server


@pytest.fixture
def plain(plain_server: ConsulServer) -> ConsulServer:
    """Nothing stands there."""
    plain_server.clear()
    return plain_server


def member(server: ConsulServer, *rules: str) -> ConsulSettings:
    """Of somebody whose token has these rules."""
    return replace(server.settings, token=Secret(server.token(" ".join(rules))))


def refusal_of(settings: ConsulSettings, act: Callable[[Registry], object] | None = None) -> str:
    """What is said to who does this."""

    async def main() -> str:
        registry = ConsulRegistry(settings, unheard)
        with pytest.raises(RegistryRefused) as failure:
            await (act(registry) if act is not None else registry.watch(Seen()))
        await registry.close()
        return str(failure.value)

    return trio.run(main)


def words_for(settings: ConsulSettings) -> str:
    """What is said where nothing can be written."""
    with pytest.raises(RegistryUnavailable) as failure:
        trio.run(ConsulRegistry(settings, unheard).put, "one/records/a", b"1")
    return str(failure.value)


# --- rights ---


def test_members_with_certificates_and_tokens_find_each_other(guarded: ConsulServer) -> None:
    # As docs/registry.md has them.
    sessions = f'session "{guarded.agent}" {{ policy = "write" }}'
    one, two = (member(guarded, READ, own(folder), sessions) for folder in ("one", "two"))

    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, ConsulRegistry(one, unheard))
        holding(nursery, ConsulRegistry(one, unheard), "one/node", b"1")
        holding(nursery, ConsulRegistry(two, unheard), "two/node", b"2")
        await wait_until_async(lambda: seen.values == {"one/node": b"1", "two/node": b"2"}, "both")
        assert seen.failures == []

    run(main)


def test_nobody_writes_below_a_key_that_is_not_his(guarded: ConsulServer) -> None:
    settings = member(guarded, READ, own("one"), SESSIONS)
    for act in (
        lambda registry: registry.put("two/records/a", b"x"),
        lambda registry: registry.remove("two/records/a"),
        lambda registry: registry.hold("two/node", b"x", SECOND_US, Seen()),
    ):
        words = refusal_of(settings, act)
        assert words == f"Consul does not let our token do this: its policy needs {own('two')}"


def test_who_may_not_read_is_told_so_instead_of_seeing_nothing(guarded: ConsulServer) -> None:
    assert READ in refusal_of(member(guarded, own("one"), SESSIONS))


def test_where_lists_have_a_right_of_their_own_that_is_the_one_that_is_named(tmp_path: Path) -> None:
    with running_consul(tmp_path / "consul", has_rights=True, checks_lists=True) as server:
        rule = READ.replace("read", "list")
        assert refusal_of(member(server, READ)).endswith(f"its policy needs {rule}")

        async def main(nursery: trio.Nursery) -> None:
            assert (await watching(nursery, ConsulRegistry(member(server, rule), unheard))).failures == []

        run(main)


def test_who_may_not_make_sessions_is_told_so(guarded: ConsulServer) -> None:
    settings = member(guarded, READ, own("one"))
    assert 'session "AGENT" { policy = "write" }' in refusal_of(
        settings, lambda registry: registry.hold("one/node", b"x", SECOND_US, Seen())
    )


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", "asks for a token: set registry-token-file to one whose policy has key_prefix"),
        ("f0000000-0000-0000-0000-000000000000", "does not know our token: correct what registry-token-file holds"),
        ("no token at all", "does not know our token: correct what registry-token-file holds"),
    ],
)
def test_a_wrong_token_is_told_in_words(guarded: ConsulServer, token: str, words: str) -> None:
    assert words in refusal_of(replace(guarded.settings, token=Secret(token)))


def test_a_token_that_was_replaced_is_taken_from_its_file_while_the_node_runs(
    guarded: ConsulServer, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    rules = f"{READ} {own('one')}"
    file.write_text(guarded.token(rules))
    token = read_secret("registry-token-file", TOKEN, file)
    log: list[Report] = []

    async def main() -> None:
        registry = ConsulRegistry(replace(guarded.settings, token=token), log.append)
        await registry.put("one/records/a", b"1")
        # No token is one of two lines.
        file.write_text("one\ntwo\n")
        await registry.put("one/records/a", b"2")
        (problem,) = registry.problems
        assert [type(one) for one in log] == [RegistryWarned] and str(file) in problem
        file.write_text(guarded.token(READ))
        with pytest.raises(RegistryRefused, match="does not let our token do this"):
            await registry.put("one/records/a", b"3")
        assert isinstance(log[-1], RegistryFilesReplaced) and registry.problems == ()
        file.write_text(guarded.token(rules))
        await registry.put("one/records/a", b"4")
        await registry.close()

    trio.run(main)
    assert guarded.read("one/records/a") == b"4"


def test_a_right_that_is_taken_away_makes_nobody_vanish(guarded: ConsulServer) -> None:
    guarded.put("three/records/a", b"1")
    settings = member(guarded, READ)

    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, ConsulRegistry(settings, unheard, silence_us=SOON_US))
        assert seen.values["three/records/a"] == b"1"
        guarded.set_rules(settings.token.first, own("one"))
        await wait_until_async(lambda: seen.failures, "the refusal")
        assert isinstance(seen.failures[0], RegistryRefused) and seen.gone == []
        guarded.set_rules(settings.token.first, READ)
        wholes = seen.wholes
        await wait_until_async(lambda: seen.wholes > wholes, "another reading")
        assert seen.values["three/records/a"] == b"1" and seen.gone == []

    run(main)


# --- TLS ---


def test_a_server_that_another_authority_vouches_for_is_not_spoken_to(
    guarded: ConsulServer, strangers: Certificates
) -> None:
    settings = replace(guarded.settings, tls=strangers.files())
    assert "shows a certificate that registry-ca does not vouch for" in refusal_of(settings)


@pytest.mark.parametrize("is_foreign", [False, True])
def test_without_a_certificate_that_the_server_takes_the_word_is_about_it(
    guarded: ConsulServer, certificates: Certificates, strangers: Certificates, is_foreign: bool
) -> None:
    tls = replace(strangers.files(), ca=certificates.ca) if is_foreign else TlsFiles(certificates.ca)
    assert "registry-cert" in words_for(replace(guarded.settings, tls=tls))


def test_a_server_that_wants_tls_is_guessed(guarded: ConsulServer) -> None:
    # It says so and hangs up, and where our question is still on its way then, the reset overtakes what it said.
    assert "speaks TLS" in (words := words_for(replace(guarded.settings, tls=None)))
    assert "set registry-ca" in words


def test_a_server_without_tls_is_told(plain: ConsulServer, certificates: Certificates) -> None:
    words = words_for(replace(plain.settings, tls=TlsFiles(certificates.ca)))
    assert "speak TLS" in words


# --- sessions ---


def test_a_session_has_half_of_the_lease_since_it_lives_up_to_twice_its_time(plain: ConsulServer) -> None:
    async def main(nursery: trio.Nursery) -> None:
        one = holding(nursery, ConsulRegistry(plain.settings, unheard), "one/node", b"here", 20 * SECOND_US)
        await wait_until_async(lambda: one.renewals, "the entry")
        (session,) = (found for found in plain.sessions() if found["ID"] == plain.locked_by("one/node"))
        shown = {name: session[name] for name in ("TTL", "Behavior", "LockDelay", "NodeChecks")}
        assert shown == {"TTL": "10000ms", "Behavior": "delete", "LockDelay": 0, "NodeChecks": []}

    run(main)
    # Who leaves in order takes it along.
    assert plain.written() == [] and plain.sessions() == []


def test_a_session_that_is_ended_by_another_is_told_and_the_entry_written_anew(plain: ConsulServer) -> None:
    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, ConsulRegistry(plain.settings, unheard))
        one = holding(nursery, ConsulRegistry(plain.settings, unheard), "one/node", b"here", LEASE_US)
        await wait_until_async(lambda: seen.values and one.held, "the entry")
        plain.end_session(plain.locked_by("one/node"))
        await wait_until_async(lambda: len(one.held) > 1, "another session")
        assert {type(failure) for failure in one.failures} == {LeaseLost}
        assert str(one.failures[0]) == "the session of our entry has expired"
        await wait_until_async(lambda: seen.values == {"one/node": b"here"}, "the entry again")

    run(main)


def test_an_entry_that_an_operator_has_locked_is_taken_over(plain: ConsulServer) -> None:
    theirs = plain.call("PUT", "session/create", {"LockDelay": "0s"}).json()["ID"]
    assert plain.call("PUT", f"kv/{PREFIX}/one/node?acquire={theirs}", raw=b"theirs").json() is True

    async def main(nursery: trio.Nursery) -> None:
        one = holding(nursery, ConsulRegistry(plain.settings, unheard), "one/node", b"ours")
        await wait_until_async(lambda: one.renewals, "our entry")
        assert one.held == [b"theirs"] and plain.read("one/node") == b"ours"
        plain.end_session(theirs)
        assert plain.read("one/node") == b"ours"

    run(main)


def test_sessions_that_would_live_too_long_are_refused_with_a_word(tmp_path: Path) -> None:
    with running_consul(tmp_path / "consul", session_ttl_min="10s") as server:
        words = refusal_of(server.settings, lambda registry: registry.hold("one/node", b"x", LEASE_US, Seen()))
        assert words.startswith("Consul's session_ttl_min is too long for our entry: Invalid Session TTL")


# --- what stands there ---


def test_folders_that_consuls_pages_make_are_no_values(plain: ConsulServer) -> None:
    for key in ("", "one/", "one/records/"):
        plain.put(key, b"")

    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, ConsulRegistry(plain.settings, unheard))
        assert (seen.values, seen.ignored) == ({}, [])

    run(main)


def test_whoever_leaves_more_than_can_be_read_hides_nobody_else(plain: ConsulServer) -> None:
    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, ConsulRegistry(plain.settings, unheard))
        plain.put("one/records/a", b"x" * REGISTRY_ANSWER_BYTES_MAX)
        plain.put("two/records/a", b"2")
        plain.put("zzz/records/a", b"3")
        both = {"two/records/a": b"2", "zzz/records/a": b"3"}
        await wait_until_async(lambda: seen.values == both, "what the others left")
        assert "one/: more than can be read" in seen.ignored
        plain.put("two/records/a", b"4")
        await wait_until_async(lambda: seen.values == both | {"two/records/a": b"4"}, "what changes")
        plain.remove("two/records/a")
        await wait_until_async(lambda: list(seen.values) == ["zzz/records/a"], "what goes")
        assert seen.failures == []

    run(main)


def test_a_store_that_is_set_back_is_read_again_as_it_is(plain: ConsulServer) -> None:
    plain.put("one/records/a", b"old")
    backup = plain.call("GET", "snapshot").content
    for number in range(20):
        plain.put("one/records/a", b"%d" % number)
    plain.put("one/records/b", b"new")

    async def main(nursery: trio.Nursery) -> None:
        # Consul itself lets a query wait that names an index which the store has not reached again.
        seen = await watching(nursery, ConsulRegistry(plain.settings, unheard, silence_us=SECOND_US))
        assert seen.values == {"one/records/a": b"19", "one/records/b": b"new"}
        before = plain.index()
        assert plain.call("PUT", "snapshot", raw=backup).status_code == 200
        await wait_until_async(lambda: seen.values == {"one/records/a": b"old"}, "the store as it was")
        assert plain.index() < before
        plain.put("one/records/a", b"newer")
        await wait_until_async(lambda: seen.values == {"one/records/a": b"newer"}, "what changes from then on")
        assert seen.failures == []

    run(main)


def test_a_query_that_is_silent_for_long_ends_and_another_begins(plain: ConsulServer) -> None:
    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, ConsulRegistry(plain.settings, unheard, silence_us=SOON_US))
        await wait_until_async(lambda: seen.wholes > 2, "further readings")
        assert seen.failures == []

    run(main)


# --- servers ---


def test_an_endpoint_that_does_not_answer_or_has_no_leader_is_left_for_the_next(
    plain: ConsulServer, tmp_path: Path
) -> None:
    (dead,) = free_ports(1)
    headless = ConsulServer(tmp_path / "headless", expects=2)
    try:
        headless.launch()
        wait_until(headless.is_up, "a server without a leader")
        settings = replace(plain.settings, endpoints=(f"127.0.0.1:{dead}", headless.endpoint, plain.endpoint))

        async def main(nursery: trio.Nursery) -> None:
            registry = ConsulRegistry(settings, unheard)
            seen = await watching(nursery, registry)
            assert registry.endpoint == f"http://{plain.endpoint}/minicoin"
            await registry.put("three/records/a", b"1")
            await wait_until_async(lambda: seen.values.get("three/records/a") == b"1", "the value")
            assert seen.failures == []
            alone = ConsulRegistry(replace(settings, endpoints=settings.endpoints[:2]), unheard)
            with pytest.raises(RegistryUnavailable, match="Consul does not answer: No cluster leader"):
                await alone.put("three/records/a", b"2")

        run(main)
    finally:
        headless.kill()


def test_a_cluster_that_loses_its_leader_is_taken_up_again_when_it_has_one(tmp_path: Path) -> None:
    require_consul()
    one = ConsulServer(tmp_path / "one", expects=2)
    two = ConsulServer(tmp_path / "two", expects=2, joins=[one.ports[2]])
    try:
        for server in (one, two):
            server.launch()
        for server in (one, two):
            server.wait_leader()
        both = replace(one.settings, endpoints=(one.endpoint, two.endpoint))

        async def main(nursery: trio.Nursery) -> None:
            seen = await watching(nursery, ConsulRegistry(both, unheard, silence_us=SECOND_US))
            held = holding(nursery, ConsulRegistry(both, unheard), "one/node", b"here", 60 * SECOND_US)
            await wait_until_async(lambda: seen.values == {"one/node": b"here"} and held.held, "the entry")
            two.kill()
            await wait_until_async(lambda: seen.failures, "that there is no leader")
            with pytest.raises(RegistryUnavailable, match="Consul does not answer"):
                await ConsulRegistry(both, unheard).put("two/records/a", b"1")
            two.launch()
            await wait_until_async(lambda: one.has_leader() and two.has_leader(), "a leader")
            wholes = seen.wholes
            await wait_until_async(lambda: seen.wholes > wholes, "another reading")
            await ConsulRegistry(both, unheard).put("two/records/a", b"1")
            await wait_until_async(lambda: seen.values.get("two/records/a") == b"1", "a change")
            # The session outlived it, and with it the entry.
            assert seen.gone == [] and held.held == [None]

        run(main)
    finally:
        one.kill()
        two.kill()


def test_endpoints_that_say_different_things_are_read_each_as_it_is(plain: ConsulServer, tmp_path: Path) -> None:
    with running_consul(tmp_path / "other") as other:
        other.put("one/records/a", b"other")
        for number in range(5):
            plain.put("one/records/a", b"%d" % number)
        settings = replace(plain.settings, endpoints=(other.endpoint, plain.endpoint))

        async def main(nursery: trio.Nursery) -> None:
            seen = await watching(nursery, ConsulRegistry(settings, unheard))
            assert seen.values == {"one/records/a": b"other"}
            other.kill()
            await wait_until_async(lambda: seen.values == {"one/records/a": b"4"}, "what the next one says")

        run(main)
