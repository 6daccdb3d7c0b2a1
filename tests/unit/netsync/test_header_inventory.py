"""Inventory of a node without blocks, the part alone."""

import pytest
from tests.unit.alarms import check_alarm
from tests.unit.netsync.scripted import NETWORK, chain, peer_view

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Send
from minicoin.core.faults import PeerFault
from minicoin.core.netsync.following import HeaderFollower
from minicoin.core.netsync.header_inventory import HeaderInventory
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages import (
    GetBlockTxn,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InventoryVector,
    InvType,
    NotFound,
    Tx,
)

BLOCKS = chain(3)
NOW = Micros((NETWORK.genesis.header.time + 600) * SECOND_US)
PEER = peer_view(1)


@pytest.fixture
def part():
    follower = HeaderFollower(HeaderTree(NETWORK), Rng(b"headers"))
    follower.on_ready(PEER, NOW)
    follower.take_headers(PEER, Headers((BLOCKS[0].header,)), NOW)
    return HeaderInventory(follower)


def handle(part, message):
    (route,) = [route for route in part.routes() if route.message is type(message)]
    effects = list(route.handle(PEER, message, NOW))
    check_alarm(part)
    assert all(isinstance(effect, Send) and effect.conn == PEER.conn for effect in effects)
    return [effect.message for effect in effects]


@pytest.mark.parametrize("kind", list(InvType))
def test_whatever_is_asked_for_is_not_found(part, kind):
    vector = InventoryVector(kind, BLOCKS[0].hash)
    assert handle(part, GetData((vector,))) == [NotFound((vector,))]


def test_an_empty_request_is_answered_by_nothing(part):
    assert handle(part, GetData(())) == []


def test_a_part_of_a_block_is_not_found_either(part):
    expected = NotFound((InventoryVector(InvType.WITNESS_BLOCK, BLOCKS[0].hash),))
    assert handle(part, GetBlockTxn(BLOCKS[0].hash, (0, 1))) == [expected]


def test_an_announced_block_is_asked_for_by_its_header_and_a_known_one_by_nothing(part):
    assert handle(part, Inv((InventoryVector(InvType.BLOCK, BLOCKS[0].hash),))) == []
    (asked,) = handle(part, Inv((InventoryVector(InvType.BLOCK, BLOCKS[2].hash),)))
    assert isinstance(asked, GetHeaders)
    assert asked.block_locator_hashes[0] == BLOCKS[0].hash


@pytest.mark.parametrize("kind", [InvType.TX, InvType.WTX, InvType.WITNESS_TX])
def test_announced_transactions_are_a_fault(part, kind):
    with pytest.raises(PeerFault, match="announced a transaction"):
        handle(part, Inv((InventoryVector(kind, b"t" * 32),)))


def test_a_transaction_is_a_fault(part):
    with pytest.raises(PeerFault, match="sent a transaction"):
        handle(part, Tx(BLOCKS[0].transactions[0]))
