"""Bitcoin Core's hashes of a set of coins, against a naive reading of its rules."""

from hashlib import sha256

import pytest

from minicoin.core.chain.coin_hash import count_coins
from minicoin.core.chain.coins import CoinsCache
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.undo import pack_coin, unpack_coin
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.crypto.muhash import MuHash
from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.transaction import Txid, TxOut, make_outpoint
from minicoin.core.primitives.verdicts import Coin
from minicoin.testing.chain_maker import ChainMaker

COINS = {
    make_outpoint(Txid(bytes((txid,)) * 32), index): Coin(TxOut(value, script), height, is_coinbase)
    for txid, index, value, script, height, is_coinbase in (
        # Keys in the order of their bytes would put output 256 before output 1.
        (1, 0, 50, b"\x51", 7, True),
        (1, 1, 2**40, b"", 7, False),
        (1, 256, 3, b"\x6a" * 300, 70_000, False),
        (1, 65_536, 4, b"\x52", 7, False),
        (2, 0, 5, b"\x53" * 252, 0, True),
        (255, 3, 6, b"\x54" * 253, 1, False),
    )
}


def _store() -> MemoryChainStore:
    store = MemoryChainStore()
    store.commit({outpoint: pack_coin(coin) for outpoint, coin in COINS.items()}, (), bytes(32))
    return store


def _finish(counting):
    slices = 0
    while True:
        try:
            next(counting)
            slices += 1
        except StopIteration as end:
            return end.value, slices


def _elements() -> list[bytes]:
    ordered = sorted(COINS.items(), key=lambda item: (item[0][:32], int.from_bytes(item[0][32:], "little")))
    return [
        outpoint
        + (2 * coin.height + coin.is_coinbase).to_bytes(4, "little")
        + coin.output.value.to_bytes(8, "little")
        + encode_compact(len(coin.output.script_pubkey))
        + coin.output.script_pubkey
        for outpoint, coin in ordered
    ]


def test_hash_serialized_is_the_double_hash_of_all_outputs_in_order() -> None:
    totals, _ = _finish(count_coins(_store().coins(), "hash_serialized_3"))
    assert totals.digest == sha256(sha256(b"".join(_elements())).digest()).digest()
    assert (totals.coins, totals.transactions) == (6, 3)
    assert totals.total_sat == sum(coin.output.value for coin in COINS.values())
    assert totals.bogosize == sum(50 + len(coin.output.script_pubkey) for coin in COINS.values())


def test_muhash_is_that_of_the_same_elements() -> None:
    expected = MuHash()
    for element in reversed(_elements()):
        expected.add(element)
    assert _finish(count_coins(_store().coins(), "muhash"))[0].digest == expected.digest()


def test_none_and_unknown_kinds() -> None:
    assert _finish(count_coins(_store().coins(), "none"))[0].digest == b""
    with pytest.raises(MisuseError):
        _finish(count_coins(_store().coins(), "hash_serialized_2"))


def test_a_large_set_comes_in_steps() -> None:
    coins = {make_outpoint(Txid(bytes(32)), index): pack_coin(Coin(TxOut(1, b""), 1, False)) for index in range(2_500)}
    store = MemoryChainStore()
    store.commit(coins, (), bytes(32))
    totals, steps = _finish(count_coins(store.coins(), "none"))
    assert (totals.coins, steps) == (2_500, 50)


def test_a_reading_is_of_the_moment_it_began_though_blocks_come(monkeypatch: pytest.MonkeyPatch) -> None:
    network = lookup("regtest")
    maker = ChainMaker(network)
    branch = maker.new_branch()
    maker.mine_empty(branch, 4)
    engine = ChainEngine(network, MemoryChainStore(), ScriptedVerifier())
    for height, block in enumerate(branch.blocks, 1):
        engine.store_block(RawBlock(block.header, block.raw), height)
    hashes = tuple(block.hash for block in branch.blocks)
    engine.activate(network.genesis.hash, hashes[:2])
    expected = engine.coin_set_totals()

    reading = engine.read_coin_set("hash_serialized_3")
    monkeypatch.setattr("minicoin.core.chain.coin_hash._COINS_PER_STEP", 1)
    next(reading)
    engine.activate(hashes[1], hashes[2:])
    engine.flush()
    value, _ = _finish(reading)
    assert engine.height == 4
    assert (value.height, value.tip) == (2, hashes[1])
    assert value.totals == expected


def test_packed_coins_hold_what_is_hashed() -> None:
    cache = CoinsCache(_store())
    for outpoint, coin in COINS.items():
        packed = cache.get(outpoint)
        assert packed is not None
        assert unpack_coin(packed) == coin
