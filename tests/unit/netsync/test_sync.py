"""Headers-first and classic synchronisation against scripted peers: who is asked for what, and when nobody answers."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.netsync.scripted import FULL, NETWORK, Peer, Stage, chain, raw

from minicoin.core.chain.deployments import RuleBook
from minicoin.core.effects import Send, StoreBlock
from minicoin.core.faults import PeerFault
from minicoin.core.limits import (
    BLOCK_STALL_US,
    BLOCK_TIMEOUT_US,
    BLOCKS_IN_FLIGHT_PER_PEER_MAX,
    HEADERS_TIMEOUT_US,
    NEWEST_BLOCKS_MAX,
    ORPHAN_BLOCKS_MAX,
)
from minicoin.core.primitives.address import Services
from minicoin.core.primitives.block import BlockHeader
from minicoin.core.primitives.verdicts import BlockReason, InvalidBlock
from minicoin.core.units import DAY_US, SECOND_US, Micros
from minicoin.core.wire.messages import BlockMessage, GetBlocks, GetData, GetHeaders, Headers, InvType
from minicoin.testing.chain_maker import solve

YEAR_S = 365 * 86_400


def headers_message(headers):
    return Headers(tuple(headers))


def block_message(block):
    return BlockMessage(raw(block))


def asked(effects, kind):
    return [
        (effect.conn, effect.message) for effect in effects if isinstance(effect, Send) and type(effect.message) is kind
    ]


# --- headers first ---


def test_blocks_come_from_several_peers_in_parallel_each_asked_once():
    blocks = chain(300)
    stage = Stage()
    peers = [stage.connect(conn, Peer(blocks)) for conn in (2, 4, 6)]
    stage.settle()
    assert stage.tree.tip.hash == blocks[-1].hash
    assert stage.stored == {block.hash: 1 for block in blocks}
    assert sum(sum(peer.asked.values()) for peer in peers) == 300
    assert all(len(peer.asked) > 30 for peer in peers)
    assert all(0 < peak <= BLOCKS_IN_FLIGHT_PER_PEER_MAX for peak in stage.in_flight_peak.values())
    assert stage.sync.next_deadline() is None


def test_more_than_one_headers_message_is_asked_for_in_turn():
    blocks = chain(2_300)
    stage = Stage(YEAR_S)
    peer = stage.connect(2, Peer(blocks))
    stage.settle()
    assert stage.height == 2_300
    requests = [message for message in peer.heard if isinstance(message, GetHeaders)]
    assert len(requests) == 2
    assert requests[1].block_locator_hashes[0] == blocks[1_999].hash


def test_far_behind_only_one_peer_is_asked_for_headers_until_it_is_done():
    stage = Stage(YEAR_S)
    first = stage.connect(4, Peer(chain(20)))
    second = stage.connect(2, Peer(chain(20)))
    assert [type(message) for message in first.heard] == [GetHeaders]
    assert second.heard == []
    stage.deliver(4)
    assert GetHeaders in [type(message) for message in second.heard]


def test_near_the_tip_every_peer_is_asked():
    stage = Stage()
    peers = [stage.connect(conn, Peer(chain(5))) for conn in (2, 4)]
    assert all([type(message) for message in peer.heard] == [GetHeaders] for peer in peers)


def test_the_peers_we_chose_are_asked_before_those_that_chose_us():
    stage = Stage(YEAR_S)
    silent = stage.connect(2, Peer(chain(5), headers=False))
    inbound = stage.connect(1, Peer(chain(5)), inbound=True)
    outbound = stage.connect(4, Peer(chain(5)))
    stage.disconnect(2)
    assert len(silent.heard) == len(outbound.heard) == 1
    assert inbound.heard == []


def test_peers_that_store_no_blocks_are_not_asked():
    stage = Stage()
    peer = stage.connect(2, Peer(chain(5)), services=Services.NONE)
    assert peer.heard == []


def asked_kinds(services, **character):
    stage = Stage()
    peer = stage.connect(2, Peer(chain(3), **character), services=services)
    stage.settle()
    return {vector.type for message in peer.heard if isinstance(message, GetData) for vector in message.inventory}


def test_blocks_are_asked_with_witness_where_the_peer_has_them():
    assert asked_kinds(FULL) == {InvType.WITNESS_BLOCK}


@pytest.mark.parametrize("headers", [True, False])
def test_a_peer_without_witnesses_is_asked_for_no_block_that_may_have_some(headers):
    assert asked_kinds(Services.NETWORK, headers=headers) == set()


def test_a_peer_without_witnesses_is_asked_for_blocks_from_before_there_were_any(monkeypatch):
    monkeypatch.setattr(RuleBook, "has_segwit", lambda self, parent: False)
    assert asked_kinds(Services.NETWORK) == {InvType.BLOCK}


def test_a_peer_that_disconnects_leaves_its_blocks_to_the_others():
    blocks = chain(60)
    stage = Stage()
    stage.connect(2, Peer(blocks, bodies=False))
    stage.deliver(2)
    good = stage.connect(4, Peer(blocks))
    stage.settle()
    assert stage.height == 0
    stage.disconnect(2)
    stage.settle()
    assert stage.height == 60
    assert len(good.asked) == 60


def test_notfound_moves_the_block_to_another_peer_and_is_remembered():
    blocks = chain(20)
    stage = Stage()
    lacking = stage.connect(2, Peer(blocks, lacks=blocks[3:5]))
    stage.deliver(2)
    stage.connect(4, Peer(blocks))
    stage.settle()
    assert stage.height == 20
    assert lacking.asked[blocks[3].hash] == lacking.asked[blocks[4].hash] == 1


def test_blocks_of_a_mute_peer_are_asked_of_another_after_two_seconds_all_at_once_where_few_are_left():
    blocks = chain(200)
    stage = Stage()
    stage.connect(2, Peer(blocks, bodies=False))
    stage.deliver(2)
    good = stage.connect(4, Peer(blocks))
    stage.settle()
    assert stage.height == 0
    started = stage.now
    stage.wait(until=lambda: stage.height == 200)
    assert stage.now == started + BLOCK_STALL_US
    assert good.asked[blocks[0].hash] == 1
    assert set(stage.stored.values()) == {1}


def test_peers_that_hold_up_the_window_are_disconnected_in_the_end():
    blocks = chain(200)
    stage = Stage()
    for conn in (2, 4, 6):
        stage.connect(conn, Peer(blocks, bodies=False))
        stage.deliver(conn)
    stage.connect(8, Peer(blocks))
    stage.settle()
    assert stage.height == 0
    stage.wait(60 * SECOND_US, until=lambda: stage.height == 200)
    assert stage.height == 200
    assert "stalls the download of blocks" in stage.closed.values()
    assert 8 not in stage.closed
    assert set(stage.stored.values()) == {1}


def test_a_peer_that_owes_its_share_is_not_asked_for_what_another_holds_up():
    blocks = chain(200)
    stage = Stage()
    for conn in (2, 4):
        stage.connect(conn, Peer(blocks, bodies=False))
        stage.deliver(conn)
    stage.settle()
    owed = []
    stage.wait(10 * SECOND_US, until=lambda: owed.append(max(peer.owed_blocks for peer in stage.sync.peers())))
    assert owed
    assert max(owed) == BLOCKS_IN_FLIGHT_PER_PEER_MAX


def test_blocks_of_headers_known_from_an_earlier_run_are_fetched():
    blocks = chain(20)
    stage = Stage()
    for block in blocks:
        stage.tree.add(block.header, stage.now)
    peer = stage.connect(2, Peer(blocks))
    stage.settle()
    assert stage.height == 20
    assert set(peer.asked.values()) == {1}


@pytest.mark.parametrize(("inbound", "wait_us"), [(False, BLOCK_STALL_US), (True, 0)])
def test_the_only_missing_block_is_asked_of_another_soon_and_costs_nobody_the_connection(inbound, wait_us):
    """Of an inbound peer that never gave us a block, we wait for nothing as soon as somebody better has it."""
    slow = replace(NETWORK, spacing_s=600)
    blocks = chain(1)
    stage = Stage(network=slow)
    stage.connect(2, Peer(blocks, bodies=False), inbound=inbound)
    stage.settle()
    good = stage.connect(4, Peer(blocks))
    stage.settle()
    started = stage.now
    stage.wait(until=lambda: stage.height > 0)
    assert stage.now == started + wait_us
    assert good.asked[blocks[0].hash] == 1
    stage.wait(120 * SECOND_US)
    assert stage.closed == {}


def test_blocks_that_come_slowly_are_waited_for_as_long_as_the_spacing():
    slow = replace(NETWORK, spacing_s=600)
    stage = Stage(network=slow)
    stage.connect(2, Peer(chain(1), bodies=False))
    started = stage.now
    stage.wait(until=lambda: bool(stage.closed))
    assert stage.now == started + 600 * SECOND_US


def test_a_block_nobody_else_has_is_waited_for_a_minute():
    blocks = chain(10)
    stage = Stage()
    stage.connect(2, Peer(blocks, bodies=False))
    started = stage.now
    stage.wait(until=lambda: bool(stage.closed))
    assert stage.now == started + BLOCK_TIMEOUT_US
    assert stage.closed == {2: "block not delivered in time"}


def test_a_header_whose_block_nobody_delivers_does_not_hold_up_another_chain_that_beats_ours():
    withheld, honest = chain(3, seed=1), chain(3, seed=2)
    stage = Stage()
    stage.connect(2, Peer(withheld, bodies=False))
    stage.settle()
    assert stage.tree.best_header.hash == withheld[-1].hash
    good = stage.connect(4, Peer(honest))
    stage.settle()
    assert stage.tree.best_header.hash == honest[-1].hash
    assert stage.tree.tip.hash == honest[-1].hash
    assert set(good.asked.values()) == {1}


def test_a_long_withheld_chain_of_more_work_does_not_hold_up_the_chain_that_is_delivered():
    withheld, honest = chain(60, seed=1), chain(50, seed=2)
    stage = Stage()
    stage.connect(2, Peer(withheld, bodies=False))
    stage.settle()
    good = stage.connect(4, Peer(honest))
    stage.settle()
    assert stage.tree.tip.hash == honest[-1].hash
    assert set(good.asked.values()) == {1}


# --- bad headers ---


def test_headers_that_connect_to_nothing_are_asked_about_one_question_at_a_time_and_cost_nothing():
    stage = Stage()
    blocks = chain(30)
    peer = stage.connect(2, Peer(()))
    stage.settle()
    for _ in range(100):
        effects = stage.sync.on_headers(2, (blocks[20].header,), stage.now)
        assert len(asked(effects, GetHeaders)) == 1
        assert asked(stage.sync.on_headers(2, (blocks[21].header,), stage.now), GetHeaders) == []
        stage.sync.on_headers(2, (), stage.now)
    assert peer.asked == {}
    good = blocks[20].header
    with pytest.raises(PeerFault, match="invalid header"):
        stage.sync.on_headers(2, (replace(good, bits=good.bits - 1),), stage.now)


def test_headers_that_do_not_follow_each_other_are_a_fault():
    stage = Stage()
    blocks = chain(30)
    stage.connect(2, Peer(()))
    for headers in ((blocks[0].header, blocks[2].header), (blocks[10].header, blocks[12].header)):
        with pytest.raises(PeerFault, match="do not follow"):
            stage.sync.on_headers(2, headers, stage.now)


def test_an_invalid_header_is_a_fault_that_bans():
    stage = Stage()
    good = chain(1)[0].header
    stage.connect(2, Peer(()))
    wrong = BlockHeader(good.version, good.previous, good.merkle_root, good.time, good.bits - 1, 0)
    for broken in (wrong, BlockHeader(1, good.previous, good.merkle_root, 1, good.bits, 0)):
        with pytest.raises(PeerFault, match="invalid header") as caught:
            stage.sync.on_headers(2, (broken,), stage.now)
        assert caught.value.score == 100


def test_a_header_from_the_future_is_nobodys_fault():
    stage = Stage()
    blocks = chain(20)
    stage.now = Micros((blocks[9].header.time - 7_200) * SECOND_US)
    stage.connect(2, Peer(blocks))
    stage.settle()
    assert stage.tree.best_header.height == stage.height == 10


def test_headers_on_a_branch_found_invalid_are_left_alone_without_blame():
    blocks = chain(5)
    stage = Stage()
    stage.connect(2, Peer(blocks[:3]))
    stage.settle()
    stage.tree.mark_invalid(blocks[2].hash)
    stage.sync.on_branch_invalid()
    assert asked(stage.sync.on_headers(2, (blocks[3].header,), stage.now), GetData) == []
    assert blocks[3].hash not in stage.tree
    assert stage.sync.on_block(2, raw(blocks[3]), stage.now) == []


# --- the classic path ---


@pytest.mark.parametrize("length", [3, 1_100])
def test_a_peer_without_headers_is_synced_from_by_getblocks(length):
    blocks = chain(length)
    stage = Stage(YEAR_S)
    peer = stage.connect(2, Peer(blocks, headers=False))
    stage.wait(HEADERS_TIMEOUT_US)
    assert stage.height == length
    assert stage.stored == {block.hash: 1 for block in blocks}
    assert set(peer.asked.values()) == {1}
    assert stage.closed == {}
    getblocks = [message for message in peer.heard if isinstance(message, GetBlocks)]
    assert len(getblocks) >= 1 + length // 500
    assert stage.in_flight_peak[2] <= BLOCKS_IN_FLIGHT_PER_PEER_MAX


def test_the_classic_peer_serves_blocks_whose_headers_somebody_else_brought():
    blocks = chain(1_100)
    stage = Stage(YEAR_S)
    stage.connect(2, Peer(blocks, bodies=False))
    stage.deliver(2)
    stage.disconnect(2)
    assert stage.tree.best_header.height == 1_100
    stage.connect(4, Peer(blocks, headers=False))
    stage.wait(HEADERS_TIMEOUT_US)
    assert stage.height == 1_100
    assert set(stage.stored.values()) == {1}


def test_a_peer_that_sends_headers_late_leaves_the_classic_path():
    blocks = chain(50)
    stage = Stage(YEAR_S)
    peer = stage.connect(2, Peer(blocks, headers=False, bodies=False))
    stage.wait(HEADERS_TIMEOUT_US, until=lambda: stage.sync.peer(2).is_classic)
    peer.bodies = True
    stage.handle(2, headers_message(block.header for block in blocks))
    assert not stage.sync.peer(2).is_classic
    stage.wait(2 * BLOCK_TIMEOUT_US)
    assert stage.height in (50, 0)


def test_a_classic_peer_that_does_not_deliver_is_closed():
    stage = Stage(YEAR_S)
    stage.connect(2, Peer(chain(30), headers=False, bodies=False))
    stage.wait(until=lambda: bool(stage.closed))
    assert stage.closed == {2: "block not delivered in time"}


def test_a_classic_peer_that_lacks_what_it_announced_does_not_stop_the_rest():
    blocks = chain(40)
    stage = Stage(YEAR_S)
    peer = Peer(blocks, headers=False, lacks=blocks[:20])
    stage.connect(2, peer)
    stage.wait(HEADERS_TIMEOUT_US)
    assert len(peer.asked) == 40
    assert set(peer.asked.values()) == {1}


# --- unasked blocks and orphans ---


def test_an_unasked_block_on_the_tip_is_taken():
    stage = Stage()
    stage.connect(1, Peer(()), inbound=True)
    block = raw(chain(1)[0])
    effects = stage.sync.on_block(1, block, stage.now)
    assert [effect for effect in effects if isinstance(effect, StoreBlock)] == [StoreBlock(block, 1, connects=True)]


def test_a_block_right_on_the_tip_is_connected_as_it_is_stored_one_at_a_time():
    blocks = [raw(block) for block in chain(3)]
    stage = Stage()
    stage.connect(1, Peer(()), inbound=True)
    stored = [
        effect
        for block in blocks
        for effect in stage.sync.on_block(1, block, stage.now)
        if isinstance(effect, StoreBlock)
    ]
    # The second builds on a tip that the engine has not reached yet, and the engine is sent one way at a time.
    assert [effect.connects for effect in stored] == [True, False, False]
    stage.tree.set_tip(blocks[0].hash)
    rival = raw(chain(1, seed=2)[0])
    assert not any(
        effect.connects for effect in stage.sync.on_block(1, rival, stage.now) if isinstance(effect, StoreBlock)
    )


def test_the_newest_blocks_are_kept_once_the_worker_has_them():
    blocks = [raw(block) for block in chain(NEWEST_BLOCKS_MAX + 2)]
    stage = Stage()
    stage.connect(1, Peer(()), inbound=True)
    for block in blocks:
        stage.sync.on_block(1, block, stage.now)
        assert stage.sync.newest(block.hash) is None
        stage.sync.note_stored(block.hash, stage.now, is_tip=block is not blocks[-1])
        stage.tree.set_tip(block.hash)
    kept = [block for block in blocks if stage.sync.newest(block.hash) is block]
    # The last was stored and did not become the tip.
    assert kept == blocks[-1 - NEWEST_BLOCKS_MAX : -1]


def test_an_unasked_block_of_a_weaker_branch_is_not_worth_the_disk():
    stage = Stage()
    stage.connect(2, Peer(chain(10)))
    stage.settle()
    effects = stage.sync.on_block(2, raw(chain(3, seed=2)[0]), stage.now)
    assert not [effect for effect in effects if isinstance(effect, StoreBlock)]


def test_an_unasked_copy_of_a_wanted_block_of_a_reorg_does_no_harm():
    # The first blocks of a heavier branch have less work than our tip: dropping one that came unasked, after taking
    # it off the list of wanted ones, would end the reorg for good.
    stage = Stage()
    stage.connect(2, Peer(chain(6)))
    stage.settle()
    rival = chain(9, seed=2, fork_of=1, fork_at=2)
    stage.connect(4, Peer(rival))
    stage.deliver(4)
    stage.connect(1, Peer(()), inbound=True)
    stage.handle(1, block_message(rival[2]))
    assert stage.to_store == [rival[2].hash]
    stage.settle()
    assert stage.tree.tip.hash == rival[-1].hash
    assert stage.stored[rival[2].hash] == 1


def test_an_orphan_is_kept_and_its_ancestors_are_asked_for():
    blocks = chain(4)
    stage = Stage()
    stage.connect(2, Peer(()))
    stage.settle()
    effects = stage.sync.on_block(2, raw(blocks[1]), stage.now)
    assert len(asked(effects, GetHeaders)) == 1
    assert stage.sync.snapshot(stage.now).orphans == 1
    stage.handle(2, block_message(blocks[0]))
    stage.settle()
    assert stage.height == 2
    assert stage.sync.snapshot(stage.now).orphans == 0


def test_orphans_are_bounded():
    blocks = chain(ORPHAN_BLOCKS_MAX + 20)
    stage = Stage()
    stage.connect(2, Peer(()))
    for block in blocks[1:]:
        stage.handle(2, block_message(block))
    assert stage.sync.snapshot(stage.now).orphans == ORPHAN_BLOCKS_MAX


def test_an_orphan_without_work_is_a_fault():
    stage = Stage()
    stage.connect(2, Peer(()))
    good = chain(3)[2].header
    for nonce in range(100):
        header = BlockHeader(good.version, good.previous, good.merkle_root, good.time, good.bits, nonce)
        if header.hash[-1] >= 0x80:
            break
    block = raw(chain(3)[2])
    with pytest.raises(PeerFault, match="invalid header"):
        stage.sync.on_block(2, type(block)(header, header.raw + block.raw[80:]), stage.now)


def test_a_bad_orphan_of_one_peer_costs_the_deliverer_of_its_parent_nothing():
    blocks = chain(2)
    stage = Stage()
    stage.connect(1, Peer(()), inbound=True)
    stage.connect(2, Peer(()))
    early = blocks[1].header
    # Its own work is real, but its time lies before its parent's past.
    header = BlockHeader(early.version, early.previous, early.merkle_root, 1, early.bits, 0)
    bad = solve(type(blocks[1])(header, blocks[1].transactions))
    stage.handle(1, block_message(bad))
    stage.handle(2, block_message(blocks[0]))
    stage.settle()
    assert stage.height == 1
    assert stage.stored == {blocks[0].hash: 1}


# --- verdicts of the worker ---


def test_a_mutated_body_is_fetched_again_from_somebody_else():
    blocks = chain(1)
    stage = Stage()
    bad = stage.connect(2, Peer(blocks))
    stage.deliver(2)
    stage.deliver(2)
    good = stage.connect(4, Peer(blocks))
    stage.deliver(4)
    stage.to_store.clear()
    invalid = InvalidBlock(blocks[0].hash, BlockReason.MUTATED, "", is_permanent=False)
    source, effects = stage.sync.on_refused(invalid, stage.now)
    stage.perform(effects)
    assert source == 2
    stage.settle()
    assert stage.height == 1
    assert (bad.asked[blocks[0].hash], good.asked[blocks[0].hash]) == (1, 1)


def test_a_block_under_way_to_the_worker_is_not_fetched_again_when_the_window_restarts():
    blocks = chain(10)
    stage = Stage()
    peer = stage.connect(2, Peer(blocks))
    stage.deliver(2)
    while stage.wire[2]:
        stage.deliver(2)
    assert len(stage.to_store) == 10
    stage.sync.on_branch_invalid()
    stage.perform(stage.sync.on_chain_moved(stage.now))
    stage.settle()
    assert stage.height == 10
    assert set(peer.asked.values()) == {1}


def test_a_block_of_our_own_is_stored_and_not_fetched():
    blocks = chain(2)
    stage = Stage()
    peer = stage.connect(2, Peer(blocks, bodies=False))
    stage.deliver(2)
    stage.perform(stage.sync.submit(raw(blocks[0]), stage.now))
    assert stage.sync.submit(raw(blocks[0]), stage.now) == []
    assert blocks[0].hash not in stage.sync.peer(2).in_flight
    stage.settle()
    assert stage.height == 1
    assert stage.sync.submit(raw(blocks[0]), stage.now) == []
    assert peer.asked[blocks[0].hash] == 1


def test_initial_download_ends_once_and_for_all():
    blocks = chain(5)
    stage = Stage(YEAR_S)
    assert stage.sync.is_initial(stage.now)
    stage.now = Micros(blocks[-1].header.time * SECOND_US)
    stage.connect(2, Peer(blocks))
    stage.settle()
    assert not stage.sync.is_initial(stage.now)
    assert not stage.sync.is_initial(Micros(stage.now + 30 * DAY_US))


def test_whoever_only_looks_does_not_end_the_initial_download():
    """What a question changed, a replay of the events would miss."""
    blocks = chain(5)
    stage = Stage(YEAR_S)
    stage.connect(2, Peer(blocks))
    stage.settle()
    fresh = Micros(blocks[-1].header.time * SECOND_US)
    assert not stage.sync.snapshot(fresh).is_initial
    assert stage.sync.is_initial(Micros(fresh + 30 * DAY_US))
    assert not stage.sync.is_initial(fresh)
    assert not stage.sync.snapshot(Micros(fresh + 30 * DAY_US)).is_initial


# --- any order ---

PEERS = 4
steps = st.lists(
    st.tuples(st.sampled_from(["deliver", "swap", "store", "close", "wait", "unasked"]), st.integers(0, 100)),
    max_size=120,
)


@given(steps, st.lists(st.sampled_from(["good", "mute", "classic", "lacking"]), min_size=PEERS, max_size=PEERS))
@settings(max_examples=60, deadline=None)
def test_any_order_ends_with_every_block_stored_once_while_one_good_peer_remains(script, characters):
    blocks = chain(90)
    stage = Stage(YEAR_S)
    for index, character in enumerate(characters):
        peer = Peer(
            blocks,
            headers=character != "classic",
            bodies=character != "mute",
            lacks=blocks[10:30] if character == "lacking" else (),
        )
        stage.connect(2 * index + 2, peer)
    stage.connect(100, Peer(blocks))
    for action, number in script:
        conns = [conn for conn in stage.wire if stage.wire[conn]]
        if action == "deliver" and conns:
            stage.deliver(conns[number % len(conns)])
        elif action == "swap" and conns:
            conn = conns[number % len(conns)]
            stage.deliver(conn, number % len(stage.wire[conn]))
        elif action == "store" and stage.to_store:
            stage.store_one()
        elif action == "close":
            stage.disconnect(2 * (number % PEERS) + 2)
        elif action == "unasked" and 100 in stage.peers:
            stage.handle(100, block_message(blocks[number % 90]))
        elif action == "wait" and (deadline := stage.sync.next_deadline()) is not None:
            # What the good peer has said arrives before time passes: it must not seem slow.
            while stage.wire[100]:
                stage.deliver(100)
            stage.now = Micros(max(stage.now, deadline))
            stage.perform(stage.sync.on_deadline(stage.now))
    stage.wait(4 * BLOCK_TIMEOUT_US, until=lambda: stage.height == 90)
    assert 100 not in stage.closed
    assert stage.tree.tip.hash == blocks[-1].hash
    assert stage.stored == {block.hash: 1 for block in blocks}
    assert stage.sync.snapshot(stage.now).storing == 0
