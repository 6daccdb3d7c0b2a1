"""One contract for every ChainStore: the in-memory reference and the one on disk."""

from collections.abc import Callable

import pytest

from minicoin.core.chain.carried import StoredChange
from minicoin.core.chain.coinbase_tags import CHANGE_TAG, SETTINGS_TAG
from minicoin.core.chain.store import ChainStore, MemoryChainStore
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Outpoint
from minicoin.core.signers.certificate import KeptCertificate
from minicoin.drivers.store.disk import DiskChainStore
from minicoin.testing.chain_maker import ChainMaker
from minicoin.world.faulty_store import FaultyStore

NETWORK = lookup("bitcoin-regtest")
TIP = BlockHash(b"\x01" * 32)


def outpoint(number: int) -> Outpoint:
    return Outpoint(number.to_bytes(36, "big"))


def blocks(count: int):
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, count)
    return branch.blocks


IN_MEMORY: dict[str, Callable[[], ChainStore]] = {"memory": MemoryChainStore, "simulated": FaultyStore}


@pytest.fixture(params=[*IN_MEMORY, "disk"])
def store(request, tmp_path):
    made = IN_MEMORY[request.param]() if request.param in IN_MEMORY else DiskChainStore(tmp_path / "d", NETWORK)
    yield made
    made.close()


@pytest.fixture(params=[*IN_MEMORY, "disk"])
def reopen(request, tmp_path):
    """A store, and what opens it anew after a commit."""
    if request.param in IN_MEMORY:
        kept = IN_MEMORY[request.param]()
        return lambda: kept
    opened: list[DiskChainStore] = []

    def open_again() -> ChainStore:
        if opened:
            opened[-1].close()
        opened.append(DiskChainStore(tmp_path / "d", NETWORK))
        return opened[-1]

    request.addfinalizer(lambda: opened[-1].close())
    return open_again


def test_new_store_is_empty(store: ChainStore):
    assert store.coins_tip() is None
    assert list(store.coins()) == list(store.headers()) == list(store.stored()) == []
    assert store.coin(outpoint(1)) is None
    assert store.read(TIP) is None
    assert store.read_undo(TIP) is None
    assert not store.has(TIP)


def test_blocks_and_undo_are_read_back(store: ChainStore):
    first, second = blocks(2)
    for block in (second, first):
        store.append(block.hash, block.raw)
    store.append_undo(first.hash, b"undo one")
    store.append_undo(first.hash, b"undo two")
    assert store.read(first.hash) == first.raw
    assert store.read(second.hash) == second.raw
    assert store.read_undo(first.hash) == b"undo two"
    assert store.read_undo(second.hash) is None
    assert sorted(store.stored()) == sorted([first.hash, second.hash])


def test_a_stored_block_is_left_alone(store: ChainStore):
    block = blocks(1)[0]
    store.append(block.hash, block.raw)
    store.append_undo(block.hash, b"undo")
    store.append(block.hash, block.raw)
    assert store.read_undo(block.hash) == b"undo"
    assert list(store.stored()) == [block.hash]


def test_commit_changes_coins_and_tip(store: ChainStore):
    store.commit({outpoint(3): b"three", outpoint(1): b"one", outpoint(2): b"two"}, [], TIP)
    assert store.coins_tip() == TIP
    assert list(store.coins()) == [(outpoint(1), b"one"), (outpoint(2), b"two"), (outpoint(3), b"three")]
    store.commit({outpoint(2): b"TWO"}, [outpoint(1), outpoint(2), outpoint(9)], BlockHash(bytes(32)))
    assert list(store.coins()) == [(outpoint(2), b"TWO"), (outpoint(3), b"three")]
    assert store.coin(outpoint(1)) is None
    assert store.coin(outpoint(2)) == b"TWO"
    assert store.coins_tip() == bytes(32)


def test_everything_committed_is_there_again(reopen: Callable[[], ChainStore]):
    made = blocks(3)
    store = reopen()
    for block in made:
        store.append(block.hash, block.raw)
        store.append_undo(block.hash, b"undo of " + block.hash)
    store.add_headers([(3, made[2].header), (1, made[0].header), (2, made[1].header)])
    store.commit({outpoint(1): b"one"}, [], made[2].hash)
    store = reopen()
    assert [header.hash for header in store.headers()] == [block.hash for block in made]
    assert [store.read(block.hash) for block in made] == [block.raw for block in made]
    assert store.read_undo(made[1].hash) == b"undo of " + made[1].hash
    assert store.coins_tip() == made[2].hash
    assert store.coin(outpoint(1)) == b"one"


def test_headers_are_remembered_once(store: ChainStore):
    made = blocks(2)
    store.add_headers([(1, made[0].header), (2, made[1].header)])
    store.add_headers([(1, made[0].header)])
    assert len(list(store.headers())) == 2
    store.commit({}, [], TIP)
    store.add_headers([(1, made[0].header)])
    store.commit({}, [], TIP)
    assert len({header.hash for header in store.headers()}) == len(list(store.headers())) == 2


def test_certificates_are_durable_with_the_next_sync(reopen):
    made = blocks(2)
    store = reopen()
    kept = KeptCertificate(b"certificate", b"list")
    store.add_certificates([(made[0].hash, kept)])
    assert store.certificate(made[0].hash) == kept
    assert store.certificate(made[1].hash) is None
    store.sync()
    store = reopen()
    assert store.certificate(made[0].hash) == kept
    other = KeptCertificate(b"another")
    store.add_certificates([(made[1].hash, other)])
    store.commit({}, (), TIP)
    store = reopen()
    assert (store.certificate(made[0].hash), store.certificate(made[1].hash)) == (kept, other)


def test_what_blocks_change_comes_lowest_first(reopen):
    made = blocks(2)
    store = reopen()
    expected = [
        StoredChange(7, made[0].hash, CHANGE_TAG + b"first"),
        StoredChange(300, made[1].hash, CHANGE_TAG + b"second"),
        StoredChange(300, made[1].hash, SETTINGS_TAG + b"beside it"),
    ]
    store.add_changes(expected[1:])
    store.add_changes(expected[:1])
    assert list(store.changes()) == expected
    store.commit({}, (), TIP)
    store = reopen()
    assert list(store.changes()) == expected
    store.add_changes(expected[:1])
    assert list(store.changes()) == expected
