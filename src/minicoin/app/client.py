"""The command line's RPC client: finds the node of a data directory, calls it, and turns failures into clear words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from minicoin.core.params.network import Network
from minicoin.rpc.auth import Credentials, read_address, read_cookie
from minicoin.rpc.json_text import Json, decode_json, encode_json

_LOOPBACK: Final = "127.0.0.1"
_CONNECT_TIMEOUT_S: Final = 5.0


class NoNode(Exception):
    """No node answers where one was looked for."""


class RpcFailure(Exception):
    """The node refused a call, with Bitcoin Core's code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class NodePlace:
    """Which node to call. Without credentials the cookie of the data directory is used."""

    network: Network
    datadir: Path
    host: str | None = None
    port: int | None = None
    credentials: Credentials | None = None

    def address(self) -> tuple[str, int]:
        """What was asked for, else what the running node wrote down, else the network's own port."""
        written = read_address(self.datadir) if self.port is None and self.host is None else None
        if written is not None:
            return written
        return self.host or _LOOPBACK, self.network.rpc_port if self.port is None else self.port


class RpcClient:
    """Calls one node. Raises NoNode and RpcFailure."""

    def __init__(self, place: NodePlace) -> None:
        self.place = place
        credentials = place.credentials or read_cookie(place.datadir)
        if credentials is None:
            raise self._no_node()
        host, port = place.address()
        self._client = httpx.Client(
            base_url=f"http://{f'[{host}]' if ':' in host else host}:{port}",
            auth=(credentials.user, credentials.password),
            # Mining and rescans take as long as they take; connecting does not.
            timeout=httpx.Timeout(None, connect=_CONNECT_TIMEOUT_S),
            trust_env=False,
        )
        self._calls = 0

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def call(self, method: str, *params: Json) -> Json:
        """One call with positional arguments."""
        return self._post(method, list(params))

    def call_named(self, method: str, **params: Json) -> Json:
        """One call with named arguments; those that are None are left out."""
        return self._post(method, {name: value for name, value in params.items() if value is not None})

    def _post(self, method: str, params: Json) -> Json:
        self._calls += 1
        request: Json = {"jsonrpc": "2.0", "id": self._calls, "method": method, "params": params}
        try:
            response = self._client.post("/", content=encode_json(request).encode())
        except httpx.TransportError as error:
            raise self._no_node() from error
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise NoNode(f"the node at {self._client.base_url} refuses these credentials")
        try:
            answer = decode_json(response.content)
        except ValueError as error:
            raise NoNode(f"{self._client.base_url} is no minicoin node: HTTP {response.status_code}") from error
        if not isinstance(answer, dict):
            raise NoNode(f"{self._client.base_url} is no minicoin node")
        problem = answer.get("error")
        if isinstance(problem, dict):
            raise RpcFailure(int(str(problem.get("code", -1))), str(problem.get("message", "")))
        return answer.get("result")

    def _no_node(self) -> NoNode:
        place = self.place
        host, port = place.address()
        return NoNode(
            f"no node is running for {place.datadir} ({place.network.name}, RPC {host}:{port}); start one with: "
            f"minicoin startnode --network {place.network.name} --datadir {place.datadir}"
        )


def as_object(value: Json) -> dict[str, Json]:
    """A result that must be an object."""
    if not isinstance(value, dict):
        raise NoNode("the node answered something unexpected")
    return value


def as_array(value: Json) -> Sequence[Json]:
    """A result that must be an array."""
    if not isinstance(value, list):
        raise NoNode("the node answered something unexpected")
    return value
