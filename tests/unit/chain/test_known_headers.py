"""The engine's view of the headers: what it takes and leaves out, and how a start finds the block of the coins."""

import pytest

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.known_headers import KnownHeaders
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import BlockHash, BlockHeader

GENESIS = lookup("regtest").genesis.header


def chain_of(count: int, salt: int = 0) -> list[BlockHeader]:
    """Headers in a row on the genesis block; nobody asks here for their work."""
    headers = [GENESIS]
    for _ in range(count):
        parent = headers[-1]
        headers.append(BlockHeader(4, parent.hash, bytes([salt]) * 32, parent.time + 60, parent.bits, 0))
    return headers[1:]


@pytest.fixture
def store() -> MemoryChainStore:
    return MemoryChainStore()


def known(store: MemoryChainStore) -> KnownHeaders:
    return KnownHeaders(HeaderNode(GENESIS, None, 0), store, None)


def test_what_is_added_is_known_by_its_place_and_remembered(store: MemoryChainStore) -> None:
    headers, fork = chain_of(4), chain_of(2, salt=1)
    view = known(store)
    assert view.add([*headers, *fork]) == 6
    assert view.add(headers) == 0
    assert [view.height_of(header.hash) for header in (GENESIS, headers[3], fork[1])] == [0, 4, 2]
    assert list(view.headers()) == [*headers, *fork]
    assert set(store.headers()) == {*headers, *fork}
    assert list(view.certificates()) == []
    assert len(view) == 7 and fork[0].hash in view


def test_one_without_its_parent_is_left_out_until_it_comes_again(store: MemoryChainStore) -> None:
    headers = chain_of(3)
    view = known(store)
    assert view.add(headers[1:]) == 0
    assert list(view.headers()) == list(store.headers()) == []
    assert view.height_of(headers[2].hash) is view.get(headers[2].hash) is None
    assert view.add(headers) == 3


def test_a_start_finds_the_block_that_the_coins_stand_at(store: MemoryChainStore) -> None:
    headers = chain_of(3)
    known(store).add(headers)
    view = known(store)
    node, behind = view.load(headers[1].hash)
    assert node is view.get(headers[1].hash) and node is not None and node.height == 2
    assert behind == []
    assert list(view.headers()) == headers


def test_a_start_says_where_there_is_no_way_back(store: MemoryChainStore) -> None:
    node, behind = known(store).load(BlockHash(b"?" * 32))
    assert node is None and behind == []
