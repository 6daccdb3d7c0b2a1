"""A real node called by a PyPI client library that knows Bitcoin Core only (python-bitcoinrpc), and by raw HTTP."""

import base64
import json
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from bitcoinrpc.authproxy import AuthServiceProxy, JSONRPCException
from tests.ports import free_ports
from tests.waiting import HANG_S

from minicoin.core.limits import RPC_BODY_BYTES_MAX, RPC_CONNECTIONS_MAX
from minicoin.rpc.auth import ADDRESS_FILE, COOKIE_FILE

from .forked import ForkedNode, refusal, running, started
from .processes import minicoin, run

NETWORK = "regtest"
USER, PASSWORD = "alice", "an arbitrary secret"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedNode]:
    directory = tmp_path_factory.mktemp("rpc") / "node"
    line = (
        f"minicoin startnode --network {NETWORK} --datadir {directory} -l 0 --rpcport 0 "
        f"--rpcuser {USER} --rpcpassword '{PASSWORD}'"
    )
    with running(line, NETWORK, directory.with_suffix(".log")) as process:
        yield process
    # A stopped node leaves nothing that a client could take for a running one.
    assert not (directory / COOKIE_FILE).exists()
    assert not (directory / ADDRESS_FILE).exists()


def _endpoint(node: ForkedNode) -> tuple[str, int]:
    host, port = (node.datadir / ADDRESS_FILE).read_text().split()
    return host, int(port)


@pytest.fixture
def client(node: ForkedNode) -> AuthServiceProxy:
    host, port = _endpoint(node)
    return AuthServiceProxy(f"http://{(node.datadir / COOKIE_FILE).read_text()}@{host}:{port}", timeout=HANG_S)


def test_a_session_as_with_bitcoin_core(client: AuthServiceProxy) -> None:
    assert client.getblockchaininfo()["chain"] == NETWORK
    assert len(client.createwallet("wallet")["mnemonic"].split()) == 12
    address = client.getnewaddress("mined")
    blocks = client.generatetoaddress(102, address)
    assert client.getblockcount() == 102
    assert client.getbestblockhash() == blocks[-1] == client.getblockhash(102)
    assert client.getbalance() == 100
    txid = client.sendtoaddress(client.getnewaddress(), Decimal("1.23456789"))
    assert client.getrawmempool() == [txid]
    raw = client.getrawtransaction(txid)
    assert Decimal("1.23456789") in {output["value"] for output in client.decoderawtransaction(raw)["vout"]}
    (block,) = client.generatetoaddress(1, address)
    assert client.getblock(block)["tx"][1] == txid
    assert client.gettransaction(txid)["confirmations"] == 1
    coin = client.listunspent()[0]
    change = coin["amount"] - Decimal("0.0001")
    made = client.createrawtransaction([{"txid": coin["txid"], "vout": coin["vout"]}], {address: change})
    signed = client.signrawtransactionwithwallet(made)
    assert signed["complete"] is True
    assert client.testmempoolaccept([signed["hex"]])[0]["allowed"] is True
    assert client.sendrawtransaction(signed["hex"]) in client.getrawmempool()
    assert "getblockcount" in client.help()


def test_errors_reach_the_client_with_their_codes(client: AuthServiceProxy) -> None:
    with pytest.raises(JSONRPCException) as refused:
        client.getblockhash(10**6)
    assert (refused.value.code, refused.value.message) == (-8, "Block height out of range")
    with pytest.raises(JSONRPCException) as unknown:
        client.nosuch()
    assert unknown.value.code == -32601


@pytest.mark.parametrize("version", [{}, {"jsonrpc": "2.0"}])
def test_batches(node: ForkedNode, client: AuthServiceProxy, version: dict[str, str]) -> None:
    # Not through the library: it reads the `error` of good answers of version 2.0, which have none since Core 28.
    host, port = _endpoint(node)
    calls = [("getblockcount", []), ("getbestblockhash", []), ("getblockhash", [-1])]
    batch = [{"method": name, "params": params, "id": name} | version for name, params in calls]
    url = f"http://{host}:{port}/"
    count, best, refused = httpx.post(url, json=batch, auth=(USER, PASSWORD), timeout=HANG_S).json()
    assert best["result"] == client.getblockhash(count["result"])
    assert ("error" in best) is not bool(version)
    assert (refused["error"]["code"], refused["id"]) == (-8, "getblockhash")


def test_the_cookie_is_for_this_user_alone(node: ForkedNode) -> None:
    assert stat.S_IMODE((node.datadir / COOKIE_FILE).stat().st_mode) == 0o600


def test_configured_users_and_strangers(node: ForkedNode) -> None:
    host, port = _endpoint(node)
    body = {"method": "getblockcount", "id": 1}
    url = f"http://{host}:{port}/"
    assert httpx.post(url, json=body, auth=(USER, PASSWORD), timeout=HANG_S).status_code == 200
    assert httpx.post(url, json=body, auth=(USER, "guess"), timeout=HANG_S).status_code == 401
    assert httpx.post(url, json=body, timeout=HANG_S).status_code == 401
    assert httpx.post(url + "elsewhere", json=body, auth=(USER, PASSWORD), timeout=HANG_S).status_code == 404
    assert httpx.get(url, auth=(USER, PASSWORD), timeout=HANG_S).status_code == 405


def test_only_loopback_is_listened_on(node: ForkedNode) -> None:
    host, port = _endpoint(node)
    assert host == "127.0.0.1"
    with pytest.raises(OSError), socket.create_connection(("127.0.0.2", port), timeout=HANG_S):
        pass


def _exchange(node: ForkedNode, raw: bytes) -> bytes:
    """What the server says to bytes that are hardly HTTP, until it closes."""
    with socket.create_connection(_endpoint(node), timeout=HANG_S) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
        return answer


def test_garbage_hurts_nobody(node: ForkedNode, client: AuthServiceProxy) -> None:
    token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {token}\r\n"
    assert b" 413 " in _exchange(node, f"{head}Content-Length: {RPC_BODY_BYTES_MAX + 1}\r\n\r\n".encode())
    assert b"-32700" in _exchange(node, f"{head}Content-Length: 5\r\n\r\n{{'a'}}".encode())
    assert b" 400 " in _exchange(node, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20)
    _exchange(node, f"{head}Content-Length: 500\r\n\r\ntorn".encode())
    assert client.getblockcount() >= 0


def test_a_port_in_use_is_said_in_one_line(node: ForkedNode, tmp_path: Path) -> None:
    _, port = _endpoint(node)
    line = f"minicoin startnode --datadir {tmp_path}/other -l 0 --rpcport {port}"
    said = refusal(line, NETWORK, tmp_path / "other.log")
    assert f"cannot listen for RPC on 127.0.0.1:{port}" in said
    assert "Traceback" not in said
    assert not (tmp_path / "other" / COOKIE_FILE).exists()


def test_the_command_line_finds_the_node_by_its_directory(node: ForkedNode) -> None:
    shown = json.loads(minicoin(f"getinfo --datadir {node.datadir} --json", NETWORK))
    assert shown["chain"] == NETWORK
    (unused,) = free_ports(1)
    said = run(f"! minicoin getinfo --datadir {node.datadir} --rpcport {unused} 2>&1", NETWORK)
    assert said.startswith("error: no node is running for")
    assert said.count("\n") == 1


def test_clients_at_once(node: ForkedNode) -> None:
    host, port = _endpoint(node)
    found: list[int] = []

    def ask() -> None:
        with httpx.Client(auth=(USER, PASSWORD), timeout=HANG_S) as http:
            for number in range(50):
                answer = http.post(f"http://{host}:{port}/", json={"method": "getblockcount", "id": number}).json()
                assert answer["id"] == number
                found.append(answer["result"])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 400
    assert len(set(found)) == 1


def test_a_target_named_in_full(node: ForkedNode) -> None:
    token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    head = f"POST http://127.0.0.1/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {token}\r\n"
    body = '{"method": "getblockcount", "id": 1}'
    with socket.create_connection(_endpoint(node), timeout=HANG_S) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


@contextmanager
def _crowd(node: ForkedNode, said: bytes) -> Iterator[None]:
    """More connections than the server keeps, each of which said something and then nothing more."""
    sockets = []
    try:
        for _ in range(RPC_CONNECTIONS_MAX + 20):
            sockets.append(socket.create_connection(_endpoint(node), timeout=HANG_S))
            sockets[-1].sendall(said)
        yield
    finally:
        for each in sockets:
            each.close()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"POST / HTTP/1.1\r\nHost: x\r\nAuthor",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{",
    ],
    ids=["silent", "half a head", "half a body"],
)
def test_a_crowd_at_the_port_keeps_nobody_out(node: ForkedNode, client: AuthServiceProxy, said: bytes) -> None:
    assert client.getblockcount() >= 0
    with _crowd(node, said):
        # On the connection from before, and on a new one.
        assert client.getblockcount() >= 0
        assert json.loads(minicoin(f"getinfo --datadir {node.datadir} --json", NETWORK))["chain"] == NETWORK


def test_a_crowd_at_the_port_does_not_keep_the_node_from_stopping(tmp_path: Path) -> None:
    directory = tmp_path / "node"
    line = f"minicoin startnode --network {NETWORK} --datadir {directory} -l 0 --rpcport 0"
    process = started(line, NETWORK, tmp_path / "log")
    with _crowd(process, b""):
        assert minicoin(f"stop --datadir {directory}", NETWORK) == "stopped\n"
        assert process.wait() == 0


def test_stop_ends_the_node(tmp_path: Path) -> None:
    directory = tmp_path / "node"
    line = f"minicoin startnode --network {NETWORK} --datadir {directory} -l 0 --rpcport 0"
    process = started(line, NETWORK, tmp_path / "log")
    assert minicoin(f"stop --datadir {directory}", NETWORK) == "stopped\n"
    assert process.wait() == 0
