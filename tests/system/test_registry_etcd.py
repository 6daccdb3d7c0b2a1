"""A real etcd: TLS, users and rights, tokens, endpoints, leases taken away, changes compacted away; and what is said of
what an operator set wrongly."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from tests.ports import free_ports
from tests.waiting import wait_until_async

from minicoin.core.units import SECOND_US
from minicoin.drivers.registry.etcd import EtcdRegistry
from minicoin.drivers.registry.port import LeaseLost, Registry, RegistryRefused, RegistryUnavailable
from minicoin.drivers.registry.secret import PASSWORD, Secret, read_secret
from minicoin.drivers.registry.settings import EtcdSettings, TlsFiles
from minicoin.drivers.reports import RegistryFilesReplaced, Report

from .certificates import Certificates
from .etcd_server import PREFIX, EtcdServer, running_etcd
from .registries import LEASE_US, Seen, holding, run, unheard, watching


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("authority") / "ours")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("authority") / "theirs")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[EtcdServer]:
    """With TLS both ways, and users with rights."""
    directory = tmp_path_factory.mktemp("guarded") / "etcd"
    with running_etcd(directory, certificates, wants_client_certificates=True) as server:
        server.enable_users(bank1="one", bank2="two", bank3="three")
        yield server


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    with running_etcd(tmp_path_factory.mktemp("plain") / "etcd") as server:
        yield server


def member(server: EtcdServer, user: str = "bank1", certificate: str = "member") -> EtcdSettings:
    assert server.certificates is not None
    return replace(
        server.settings, tls=server.certificates.files(certificate), user=user, password=Secret(f"{user} password")
    )


def refusal_of(settings: EtcdSettings, act: Callable[[Registry], object] | None = None) -> str:
    """What is said to who does this."""

    async def main() -> str:
        registry = EtcdRegistry(settings, unheard)
        with pytest.raises(RegistryRefused) as failure:
            await (act(registry) if act is not None else registry.watch(Seen()))
        await registry.close()
        return str(failure.value)

    return trio.run(main)


def test_members_with_certificates_and_users_find_each_other(guarded: EtcdServer) -> None:
    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, EtcdRegistry(member(guarded), unheard))
        one = holding(nursery, EtcdRegistry(member(guarded), unheard), "one/node", b"1")
        two = holding(nursery, EtcdRegistry(member(guarded, "bank2"), unheard), "two/node", b"2")
        # Beside them stands what other tests left on this server.
        both = {"one/node": b"1", "two/node": b"2"}
        await wait_until_async(lambda: one.held and two.held and both.items() <= seen.values.items(), "both")
        assert seen.failures == []

    run(main)


def test_nobody_writes_below_a_key_that_is_not_his(guarded: EtcdServer) -> None:
    for act in (
        lambda registry: registry.put("two/records/a", b"x"),
        lambda registry: registry.remove("two/records/a"),
        lambda registry: registry.hold("two/node", b"x", SECOND_US, Seen()),
    ):
        assert "does not let user 'bank1' do this: its role must read /minicoin/" in refusal_of(member(guarded), act)
    elsewhere = replace(member(guarded), prefix="/other")
    assert "does not let user 'bank1' do this" in refusal_of(elsewhere)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"user": "", "password": Secret()}, "asks for a user: set registry-user"),
        ({"password": Secret("wrong")}, "knows no user 'bank1' with this password"),
        ({"user": "nobody"}, "knows no user 'nobody' with this password"),
    ],
)
def test_a_wrong_setting_is_told_in_words(guarded: EtcdServer, wrong: dict, words: str) -> None:
    assert words in refusal_of(replace(member(guarded), **wrong))


def test_a_password_that_was_changed_is_taken_from_its_file_while_the_node_runs(
    guarded: EtcdServer, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("bank3 password\n")
    password = read_secret("registry-password-file", PASSWORD, file)
    log: list[Report] = []

    async def main() -> None:
        registry = EtcdRegistry(replace(member(guarded, "bank3"), password=password), log.append)
        await registry.put("three/records/a", b"1")
        guarded.change_password("bank3", "another")
        with pytest.raises(RegistryRefused, match="what registry-password-file holds, which is read again"):
            await registry.put("three/records/a", b"2")
        file.write_text("another\n")
        await registry.put("three/records/a", b"3")
        assert log == [RegistryFilesReplaced(registry.endpoint.removesuffix(PREFIX))] and registry.problems == ()
        await registry.close()

    trio.run(main)
    assert guarded.read("three/records/a") == b"3"


def test_a_certificate_with_a_common_name_is_explained(guarded: EtcdServer) -> None:
    assert "refuses our certificate, since it has a CommonName" in refusal_of(member(guarded, certificate="named"))


def test_a_server_that_another_authority_vouches_for_is_not_spoken_to(
    guarded: EtcdServer, strangers: Certificates
) -> None:
    settings = replace(member(guarded), tls=strangers.files())
    assert "shows a certificate that registry-ca does not vouch for" in refusal_of(settings)


@pytest.mark.parametrize("is_foreign", [False, True])
def test_without_a_certificate_that_the_server_takes_the_word_is_about_it(
    guarded: EtcdServer, strangers: Certificates, is_foreign: bool
) -> None:
    ca = member(guarded).tls.ca
    tls = replace(strangers.files(), ca=ca) if is_foreign else TlsFiles(ca)
    with pytest.raises(RegistryUnavailable, match=r"registry-cert"):
        trio.run(EtcdRegistry(replace(member(guarded), tls=tls), unheard).put, "one/records/a", b"1")


def test_a_server_that_wants_tls_is_guessed(guarded: EtcdServer) -> None:
    with pytest.raises(RegistryUnavailable, match=r"if it speaks TLS, set registry-ca"):
        trio.run(EtcdRegistry(replace(member(guarded), tls=None), unheard).put, "one/records/a", b"1")


def test_a_server_without_tls_or_users_is_told_apart(plain: EtcdServer, certificates: Certificates) -> None:
    with pytest.raises(RegistryUnavailable, match=r"breaks off the TLS handshake: does it speak TLS\?"):
        settings = replace(plain.settings, tls=TlsFiles(certificates.ca))
        trio.run(EtcdRegistry(settings, unheard).put, "one/records/a", b"1")
    with_user = replace(plain.settings, user="bank1", password=Secret("x"))
    assert "etcd checks no users" in refusal_of(with_user)


def test_a_token_that_the_server_forgot_is_asked_for_again(tmp_path: Path, certificates: Certificates) -> None:
    with running_etcd(tmp_path / "etcd", certificates) as server:
        server.enable_users(bank1="one")

        async def main(nursery: trio.Nursery) -> None:
            registry = EtcdRegistry(member(server), unheard)
            await registry.put("one/records/a", b"1")
            seen = await watching(nursery, EtcdRegistry(member(server), unheard))
            server.kill()
            server.start()
            await registry.put("one/records/a", b"2")
            await wait_until_async(lambda: seen.values == {"one/records/a": b"2"}, "the change, by a new watch")

        run(main)


def test_an_endpoint_that_does_not_answer_is_left_for_the_next(plain: EtcdServer) -> None:
    dead = [f"127.0.0.1:{port}" for port in free_ports(2)]
    settings = replace(plain.settings, endpoints=(dead[0], plain.endpoint, dead[1]))

    async def main(nursery: trio.Nursery) -> None:
        registry = EtcdRegistry(settings, unheard)
        seen = await watching(nursery, registry)
        assert registry.endpoint == f"http://{plain.endpoint}/minicoin"
        await registry.put("three/records/a", b"1")
        await wait_until_async(lambda: seen.values.get("three/records/a") == b"1", "the value")
        assert seen.failures == []
        with pytest.raises(RegistryUnavailable, match="etcd does not answer"):
            await EtcdRegistry(replace(settings, endpoints=tuple(dead)), unheard).put("three/records/a", b"2")

    run(main)


def test_a_lease_that_is_taken_away_is_told_and_another_one_taken(plain: EtcdServer) -> None:
    async def main(nursery: trio.Nursery) -> None:
        one = holding(nursery, EtcdRegistry(plain.settings, unheard), "four/node", b"here", LEASE_US)
        await wait_until_async(lambda: one.renewals, "the entry")
        for lease in plain.call("lease/leases")["leases"]:
            plain.call("lease/revoke", ID=lease["ID"])
        await wait_until_async(lambda: len(one.held) > 1, "another lease")
        assert {type(failure) for failure in one.failures} == {LeaseLost}
        assert str(one.failures[0]) == "the lease of our entry has expired"
        assert "four/node" in plain.written()

    run(main)


def test_changes_that_were_compacted_away_are_read(plain: EtcdServer) -> None:
    readings = []

    class Late(EtcdRegistry):
        """Much happens between its first reading and its watch."""

        async def _read_all(self, *words: object) -> int:
            revision = await super()._read_all(*words)
            readings.append(revision)
            if len(readings) == 1:
                plain.put("five/records/a", b"1")
                plain.put("five/records/a", b"2")
                plain.put("five/records/b", b"3")
                plain.remove("five/records/old")
                plain.compact()
            return revision

    async def main(nursery: trio.Nursery) -> None:
        plain.put("five/records/old", b"0")
        seen = await watching(nursery, Late(plain.settings, unheard))
        await wait_until_async(lambda: len(readings) == 2, "another reading")
        values = {key: value for key, value in seen.values.items() if key.startswith("five/")}
        assert values == {"five/records/a": b"2", "five/records/b": b"3"}
        plain.put("five/records/b", b"4")
        await wait_until_async(lambda: seen.values["five/records/b"] == b"4", "what changes from then on")
        assert seen.failures == []

    run(main)


def test_a_watch_that_is_silent_for_long_reads_again(plain: EtcdServer) -> None:
    async def main(nursery: trio.Nursery) -> None:
        seen = await watching(nursery, EtcdRegistry(plain.settings, unheard, silence_us=SECOND_US // 10))
        await wait_until_async(lambda: seen.wholes > 2, "further readings")
        assert seen.failures == []

    run(main)
