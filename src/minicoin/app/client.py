"""The command line's RPC client: finds the node of a data directory, calls it, and turns failures into clear words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from minicoin.app.http_post import HttpConnection, NoHttp
from minicoin.app.loading import load
from minicoin.rpc.auth import Credentials, read_address, read_cookie
from minicoin.rpc.json_text import Json, decode_json, encode_json

UNLOCK_NEEDED: Final = -13
"""Bitcoin Core's code for a wallet that is locked."""
_UNAUTHORIZED: Final = 401
_BUSY: Final = 503
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

    network_name: str
    datadir: Path
    host: str | None = None
    port: int | None = None
    credentials: Credentials | None = None

    def address(self) -> tuple[str, int]:
        """What was asked for, else what the running node wrote down, else the network's own port."""
        written = read_address(self.datadir) if self.port is None and self.host is None else None
        if written is not None:
            return written
        # Only here, since most calls find the node without knowing its network.
        port = load("networks").find_network(self.network_name).rpc_port if self.port is None else self.port
        return self.host or _LOOPBACK, port


class RpcClient:
    """Calls one node. Raises NoNode and RpcFailure."""

    def __init__(self, place: NodePlace) -> None:
        self.place = place
        credentials = place.credentials or read_cookie(place.datadir)
        if credentials is None:
            raise self._no_node()
        host, port = place.address()
        self._where = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._authorization = credentials.header
        self._connection = HttpConnection(host, port, _CONNECT_TIMEOUT_S)
        self._calls = 0

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

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
            status, body = self._connection.post(encode_json(request).encode(), self._authorization)
        except (NoHttp, OSError) as error:
            raise self._lost(error) from error
        if status == _UNAUTHORIZED:
            raise NoNode(
                f"the node at {self._where} refuses these credentials: is {self.place.datadir} its data directory? "
                "else give --rpcuser and --rpcpassword"
            )
        try:
            answer = decode_json(body)
        except ValueError as error:
            raise self._no_minicoin(status, body) from error
        if not isinstance(answer, dict):
            raise self._no_minicoin(status, body)
        problem = answer.get("error")
        if isinstance(problem, dict):
            raise RpcFailure(int(str(problem.get("code", -1))), str(problem.get("message", "")))
        return answer.get("result")

    def _lost(self, error: Exception) -> NoNode:
        if isinstance(error, NoHttp):
            return NoNode(f"{self._where} is no minicoin node: it does not speak HTTP")
        if isinstance(error, ConnectionResetError | BrokenPipeError):
            return NoNode(f"the node at {self._where} ended the connection before it answered")
        if isinstance(error, TimeoutError):
            return NoNode(f"the node at {self._where} took no connection within {_CONNECT_TIMEOUT_S:.0f} s")
        return self._no_node()

    def _no_minicoin(self, status: int, body: bytes) -> NoNode:
        if status == _BUSY:
            said = body.decode(errors="replace").strip()
            return NoNode(f"the node at {self._where} is busy" + (f": {said}" if said else "; try again"))
        return NoNode(f"{self._where} is no minicoin node: it answered with HTTP status {status}")

    def _no_node(self) -> NoNode:
        place = self.place
        host, port = place.address()
        return NoNode(
            f"no node is running for {place.datadir} ({place.network_name}, RPC {host}:{port}); start one with: "
            f"minicoin startnode --network {place.network_name} --datadir {place.datadir}"
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
