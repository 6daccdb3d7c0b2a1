"""Certificates and keys that an operator replaces while a node runs, each kind of registry with its real server.
Another kind joins by a row in `KINDS`."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trio
from tests.waiting import wait_until_async

from minicoin.drivers.registry.consul import ConsulRegistry
from minicoin.drivers.registry.etcd import EtcdRegistry
from minicoin.drivers.registry.port import Registry, RegistryRefused, RegistryUnavailable
from minicoin.drivers.registry.settings import TlsFiles
from minicoin.drivers.registry.zookeeper import ZooKeeperRegistry
from minicoin.drivers.reports import RegistryFilesReplaced, RegistryWarned, Report

from .certificates import Certificates, install
from .consul_server import ConsulServer, running_consul
from .etcd_server import EtcdServer, running_etcd
from .registries import run, unheard, watching
from .zookeeper_server import ZooKeeperServer, running_zookeeper


@dataclass(frozen=True)
class Guarded:
    """A server that asks its clients for certificates."""

    connect: Callable[[TlsFiles, Callable[[Report], None]], Registry]
    restart: Callable[[Certificates], None]
    """With certificates of this authority, asking for its clients'."""
    asks_anew: bool = False
    """A watch is one question after the other, not one that goes on."""


def _changed_over(server: EtcdServer | ConsulServer | ZooKeeperServer) -> Callable[[Certificates], None]:
    def restart(certificates: Certificates) -> None:
        server.kill()
        server.certificates = certificates
        server.start()

    return restart


@contextmanager
def etcd(directory: Path, certificates: Certificates) -> Iterator[Guarded]:
    with running_etcd(directory / "etcd", certificates, wants_client_certificates=True) as server:
        yield Guarded(
            lambda tls, report: EtcdRegistry(replace(server.settings, tls=tls), report), _changed_over(server)
        )


@contextmanager
def consul(directory: Path, certificates: Certificates) -> Iterator[Guarded]:
    with running_consul(directory / "consul", certificates) as server:
        yield Guarded(
            lambda tls, report: ConsulRegistry(replace(server.settings, tls=tls), report),
            _changed_over(server),
            asks_anew=True,
        )


@contextmanager
def zookeeper(directory: Path, certificates: Certificates) -> Iterator[Guarded]:
    with running_zookeeper(directory / "zookeeper", certificates) as server:
        yield Guarded(
            lambda tls, report: ZooKeeperRegistry(replace(server.settings, tls=tls), report), _changed_over(server)
        )


KINDS = {"etcd": etcd, "consul": consul, "zookeeper": zookeeper}


class Operator:
    """Of one node: where its files lie, and what its log said."""

    def __init__(self, directory: Path, authority: Certificates) -> None:
        directory.mkdir()
        self.files = TlsFiles(directory / "ca.pem", directory / "node.pem", directory / "node.key")
        self.log: list[Report] = []
        self.install(authority.files())

    def install(self, given: TlsFiles) -> None:
        """In the places of those before."""
        install(given, self.files)


@pytest.fixture
def ours(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "ours")


@pytest.fixture
def theirs(tmp_path: Path) -> Certificates:
    """Of another authority."""
    return Certificates(tmp_path / "theirs")


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path, ours: Certificates) -> Iterator[Guarded]:
    with KINDS[request.param](tmp_path, ours) as found:
        yield found


def test_replaced_files_are_taken_at_the_next_connection(
    server: Guarded, tmp_path: Path, ours: Certificates, theirs: Certificates
) -> None:
    operator = Operator(tmp_path / "node", ours)

    async def main(nursery: trio.Nursery) -> None:
        registry = server.connect(operator.files, operator.log.append)
        seen = await watching(nursery, registry)
        await registry.put("one/records/a", b"1")
        assert operator.log == []

        # Our certificate and key: the server does not know who signed them.
        operator.install(replace(theirs.files(), ca=ours.ca))
        with pytest.raises(RegistryUnavailable, match="registry-cert"):
            await registry.put("one/records/a", b"2")
        assert [type(report) for report in operator.log] == [RegistryFilesReplaced]
        if not server.asks_anew:
            # What is connected stays so.
            await server.connect(ours.files(), unheard).put("two/records/a", b"1")
            await wait_until_async(lambda: seen.values.get("two/records/a") == b"1", "what is watched all along")
            assert seen.failures == []

        # And the authority: the server is of the old one, until it has changed over as well.
        operator.install(theirs.files())
        with pytest.raises(RegistryRefused, match="registry-ca does not vouch for"):
            await registry.put("one/records/a", b"3")
        server.restart(theirs)
        await registry.put("one/records/a", b"4")
        await wait_until_async(lambda: seen.values.get("one/records/a") == b"4", "the watch, with the new files")
        assert [type(report) for report in operator.log] == [RegistryFilesReplaced] * 2
        await registry.close()

    run(main)


def test_files_that_cannot_be_used_leave_the_ones_before_in_use(
    server: Guarded, tmp_path: Path, ours: Certificates, theirs: Certificates
) -> None:
    operator = Operator(tmp_path / "node", ours)
    good = operator.files.cert.read_bytes()

    async def main(nursery: trio.Nursery) -> None:
        registry = server.connect(operator.files, operator.log.append)
        await registry.put("one/records/a", b"1")
        operator.files.cert.write_bytes(good[: len(good) // 2])
        server.restart(ours)
        # A new connection, and a second one that does not say it again.
        await registry.put("one/records/a", b"2")
        await registry.put("one/records/a", b"3")
        (warning,) = operator.log
        assert isinstance(warning, RegistryWarned) and "what was there before stays in use" in warning.reason
        shutil.copyfile(theirs.key("member"), operator.files.key)
        await registry.put("one/records/a", b"4")
        operator.files.ca.unlink()
        await registry.put("one/records/a", b"5")
        assert [type(report) for report in operator.log] == [RegistryWarned] * 3
        operator.install(ours.files())
        await registry.put("one/records/a", b"6")
        assert isinstance(operator.log[-1], RegistryFilesReplaced) and len(operator.log) == 4
        await registry.close()

    run(main)
