"""Builds the block that a member proposes: whole, with all but the certificate that it is to get.

Its coinbase carries the parent's certificate and at times a change of the member list or the settings; block 1's pays
the allocation out. Fees go to whoever proposes; without any there is no output for them, as a coin of nothing would
stay for ever. The nonce is found on the spot, in two tries.
"""

from collections.abc import Iterable
from typing import Final

from minicoin.core.chain.coinbase_tags import CoinbaseTags
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.faults import MisuseError
from minicoin.core.mining.template import (
    RESERVED_WEIGHT,
    Candidate,
    commit_to_witnesses,
    make_coinbase,
    select_entries,
)
from minicoin.core.params.rules import SIGNERS_BITS, SignersKind
from minicoin.core.primitives.block import Block, BlockHeader
from minicoin.core.primitives.merkle import block_merkle_root
from minicoin.core.primitives.target import bits_to_target, meets_target
from minicoin.core.primitives.transaction import Transaction, TxOut
from minicoin.core.script.sigops import WITNESS_SCALE

# Amount and the length of a script below 253 bytes; longer ones take two more.
_OUTPUT_HEAD_BYTES: Final = 8 + 3


def build_proposal(
    tree: HeaderReader,
    parent: HeaderNode,
    candidates: Iterable[Candidate],
    script_pubkey: bytes,
    time: int,
    tags: CoinbaseTags,
) -> Block:
    """The best block on `parent` at `time`, or at the earliest that its parent leaves, with fees for `script_pubkey`.
    `tags` hold the parent's certificate; only the genesis block has none. Raises MisuseError on a network whose blocks
    members do not sign."""
    proof = tree.network.proof
    if not isinstance(proof, SignersKind):
        raise MisuseError(f"nobody proposes blocks on {tree.network.name}")
    rules = tree.rules.rules_at(parent)
    time = max(time, tree.proof.earliest_time(parent))
    said = tags.encode()
    outputs = [TxOut(amount, script) for script, amount in proof.allocation] if rules.height == 1 else []
    extra = len(said) + sum(_OUTPUT_HEAD_BYTES + len(output.script_pubkey) for output in outputs)
    entries = select_entries(candidates, rules, time, RESERVED_WEIGHT + WITNESS_SCALE * extra)
    fees = sum(entry.fee_sat for entry in entries)
    if fees:
        outputs.append(TxOut(fees, script_pubkey))
    transactions = [entry.transaction for entry in entries]
    coinbase, _ = make_coinbase(rules.height, outputs, commit_to_witnesses(transactions) + said)
    body = (coinbase, *transactions)
    root, _ = block_merkle_root(body)
    return _solved(BlockHeader(tree.rules.template_version(parent), parent.hash, root, time, SIGNERS_BITS, 0), body)


def _solved(header: BlockHeader, transactions: tuple[Transaction, ...]) -> Block:
    target = bits_to_target(header.bits)
    assert target is not None
    fields = header.version, header.previous, header.merkle_root, header.time, header.bits
    nonce = 0
    while not meets_target(header.hash, target):
        nonce += 1
        header = BlockHeader(*fields, nonce)
    return Block(header, transactions)
