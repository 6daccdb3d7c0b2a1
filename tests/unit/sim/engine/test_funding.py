"""The funding chain: valid for an engine that never saw it, and its coins can be spent."""

from dataclasses import replace

import pytest

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import REGTEST
from minicoin.core.units import HOUR_US, SECOND_US, Micros
from minicoin.drivers.kernel import KernelVerifier
from minicoin.sim.attackers import forge
from minicoin.sim.engine.funding import PAY_SCRIPT, FundedCoin, Funding, fund, spend
from minicoin.world.ledger import BlockBook

NETWORK = replace(REGTEST, name="funding", coinbase_maturity=5)
NOW = Micros(NETWORK.genesis.header.time * SECOND_US + HOUR_US)


def fund_network(coins: int, network=NETWORK) -> tuple[BlockBook, Funding]:
    book = BlockBook(network, ScriptedVerifier())
    return book, fund(book, coins, NOW)


def replay(book: BlockBook, funding: Funding) -> ChainEngine:
    """Another engine, with real scripts, that is told the blocks."""
    engine = ChainEngine(book.network, MemoryChainStore(), KernelVerifier())
    for height, block in enumerate(funding.chain, 1):
        raw = book.block(block)
        assert raw is not None
        engine.store_block(raw, height)
    _, invalid = engine.activate(book.network.genesis.hash, funding.chain)
    assert invalid is None
    return engine


@pytest.mark.parametrize("count", [1, 100, 1_500, 1_501, 4_000])
def test_a_fresh_engine_takes_the_chain_and_has_every_coin(count):
    book, funding = fund_network(count)
    engine = replay(book, funding)
    assert engine.height == len(funding.chain) == NETWORK.coinbase_maturity + 1
    assert len({coin.outpoint for coin in funding.coins}) == len(funding.coins) == count
    for coin in funding.coins:
        stored = engine.coin(coin.outpoint)
        assert stored is not None
        assert (stored.output.value, stored.output.script_pubkey) == (coin.value_sat, PAY_SCRIPT)


def test_the_coins_can_be_spent_by_anybody():
    book, funding = fund_network(4)
    engine = replay(book, funding)
    first, second, third, _ = funding.coins
    single = spend((first,), (first.value_sat - 1_000,))
    double = spend((second, third), (second.value_sat, third.value_sat - 1_000), b"\x6a\x01x")
    for payment in (single, double):
        verdict = engine.verify_transaction(payment)
        assert verdict.rejected is None
        assert not verdict.missing
    tree = HeaderTree(NETWORK)
    for block in funding.chain:
        tree.add(book.block(block).header, NOW)
    parent = tree.get(funding.chain[-1])
    block = forge.mine(tree, parent, PAY_SCRIPT, NOW, extra_nonce=1, transactions=(single, double))
    engine.store_block(block, parent.height + 1)
    update, invalid = engine.activate(parent.hash, (block.hash,))
    assert invalid is None
    assert update.connected[0].txids[1:] == (single.txid, double.txid)
    assert engine.coin(first.outpoint) is None


def test_a_payment_of_more_than_its_coins_is_refused():
    book, funding = fund_network(1)
    (coin,) = funding.coins
    verdict = replay(book, funding).verify_transaction(spend((coin,), (coin.value_sat + 1,)))
    assert verdict.rejected is not None


def test_coins_that_would_be_dust_are_an_error():
    poor = replace(NETWORK, subsidy_sat=1_000_000)
    with pytest.raises(MisuseError, match="raise subsidy_sat"):
        fund_network(1_000, poor)


def test_funding_is_a_function_of_the_network():
    assert fund_network(10)[1] == fund_network(10)[1]
    assert isinstance(fund_network(10)[1].coins[0], FundedCoin)
