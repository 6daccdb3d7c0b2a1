"""Real processes that must not understand each other, and a listener on the wire between two that do."""

import re
import socket
import threading
from pathlib import Path

from tests.waiting import wait_until

from minicoin.core.libp2p.identity import Identity
from minicoin.core.params.builtin import lookup
from minicoin.core.script.standard import script_address
from minicoin.core.wire.codec import TABLE

from .forked import running

NETWORK = "regtest"
ANOTHER_IDENTITY = "12D3KooWEAjXrWdZmYiHm9FkWQpHvTxFYonH3uAfWMpLceRcLhMN"


def start(network: str, directory: Path, *more: str) -> tuple[str, str, Path]:
    """Arguments for `running`: a node that says everything it knows."""
    options = " ".join(more)
    line = f"minicoin startnode --network {network} --datadir {directory} --rpcport 0 -v {options}"
    return line, network, directory.with_suffix(".log")


def reasons(log: str, kind: str) -> list[str]:
    """The reasons of the log's lines of one kind."""
    lines = [line for line in log.splitlines() if kind in line]
    return [(found[1] or found[2]) for line in lines if (found := re.search(r"reason=(?:'([^']*)'|(\S+))", line))]


def test_another_identity_than_expected_is_refused_in_words(tmp_path: Path) -> None:
    with running(*start(NETWORK, tmp_path / "a", "-l 0")) as one:
        found = one.address.rsplit("/", 1)[1]
        wrong = one.address.replace(found, ANOTHER_IDENTITY)
        with running(*start(NETWORK, tmp_path / "b", "-l 0", "-d", wrong)) as other:
            expected = f"expected peer {ANOTHER_IDENTITY} and found {found}"
            wait_until(lambda: expected in reasons(other.log, "dial-failed"), "the refusal")
            assert other.call("getconnectioncount") == 0
        assert "peer-ready" not in one.log


def test_another_network_is_refused_in_words_over_libp2p(tmp_path: Path) -> None:
    with running(*start("test", tmp_path / "a", "-l 0", "--bind", "127.0.0.1")) as one:
        with running(*start(NETWORK, tmp_path / "b", "-l 0", "-d", one.address)) as other:
            wait_until(lambda: "dial-failed" in other.log and "inbound-failed" in one.log, "both to say why")
            ours, theirs = (lookup(name).network_id.hex()[:16] for name in (NETWORK, "test"))
            refusal = "the peer runs other rules: {}, ours: {}; compare the network files"
            assert reasons(other.log, "dial-failed")[0] == refusal.format(theirs, ours)
            assert reasons(one.log, "inbound-failed")[0] == refusal.format(ours, theirs)
            assert other.call("getconnectioncount") == 0
        assert "peer-ready" not in one.log


def test_another_network_is_refused_in_words_over_plain_tcp(tmp_path: Path) -> None:
    with running(*start("bitcoin-regtest", tmp_path / "a", "-l 0")) as one:
        with running(*start(NETWORK, tmp_path / "b", "-l 0", "--transport", "tcp", "-d", one.address)) as other:
            ours, theirs = lookup(NETWORK).magic.hex(), lookup("bitcoin-regtest").magic.hex()
            wait_until(lambda: "peer-fault" in one.log and "peer-fault" in other.log, "both to say why")
            here, there = f"{NETWORK} (magic {ours})", f"bitcoin-regtest (magic {theirs})"
            assert reasons(one.log, "peer-fault")[0] == f"wrong network: it speaks {here}, this node {there}"
            assert reasons(other.log, "peer-fault")[0] == f"wrong network: it speaks {there}, this node {here}"
        assert "peer-ready" not in one.log


def test_only_allowed_peers_are_let_in(tmp_path: Path) -> None:
    member = Identity.from_number(7).peer_id
    with running(*start(NETWORK, tmp_path / "a", "-l 0", "--allow-peer", str(member))) as one:
        join = ("--no-listen", "-d", one.address)
        with running(*start(NETWORK, tmp_path / "stranger", *join)) as stranger:
            with running(*start(NETWORK, tmp_path / "member", "--identity-seed 7", *join)):
                wait_until(lambda: "peer-ready" in one.log, "the member")
                expected = "not one of the allowed peers"
                wait_until(lambda: expected in reasons(one.log, "peer-refused"), "the refusal")
            assert [str(member) in line for line in one.log.splitlines() if "peer-ready" in line] == [True]
            assert "peer-ready" not in stranger.log


class Wiretap:
    """A proxy on loopback that keeps what passes, in either direction."""

    def __init__(self, target: int) -> None:
        self.heard: list[bytearray] = []
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            for source, sink in ((near, far), (far, near)):
                kept = bytearray()
                self.heard.append(kept)
                threading.Thread(target=self._pass, args=(source, sink, kept), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
        try:
            while chunk := source.recv(1 << 16):
                kept += chunk
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


def listen_in(tmp_path: Path, transport: str) -> tuple[list[bytes], list[bytes]]:
    """What a block's way from one node to another looks like on the wire: (bytes by direction, telling words)."""
    with running(*start(NETWORK, tmp_path / "a", "-l 0", "--transport", transport)) as one:
        port = re.search(r"port (\d+)", "\n".join(one.greeting))[1]
        tap = Wiretap(int(port))
        try:
            through = one.address.replace(port, str(tap.port))
            # Without a port of its own and with this one peer, everything goes through the tap.
            only = ("--transport", transport, "--no-listen", "--connect", through)
            with running(*start(NETWORK, tmp_path / "b", *only)) as other:
                wait_until(lambda: other.call("getconnectioncount") == 1, "the connection")
                one.call("generatetoaddress", 3, script_address(b"\0\x14" + bytes(20), lookup(NETWORK).address_format))
                wait_until(lambda: other.call("getblockcount") == 3, "the blocks")
                raw = [bytes.fromhex(str(one.call("getblock", one.call("getblockhash", h), 0))) for h in (1, 2, 3)]
        finally:
            tap.close()
    network = lookup(NETWORK)
    words = [network.magic, network.protocol_id.encode(), b"/minicoin:", b"/yamux/", b"/ipfs/id/"]
    words += [command.encode().ljust(12, b"\0") for command in TABLE]
    words += [piece for block in raw for piece in (block[:80], block[80:], block[4:36])]
    return [bytes(kept) for kept in tap.heard], words


def test_nothing_is_readable_on_the_wire_after_noise_is_agreed(tmp_path: Path) -> None:
    directions, words = listen_in(tmp_path, "libp2p")
    assert len(directions) == 2
    assert sum(map(len, directions)) > sum(map(len, words[-9:])), "the blocks went another way"
    for heard in directions:
        agreed = heard.rindex(b"/noise\n") + len(b"/noise\n")
        rest = heard[agreed:]
        assert len(rest) > 1_000, "too little passed to prove anything"
        assert [word for word in words if word in rest] == []


def test_the_same_words_are_found_where_nothing_is_encrypted(tmp_path: Path) -> None:
    """Otherwise the test above would prove nothing."""
    directions, words = listen_in(tmp_path, "tcp")
    heard = b"".join(directions)
    blocks = words[-9:]
    assert [word for word in blocks if word not in heard] == []
    assert lookup(NETWORK).magic in heard
    assert b"version\0\0\0\0\0" in heard
