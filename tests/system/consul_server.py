"""A real Consul server as a process on loopback, with TLS and tokens where a test wants them."""

import json
import os
import ssl
import subprocess
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from tests.ports import free_ports
from tests.waiting import HANG_S, wait_until

from minicoin.drivers.registry.settings import ConsulSettings

from .certificates import Certificates

CONSUL = Path(__file__).parents[2] / ".peers" / "consul" / "consul"
PREFIX = "minicoin"
_MASTER_TOKEN = str(UUID(int=1))


@dataclass
class ConsulServer:
    """Killed and started again at will, on the same ports and data."""

    directory: Path
    certificates: Certificates | None = None
    """Where there are any, it asks its clients for theirs."""
    has_rights: bool = False
    """Who has no token may do nothing."""
    checks_lists: bool = False
    """Who may read may not list, unless that is allowed as well."""
    expects: int = 1
    """So many servers, of which a majority makes a leader."""
    joins: Sequence[int] = ()
    """The gossip ports of others."""
    session_ttl_min: str = "100ms"
    prefix: str = PREFIX
    """Below which its members meet."""
    ports: Sequence[int] = field(default_factory=lambda: free_ports(3))
    """Of HTTP, of the servers among themselves, and of their gossip."""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.ports[0]}"

    @property
    def agent(self) -> str:
        """Its name."""
        return f"agent{self.ports[0]}"

    @property
    def settings(self) -> ConsulSettings:
        """Of a client that needs nothing more."""
        settings = ConsulSettings((self.endpoint,), f"/{self.prefix}")
        return settings if self.certificates is None else replace(settings, tls=self.certificates.files())

    def start(self) -> None:
        self.launch()
        self.wait_leader()

    def launch(self) -> None:
        """Without waiting until it can be used."""
        self.directory.mkdir(exist_ok=True)
        config = self.directory / "config.json"
        config.write_text(json.dumps(self._config()))
        with (self.directory / "consul.log").open("ab") as log:
            words = [str(CONSUL), "agent", "-config-file", str(config)]
            self._process = subprocess.Popen(words, stdout=log, stderr=log)

    def wait_leader(self) -> None:
        wait_until(self._answers, f"Consul answers ({self.directory / 'consul.log'})")

    def kill(self) -> None:
        """As kill -9 does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def call(self, method: str, path: str, body: object = None, raw: bytes | None = None) -> httpx.Response:
        """What the operator does with it."""
        verify: ssl.SSLContext | bool = False
        if self.certificates is not None:
            verify = ssl.create_default_context(cafile=self.certificates.ca)
            verify.load_cert_chain(self.certificates.cert("member"), self.certificates.key("member"))
        url = f"{'https' if self.certificates else 'http'}://{self.endpoint}/v1/{path}"
        headers = {"X-Consul-Token": _MASTER_TOKEN} if self.has_rights else {}
        content = json.dumps(body).encode() if raw is None else raw
        with httpx.Client(verify=verify, trust_env=False, timeout=HANG_S) as client:
            return client.request(method, url, content=content, headers=headers)

    def written(self) -> list[str]:
        """All keys below the prefix, without it."""
        found = self.call("GET", f"kv/{self.prefix}/?keys")
        return [] if found.status_code == 404 else [key.removeprefix(f"{self.prefix}/") for key in found.json()]

    def read(self, key: str) -> bytes:
        return b64decode(self.call("GET", f"kv/{self.prefix}/{key}").json()[0]["Value"])

    def put(self, key: str, value: bytes) -> None:
        """Whatever anybody might write there."""
        assert self.call("PUT", f"kv/{self.prefix}/{key}", raw=value).json() is True

    def remove(self, key: str) -> None:
        self.call("DELETE", f"kv/{self.prefix}/{key}")

    def clear(self) -> None:
        """Nothing stands there."""
        self.call("DELETE", f"kv/{self.prefix}/?recurse")

    def index(self) -> int:
        """How far the store is, as queries for what stands there are told."""
        return int(self.call("GET", f"kv/{self.prefix}/?keys").headers["X-Consul-Index"])

    def sessions(self) -> list[dict]:
        return self.call("GET", "session/list").json()

    def locked_by(self, key: str) -> str:
        """A session's id."""
        return self.call("GET", f"kv/{self.prefix}/{key}").json()[0]["Session"]

    def end_session(self, session: str) -> None:
        assert self.call("PUT", f"session/destroy/{session}").json() is True

    def token(self, rules: str) -> str:
        """Somebody's who may do this."""
        secret = str(uuid4())
        self.set_rules(secret, rules)
        made = self.call("PUT", "acl/token", {"SecretID": secret, "Policies": [{"Name": secret}]})
        assert made.status_code == 200, made.text
        return secret

    def set_rules(self, token: str, rules: str) -> None:
        """Who has it may do this from now on."""
        known = {policy["Name"]: policy["ID"] for policy in self.call("GET", "acl/policies").json()}
        path = f"acl/policy/{known[token]}" if token in known else "acl/policy"
        made = self.call("PUT", path, {"Name": token, "Rules": rules})
        assert made.status_code == 200, made.text

    def is_up(self) -> bool:
        """It answers, with a leader or without."""
        try:
            return self.call("GET", "status/leader").status_code == 200
        except httpx.TransportError:
            return False

    def has_leader(self) -> bool:
        """And writes can be done through it."""
        return self.is_up() and self.call("PUT", "kv/probe", raw=b"").status_code == 200

    def _config(self) -> dict[str, object]:
        http, server, gossip = self.ports
        plain = self.certificates is None
        ports = {"http": http if plain else -1, "https": -1 if plain else http, "server": server, "serf_lan": gossip}
        config: dict[str, object] = {
            "server": True,
            "bootstrap_expect": self.expects,
            "retry_join": [f"127.0.0.1:{port}" for port in self.joins],
            "retry_interval": "200ms",
            "node_name": self.agent,
            "data_dir": str(self.directory / "data"),
            "bind_addr": "127.0.0.1",
            "client_addr": "127.0.0.1",
            "ports": ports | {"serf_wan": -1, "dns": -1, "grpc": -1},
            # Alone it needs little time to find out that it leads, and where nobody does it says so soon.
            "performance": {"raft_multiplier": 1, "rpc_hold_timeout": "200ms"},
            "session_ttl_min": self.session_ttl_min,
            "limits": {"kv_max_value_size": 8 << 20, "txn_max_req_len": 8 << 20},
            "connect": {"enabled": False},
            "disable_host_node_id": True,
            "disable_update_check": True,
            "log_level": "warn",
        }
        if self.has_rights:
            acl = {"enabled": True, "default_policy": "deny", "tokens": {"master": _MASTER_TOKEN}}
            config["acl"] = acl | {"enable_key_list_policy": self.checks_lists}
        if self.certificates is not None:
            ours = self.certificates
            config |= {"cert_file": str(ours.cert("server")), "key_file": str(ours.key("server"))}
            config |= {"ca_file": str(ours.ca), "verify_incoming_https": True}
        return config

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, (self.directory / "consul.log").read_text()
        try:
            # Before it is in its own catalogue it makes no session.
            return self.call("GET", f"catalog/node/{self.agent}").json() is not None
        except (httpx.TransportError, ValueError):
            return False


def require_consul() -> None:
    """Skip with a reason where Consul could not be installed; under CI that is a failure."""
    if not CONSUL.exists():
        reason = "no Consul under .peers/consul: make peers says why"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def running_consul(
    directory: Path,
    certificates: Certificates | None = None,
    *,
    has_rights: bool = False,
    checks_lists: bool = False,
    session_ttl_min: str = "100ms",
) -> Iterator[ConsulServer]:
    """Runs until the block is left."""
    require_consul()
    server = ConsulServer(directory, certificates, has_rights, checks_lists, session_ttl_min=session_ttl_min)
    try:
        server.start()
        yield server
    finally:
        server.kill()
