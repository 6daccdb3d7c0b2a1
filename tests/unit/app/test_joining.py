from pathlib import Path

from minicoin.app.joining import join_lines
from minicoin.app.options import make_options
from minicoin.core.libp2p.identity import Identity
from minicoin.core.primitives.address import NodeAddress

PEER = Identity.from_number(1).peer_id.multihash
ID = Identity.from_number(1).peer_id


def at(*hosts: str) -> list[NodeAddress]:
    return [NodeAddress(host, 7333, PEER) for host in hosts]


def test_a_node_on_all_addresses_is_joined_from_here_and_from_elsewhere(tmp_path: Path) -> None:
    lines = join_lines(make_options({}), tmp_path / "a", at("127.0.0.1", "192.168.1.5", "::1", "2001:db8::7"))
    assert lines == [
        "to join it from this machine:",
        f"  minicoin startnode --network main --datadir {tmp_path}/a-2 -l 0 --rpcport 0 "
        f"-d /ip4/127.0.0.1/tcp/7333/p2p/{ID}",
        "to join it from another machine:",
        f"  minicoin startnode -d /ip4/192.168.1.5/tcp/7333/p2p/{ID}",
        f"  minicoin startnode -d /ip6/2001:db8::7/tcp/7333/p2p/{ID}",
    ]


def test_a_directory_that_is_there_is_not_named(tmp_path: Path) -> None:
    (tmp_path / "a-2").mkdir()
    lines = join_lines(make_options({}), tmp_path / "a", at("127.0.0.1"))
    assert f"--datadir {tmp_path}/a-3 " in lines[1]


def test_a_node_on_loopback_says_so(tmp_path: Path) -> None:
    lines = join_lines(make_options({"network": "regtest"}), tmp_path, at("127.0.0.1"))
    assert lines[-1] == "it listens on this machine only; --bind 0.0.0.0 takes connections from others too"
    assert len(lines) == 3


def test_a_node_on_one_address_is_joined_there_from_anywhere(tmp_path: Path) -> None:
    lines = join_lines(make_options({"network": "/tmp/my net.toml"}), tmp_path, at("10.0.0.1"))
    assert lines[1].startswith("  minicoin startnode --network '/tmp/my net.toml' --datadir ")
    assert lines[2] == "to join it from another machine, with a copy of the network file:"
    assert lines[3] == f"  minicoin startnode --network '/tmp/my net.toml' -d /ip4/10.0.0.1/tcp/7333/p2p/{ID}"


def test_plain_tcp_is_dialled_by_host_and_port(tmp_path: Path) -> None:
    lines = join_lines(make_options({"network": "bitcoin"}), tmp_path, [NodeAddress("10.0.0.1", 8333)])
    assert lines[-1] == "  minicoin startnode --network bitcoin -d 10.0.0.1:8333"
