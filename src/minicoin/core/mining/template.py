"""Builds the block to mine on a parent: coinbase, commitments, the transactions that may stand in it, header fields.

The mempool gives candidates in order, best first and parents before children, with relative locks (BIP68) already
held; here they meet the block's limits and its clock. BIP22, 23, 34, 141, 145.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from minicoin.core.chain.block_rules import COMMITMENT_PREFIX, witness_commitment
from minicoin.core.chain.deployments import RuleSet
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.chain.tx_rules import is_final
from minicoin.core.effects import SearchNonce
from minicoin.core.limits import BLOCK_SIGOP_COST_MAX, BLOCK_WEIGHT_MAX
from minicoin.core.primitives.block import Block, BlockHash, BlockHeader
from minicoin.core.primitives.merkle import block_merkle_root, merkle_branch, witness_merkle_root
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, Txid, TxIn, TxOut, outpoint_txid
from minicoin.core.script.pushes import encode_number, push
from minicoin.core.units import Micros, seconds

EXTRA_NONCE_BYTES: Final = 8
COINBASE_TAG: Final = b"/minicoin/"

# For header, count and coinbase, whatever script it pays to.
RESERVED_WEIGHT: Final = 8_000
RESERVED_SIGOP_COST: Final = 400
_WITNESS_NONCE: Final = bytes(32)
# version, input count, null outpoint and the length of a coinbase script below 253 bytes.
_COINBASE_SCRIPT_AT: Final = 4 + 1 + 36 + 1


class Candidate(NamedTuple):
    """A transaction that would like to be mined."""

    transaction: Transaction
    fee_sat: int
    sigop_cost: int


@dataclass(frozen=True, slots=True)
class TemplateSize:
    """Of the last block put together: transactions without the coinbase, and weight with the room kept for it."""

    transaction_count: int
    weight: int


@dataclass(frozen=True, slots=True)
class TemplateEntry:
    """A transaction of a template. `depends` are the 1-based positions of those in it that it spends (BIP22)."""

    transaction: Transaction
    fee_sat: int
    sigop_cost: int
    depends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BlockTemplate:
    """A block that lacks its proof. `coinbase` has an extra nonce of zeros at `extra_nonce_at` of its stripped form."""

    rules: RuleSet
    version: int
    previous: BlockHash
    time: int
    minimum_time: int
    bits: int
    coinbase: Transaction
    extra_nonce_at: int
    coinbase_value_sat: int
    witness_commitment: bytes | None
    """The script of the commitment output, where segwit is active."""
    entries: tuple[TemplateEntry, ...] = field(repr=False)

    @property
    def height(self) -> int:
        return self.rules.height

    @property
    def weight(self) -> int:
        """Of the transactions, the coinbase included."""
        return self.coinbase.weight + sum(entry.transaction.weight for entry in self.entries)

    @property
    def reserved_weight(self) -> int:
        """Of the transactions, with the room kept for header and coinbase."""
        return RESERVED_WEIGHT + sum(entry.transaction.weight for entry in self.entries)


def build_template(
    tree: HeaderReader, parent: HeaderNode, candidates: Iterable[Candidate], script_pubkey: bytes, now: Micros
) -> BlockTemplate:
    """The best block on `parent` that pays fees and subsidy to `script_pubkey`. Candidates that cannot stand in it
    are left out, with all that spends them."""
    rules = tree.rules.rules_at(parent)
    return _make(tree, parent, select_entries(candidates, rules, _time_on(tree, parent, now)), script_pubkey, now)


def build_exact_template(
    tree: HeaderReader, parent: HeaderNode, transactions: Iterable[Transaction], script_pubkey: bytes, now: Micros
) -> BlockTemplate:
    """A block on `parent` of just these transactions in this order, valid or not. Their fees are nobody's."""
    entries = tuple(TemplateEntry(transaction, 0, 0, ()) for transaction in transactions)
    return _make(tree, parent, entries, script_pubkey, now)


def _time_on(tree: HeaderReader, parent: HeaderNode, now: Micros) -> int:
    return max(seconds(now), tree.proof.earliest_time(parent))


def _make(
    tree: HeaderReader, parent: HeaderNode, entries: tuple[TemplateEntry, ...], script_pubkey: bytes, now: Micros
) -> BlockTemplate:
    rules = tree.rules.rules_at(parent)
    time = _time_on(tree, parent, now)
    value = rules.subsidy_sat + sum(entry.fee_sat for entry in entries)
    commitment = commit_to_witnesses([entry.transaction for entry in entries]) if rules.segwit else None
    coinbase, extra_nonce_at = make_coinbase(rules.height, (TxOut(value, script_pubkey),), commitment)
    return BlockTemplate(
        rules=rules,
        version=tree.rules.template_version(parent),
        previous=parent.hash,
        time=time,
        minimum_time=tree.proof.earliest_time(parent),
        bits=tree.proof.next_bits(parent, time),
        coinbase=coinbase,
        extra_nonce_at=extra_nonce_at,
        coinbase_value_sat=value,
        witness_commitment=commitment,
        entries=entries,
    )


def unsolved_block(template: BlockTemplate) -> Block:
    """The block of a template, which lacks nothing but work."""
    transactions = (template.coinbase, *(entry.transaction for entry in template.entries))
    root, _ = block_merkle_root(transactions)
    header = BlockHeader(template.version, template.previous, root, template.time, template.bits, 0)
    return Block(header, transactions)


def make_job(template: BlockTemplate, job: int, not_before_us: int = 0) -> SearchNonce:
    """The effect that has a worker search the template's proof."""
    stripped = template.coinbase.stripped
    transactions = [entry.transaction for entry in template.entries]
    branch = merkle_branch([template.coinbase.txid, *(tx.txid for tx in transactions)], 0)
    # The merkle root follows from the extra nonce: the search fills it in.
    header = BlockHeader(template.version, template.previous, bytes(32), template.time, template.bits, 0)
    return SearchNonce(
        job=job,
        header=header,
        coinbase_head=stripped[: template.extra_nonce_at],
        coinbase_tail=stripped[template.extra_nonce_at + EXTRA_NONCE_BYTES :],
        branch=tuple(branch),
        transactions=tuple(tx.raw for tx in transactions),
        coinbase_has_witness=template.coinbase.has_witness,
        not_before_us=not_before_us,
    )


def select_entries(
    candidates: Iterable[Candidate], rules: RuleSet, time: int, reserved_weight: int = RESERVED_WEIGHT
) -> tuple[TemplateEntry, ...]:
    """Those that may stand in a block of this time, as far as there is room."""
    lock_time = rules.median_time_past if rules.csv else time
    weight, sigop_cost = reserved_weight, RESERVED_SIGOP_COST
    positions: dict[Txid, int] = {}
    left_out: set[Txid] = set()
    entries: list[TemplateEntry] = []
    for transaction, fee_sat, sigops in candidates:
        spends = [outpoint_txid(entry.outpoint) for entry in transaction.inputs]
        if (
            weight + transaction.weight > BLOCK_WEIGHT_MAX
            or sigop_cost + sigops > BLOCK_SIGOP_COST_MAX
            or not is_final(transaction, rules.height, lock_time)
            or (transaction.has_witness and not rules.segwit)
            or any(txid in left_out for txid in spends)
        ):
            left_out.add(transaction.txid)
            continue
        weight += transaction.weight
        sigop_cost += sigops
        depends = tuple(dict.fromkeys(positions[txid] for txid in spends if txid in positions))
        entries.append(TemplateEntry(transaction, fee_sat, sigops, depends))
        positions[transaction.txid] = len(entries)
    return tuple(entries)


def commit_to_witnesses(transactions: Sequence[Transaction]) -> bytes:
    """The script of the commitment output in front of these transactions."""
    # The coinbase counts as zero in the tree, so any transaction may stand in its place.
    root = witness_merkle_root([Transaction(1, (), ()), *transactions])
    return COMMITMENT_PREFIX + witness_commitment(root, _WITNESS_NONCE)


def make_coinbase(height: int, paid: Iterable[TxOut], commitment: bytes | None) -> tuple[Transaction, int]:
    """A coinbase with these outputs and the commitment's behind them, and where its extra nonce stands."""
    # BIP34: the height first, in the shortest form.
    head = push(encode_number(height)) + bytes((EXTRA_NONCE_BYTES,))
    script_sig = head + bytes(EXTRA_NONCE_BYTES) + push(COINBASE_TAG)
    outputs = list(paid)
    if commitment is not None:
        outputs.append(TxOut(0, commitment))
    coinbase = Transaction(
        version=2,
        inputs=(TxIn(NULL_OUTPOINT, script_sig),),
        outputs=tuple(outputs),
        witnesses=() if commitment is None else ((_WITNESS_NONCE,),),
    )
    return coinbase, _COINBASE_SCRIPT_AT + len(head)
