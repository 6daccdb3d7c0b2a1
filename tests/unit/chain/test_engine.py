"""The engine: paths, reorganisations against a fresh replay, invalid path blocks, restarts, transactions, watching."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicoin.core.chain.engine as engine_module
from minicoin.core.chain.deployments import RuleBook
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.parsed_blocks import ChainDamaged
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import lookup
from minicoin.core.params.rules import NEVER
from minicoin.core.primitives.block import ZERO_HASH, Block, BlockHash, RawBlock
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxIn, TxOut, make_outpoint, outpoint_txid
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected, TxReason
from minicoin.drivers.kernel import KernelVerifier
from minicoin.testing.chain_maker import ChainMaker
from minicoin.testing.faulty_blocks import FAULTS
from minicoin.testing.spends import SpendKind, output_script, sign_inputs

NETWORK = lookup("bitcoin-regtest")
GENESIS = NETWORK.genesis.hash


class DamagedStore(MemoryChainStore):
    """A disk that may lose or mix up what it was given."""

    def put_block(self, block: BlockHash, raw: bytes) -> None:
        self._blocks[block] = raw

    def lose_block(self, block: BlockHash) -> None:
        del self._blocks[block]

    def put_undo(self, block: BlockHash, undo: bytes) -> None:
        self._undo[block] = undo

    def lose_headers(self) -> None:
        self._headers.clear()


def new_engine(store=None, verifier=None, **options) -> ChainEngine:
    return ChainEngine(NETWORK, store or MemoryChainStore(), verifier or ScriptedVerifier(), **options)


def store_all(engine: ChainEngine, blocks, start: int = 1) -> None:
    """`blocks` in a row, the first of them at height `start`."""
    engine.add_headers([block.header for block in blocks])
    for height, block in enumerate(blocks, start):
        engine.store_block(RawBlock.parse(block.raw), height)


def hashes(blocks) -> tuple[BlockHash, ...]:
    return tuple(block.hash for block in blocks)


class Tree:
    """A trunk with spends and two branches that leave it, as blocks; made once, since signing takes long."""

    def __init__(self) -> None:
        maker = ChainMaker(NETWORK, seed=9)
        trunk = maker.new_branch()
        maker.mine_empty(trunk, 103)
        for _ in range(3):
            maker.mine_spending(trunk, 4, outputs=3)
        self.fork_height = trunk.height
        left, right = trunk.fork(), trunk.fork()
        for _ in range(5):
            maker.mine_spending(left, 5, 2, 2)
            maker.mine_spending(right, 4, 1, 3)
        self.maker, self.trunk, self.left, self.right = maker, trunk, left, right


@pytest.fixture(scope="module")
def tree():
    return Tree()


@pytest.fixture
def verifier() -> ScriptedVerifier:
    return ScriptedVerifier()


@pytest.fixture
def engine(tree, verifier):
    made = new_engine(verifier=verifier)
    store_all(made, tree.left.blocks)
    store_all(made, tree.right.blocks[tree.fork_height :], tree.fork_height + 1)
    made.activate(GENESIS, hashes(tree.trunk.blocks))
    return made


# --- paths ---


def test_starts_at_the_genesis_block():
    engine = new_engine()
    assert (engine.tip, engine.height) == (GENESIS, 0)
    assert engine.read_block(GENESIS).raw == NETWORK.genesis.raw
    assert engine.coin_set_totals().coins == 0


def test_update_tells_what_was_connected(engine, tree):
    path = tree.left.blocks[tree.fork_height :]
    update, invalid = engine.activate(engine.tip, hashes(path))
    assert invalid is None
    assert (update.tip, update.height) == (path[-1].hash, len(tree.left.blocks))
    assert update.disconnected == ()
    assert [summary.hash for summary in update.connected] == list(hashes(path))
    summary, block = update.connected[0], path[0]
    assert summary.txids == tuple(tx.txid for tx in block.transactions)
    assert summary.spent == tuple(entry.outpoint for tx in block.transactions[1:] for entry in tx.inputs)
    assert (summary.size, summary.weight) == (len(block.raw), block.weight)
    assert summary.fees_sat == block.transactions[0].outputs[0].value - NETWORK.subsidy(summary.height)


def test_reorganisation_gives_transactions_back(engine, tree):
    left, right = tree.left.blocks[tree.fork_height :], tree.right.blocks[tree.fork_height :]
    engine.activate(engine.tip, hashes(left))
    update, invalid = engine.activate(tree.trunk.tip.hash, hashes(right))
    assert invalid is None
    assert [gone.summary.hash for gone in update.disconnected] == list(reversed(hashes(left)))
    assert update.disconnected[-1].transactions == left[0].transactions[1:]
    assert engine.tip == right[-1].hash


def test_an_empty_path_only_disconnects(engine, tree):
    fork = tree.trunk.blocks[-2].hash
    update, _ = engine.activate(fork, ())
    assert (update.tip, len(update.disconnected), update.connected) == (fork, 1, ())


@settings(max_examples=25, deadline=None)
@given(walk=st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.booleans()), max_size=8))
def test_any_walk_leaves_the_coins_of_a_fresh_replay(tree, walk):
    engine = new_engine()
    store_all(engine, tree.left.blocks)
    store_all(engine, tree.right.blocks[tree.fork_height :], tree.fork_height + 1)
    engine.activate(GENESIS, hashes(tree.trunk.blocks))
    on_left, length = True, 0
    for to_left, steps, flushes in walk:
        keep = min(length, steps) if to_left == on_left else 0
        blocks = (tree.left if to_left else tree.right).blocks
        base = tree.fork_height + keep
        _, invalid = engine.activate(blocks[base - 1].hash, hashes(blocks[base : tree.fork_height + steps]))
        assert invalid is None
        on_left, length = to_left, steps
        if flushes:
            engine.flush()
    blocks = (tree.left if on_left else tree.right).blocks[: tree.fork_height + length]
    replay = new_engine()
    store_all(replay, blocks)
    replay.activate(GENESIS, hashes(blocks))
    assert engine.tip == replay.tip
    assert engine.coin_set_totals() == replay.coin_set_totals()


def test_an_invalid_block_leaves_the_engine_at_the_last_good_one(engine, verifier, tree):
    verifier.bad = frozenset([tree.left.blocks[tree.fork_height + 1].transactions[1].wtxid])
    path = tree.left.blocks[tree.fork_height :]
    update, invalid = engine.activate(engine.tip, hashes(path))
    assert invalid.hash == path[1].hash
    assert (invalid.reason, invalid.transaction) == (BlockReason.SCRIPT_FAILED, TxReason.SCRIPT_FAILED)
    assert invalid.is_permanent
    assert update.tip == engine.tip == path[0].hash
    # The refused block's coins were taken back, to the last satoshi.
    replay = new_engine()
    blocks = tree.left.blocks[: tree.fork_height + 1]
    store_all(replay, blocks)
    replay.activate(GENESIS, hashes(blocks))
    assert engine.coin_set_hash() == replay.coin_set_hash()


def test_misuse_is_named(engine, tree):
    with pytest.raises(MisuseError, match="ancestor"):
        engine.activate(tree.left.blocks[-1].hash, ())
    with pytest.raises(MisuseError, match="ancestor"):
        engine.activate(ZERO_HASH, ())
    with pytest.raises(MisuseError, match="build on"):
        engine.activate(engine.tip, (tree.left.blocks[-1].hash,))
    missing = tree.maker.next_block(tree.trunk)
    engine.add_headers([missing.header])
    with pytest.raises(MisuseError, match="not stored"):
        engine.activate(engine.tip, (missing.hash,))
    with pytest.raises(MisuseError, match="height"):
        engine.store_block(RawBlock.parse(missing.raw), 3)


# --- storing ---


def test_storing_refuses_what_needs_no_coins(tree):
    engine = new_engine()
    store_all(engine, tree.trunk.blocks)
    for name in ("merkle_root", "two_coinbases", "coinbase_height", "witness_commitment", "truncated"):
        raw = RawBlock.parse(FAULTS[name](tree.maker, tree.trunk)[0])
        with pytest.raises(BlockRejected):
            engine.store_block(raw, tree.trunk.height + 1)
        assert engine.read_block(raw.hash) is None


def test_blocks_are_stored_in_any_order(tree):
    engine = new_engine()
    engine.add_headers([block.header for block in tree.trunk.blocks])
    for height, block in reversed(list(enumerate(tree.trunk.blocks, 1))):
        engine.store_block(RawBlock.parse(block.raw), height)
    update, invalid = engine.activate(GENESIS, hashes(tree.trunk.blocks))
    assert (update.height, invalid) == (tree.trunk.height, None)


def test_a_block_without_its_header_chain_is_refused(tree):
    with pytest.raises(BlockRejected) as refusal:
        new_engine().store_block(RawBlock.parse(tree.trunk.blocks[5].raw), 6)
    assert refusal.value.reason is BlockReason.UNKNOWN_PARENT
    assert not refusal.value.is_permanent


class _Branchwise:
    """A proof of which one parent's children have none: what a set of signers that its branch replaced does."""

    def __init__(self, parent):
        self._parent = parent

    def check_block(self, block, parent, verifier):
        assert block.header.previous == parent.hash
        if parent.hash == self._parent:
            raise BlockRejected(BlockReason.BAD_SIGNATURE, f"on {parent}")


def test_the_proof_of_a_block_is_a_matter_of_its_branch_and_not_of_its_height(tree, monkeypatch):
    fork = tree.fork_height
    left, right = tree.left.blocks[fork:], tree.right.blocks[fork:]
    monkeypatch.setattr(engine_module, "make_block_proof", lambda network, height_of: _Branchwise(left[0].hash))
    engine = new_engine()
    store_all(engine, [*tree.trunk.blocks, left[0]])
    with pytest.raises(BlockRejected, match=f"on .*{left[0].header}"):
        store_all(engine, left[1:2], fork + 2)
    store_all(engine, right[:2], fork + 1)
    assert set(hashes(right[:2])) <= set(engine.stored())


def test_stripped_form_is_served(engine, tree):
    block = next(block for block in tree.trunk.blocks if any(tx.has_witness for tx in block.transactions))
    assert engine.read_block(block.hash).raw == block.raw
    assert engine.read_block(block.hash, stripped=True).raw == block.stripped != block.raw
    assert engine.read_block(ZERO_HASH) is None


# --- starting again ---


def test_starts_again_where_it_flushed(tree):
    store = MemoryChainStore()
    engine = new_engine(store)
    store_all(engine, tree.left.blocks)
    engine.activate(GENESIS, hashes(tree.trunk.blocks))
    engine.flush()
    engine.activate(engine.tip, hashes(tree.left.blocks[tree.fork_height :]))
    expected = engine.coin_set_hash()
    # Without a flush: the coins stand where they were flushed, the blocks are there.
    again = new_engine(store)
    assert again.tip == tree.trunk.tip.hash
    assert [header.hash for header in again.headers()] == list(hashes(tree.left.blocks))
    assert set(hashes(tree.left.blocks)) < set(again.stored())
    again.activate(again.tip, hashes(tree.left.blocks[tree.fork_height :]))
    assert again.coin_set_hash() == expected


def test_leaves_a_flushed_tip_that_is_no_longer_best(tree):
    store = MemoryChainStore()
    engine = new_engine(store)
    store_all(engine, tree.left.blocks)
    store_all(engine, tree.right.blocks[tree.fork_height :], tree.fork_height + 1)
    engine.activate(GENESIS, hashes(tree.left.blocks))
    engine.close()
    again = new_engine(store)
    _, invalid = again.activate(tree.trunk.tip.hash, hashes(tree.right.blocks[tree.fork_height :]))
    assert invalid is None
    assert again.tip == tree.right.tip.hash


def test_damage_stops_the_engine(tree):
    store = DamagedStore()
    engine = new_engine(store)
    store_all(engine, tree.trunk.blocks)
    engine.activate(GENESIS, hashes(tree.trunk.blocks))
    engine.close()
    tip = tree.trunk.tip.hash
    store.put_undo(tip, store.read_undo(tip)[:-1] + b"!")
    with pytest.raises(ChainDamaged, match="undo data"):
        new_engine(store).activate(tree.trunk.blocks[-2].hash, ())
    store.put_block(tip, store.read(tip)[:200])
    with pytest.raises(ChainDamaged, match="damaged"):
        new_engine(store).activate(tree.trunk.blocks[-2].hash, ())
    store.lose_headers()
    with pytest.raises(ChainDamaged, match="header"):
        new_engine(store)


# --- loose transactions ---


@pytest.fixture
def loose(tree):
    """An engine with the kernel at the trunk's tip, and a coin to spend."""
    engine = new_engine(verifier=KernelVerifier())
    store_all(engine, tree.trunk.blocks)
    engine.activate(GENESIS, hashes(tree.trunk.blocks))
    return engine, tree.trunk.spendable[0]


def spend(coin, *, value=None, sequence=0xFFFF_FFFF, lock_time=0, version=2):
    output = TxOut(coin.output.value - 700 if value is None else value, output_script(SpendKind.P2WPKH, 1))
    transaction = Transaction(version, (TxIn(coin.outpoint, b"", sequence),), (output,), lock_time)
    return sign_inputs(transaction, [coin])


def test_a_good_transaction(loose):
    engine, coin = loose
    verdict = engine.verify_transaction(spend(coin))
    assert (verdict.rejected, verdict.missing, verdict.fee_sat) == (None, (), 700)
    assert verdict.tip == engine.tip
    assert verdict.spent == (coin.output,)
    assert verdict.sigop_cost > 0 or coin.kind is SpendKind.P2TR


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"value": -1}, TxReason.NEGATIVE_VALUE),
        ({"value": 21 * 10**14}, TxReason.IN_BELOW_OUT),
        ({"lock_time": 10_000, "sequence": 0}, TxReason.NON_FINAL),
        ({"sequence": 500}, TxReason.NON_BIP68_FINAL),
    ],
)
def test_refused_transactions(loose, changes, reason):
    engine, coin = loose
    if changes.get("value") == -1:
        transaction = Transaction(2, (TxIn(coin.outpoint),), (TxOut(-1, b"\x51"),))
    else:
        transaction = spend(coin, **changes)
    verdict = engine.verify_transaction(transaction)
    assert verdict.rejected is reason


def test_other_refusals(loose, tree):
    engine, coin = loose
    good = spend(coin)
    unsigned = Transaction(2, (TxIn(coin.outpoint),), good.outputs)
    assert engine.verify_transaction(unsigned).rejected is TxReason.SCRIPT_FAILED
    assert engine.verify_transaction(tree.trunk.blocks[0].transactions[0]).rejected is TxReason.COINBASE
    confirmed = tree.trunk.blocks[-1].transactions[1]
    assert engine.verify_transaction(confirmed).rejected is TxReason.ALREADY_CONFIRMED
    _, immature = tree.trunk.immature[-1]
    assert engine.verify_transaction(spend(immature)).rejected is TxReason.PREMATURE_COINBASE


def test_missing_inputs_are_named_and_parents_heard(loose):
    engine, coin = loose
    parent = spend(coin)
    child_coin = type(coin)(make_outpoint(parent.txid, 0), parent.outputs[0], SpendKind.P2WPKH, 1)
    child = spend(child_coin)
    assert engine.verify_transaction(child).missing == (child_coin.outpoint,)
    verdict = engine.verify_transaction(child, ((child_coin.outpoint, parent.outputs[0]),))
    assert (verdict.rejected, verdict.missing, verdict.fee_sat) == (None, (), 700)
    locked = spend(child_coin, sequence=1)
    verdict = engine.verify_transaction(locked, ((child_coin.outpoint, parent.outputs[0]),))
    assert verdict.rejected is TxReason.NON_BIP68_FINAL


def test_relative_locks_are_kept_before_they_are_a_rule(loose, monkeypatch):
    engine, coin = loose
    early = engine.network.with_deployments(replace(engine.network.deployments, csv=NEVER))
    monkeypatch.setattr(engine, "_rules", RuleBook(early))
    assert engine.verify_transaction(spend(coin, sequence=500)).rejected is TxReason.NON_BIP68_FINAL
    assert engine.verify_transaction(spend(coin)).rejected is None


def test_spending_a_coinbase_names_its_height(loose, tree):
    engine, _ = loose
    heights = {block.transactions[0].txid: height for height, block in enumerate(tree.trunk.blocks, 1)}
    coin = next(coin for coin in tree.trunk.spendable if outpoint_txid(coin.outpoint) in heights)
    height = heights[outpoint_txid(coin.outpoint)]
    kept = engine.coin(coin.outpoint)
    assert (kept.height, kept.is_coinbase) == (height, True)
    assert engine.verify_transaction(spend(coin)).spends_coinbase_height == height


def test_unknown_coin(engine):
    assert engine.coin(Outpoint(bytes(36))) is None


# --- watching ---


def test_watched_scripts_are_found_when_connected_disconnected_and_rescanned(engine, tree):
    path = tree.left.blocks[tree.fork_height :]
    spender = path[2].transactions[1]
    script = spender.outputs[0].script_pubkey
    engine.watch(frozenset([script]))
    update, _ = engine.activate(engine.tip, hashes(path))
    found = {entry.transaction.txid: entry for summary in update.connected for entry in summary.watched}
    assert spender.txid in found
    assert found[spender.txid].position == 1
    assert len(found[spender.txid].spent) == len(spender.inputs)
    back, _ = engine.activate(tree.trunk.tip.hash, ())
    again = {entry.transaction.txid for gone in back.disconnected for entry in gone.summary.watched}
    assert again == set(found)
    engine.activate(engine.tip, hashes(path))
    scanned = {
        entry.transaction.txid
        for height, _, watched in engine.rescan(frozenset([script]), tree.fork_height + 1)
        for entry in watched
    }
    assert scanned == set(found)
    assert [height for height, _, _ in engine.rescan(frozenset(), 0, count=3)] == [1, 2, 3]
    assert list(engine.rescan(frozenset(), engine.height + 1)) == []


def test_a_block_that_spends_a_watched_coin_is_found(engine, tree):
    path = tree.left.blocks[tree.fork_height :]
    spender = path[0].transactions[1]
    coin = engine.coin(spender.inputs[0].outpoint)
    engine.watch(frozenset([coin.output.script_pubkey]))
    update, _ = engine.activate(engine.tip, hashes(path[:1]))
    entry = next(entry for entry in update.connected[0].watched if entry.transaction.txid == spender.txid)
    assert entry.spent[0] == coin.output


def test_genesis_cannot_be_left():
    engine = new_engine()
    update, _ = engine.activate(GENESIS, ())
    assert update.height == 0


def test_snapshot(engine, tree):
    snapshot = engine.snapshot()
    assert (snapshot.tip, snapshot.height) == (tree.trunk.tip.hash, tree.trunk.height)
    assert snapshot.coin_changes > 0
    assert Block.parse(engine.read_block(engine.tip).raw).header == tree.trunk.tip


# --- durability ---


@pytest.mark.parametrize("limit", ["UNFLUSHED_BLOCKS_MAX", "COIN_CHANGES_MAX"])
def test_the_coins_are_flushed_now_and_then(tree, monkeypatch, limit):
    monkeypatch.setattr(engine_module, limit, 10)
    store = MemoryChainStore()
    engine = new_engine(store)
    store_all(engine, tree.trunk.blocks)
    engine.activate(GENESIS, hashes(tree.trunk.blocks[:8]))
    assert store.coins_tip() == GENESIS
    engine.activate(engine.tip, hashes(tree.trunk.blocks[8:20]))
    assert store.coins_tip() == engine.tip


def test_headers_are_flushed_now_and_then(tree, monkeypatch):
    monkeypatch.setattr(engine_module, "UNFLUSHED_HEADERS_MAX", 10)
    commits = []
    store = MemoryChainStore()
    monkeypatch.setattr(store, "commit", lambda *changes: commits.append(changes))
    engine = new_engine(store)
    commits.clear()
    engine.add_headers([block.header for block in tree.trunk.blocks[:8]])
    assert not commits
    engine.add_headers([block.header for block in tree.trunk.blocks[:20]])
    assert len(commits) == 1


# --- proposals ---


def test_a_proposal_is_judged_without_work_and_changes_nothing(tree):
    engine = new_engine()
    store_all(engine, tree.left.blocks)
    engine.activate(GENESIS, hashes(tree.left.blocks[:-1]))
    before = engine.coin_set_totals()
    proposal = tree.left.blocks[-1]
    header = replace(proposal.header, nonce=proposal.header.nonce ^ 1)
    assert engine.test_block(replace(proposal, header=header), None) is None
    assert engine.coin_set_totals() == before
    # Its scripts are remembered for the block that is still to come, or not at all: it connects.
    update, invalid = engine.activate(engine.tip, hashes([proposal]))
    assert (update.tip, invalid) == (proposal.hash, None)


def test_a_proposal_that_breaks_a_rule_is_refused_and_changes_nothing(tree, verifier):
    engine = new_engine(verifier=verifier)
    engine.add_headers([block.header for block in tree.left.blocks])
    store_all(engine, tree.left.blocks[:-1])
    engine.activate(GENESIS, hashes(tree.left.blocks[:-1]))
    before = engine.coin_set_totals()
    good = tree.left.blocks[-1]
    coinbase, *payments = good.transactions
    swapped = replace(good, transactions=(coinbase, payments[0], payments[0]))
    assert engine.test_block(swapped, None) == "bad-txnmrklroot"
    elsewhere = replace(good, header=replace(good.header, previous=GENESIS))
    assert engine.test_block(elsewhere, None) == "inconclusive-not-best-prevblk"
    assert engine.test_block(good, BlockRejected(BlockReason.TIME_TOO_OLD)) == "time-too-old"
    verifier.bad = frozenset([payments[0].wtxid])
    assert engine.test_block(good, None) is not None
    assert engine.coin_set_totals() == before
