"""Shared verdicts against a chain engine for each node: on random trees of blocks nobody sees a difference.

Every answer is compared: stored or refused, tips, summaries, what a reorg gives back, the verdict on what is invalid,
blocks read, payments verified and scripts looked for. The nodes take the blocks in orders of their own and stand on
tips of their own.
"""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.effects import Activate, ReadBlock, Rescan, SaveHeaders, StoreBlock, VerifyTransaction, Watch
from minicoin.core.events import BlockRead, BlockRefused, ChainMoved, RescanProgress, TransactionVerified
from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import REGTEST
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.units import HOUR_US, SECOND_US, ConnId, Micros
from minicoin.core.work import ChainJob
from minicoin.sim.attackers import forge
from minicoin.sim.engine.funding import PAY_SCRIPT, FundedCoin, fund, spend
from minicoin.world.ledger import BlockBook, SharedLedger
from minicoin.world.own_ledger import OwnLedger

NETWORK = replace(REGTEST, name="ledger", coinbase_maturity=3)
NOW = Micros(NETWORK.genesis.header.time * SECOND_US + HOUR_US)
BLOCKS = 25
STEPS = 350
COINS = 8


class Forest:
    """A tree of blocks above a funding chain: forks, double spends, thieves, broken scripts and broken bodies."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.verifier = ScriptedVerifier()
        self.book = BlockBook(NETWORK, self.verifier)
        self.funding = fund(self.book, COINS, NOW)
        self.tree = HeaderTree(NETWORK)
        self.blocks: dict[BlockHash, tuple[RawBlock, HeaderNode]] = {}
        for block in self.funding.chain:
            raw = self.book.block(block)
            assert raw is not None
            self._add(raw)
        # Two for each coin, so that branches and their descendants spend coins twice.
        self.payments = [self._payment(coin, fee) for coin in self.funding.coins for fee in (1_000, 2_000)]
        self.payments.append(forge.missigned(self._payment(self.funding.coins[0], 3_000), self.verifier))
        nodes = [self.blocks[self.funding.chain[-1]][1]]
        for number in range(BLOCKS):
            nodes.append(self._add(self._grow(rng.choice(nodes[-6:]), number)))

    def _payment(self, coin: FundedCoin, fee: int) -> Transaction:
        return spend((coin,), (coin.value_sat - fee,))

    def _grow(self, parent: HeaderNode, number: int) -> RawBlock:
        chosen = self.rng.sample(self.payments, self.rng.choice((0, 0, 1, 2)))
        block = forge.mine(self.tree, parent, PAY_SCRIPT, NOW, extra_nonce=number, transactions=chosen)
        match self.rng.randrange(12):
            case 0:
                return forge.overpaid(block)
            case 1:
                return forge.misrooted(block, bytes([number]) * 32)
        return block

    def _add(self, raw: RawBlock) -> HeaderNode:
        node = self.tree.add(raw.header, NOW)
        self.blocks[raw.hash] = raw, node
        return node


class Twin:
    """One node's two ledgers: what one answers, the other must answer."""

    def __init__(self, forest: Forest, *, is_funded: bool) -> None:
        chain = forest.funding.chain if is_funded else ()
        raws = [forest.blocks[block][0] for block in chain]
        self.shared = SharedLedger(forest.book, chain)
        self.own = OwnLedger(NETWORK, forest.verifier, enumerate(raws, 1))
        headers = tuple(raw.header for raw, _ in forest.blocks.values())
        self.perform(SaveHeaders(headers))
        self.tip = chain[-1] if chain else NETWORK.genesis.hash
        self.stored = {NETWORK.genesis.hash, *chain}

    def perform(self, effect: ChainJob) -> object:
        answer = self.shared.perform(effect)
        assert answer == self.own.perform(effect)
        return answer


def swapped(raw: RawBlock) -> RawBlock:
    """The header with a body that is not its own."""
    return RawBlock(raw.header, raw.raw[:-1] + bytes([raw.raw[-1] ^ 1]))


def wander(forest: Forest, twins: list[Twin]) -> Counter[str]:
    """Random work for random nodes; what came of it, counted."""
    rng, tree = forest.rng, forest.tree
    seen: Counter[str] = Counter()
    for _ in range(STEPS):
        twin = rng.choice(twins)
        block, (raw, node) = rng.choice(list(forest.blocks.items()))
        match rng.randrange(10):
            case 0 | 1 | 5 | 6:
                is_swapped = rng.random() < 0.2
                body = swapped(raw) if is_swapped else raw
                if isinstance(twin.perform(StoreBlock(body, node.height)), BlockRefused):
                    seen["swapped" if is_swapped else "refused"] += 1
                else:
                    twin.stored.add(block)
            case 2 | 7:
                tip = tree.get(twin.tip)
                assert tip is not None
                fork, path = tree.path(tip, node)
                if any(step.hash not in twin.stored for step in path):
                    continue
                moved = twin.perform(Activate(fork.hash, tuple(step.hash for step in path)))
                assert isinstance(moved, ChainMoved)
                twin.tip = moved.update.tip
                seen["disconnected"] += len(moved.update.disconnected)
                seen["given back"] += sum(len(one.transactions) for one in moved.update.disconnected)
                seen["connected"] += len(moved.update.connected)
                seen["watched"] += sum(len(one.watched) for one in moved.update.connected)
                seen["watched back"] += sum(len(one.summary.watched) for one in moved.update.disconnected)
                seen["invalid"] += moved.invalid is not None
            case 3:
                read = twin.perform(ReadBlock(ConnId(1), block, rng.random() < 0.5))
                assert isinstance(read, BlockRead)
                seen["read" if read.block is not None else "not there"] += 1
            case 4:
                verified = twin.perform(VerifyTransaction(rng.choice(forest.payments), ()))
                assert isinstance(verified, TransactionVerified)
                seen["good payments"] += verified.verdict.rejected is None and not verified.verdict.missing
                seen["bad payments"] += verified.verdict.rejected is not None
                seen["spent payments"] += bool(verified.verdict.missing)
            case 8:
                # Every payment of the forest pays to this script, and spends of it; or nothing is looked for.
                twin.perform(Watch(frozenset((PAY_SCRIPT,)) if rng.random() < 0.7 else frozenset()))
            case 9:
                scanned = twin.perform(Rescan(frozenset((PAY_SCRIPT,)), rng.randrange(6)))
                assert isinstance(scanned, RescanProgress)
                seen["rescanned"] += len(scanned.found)
    return seen


def test_nobody_sees_whether_verdicts_are_shared() -> None:
    seen: Counter[str] = Counter()
    for seed in range(40):
        forest = Forest(Random(seed))
        twins = [Twin(forest, is_funded=bool(number)) for number in range(4)]
        seen += wander(forest, twins)
        for twin in twins:
            shared, own = twin.shared.state({}), twin.own.state({})
            assert shared.tip == own.tip == twin.tip
            assert set(shared.stored) == set(own.stored) == twin.stored
            assert {header.hash for header in shared.headers} == {header.hash for header in own.headers}
    # All of it must have happened, or the comparison says nothing.
    wanted = ("refused", "swapped", "disconnected", "given back", "connected", "invalid", "read", "not there")
    wanted += ("watched", "watched back", "rescanned")
    for kind in (*wanted, "good payments", "bad payments", "spent payments"):
        assert seen[kind] >= 10, (kind, seen)


def test_one_verdict_serves_all_nodes() -> None:
    forest = Forest(Random(1))
    coin = forest.funding.coins[0]
    payment = spend((coin,), (coin.value_sat - 5_000,))
    ledgers = [SharedLedger(forest.book, forest.funding.chain) for _ in range(5)]
    before = forest.verifier.checked
    answers = [ledger.perform(VerifyTransaction(payment, ())) for ledger in ledgers]
    assert forest.verifier.checked == before + 1
    assert all(answer == answers[0] for answer in answers)


def test_what_another_node_stored_is_not_ones_own() -> None:
    forest = Forest(Random(2))
    one, other = SharedLedger(forest.book), SharedLedger(forest.book)
    first = forest.funding.chain[0]
    raw, node = forest.blocks[first]
    one.perform(StoreBlock(raw, node.height))
    assert other.perform(ReadBlock(ConnId(1), first, False)) == BlockRead(ConnId(1), first, None)
    with pytest.raises(MisuseError, match="not stored"):
        other.perform(Activate(NETWORK.genesis.hash, (first,)))


def test_a_header_with_a_body_of_its_own_is_judged_by_its_body() -> None:
    forest = Forest(Random(3))
    raw, node = forest.blocks[forest.funding.chain[0]]
    ledger = SharedLedger(forest.book)
    assert isinstance(ledger.perform(StoreBlock(swapped(raw), node.height)), BlockRefused)
    assert forest.book.block(raw.hash) == raw
    # The good body was stored by another node; it is not this one's because of the header.
    assert ledger.perform(ReadBlock(ConnId(1), raw.hash, False)) == BlockRead(ConnId(1), raw.hash, None)
    assert not isinstance(ledger.perform(StoreBlock(raw, node.height)), BlockRefused)
