import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from minicoin.core.params.builtin import REGTEST
from minicoin.drivers.kernel import KernelVerifier
from minicoin.rpc.dispatch import Dispatcher, HttpAnswer
from minicoin.rpc.json_text import Json, decode_json, encode_json
from minicoin.rpc.table import METHODS
from minicoin.testing.host_port import HostPort
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World


class Caller:
    """Calls methods of one simulated node through the dispatcher, as a client would over HTTP."""

    def __init__(self, port: HostPort) -> None:
        self.port = port
        self.dispatcher = Dispatcher(METHODS, port)

    def post(self, body: bytes | Json, wallet: str | None = None) -> HttpAnswer:
        raw = body if isinstance(body, bytes) else encode_json(body).encode()
        return asyncio.run(self.dispatcher.handle(raw, wallet))

    def _result(self, method: str, params: Json, wallet: str | None) -> Json:
        answer = decode_json(self.post({"id": 1, "method": method, "params": params}, wallet).body)
        assert isinstance(answer, dict)
        error = answer["error"]
        if error is not None:
            assert isinstance(error, dict)
            raise RefusedError(error["code"], error["message"])
        return answer["result"]

    def __call__(self, method: str, *params: Json, wallet: str | None = None):
        return self._result(method, list(params), wallet)

    def named(self, method: str, **params: Json):
        return self._result(method, params, None)

    def refusal(self, method: str, *params: Json, wallet: str | None = None) -> tuple[int, str]:
        """The code and message of a call that must fail."""
        with pytest.raises(RefusedError) as refused:
            self(method, *params, wallet=wallet)
        return refused.value.code, refused.value.message

    def named_refusal(self, method: str, **params: Json) -> tuple[int, str]:
        """The same with named arguments."""
        with pytest.raises(RefusedError) as refused:
            self.named(method, **params)
        return refused.value.code, refused.value.message


class RefusedError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def _callers(tmp_path: Path, *names: str) -> Iterator[tuple[Caller, ...]]:
    verifier = KernelVerifier(1)
    world = World(REGTEST, verifier, uniform(20_000), WorldSettings(b"rpc", encodes=True))
    yield tuple(Caller(HostPort(world, world.add_node(name), tmp_path)) for name in names)
    verifier.close()


@pytest.fixture
def rpc(tmp_path: Path) -> Iterator[Caller]:
    """A node with an empty chain."""
    for (caller,) in _callers(tmp_path, "one"):
        yield caller


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Caller, Caller]]:
    """Two nodes that are not connected."""
    yield from _callers(tmp_path, "one", "other")


@pytest.fixture
def funded(rpc: Caller) -> Caller:
    """A node with a wallet that has three spendable coinbases."""
    rpc("createwallet")
    rpc("generatetoaddress", 103, rpc("getnewaddress", "mined"))
    return rpc
