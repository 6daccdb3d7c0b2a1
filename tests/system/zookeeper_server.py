"""A real ZooKeeper as a process on loopback, with TLS where a test wants it, and rights that its operator gives."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError
from kazoo.security import make_digest_acl, make_digest_acl_credential
from tests.ports import free_ports
from tests.waiting import HANG_S, wait_until

from minicoin.drivers.registry.settings import ZooKeeperSettings

from .certificates import Certificates

ZOOKEEPER = Path(__file__).parents[2] / ".peers" / "zookeeper" / "zookeeper"
PREFIX = "/minicoin"
_SUPER = "the operator's"


@dataclass
class ZooKeeperServer:
    """Killed and started again at will, on the same port and data."""

    directory: Path
    certificates: Certificates | None = None
    tick_ms: int = 100
    """Sessions expire to within this, and live for two of it at least."""
    session_ms_max: int = 60_000
    shows: str = "server"
    """Which of the certificates."""
    port: int = field(default_factory=lambda: free_ports(1)[0])
    number: int = 0
    """Its own in an ensemble."""
    quorum_ports: Sequence[int] = ()
    """Of the whole ensemble, two of each."""
    prefix: str = PREFIX
    """Below which its members meet."""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def settings(self) -> ZooKeeperSettings:
        """Of a client that needs nothing more."""
        settings = ZooKeeperSettings((self.endpoint,), self.prefix)
        return settings if self.certificates is None else replace(settings, tls=self.certificates.files())

    def start(self) -> None:
        self.directory.mkdir(exist_ok=True)
        lines = [f"dataDir={self.directory / 'data'}", f"tickTime={self.tick_ms}", "admin.enableServer=false"]
        lines += [f"maxSessionTimeout={self.session_ms_max}", "maxClientCnxns=0"]
        if self.certificates is None:
            lines += [f"clientPort={self.port}", "clientPortAddress=127.0.0.1"]
        else:
            lines += [f"secureClientPort={self.port}", "secureClientPortAddress=127.0.0.1"]
            lines += ["serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory"]
            lines += [f"ssl.keyStore.location={self._key_store(self.certificates)}", "ssl.keyStore.type=PEM"]
            lines += [f"ssl.trustStore.location={self.certificates.ca}", "ssl.trustStore.type=PEM"]
        pairs = list(zip(self.quorum_ports[::2], self.quorum_ports[1::2], strict=True))
        lines += [f"server.{number}=127.0.0.1:{one}:{other}" for number, (one, other) in enumerate(pairs, 1)]
        lines += ["initLimit=100", "syncLimit=100"]
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        (data / "myid").write_text(str(self.number))
        config = self.directory / "zoo.cfg"
        config.write_text("".join(f"{line}\n" for line in lines))
        digest = make_digest_acl_credential("super", _SUPER)
        words = [f"-Dzookeeper.DigestAuthenticationProvider.superDigest={digest}"]
        # A process that is killed loses nothing of what it has written, synced or not.
        words += ["-Dzookeeper.forceSync=no", "org.apache.zookeeper.server.quorum.QuorumPeerMain", str(config)]
        with (self.directory / "zookeeper.log").open("ab") as log:
            self._process = subprocess.Popen([str(ZOOKEEPER), *words], stdout=log, stderr=log)
        if not self.quorum_ports:
            self.wait_up()

    def wait_up(self) -> None:
        """Until it answers; in an ensemble, until a majority is there."""
        wait_until(self._answers, f"ZooKeeper answers ({self.directory / 'zookeeper.log'})")

    def kill(self) -> None:
        """As kill -9 does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def suspend(self) -> None:
        """It is there, and says nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    # --- what its operator does ---

    @contextmanager
    def operator(self) -> Iterator[KazooClient]:
        """Who may do everything."""
        tls = None if self.certificates is None else self.certificates.files()
        files = {} if tls is None else {"use_ssl": True, "ca": tls.ca, "certfile": tls.cert, "keyfile": tls.key}
        # Again soon: a server that has just opened its port drops who comes too early.
        again = {"max_tries": -1, "delay": 0.05, "backoff": 1}
        auth = [("digest", f"super:{_SUPER}")]
        client = KazooClient(self.endpoint, timeout=self.tick_ms / 100, auth_data=auth, connection_retry=again, **files)
        try:
            client.start(HANG_S)
            yield client
        finally:
            client.stop()
            client.close()

    def written(self) -> list[str]:
        """All keys below the prefix, without it."""
        with self.operator() as client:
            return [path.removeprefix(f"{self.prefix}/") for path in _values(client, self.prefix)]

    def read(self, key: str) -> bytes:
        with self.operator() as client:
            return client.get(f"{self.prefix}/{key}")[0]

    def put(self, key: str, value: bytes) -> None:
        """Whatever anybody might write there."""
        path = f"{self.prefix}/{key}"
        with self.operator() as client:
            client.ensure_path(path)
            client.set(path, value)

    def remove(self, key: str) -> None:
        with self.operator() as client:
            client.delete(f"{self.prefix}/{key}", recursive=True)

    def give_rights(self, **folders: str) -> None:
        """Each user reads everything, and writes below a folder of his own."""
        readers = [make_digest_acl(user, f"{user} password", read=True) for user in folders]
        with self.operator() as client:
            client.create(self.prefix, b"", acl=readers)
            for user, folder in folders.items():
                own = make_digest_acl(user, f"{user} password", create=True, write=True, delete=True, read=True)
                others = [acl for acl in readers if acl.id != own.id]
                client.create(f"{self.prefix}/{folder}", b"", acl=[own, *others])

    def change_password(self, user: str, folder: str, password: str) -> None:
        """ZooKeeper keeps no users: whoever shows the old password has no right below the folder any more."""
        own = [make_digest_acl(user, password, all=True)]
        with self.operator() as client:
            for path in [f"{self.prefix}/{folder}", *_values(client, f"{self.prefix}/{folder}")]:
                client.set_acls(path, own)
            client.set_acls(f"{self.prefix}/{folder}/records", own)

    def allow_nobody(self, key: str) -> None:
        """To read what stands there."""
        with self.operator() as client:
            client.set_acls(f"{self.prefix}/{key}", [make_digest_acl("nobody", "else", all=True)])

    def _key_store(self, certificates: Certificates) -> Path:
        """Its key as Java reads it, and its certificate."""
        path = self.directory / "server.pem"
        key = load_pem_private_key(certificates.key(self.shows).read_bytes(), None)
        raw = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(raw + certificates.cert(self.shows).read_bytes())
        return path

    def _answers(self) -> bool:
        log = self.directory / "zookeeper.log"
        assert self._process is not None and self._process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), HANG_S).close()
        except ConnectionRefusedError:
            return False
        if self.shows != "server":
            # Its own operator would not believe it.
            return True
        with self.operator() as client:
            return client.connected


def _values(client: KazooClient, path: str) -> Iterator[str]:
    try:
        if client.get(path)[0]:
            yield path
        for name in sorted(client.get_children(path)):
            yield from _values(client, f"{path}/{name}")
    except NoNodeError:
        # It was removed meanwhile.
        return


def require_zookeeper() -> None:
    """Skip with a reason where ZooKeeper could not be installed; under CI that is a failure."""
    if not ZOOKEEPER.exists():
        reason = "no ZooKeeper under .peers/zookeeper: make peers says why"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def running_zookeeper(
    directory: Path, certificates: Certificates | None = None, **more: int
) -> Iterator[ZooKeeperServer]:
    """Runs until the block is left."""
    require_zookeeper()
    server = ZooKeeperServer(directory, certificates, **more)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@contextmanager
def running_ensemble(directory: Path, count: int) -> Iterator[list[ZooKeeperServer]]:
    """So many that are one; runs until the block is left."""
    require_zookeeper()
    directory.mkdir()
    ports = free_ports(2 * count)
    servers = [
        ZooKeeperServer(directory / str(number), number=number, quorum_ports=ports) for number in range(1, count + 1)
    ]
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait_up()
        yield servers
    finally:
        for server in servers:
            server.kill()
