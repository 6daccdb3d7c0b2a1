"""What a registry is told of a node: where others can reach it, and nothing that is nobody's business."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from minicoin.app.registry import ViewedNode
from minicoin.core.params.builtin import MAIN, REGTEST
from minicoin.core.params.network import Network
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress

US = b"\x00\x01a"
HERE = NodeAddress("127.0.0.1", 1, US)
HOME = NodeAddress("10.1.2.3", 1, US)
PUBLIC = NodeAddress("8.8.4.4", 1, US)
PLAIN = NodeAddress("8.8.4.4", 2)
SEEN = NodeAddress("9.9.9.9", 1)


@pytest.mark.parametrize(
    ("network", "listens", "external", "seen", "told"),
    [
        (REGTEST, (HERE, HOME), None, None, (HOME,)),
        (REGTEST, (HERE,), None, None, (HERE,)),
        (MAIN, (HERE, HOME), None, None, ()),
        (MAIN, (HERE, HOME), None, SEEN, (replace(SEEN, peer_id=US),)),
        (MAIN, (HERE, HOME, PUBLIC, PLAIN), None, None, (PUBLIC,)),
        (MAIN, (HOME, PUBLIC), SEEN, PUBLIC, (replace(SEEN, peer_id=US), PUBLIC)),
        (MAIN, (PLAIN,), None, None, ()),
    ],
)
def test_a_node_says_where_others_can_reach_it(
    network: Network,
    listens: tuple[NodeAddress, ...],
    external: NodeAddress | None,
    seen: NodeAddress | None,
    told: tuple[NodeAddress, ...],
) -> None:
    policy = NodePolicy(peer_id=US, listen_addresses=listens, external_address=external)
    view = SimpleNamespace(policy=policy, network=network, gossip=SimpleNamespace(own_address=seen))
    assert ViewedNode(view).addresses() == told
