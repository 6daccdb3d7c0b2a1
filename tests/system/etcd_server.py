"""A real etcd as a process on loopback, with TLS and users where a test wants them."""

import os
import ssl
import subprocess
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
from tests.ports import free_ports
from tests.waiting import HANG_S, wait_until

from minicoin.drivers.registry.etcd_json import range_end, text
from minicoin.drivers.registry.settings import EtcdSettings, TlsFiles

from .certificates import Certificates

ETCD = Path(__file__).parents[2] / ".peers" / "etcd" / "etcd"
PREFIX = "/minicoin"
ROOT_PASSWORD = "root password"


@dataclass
class EtcdServer:
    """Killed and started again at will, on the same ports and data."""

    directory: Path
    certificates: Certificates | None = None
    wants_client_certificates: bool = False
    prefix: str = PREFIX
    """Below which its members meet."""
    ports: Sequence[int] = field(default_factory=lambda: free_ports(2))
    _process: subprocess.Popen[bytes] | None = None
    _token: str = ""

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.ports[0]}"

    @property
    def settings(self) -> EtcdSettings:
        """Of a client that needs nothing more."""
        settings = EtcdSettings((self.endpoint,), self.prefix)
        return settings if self.certificates is None else replace(settings, tls=TlsFiles(self.certificates.ca))

    def start(self) -> None:
        self.directory.mkdir(exist_ok=True)
        scheme = "http" if self.certificates is None else "https"
        peer = f"http://127.0.0.1:{self.ports[1]}"
        words = ["--data-dir", str(self.directory / "data"), "--name", "one", "--initial-cluster", f"one={peer}"]
        words += ["--listen-client-urls", f"{scheme}://{self.endpoint}"]
        words += ["--advertise-client-urls", f"{scheme}://{self.endpoint}"]
        words += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        # Alone it needs no time to find out that it leads, and the tests' passwords need no strong hash.
        words += ["--heartbeat-interval", "10", "--election-timeout", "100", "--bcrypt-cost", "4"]
        words += ["--logger", "zap", "--log-level", "error"]
        if self.certificates is not None:
            words += [
                "--cert-file",
                str(self.certificates.cert("server")),
                "--key-file",
                str(self.certificates.key("server")),
            ]
        if self.wants_client_certificates:
            words += ["--client-cert-auth", "--trusted-ca-file", str(self.certificates.ca)]
        with (self.directory / "etcd.log").open("ab") as log:
            self._process = subprocess.Popen([str(ETCD), *words], stdout=log, stderr=log)
        wait_until(self._answers, f"etcd answers ({log.name})")

    def kill(self) -> None:
        """As kill -9 does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def call(self, path: str, **request: object) -> dict:
        """What the operator does with it."""
        verify: ssl.SSLContext | bool = False
        if self.certificates is not None:
            verify = ssl.create_default_context(cafile=self.certificates.ca)
            verify.load_cert_chain(self.certificates.cert("member"), self.certificates.key("member"))
        url = f"{'https' if self.certificates else 'http'}://{self.endpoint}/v3/{path}"
        headers = {"Authorization": self._token} if self._token else {}
        with httpx.Client(verify=verify, trust_env=False, timeout=HANG_S) as client:
            answer = client.post(url, json=request, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def written(self) -> list[str]:
        """All keys below the prefix, without it."""
        prefix = f"{self.prefix}/".encode()
        found = self.call("kv/range", key=text(prefix), range_end=text(range_end(prefix)), keys_only=True)
        return [b64decode(item["key"]).decode().removeprefix(f"{self.prefix}/") for item in found.get("kvs", [])]

    def read(self, key: str) -> bytes:
        found = self.call("kv/range", key=text(f"{self.prefix}/{key}".encode()))
        return b64decode(found["kvs"][0]["value"])

    def put(self, key: str, value: bytes) -> None:
        """Whatever anybody might write there."""
        self.call("kv/put", key=text(f"{self.prefix}/{key}".encode()), value=text(value))

    def remove(self, key: str) -> None:
        self.call("kv/deleterange", key=text(f"{self.prefix}/{key}".encode()))

    def compact(self) -> None:
        """Throw away all changes but the last."""
        revision = self.call("kv/range", key=text(b"x"))["header"]["revision"]
        self.call("kv/compaction", revision=revision)

    def enable_users(self, **folders: str) -> None:
        """From now on only these may do anything: each reads everything, and writes below a folder of his own."""
        self.call("auth/user/add", name="root", password=ROOT_PASSWORD)
        self.call("auth/role/add", name="root")
        self.call("auth/user/grant", user="root", role="root")
        everything = f"{self.prefix}/".encode()
        for user, folder in folders.items():
            own = f"{self.prefix}/{folder}/".encode()
            self.call("auth/user/add", name=user, password=f"{user} password")
            self.call("auth/role/add", name=user)
            for prefix, kind in ((everything, "READ"), (own, "READWRITE")):
                permission = {"key": text(prefix), "range_end": text(range_end(prefix)), "permType": kind}
                self.call("auth/role/grant", name=user, perm=permission)
            self.call("auth/user/grant", user=user, role=user)
        self.call("auth/enable")
        self._token = self.call("auth/authenticate", name="root", password=ROOT_PASSWORD)["token"]

    def change_password(self, user: str, password: str) -> None:
        self.call("auth/user/changepw", name=user, password=password)

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, (self.directory / "etcd.log").read_text()
        try:
            self.call("maintenance/status")
        except httpx.TransportError:
            return False
        except AssertionError:
            # It is there, and has no leader yet or asks who we are.
            return bool(self._token)
        return True


def require_etcd() -> None:
    """Skip with a reason where etcd could not be installed; under CI that is a failure."""
    if not ETCD.exists():
        reason = "no etcd under .peers/etcd: make peers says why"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def running_etcd(directory: Path, certificates: Certificates | None = None, **more: bool) -> Iterator[EtcdServer]:
    """Runs until the block is left."""
    require_etcd()
    server = EtcdServer(directory, certificates, **more)
    try:
        server.start()
        yield server
    finally:
        server.kill()
