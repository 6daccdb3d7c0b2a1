"""Whom blocks are asked of: equal work, little work, blocks that are withheld, chains that nobody delivers."""

from dataclasses import replace

import pytest
from tests.unit.netsync.scripted import NETWORK, Peer, Stage, chain, raw

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.locators import make_locator
from minicoin.core.limits import BLOCK_STALL_US, BLOCK_TIMEOUT_US, UNASKED_BLOCKS_AHEAD_MAX
from minicoin.core.netsync.patience import Patience
from minicoin.core.primitives.address import Services
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages import BlockMessage, GetHeaders, Headers, Inv, InventoryVector, InvType

# Bitcoin's spacing: what an honest slow line may need there is half a minute.
SLOW = replace(NETWORK, spacing_s=600)
BLOCK_WORK = HeaderTree(NETWORK).genesis.chainwork


def at_tip(blocks, network=SLOW):
    """A stage whose tip is the last of `blocks`, with nobody connected any more."""
    stage = Stage(network=network)
    stage.connect(100, Peer(blocks))
    stage.settle()
    stage.disconnect(100)
    assert stage.tree.tip.hash == blocks[-1].hash
    return stage


def show(stage, conn, blocks):
    """The peer has these blocks from now on, and says so by the last one's header."""
    stage.peers[conn].blocks = list(blocks)
    stage.handle(conn, Headers((blocks[-1].header,)))
    if conn in stage.peers:
        stage.settle()


# --- equal work ---


def test_a_competing_block_of_the_tips_height_is_fetched_and_kept_and_the_first_seen_stays():
    ours, rival = chain(3), chain(3, seed=2, fork_of=1, fork_at=2)
    stage = at_tip(ours)
    stage.connect(2, Peer(rival))
    stage.settle()
    assert stage.tree.get(rival[-1].hash).is_stored
    assert stage.tree.tip.hash == ours[-1].hash


def test_a_peer_that_changes_to_a_block_of_equal_work_is_asked_for_it():
    ours, rival = chain(3), chain(3, seed=2, fork_of=1, fork_at=2)
    stage = at_tip(ours)
    peer = stage.connect(2, Peer(ours))
    stage.settle()
    show(stage, 2, rival)
    assert peer.asked[rival[-1].hash] == 1
    assert stage.tree.get(rival[-1].hash).is_stored


@pytest.mark.parametrize("length", [3, 4])
def test_after_our_tip_was_found_invalid_the_peers_next_block_of_equal_height_is_fetched(length):
    ours, rival = chain(length), chain(3, seed=2, fork_of=1, fork_at=2)
    stage = at_tip(ours)
    stage.connect(2, Peer(ours))
    stage.settle()
    stage.tree.mark_invalid(ours[2].hash)
    stage.tree.set_tip(ours[1].hash)
    stage.sync.on_branch_invalid()
    stage.perform(stage.sync.on_chain_moved(stage.now))
    show(stage, 2, rival)
    assert stage.tree.tip.hash == rival[-1].hash


def test_an_unasked_block_of_equal_work_is_kept():
    ours, rival = chain(3), chain(3, seed=2, fork_of=1, fork_at=2)
    stage = at_tip(ours)
    stage.connect(1, Peer(()), inbound=True)
    stage.handle(1, BlockMessage(raw(rival[-1])))
    assert stage.to_store == [rival[-1].hash]


@pytest.mark.parametrize(("height", "kept"), [(UNASKED_BLOCKS_AHEAD_MAX, True), (UNASKED_BLOCKS_AHEAD_MAX + 1, False)])
def test_an_unasked_block_is_kept_where_it_is_not_too_far_ahead(height, kept):
    long = chain(UNASKED_BLOCKS_AHEAD_MAX + 1)
    stage = Stage()
    for block in long:
        stage.tree.add(block.header, stage.now)
    # The window is empty for want of anybody who has the chain: nothing was asked for.
    stage.sync.want_nothing()
    stage.connect(1, Peer(()), inbound=True)
    stage.sync.want_nothing()
    stage.handle(1, BlockMessage(raw(long[height - 1])))
    assert bool(stage.to_store) is kept


@pytest.mark.parametrize(("age_spacings", "asked"), [(19, 1), (21, 0)])
def test_a_peer_that_offers_no_blocks_is_asked_for_those_it_announces_near_the_present(age_spacings, asked):
    blocks = chain(4)
    stage = at_tip(blocks[:2])
    stage.now = Micros((blocks[1].header.time + age_spacings * SLOW.spacing_s) * SECOND_US)
    peer = stage.connect(2, Peer(blocks), services=Services.WITNESS)
    stage.settle()
    assert not peer.asked
    stage.handle(2, Headers(tuple(block.header for block in blocks[2:])))
    stage.settle()
    assert [peer.asked[block.hash] for block in blocks[2:]] == [asked, asked]
    assert stage.height == 2 + 2 * asked


# --- chains of little work ---


def test_nothing_below_the_networks_minimum_work_is_fetched_kept_or_taken_for_the_chain():
    network = replace(NETWORK, minimum_chainwork=20 * BLOCK_WORK)
    poor, rich = chain(10), chain(30, seed=2)
    stage = Stage(network=network)
    peer = stage.connect(2, Peer(poor))
    stage.settle()
    for block in poor:
        stage.handle(2, BlockMessage(raw(block)))
        stage.handle(2, Inv((InventoryVector(InvType.BLOCK, block.hash),)))
    stage.wait(600 * SECOND_US)
    assert not peer.asked and not stage.stored
    assert stage.height == 0
    assert stage.sync.is_initial(stage.now)
    stage.connect(4, Peer(rich))
    stage.settle()
    assert stage.tree.tip.hash == rich[-1].hash
    assert not stage.sync.is_initial(stage.now)
    assert not peer.asked


def test_headers_of_an_earlier_run_below_the_minimum_work_are_not_followed_by_blocks():
    network = replace(NETWORK, minimum_chainwork=20 * BLOCK_WORK)
    stage = Stage(network=network)
    for block in chain(10):
        stage.tree.add(block.header, stage.now)
    peer = stage.connect(2, Peer(chain(10)))
    stage.settle()
    assert not peer.asked


# --- blocks that a peer did not have ---


def test_a_peer_that_lacked_a_block_is_asked_again_once_it_announces_it_anew():
    blocks = chain(3)
    stage = at_tip(blocks[:2])
    peer = stage.connect(2, Peer(blocks, lacks=blocks[2:]))
    stage.settle()
    assert peer.asked[blocks[2].hash] == 1
    stage.wait(60 * SECOND_US)
    assert peer.asked[blocks[2].hash] == 1
    peer.lacks.clear()
    show(stage, 2, blocks)
    assert stage.height == 3


# --- blocks that are withheld ---


@pytest.mark.parametrize("mute", [1, 4])
def test_inbound_peers_that_announce_and_do_not_deliver_cost_two_seconds_beside_one_that_we_chose(mute):
    blocks = chain(3)
    stage = at_tip(blocks[:2])
    for conn in range(1, 2 * mute, 2):
        stage.connect(conn, Peer(blocks[:2], bodies=False), inbound=True)
    stage.connect(2, Peer(blocks[:2]))
    stage.settle()
    for conn in range(1, 2 * mute, 2):
        show(stage, conn, blocks)
    started = stage.now
    show(stage, 2, blocks)
    stage.wait(until=lambda: stage.height == 3)
    assert stage.now - started <= BLOCK_STALL_US


def test_four_inbound_peers_that_do_not_deliver_cost_two_seconds_each_where_all_are_inbound():
    blocks = chain(3)
    stage = at_tip(blocks[:2])
    for conn in (1, 3, 5, 7):
        stage.connect(conn, Peer(blocks[:2], bodies=False), inbound=True)
    stage.connect(9, Peer(blocks[:2]), inbound=True)
    stage.settle()
    for conn in (1, 3, 5, 7, 9):
        show(stage, conn, blocks)
    started = stage.now
    stage.wait(until=lambda: stage.height == 3)
    assert stage.now - started <= 4 * BLOCK_STALL_US


def test_who_did_not_deliver_the_last_block_costs_nothing_with_the_next():
    blocks = chain(4)
    stage = at_tip(blocks[:2])
    stage.connect(1, Peer(blocks[:2], bodies=False), inbound=True)
    stage.connect(2, Peer(blocks[:2]))
    stage.settle()
    for conn in (1, 2):
        show(stage, conn, blocks[:3])
    stage.wait(until=lambda: stage.height == 3)
    show(stage, 1, blocks)
    assert stage.height == 3
    started = stage.now
    show(stage, 2, blocks)
    assert stage.height == 4
    assert stage.now == started


def test_the_real_tip_is_asked_for_again_after_headers_of_more_work_whose_blocks_nobody_delivers():
    blocks, decoy = chain(3), chain(6, seed=2, fork_of=1, fork_at=2)
    stage = at_tip(blocks[:2])
    stage.connect(1, Peer(blocks[:2], bodies=False), inbound=True)
    stage.connect(2, Peer(blocks[:2]))
    stage.settle()
    # It announces the real block first, so that it is asked for it, then a chain that it never delivers.
    show(stage, 1, blocks)
    show(stage, 1, decoy)
    started = stage.now
    show(stage, 2, blocks)
    stage.wait(until=lambda: stage.height == 3)
    assert stage.now - started <= BLOCK_STALL_US


def test_every_block_that_is_withheld_is_watched_not_only_the_lowest():
    blocks = chain(8)
    stage = at_tip(blocks[:2])
    stage.connect(4, Peer(blocks, bodies=False))
    stage.settle()
    good = stage.connect(2, Peer(blocks))
    stage.settle()
    started = stage.now
    stage.wait(until=lambda: stage.height == 8)
    assert stage.now - started == BLOCK_STALL_US
    assert set(good.asked.values()) == {1}


def test_peers_we_chose_are_asked_before_those_that_chose_us_whatever_they_have_in_flight():
    blocks = chain(3)
    stage = Stage()
    stage.connect(1, Peer(blocks), inbound=True)
    stage.connect(2, Peer(blocks))
    inbound = stage.peers[1]
    # Both have shown the chain before anything is asked.
    stage.sync.peer(1).learn(stage.tree.genesis)
    stage.deliver(2)
    stage.settle()
    assert not inbound.asked
    assert stage.height == 3


@pytest.mark.parametrize("best", [2, 4, 6])
def test_a_late_block_is_asked_of_who_keeps_its_word_was_chosen_and_gave_us_one_before(best):
    blocks = chain(3)
    stage = at_tip(blocks[:2])
    stage.connect(8, Peer(blocks, bodies=False))
    stage.settle()
    others = {conn: stage.connect(conn, Peer(blocks), inbound=best == 4 and conn != 4) for conn in (2, 4, 6)}
    for conn in others:
        stage.sync.peer(conn).broken_promises = int(best == 2 and conn != 2)
        stage.sync.peer(conn).has_delivered = best != 6 or conn == 6
    stage.settle()
    if stage.height == 2:
        stage.wait(until=lambda: stage.height == 3)
    assert [conn for conn, peer in others.items() if peer.asked] == [best]


# --- chains that nobody delivers ---


def test_a_chain_that_nobody_delivers_does_not_hold_up_a_shorter_one_and_is_followed_once_somebody_delivers():
    honest, decoy = chain(60), chain(90, seed=2)
    stage = Stage()
    stage.connect(1, Peer(decoy, bodies=False), inbound=True)
    stage.settle()
    stage.connect(2, Peer(honest))
    stage.settle()
    assert stage.tree.best_header.hash == decoy[-1].hash
    assert stage.tree.tip.hash == honest[-1].hash
    stage.connect(4, Peer(decoy))
    stage.wait(until=lambda: stage.height == 90)
    assert stage.tree.tip.hash == decoy[-1].hash


def test_the_window_leaves_a_chain_that_nobody_delivers_and_returns_when_somebody_does():
    honest, decoy = chain(300), chain(400, seed=2)
    stage = Stage()
    stage.connect(1, Peer(decoy, bodies=False), inbound=True)
    stage.settle()
    assert stage.sync.target.hash == decoy[-1].hash
    stage.connect(2, Peer(honest, bodies=False))
    stage.settle()
    stage.wait(6 * SECOND_US)
    # Now it reaches further ahead than the one peer's share that any chain gets.
    assert stage.sync.target.hash == honest[-1].hash
    assert stage.sync.snapshot(stage.now).wanted == 300
    stage.connect(4, Peer(honest))
    stage.wait(until=lambda: stage.height == 300)
    assert stage.tree.tip.hash == honest[-1].hash
    stage.connect(6, Peer(decoy))
    stage.settle()
    assert stage.sync.target.hash == decoy[-1].hash
    stage.wait(until=lambda: stage.height == 400)
    assert stage.tree.tip.hash == decoy[-1].hash


# --- how long is late ---


def test_patience_doubles_where_the_first_asked_delivers_first_and_shrinks_again():
    patience = Patience(600 * SECOND_US)
    for expected in (4, 8, 16, 30, 30):
        patience.on_hasty()
        assert patience.us == expected * SECOND_US
    for _ in range(30):
        patience.on_in_time()
    assert patience.us == BLOCK_STALL_US


def test_a_slow_peer_that_delivers_makes_us_patient_and_one_that_does_not_never_does():
    blocks = chain(4)
    stage = at_tip(blocks[:2])
    slow = stage.connect(2, Peer(blocks[:2], bodies=False))
    other = stage.connect(4, Peer(blocks[:2], bodies=False))
    stage.settle()
    for conn in (2, 4):
        show(stage, conn, blocks[:3])
    stage.wait(3 * SECOND_US)
    assert slow.asked[blocks[2].hash] == other.asked[blocks[2].hash] == 1
    stage.handle(2, BlockMessage(raw(blocks[2])))
    stage.settle()
    for conn in (2, 4):
        show(stage, conn, blocks)
    started = stage.now
    stage.wait(until=lambda: other.asked[blocks[3].hash] or slow.asked[blocks[3].hash] == 2)
    assert stage.now - started == 2 * BLOCK_STALL_US


def test_a_time_out_is_longer_for_each_other_peer_that_blocks_come_from():
    one, other = chain(10), chain(10, seed=2)
    stage = Stage()
    stage.connect(2, Peer(one, bodies=False))
    stage.connect(4, Peer(other, bodies=False))
    stage.settle()
    started = stage.now
    stage.wait(until=lambda: bool(stage.closed))
    assert stage.now == started + BLOCK_TIMEOUT_US * 3 // 2


# --- the locator of each occasion ---


def locators(peer):
    return [message.block_locator_hashes for message in peer.heard if isinstance(message, GetHeaders)]


def test_locators_begin_where_bitcoin_cores_do():
    blocks = chain(30)
    stage = at_tip(blocks[:20])
    peer = stage.connect(2, Peer(blocks[:20]))
    stage.settle()
    # The first question begins at the parent of our best header, so that the answer shows the peer's.
    assert locators(peer)[0] == make_locator(stage.tree, stage.tree.get(blocks[18].hash))
    peer.heard.clear()
    # An announcement that does not connect: from the best header itself.
    peer.blocks = list(blocks)
    stage.handle(2, Headers((blocks[-1].header,)))
    assert locators(peer) == [make_locator(stage.tree, stage.tree.get(blocks[19].hash))]
    # So an inv of a block that is not known.
    other = stage.connect(4, Peer(blocks[:20]))
    stage.deliver(4)
    other.heard.clear()
    other.headers = False
    best = stage.tree.best_header
    stage.handle(4, Inv((InventoryVector(InvType.BLOCK, chain(31, seed=3)[-1].hash),)))
    assert locators(other) == [make_locator(stage.tree, best)]


def test_the_first_locator_of_a_node_that_knows_nothing_is_the_genesis():
    stage = Stage()
    peer = stage.connect(2, Peer(()))
    assert locators(peer) == [(NETWORK.genesis.hash,)]
    assert stage.now > Micros(0)
