"""Blocks made from our templates, judged by libbitcoinkernel's ChainstateManager on bitcoin-regtest."""

from pathlib import Path

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.mining.search import search
from minicoin.core.mining.template import Candidate, build_template, make_job
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.units import SECOND_US, Micros
from minicoin.testing.oracle import KernelOracle
from minicoin.testing.spends import Spendable, SpendKind, output_script, sign_inputs

NETWORK = lookup("bitcoin-regtest")
KINDS = tuple(SpendKind)
FEE_SAT = 1_000


def _mine(tree: HeaderTree, candidates: list[Candidate], kind: SpendKind) -> Block:
    now = Micros((tree.tip.header.time + 600) * SECOND_US)
    template = build_template(tree, tree.tip, candidates, output_script(kind, 1), now)
    assert len(template.entries) == len(candidates)
    found = search(make_job(template, 1), extra_nonce=template.height, tries=1000)
    assert found is not None
    tree.add(found.header, now)
    tree.set_tip(found.hash)
    return Block.parse(found.raw)


def _spend_coinbase(block: Block, kind: SpendKind) -> Candidate:
    coinbase = block.transactions[0]
    coin = Spendable(make_outpoint(coinbase.txid, 0), coinbase.outputs[0], kind, 1)
    payment = TxOut(coin.output.value - FEE_SAT, output_script(kind, 2))
    transaction = sign_inputs(Transaction(2, (TxIn(coin.outpoint),), (payment,)), [coin])
    return Candidate(transaction, FEE_SAT, 80)


def test_kernel_accepts_every_block_of_our_templates(tmp_path: Path) -> None:
    tree = HeaderTree(NETWORK)
    oracle = KernelOracle(tmp_path)
    blocks: list[Block] = []
    # One block past the halving at 150, the last hundred of which spend coinbases of every kind.
    for height in range(1, 152):
        candidates: list[Candidate] = []
        if height > 100:
            spent = height - 101
            candidates = [_spend_coinbase(blocks[spent], KINDS[spent % len(KINDS)])]
        blocks.append(_mine(tree, candidates, KINDS[(height - 1) % len(KINDS)]))
        verdict = oracle.submit(blocks[-1].raw)
        assert verdict.is_valid, f"block {height}: {verdict.reason}"
    assert oracle.height == 151
    assert oracle.tip == blocks[-1].hash
    assert blocks[-1].transactions[0].outputs[0].value == 25 * 10**8 + FEE_SAT


def test_kernel_refuses_a_template_that_pays_too_much(tmp_path: Path) -> None:
    """The oracle can say no to these blocks: a fee nobody paid."""
    tree = HeaderTree(NETWORK)
    oracle = KernelOracle(tmp_path)
    blocks = [_mine(tree, [], SpendKind.P2WPKH) for _ in range(101)]
    for block in blocks:
        assert oracle.submit(block.raw).is_valid
    honest = _spend_coinbase(blocks[0], SpendKind.P2WPKH)
    greedy = _mine(tree, [honest._replace(fee_sat=FEE_SAT + 1)], SpendKind.P2WPKH)
    verdict = oracle.submit(greedy.raw)
    assert not verdict.is_valid
    assert verdict.reason == "bad-cb-amount"
