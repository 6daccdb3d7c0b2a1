"""Peers in automatic slots that do not follow the best chain: their clock, the question, who is spared."""

import pytest
from tests.unit.netsync.scripted import Peer, Stage, chain

from minicoin.core.limits import (
    CHAIN_SYNC_ANSWER_US,
    CHAIN_SYNC_PROTECTED_MAX,
    CHAIN_SYNC_TIMEOUT_US,
    HEADERS_TIMEOUT_US,
)
from minicoin.core.units import HOUR_US, SECOND_US
from minicoin.core.wire.messages import GetHeaders, Headers

BLOCKS = chain(12)
ALL_US = CHAIN_SYNC_TIMEOUT_US + CHAIN_SYNC_ANSWER_US


def stage_at(height):
    stage = Stage()
    stage.connect(100, Peer(BLOCKS[:height]))
    stage.settle()
    return stage


def behind(stage, conn, blocks=(), **traits):
    """A peer in an automatic slot with these blocks and no others."""
    peer = stage.connect(conn, Peer(blocks, bodies=False), automatic=True, **traits)
    stage.settle()
    return peer


def grow(stage, height):
    """The chain goes on; somebody else brings it."""
    stage.peers[100].blocks = list(BLOCKS[:height])
    stage.handle(100, Headers((BLOCKS[height - 1].header,)))
    stage.settle()
    assert stage.height == height


def questions(peer):
    return [message.block_locator_hashes for message in peer.heard if isinstance(message, GetHeaders)]


@pytest.mark.parametrize("blocks", [(), BLOCKS[:3]])
@pytest.mark.parametrize("full_relay", [False, True])
def test_a_peer_that_never_shows_our_tips_work_is_asked_and_left_after_22_minutes(blocks, full_relay):
    stage = stage_at(5)
    peer = behind(stage, 2, blocks, full_relay=full_relay)
    started, first = stage.now, len(questions(peer))
    stage.wait(HOUR_US, until=lambda: len(questions(peer)) > first)
    assert stage.now == started + CHAIN_SYNC_TIMEOUT_US + 1
    # From the parent of the tip it is to show, so that an answer shows that.
    assert questions(peer)[-1][0] == BLOCKS[3].hash
    stage.wait(HOUR_US, until=lambda: bool(stage.closed))
    assert stage.now == started + ALL_US + 2
    assert stage.closed == {2: "its chain has less work than ours"}


def test_a_peer_that_answers_nothing_at_all_is_left_as_well():
    stage = stage_at(5)
    stage.connect(2, Peer((), headers=False), automatic=True)
    stage.wait(HOUR_US, until=lambda: 2 in stage.closed)
    assert stage.closed == {2: "its chain has less work than ours"}


@pytest.mark.parametrize("traits", [{"automatic": False}, {"automatic": False, "inbound": True}])
def test_a_peer_that_a_person_named_or_that_chose_us_stays(traits):
    stage = stage_at(5)
    stage.connect(2, Peer(()), **traits)
    stage.wait(3 * HOUR_US)
    assert stage.closed == {}


def test_a_peer_that_shows_the_tip_when_asked_stays():
    """It heard each block from us first and had no reason to tell us of one."""
    stage = stage_at(5)
    peer = behind(stage, 2, BLOCKS[:5])
    grow(stage, 6)
    peer.blocks = list(BLOCKS[:6])
    started = stage.now
    stage.wait(HOUR_US, until=lambda: len(questions(peer)) > 1)
    assert stage.now == started + CHAIN_SYNC_TIMEOUT_US + 1
    stage.wait(3 * HOUR_US)
    assert stage.closed == {}


def test_whoever_reaches_the_tip_of_then_gets_as_long_for_the_tip_of_now():
    stage = stage_at(5)
    peer = behind(stage, 2, BLOCKS[:4])
    stage.wait(CHAIN_SYNC_TIMEOUT_US - SECOND_US)
    grow(stage, 8)
    peer.blocks = list(BLOCKS[:5])
    stage.handle(2, Headers((BLOCKS[4].header,)))
    reached = stage.now
    stage.handle(2, Headers(tuple(block.header for block in BLOCKS[:5])))
    stage.wait(HOUR_US, until=lambda: bool(stage.closed))
    assert stage.now == reached + ALL_US + 2


def test_four_full_relay_peers_that_showed_our_tips_work_are_never_left():
    stage = stage_at(5)
    count = CHAIN_SYNC_PROTECTED_MAX + 1
    for conn in range(2, 2 * count + 2, 2):
        behind(stage, conn, BLOCKS[:5], full_relay=True)
    behind(stage, 50, BLOCKS[:5])
    grow(stage, 7)
    stage.wait(HOUR_US)
    assert sorted(stage.closed) == [2 * count, 50]
    # When one of them goes, another may take its place.
    stage.disconnect(2)
    behind(stage, 60, BLOCKS[:7], full_relay=True)
    assert stage.sync.peer(60).is_protected


def test_a_peer_that_was_not_asked_yet_owes_nothing():
    stage = Stage(365 * 86_400)
    stage.tree.load([BLOCKS[0].header])
    stage.tree.set_tip(BLOCKS[0].hash)
    stage.connect(2, Peer(BLOCKS[:5], headers=False), automatic=True)
    stage.connect(4, Peer(()), automatic=True)
    assert stage.sync.peer(2).lag is not None
    assert stage.sync.peer(4).lag is None
    stage.wait(HEADERS_TIMEOUT_US)
    assert stage.sync.peer(4).was_asked_headers


def test_before_the_first_block_nobody_is_behind():
    stage = Stage()
    behind(stage, 2, full_relay=False)
    stage.wait(3 * HOUR_US)
    assert stage.closed == {}
