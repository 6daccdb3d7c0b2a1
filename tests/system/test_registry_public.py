"""A network where everybody may join, and whose nodes have a registry as one more source of addresses: it brings nodes
together that would not have met, is believed as far as a dial goes, and its lies are forgotten with it."""

from pathlib import Path

import pytest
from tests.ports import free_ports
from tests.soak import IS_SOAK
from tests.waiting import wait_until

from minicoin.core.libp2p.identity import Identity
from minicoin.core.primitives.address import NodeAddress
from minicoin.drivers.registry.content import Place as Below
from minicoin.drivers.registry.content import encode_entry

from .fleet import network_of
from .forked import ForkedNode
from .test_registry_contract import KINDS

SHOWN = tuple(KINDS) if IS_SOAK else ("file", "etcd")
LIARS = 25


@pytest.mark.parametrize("kind", SHOWN)
def test_a_registry_is_one_more_source_of_addresses(kind: str, tmp_path: Path) -> None:
    plan = network_of("random", (), 3)
    file = plan.name_for_nodes(tmp_path)

    def start(name: str, *words: str) -> ForkedNode:
        common = ["--network", file, "--rpcport", "0", "-l", str(free_ports(1)[0])]
        node = ForkedNode([*common, *words], tmp_path / name, tmp_path / f"{name}.log")
        nodes.append(node)
        node.wait_up()
        return node

    nodes: list[ForkedNode] = []
    with KINDS[kind](tmp_path) as place:
        try:
            # Somebody lists nodes that are not there, under names of his own.
            forged = [Identity.from_number(1_000 + number).peer_id for number in range(LIARS)]
            lies = {
                Below(peer_id.multihash).key: encode_entry(
                    plan.network.network_id, [NodeAddress("127.0.0.1", port, peer_id.multihash)]
                )
                for peer_id, port in zip(forged, free_ports(LIARS), strict=True)
            }
            for key, lie in lies.items():
                place.write(key, lie)
            # One of us has no registry, and is known to one of those who have.
            hidden = start("hidden", "--connect", "0")
            known = start("known", *place.words, "--addnode", hidden.address)
            wait_until(lambda: _heard(known) & set(map(str, forged)), "a lie in its book")
            # Nobody else has named them yet: what a peer says, too, stays.
            for key in lies:
                place.write(key, b"nothing")
            wait_until(lambda: not _heard(known) & set(map(str, forged)), "that the lies are forgotten")
            for key, lie in lies.items():
                place.write(key, lie)
            stranger = start("stranger", *place.words)
            wait_until(lambda: _own(known) in _peers(stranger), "who only the registry names")
            wait_until(lambda: _listed(known) == LIARS + 1, "the list, as the other sees it")
            # From there on it is a network like any other.
            stranger.call("generatetodescriptor", 3, "raw(51)")
            wait_until(lambda: hidden.call("getblockcount") == 3, "the blocks, with who has no registry")
            wait_until(lambda: _heard(stranger) & set(map(str, forged)), "lies in its book as well")
            assert _own(known) in _peers(stranger)
        finally:
            for node in nodes:
                node.end()
            codes = [node.wait() for node in nodes]
        assert set(codes) == {0}


def _peers(node: ForkedNode) -> set[str]:
    return {peer["peerid"] for peer in node.call("getpeerinfo") if peer["version"]}


def _heard(node: ForkedNode) -> set[str]:
    return {known["peerid"] for known in node.call("getnodeaddresses", 0)}


def _own(node: ForkedNode) -> str:
    return node.call("getnetworkinfo")["peerid"]


def _listed(node: ForkedNode) -> int:
    return node.call("getnetworkinfo")["registry"]["nodes_listed"]
