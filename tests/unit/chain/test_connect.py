"""Connecting and disconnecting blocks by themselves: BIP30, blocks that fail half-way, stores that fail half-way."""

import dataclasses

import pytest

from minicoin.core.chain.block_rules import check_block
from minicoin.core.chain.coins import CoinsCache
from minicoin.core.chain.connect import connect_block, disconnect_block
from minicoin.core.chain.deployments import RuleSet
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.undo import pack_coin
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.limits import BLOCK_SIGOP_COST_MAX
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import Block, RawBlock
from minicoin.core.primitives.script_flags import ScriptFlag
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Outpoint, Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected, Coin, TxReason
from minicoin.testing.chain_maker import ChainMaker

NETWORK = lookup("bitcoin-regtest")
RULES = RuleSet(200, int(ScriptFlag.ALL), True, True, True, True, False, 1_300_000_000, 50 * 10**8, 100)
TRIVIAL = b"\x51"


@pytest.fixture
def coins():
    """Ten old coins of 1,000 sat."""
    cache = CoinsCache(MemoryChainStore())
    for number in range(10):
        cache.add(name(number), pack_coin(Coin(TxOut(1000, TRIVIAL), 5, False)))
    return cache


def name(number: int) -> Outpoint:
    return Outpoint(bytes((7, number)) + bytes(34))


def tx(inputs, values, script=TRIVIAL, sequence=0xFFFF_FFFF):
    entries = tuple(TxIn(entry, b"", sequence) for entry in inputs)
    return Transaction(2, entries, tuple(TxOut(value, script) for value in values))


def coinbase(value=10**8, tag=b"\x01\x01"):
    return Transaction(2, (TxIn(NULL_OUTPOINT, tag),), (TxOut(value, TRIVIAL), TxOut(0, b"\x6a\x01\x01")))


def block(*transactions, first=None):
    return Block(NETWORK.genesis.header, (first or coinbase(), *transactions))


def connect(made, coins, rules=RULES, legacy_sigops=0, median=0):
    return connect_block(made, legacy_sigops, rules, coins, lambda height: median)


def test_coins_are_spent_and_made(coins):
    first = tx([name(0), name(1)], [1500])
    second = tx([make_outpoint(first.txid, 0)], [700, 600])
    made = block(first, second)
    before = coins.totals()
    connected = connect(made, coins)
    assert connected.fees_sat == 2000 - 1500 + 1500 - 1300
    assert [len(spent) for spent in connected.spent] == [2, 1]
    assert coins.get(name(0)) is None
    assert coins.get(make_outpoint(first.txid, 0)) is None
    assert coins.get(make_outpoint(second.txid, 1)) is not None
    # What nobody can spend is no coin.
    assert coins.get(make_outpoint(made.transactions[0].txid, 1)) is None
    disconnect_block(made, connected.undo, coins)
    assert coins.totals() == before


@pytest.mark.parametrize(
    ("transactions", "reason", "tx_reason"),
    [
        ([([0], [900]), ([1, 0], [900])], BlockReason.TRANSACTION, TxReason.MISSING_OR_SPENT),
        ([([0], [900]), ([1, 2], [2001])], BlockReason.TRANSACTION, TxReason.IN_BELOW_OUT),
    ],
)
def test_a_block_that_fails_half_way_changes_nothing(coins, transactions, reason, tx_reason):
    before = coins.totals()
    made = block(*(tx([name(number) for number in inputs], values) for inputs, values in transactions))
    with pytest.raises(BlockRejected) as refusal:
        connect(made, coins)
    assert (refusal.value.reason, refusal.value.transaction) == (reason, tx_reason)
    assert coins.totals() == before


def test_a_greedy_coinbase_changes_nothing(coins):
    before = coins.totals()
    made = block(tx([name(0)], [900]), first=coinbase(RULES.subsidy_sat + 101))
    with pytest.raises(BlockRejected) as refusal:
        connect(made, coins)
    assert refusal.value.reason is BlockReason.COINBASE_AMOUNT
    assert coins.totals() == before
    connect(block(tx([name(0)], [900]), first=coinbase(RULES.subsidy_sat + 100)), coins)


def test_sigop_cost_counts_both_kinds(coins):
    coins.add(name(50), pack_coin(Coin(TxOut(1000, b"\x00\x14" + bytes(20)), 5, False)))
    made = block(tx([name(50)], [900]))
    with pytest.raises(BlockRejected) as refusal:
        connect(made, coins, legacy_sigops=BLOCK_SIGOP_COST_MAX // 4)
    assert refusal.value.reason is BlockReason.BAD_SIGOPS
    connect(made, coins, legacy_sigops=BLOCK_SIGOP_COST_MAX // 4 - 1)


def test_relative_locks_hold_where_csv_is_active(coins):
    made = block(tx([name(0)], [900], sequence=196))
    with pytest.raises(BlockRejected) as refusal:
        connect(made, coins)
    assert (refusal.value.reason, refusal.value.transaction) == (BlockReason.NON_FINAL, TxReason.NON_BIP68_FINAL)
    connect(made, coins, dataclasses.replace(RULES, csv=False))
    connect(block(tx([name(1)], [900], sequence=195)), coins)


def test_bip30_forbids_repeating_unspent_coins(coins):
    repeated = coinbase(tag=b"\x02\x02")
    first = connect(block(first=repeated), coins, dataclasses.replace(RULES, height=100))
    assert first.fees_sat == 0
    strict = dataclasses.replace(RULES, bip30=True)
    with pytest.raises(BlockRejected) as refusal:
        connect(block(first=repeated), coins, strict)
    assert refusal.value.reason is BlockReason.BIP30
    # Spent, it may come again.
    outpoint = make_outpoint(repeated.txid, 0)
    connect(block(tx([outpoint], [10**8 - 1])), coins)
    connect(block(first=repeated), coins, strict)
    assert coins.get(outpoint) is not None


def test_before_bip30_a_coinbase_replaced_its_twin(coins):
    twin = coinbase(tag=b"\x03\x03")
    connect(block(first=twin), coins, dataclasses.replace(RULES, height=100))
    coins.flush(NETWORK.genesis.hash)
    connect(block(first=twin), coins, dataclasses.replace(RULES, height=150))
    assert sum(1 for _ in coins.items()) == 11
    coins.spend(make_outpoint(twin.txid, 0))
    assert sum(1 for _ in coins.items()) == 10


# --- a store that fails ---


class FailingStore(MemoryChainStore):
    """Fails on demand, as a full disk or a damaged index does."""

    broken = ""

    def coin(self, outpoint):
        if self.broken == "coin":
            raise OSError("cannot read")
        return super().coin(outpoint)

    def append_undo(self, block, undo):
        if self.broken == "undo":
            raise OSError("no room")
        super().append_undo(block, undo)


@pytest.mark.parametrize("broken", ["coin", "undo"])
def test_coins_and_tip_move_together_or_not_at_all(broken):
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, 102)
    maker.mine_spending(branch, 2)
    store = FailingStore()
    engine = ChainEngine(NETWORK, store, ScriptedVerifier())
    for height, made in enumerate(branch.blocks, 1):
        engine.store_block(RawBlock.parse(made.raw), height)
    hashes = tuple(made.hash for made in branch.blocks)
    engine.activate(NETWORK.genesis.hash, hashes[:-1])
    engine.flush()
    before = engine.coin_set_totals()
    store.broken = broken
    with pytest.raises(OSError, match=r"cannot read|no room"):
        engine.activate(engine.tip, hashes[-1:])
    store.broken = ""
    engine.flush()
    assert engine.height == 102
    assert engine.coin_set_totals() == before
    assert check_block(branch.blocks[-1]) >= 0
    _, invalid = engine.activate(engine.tip, hashes[-1:])
    assert (invalid, engine.height) == (None, 103)
