"""Nodes that are killed with -9 find each other again by their address books, with nobody naming anybody."""

from pathlib import Path

from tests.ports import free_ports
from tests.waiting import wait_until

from minicoin.core.addrmgr.book import AddressBook
from minicoin.core.addrmgr.book_flow import BOOK_KEY
from minicoin.core.libp2p.identity import Identity
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng

from .forked import ForkedNode

NETWORK = "regtest"
ONE, TWO = (Identity.from_number(number).peer_id for number in (1, 2))


def start(number: int, directory: Path, *words: str) -> ForkedNode:
    place = directory / f"node{number}"
    fixed = ("--network", NETWORK, "--identity-seed", str(number), "--rpcport", "0")
    return ForkedNode((*fixed, *words), place, place.with_suffix(".log"))


def peers(node: ForkedNode) -> set[str]:
    return {peer["peerid"] for peer in node.call("getpeerinfo") if peer["version"]}


def has_written(node: ForkedNode, address: NodeAddress) -> bool:
    """Whether the file of its book says that somebody answered there."""
    file = node.datadir / "state" / BOOK_KEY
    if not file.exists():
        return False
    book = AddressBook.from_bytes(file.read_bytes(), Rng(b"test"), lookup(NETWORK).allow_private_addresses)
    return book.has_answered(address)


def test_a_killed_node_finds_its_peer_without_being_told(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    there = NodeAddress("127.0.0.1", port, ONE.multihash)
    one = start(1, tmp_path, "-l", str(port))
    one.wait_up()
    two = start(2, tmp_path, "--no-listen", "-d", f"/ip4/127.0.0.1/tcp/{port}/p2p/{ONE}")
    two.wait_up()
    # No stop in order, and no quarter of an hour: the book is written soon after somebody answered.
    wait_until(lambda: has_written(two, there), "the book on disk")
    two.kill()
    # The other one could not dial it, either.
    two = start(2, tmp_path, "--no-listen")
    two.wait_up()
    wait_until(lambda: str(ONE) in peers(two), "the peer of before")
    for node in (two, one):
        node.end()
        assert node.wait() == 0, node
