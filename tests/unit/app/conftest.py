import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.command_line import call

from minicoin.app import invocation
from minicoin.app.client import RpcFailure
from minicoin.core.params.builtin import REGTEST
from minicoin.drivers.kernel import KernelVerifier
from minicoin.rpc.dispatch import Dispatcher
from minicoin.rpc.json_text import Json, decode_json, encode_json
from minicoin.rpc.table import METHODS
from minicoin.testing.host_port import HostPort
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World


class SimulatedClient:
    """RpcClient's calls, answered by a simulated node."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def call(self, method: str, *params: Json) -> Json:
        return self._post(method, list(params))

    def call_named(self, method: str, **params: Json) -> Json:
        return self._post(method, {name: value for name, value in params.items() if value is not None})

    def close(self) -> None:
        pass

    def _post(self, method: str, params: Json) -> Json:
        request = encode_json({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        answer = decode_json(asyncio.run(self._dispatcher.handle(request.encode())).body)
        assert isinstance(answer, dict)
        if "error" in answer:
            raise RpcFailure(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]


@dataclass
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@dataclass
class CommandLine:
    """Runs commands in this process."""

    datadir: Path
    port: HostPort | None = None

    def __call__(self, *words: str, env: dict[str, str] | None = None, text: str | None = None) -> Ran:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            called = call(*words, text=text or "")
        return Ran(called.exit_code, called.stdout, called.stderr)


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the user's own directories or hears his environment."""
    for name in ("MINICOIN_NETWORK", "MINICOIN_DATADIR", "MINICOIN_PASSPHRASE", "MINICOIN_RPCPASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line without a node."""
    datadir = tmp_path / "node"
    monkeypatch.setenv("MINICOIN_NETWORK", "regtest")
    monkeypatch.setenv("MINICOIN_DATADIR", str(datadir))
    return CommandLine(datadir)


@pytest.fixture
def running(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandLine]:
    """The command line beside a running node."""
    verifier = KernelVerifier(1)
    world = World(REGTEST, verifier, uniform(20_000), WorldSettings(b"app", encodes=True))
    cli.port = HostPort(world, world.add_node("one"), cli.datadir)
    client = SimulatedClient(Dispatcher(METHODS, cli.port))
    monkeypatch.setattr(invocation, "RpcClient", lambda place: client)
    yield cli
    verifier.close()
