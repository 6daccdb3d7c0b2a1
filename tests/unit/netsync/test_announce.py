"""New blocks are announced by headers where the peer wants and can connect them, else by inv, never to who has them."""

import pytest
from tests.unit.netsync.scripted import FULL, NETWORK, chain

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Send
from minicoin.core.limits import BLOCKS_BEHIND_PUSHED_MAX, HEADERS_PER_ANNOUNCEMENT_MAX
from minicoin.core.netsync.announce import announce_blocks, may_push
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.units import ConnId
from minicoin.core.wire.messages import Headers, Inv, InventoryVector, InvType

TREE = HeaderTree(NETWORK)


@pytest.fixture
def nodes():
    tree = HeaderTree(NETWORK)
    tree.load(block.header for block in chain(20))
    tree.set_tip(chain(20)[-1].hash)
    return [tree.at_height(height) for height in range(21)]


def peer(*, prefers_headers=True, last_common=None, best_known=None):
    return SyncPeer(
        ConnId(1), True, FULL, prefers_headers=prefers_headers, last_common=last_common, best_known=best_known
    )


def inv(node):
    return [Send(ConnId(1), Inv((InventoryVector(InvType.BLOCK, node.hash),)))]


def test_by_headers_to_a_peer_that_has_the_parent(nodes):
    listener = peer(last_common=nodes[18])
    assert announce_blocks(TREE, [listener], nodes[19:21]) == [
        Send(ConnId(1), Headers((nodes[19].header, nodes[20].header)))
    ]
    assert announce_blocks(TREE, [listener], nodes[19:21]) == []


def test_what_the_peer_announced_itself_is_left_out(nodes):
    assert announce_blocks(TREE, [peer(best_known=nodes[19])], nodes[19:21]) == [
        Send(ConnId(1), Headers((nodes[20].header,)))
    ]
    assert announce_blocks(TREE, [peer(best_known=nodes[20])], nodes[19:21]) == []


def test_by_inv_to_a_peer_that_did_not_ask_for_headers(nodes):
    assert announce_blocks(TREE, [peer(prefers_headers=False, last_common=nodes[19])], [nodes[20]]) == inv(nodes[20])


def test_by_inv_where_the_headers_would_not_connect(nodes):
    assert announce_blocks(TREE, [peer(last_common=nodes[3])], [nodes[20]]) == inv(nodes[20])
    assert announce_blocks(TREE, [peer()], [nodes[20]]) == inv(nodes[20])


def test_a_long_reorg_is_announced_by_its_tip(nodes):
    start = 20 - HEADERS_PER_ANNOUNCEMENT_MAX
    assert announce_blocks(TREE, [peer(last_common=nodes[start - 1])], nodes[start:]) == inv(nodes[20])
    (sent,) = announce_blocks(TREE, [peer(last_common=nodes[start])], nodes[start + 1 :])
    assert isinstance(sent.message, Headers)


def test_nothing_connected_is_nothing_to_say():
    assert announce_blocks(TREE, [peer()], []) == []


def test_peers_that_lack_equally_much_are_sent_one_message(nodes):
    one, other, late = (peer(last_common=nodes[height]) for height in (18, 18, 19))
    quiet, silent = peer(prefers_headers=False), peer(prefers_headers=False)
    sent = [effect.message for effect in announce_blocks(TREE, [one, other, late, quiet, silent], nodes[19:21])]
    assert sent[0] is sent[1]
    assert sent[2] == Headers((nodes[20].header,))
    assert sent[3] is sent[4]


@pytest.mark.parametrize(
    ("known", "is_of_use"), [(None, False), (9, False), (10, True), (18, True), (19, True), (20, False)], ids=str
)
def test_a_block_unasked_is_of_use_to_who_was_near_it_and_lacks_it(nodes, known, is_of_use):
    shown = None if known is None else nodes[known]
    assert BLOCKS_BEHIND_PUSHED_MAX == 10
    assert may_push(peer(best_known=shown), nodes[20]) == is_of_use
    assert may_push(peer(last_common=shown), nodes[20]) == is_of_use


def test_near_the_genesis_block_a_peer_need_not_have_shown_anything(nodes):
    assert may_push(peer(), nodes[BLOCKS_BEHIND_PUSHED_MAX])
    assert not may_push(peer(), nodes[BLOCKS_BEHIND_PUSHED_MAX + 1])


def test_nobody_is_sent_the_genesis_block(nodes):
    assert not may_push(peer(), nodes[0])
