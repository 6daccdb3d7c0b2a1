"""Makes valid chains in memory, with signed spends of the usual kinds: for tests, demonstrations and benchmarks.

Deterministic: the same seed gives the same blocks. Meant for networks whose work is trivial (the regtests); it finds
nonces by counting up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from minicoin.core.chain.block_rules import COMMITMENT_PREFIX, witness_commitment
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import Block, BlockHash, BlockHeader
from minicoin.core.primitives.merkle import block_merkle_root, witness_merkle_root
from minicoin.core.primitives.target import bits_to_target, meets_target
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut, Witness, make_outpoint
from minicoin.core.rng import Rng
from minicoin.core.script.pushes import encode_number, push
from minicoin.testing.spends import Spendable, SpendKind, output_script, sign_inputs

KINDS = tuple(SpendKind)
_KEYS = 64
_WITNESS_NONCE = bytes(32)
_VERSION = 0x2000_0000


@dataclass(slots=True)
class Branch:
    """A chain being made: its blocks above the genesis, and the coins a next block could spend."""

    network: Network
    blocks: list[Block] = field(default_factory=list)
    spendable: list[Spendable] = field(default_factory=list)
    immature: list[tuple[int, Spendable]] = field(default_factory=list)

    @property
    def height(self) -> int:
        return len(self.blocks)

    @property
    def tip(self) -> BlockHeader:
        return self.blocks[-1].header if self.blocks else self.network.genesis.header

    def fork(self) -> "Branch":
        """A branch that may grow apart from this one."""
        return Branch(self.network, self.blocks[:], self.spendable[:], self.immature[:])


class ChainMaker:
    """Makes blocks and transactions for branches of one network."""

    def __init__(self, network: Network, seed: int = 1, spacing_s: int = 600) -> None:
        self.network = network
        self._rng = Rng(sha256(seed.to_bytes(8, "little")).digest(), "chain maker")
        self._spacing_s = spacing_s
        self._extra = 0

    def new_branch(self) -> Branch:
        """A branch with the genesis block only."""
        return Branch(self.network)

    def choose(self, count: int) -> int:
        """A number below `count`, from the seed."""
        return self._rng.below(count)

    def choice(self, items: Sequence[str]) -> str:
        """One of them, from the seed."""
        return self._rng.choice(items)

    def coinbase(self, height: int, fees_sat: int = 0, *, outputs: Sequence[TxOut] | None = None) -> Transaction:
        """A coinbase that claims subsidy and fees, without commitment."""
        self._extra += 1
        script = push(encode_number(height)) + push(self._extra.to_bytes(8, "little"))
        if outputs is None:
            kind, key = KINDS[height % len(KINDS)], height % _KEYS
            outputs = (TxOut(self.network.subsidy(height) + fees_sat, output_script(kind, key)),)
        return Transaction(2, (TxIn(NULL_OUTPOINT, script),), tuple(outputs))

    def spend(
        self, coins: Sequence[Spendable], outputs: int = 2, fee_sat: int = 1000, *, lock_time: int = 0
    ) -> tuple[Transaction, list[Spendable]]:
        """A signed transaction that spends `coins` into `outputs` equal parts of random kinds, and its coins."""
        total = sum(coin.output.value for coin in coins) - fee_sat
        share = total // outputs
        locks = [(KINDS[self.choose(len(KINDS))], self.choose(_KEYS)) for _ in range(outputs)]
        made = tuple(TxOut(share, output_script(kind, key)) for kind, key in locks)
        inputs = tuple(TxIn(coin.outpoint) for coin in coins)
        transaction = sign_inputs(Transaction(2, inputs, made, lock_time), coins)
        created = [
            Spendable(make_outpoint(transaction.txid, index), made[index], kind, key)
            for index, (kind, key) in enumerate(locks)
        ]
        return transaction, created

    def next_block(
        self, branch: Branch, transactions: Sequence[Transaction] = (), *, fees_sat: int = 0, time: int | None = None
    ) -> Block:
        """A solved block on the branch's tip; the branch is left alone."""
        return self.assemble(branch, self.coinbase(branch.height + 1, fees_sat), transactions, time=time)

    def assemble(
        self,
        branch: Branch,
        coinbase: Transaction,
        transactions: Sequence[Transaction],
        *,
        time: int | None = None,
        version: int = _VERSION,
    ) -> Block:
        """A solved block of these transactions; the coinbase gets the commitment where there are witnesses."""
        if any(transaction.has_witness for transaction in transactions):
            coinbase = commit_witnesses(coinbase, transactions)
        body = (coinbase, *transactions)
        tip = branch.tip
        root, _ = block_merkle_root(body)
        when = tip.time + self._spacing_s if time is None else time
        return solve(Block(BlockHeader(version, tip.hash, root, when, tip.bits, 0), body))

    def extend(self, branch: Branch, block: Block) -> None:
        """Append a block whose coinbase is `coinbase`'s; it becomes spendable when it is mature."""
        branch.blocks.append(block)
        height = branch.height
        coinbase = block.transactions[0]
        coin = Spendable(
            make_outpoint(coinbase.txid, 0), coinbase.outputs[0], KINDS[height % len(KINDS)], height % _KEYS
        )
        branch.immature.append((height, coin))
        while branch.immature and branch.immature[0][0] + self.network.coinbase_maturity <= height + 1:
            branch.spendable.append(branch.immature.pop(0)[1])

    def mine_empty(self, branch: Branch, count: int) -> None:
        """Extend by blocks with a coinbase only."""
        for _ in range(count):
            self.extend(branch, self.next_block(branch))

    def mine_spending(self, branch: Branch, transactions: int, inputs: int = 1, outputs: int = 2) -> Block:
        """Extend by a block of up to that many transactions, as far as there are coins."""
        made: list[Transaction] = []
        fees = 0
        for _ in range(transactions):
            if len(branch.spendable) < inputs:
                break
            coins = [branch.spendable.pop(self.choose(len(branch.spendable))) for _ in range(inputs)]
            spent = sum(coin.output.value for coin in coins)
            if spent < 10_000 * outputs:
                continue
            transaction, new = self.spend(coins, outputs)
            made.append(transaction)
            # At once, so that a later transaction of the same block may spend them.
            branch.spendable.extend(new)
            fees += spent - sum(output.value for output in transaction.outputs)
        block = self.next_block(branch, made, fees_sat=fees)
        self.extend(branch, block)
        return block


def commit_witnesses(coinbase: Transaction, transactions: Sequence[Transaction]) -> Transaction:
    """The coinbase with BIP141's commitment to the witnesses of `transactions`."""
    root = witness_merkle_root((coinbase, *transactions))
    script = COMMITMENT_PREFIX + witness_commitment(root, _WITNESS_NONCE)
    witness: Witness = (_WITNESS_NONCE,)
    return Transaction(
        coinbase.version, coinbase.inputs, (*coinbase.outputs, TxOut(0, script)), coinbase.lock_time, (witness,)
    )


def solve(block: Block) -> Block:
    """The block with a nonce that meets its bits."""
    header = block.header
    target = bits_to_target(header.bits)
    nonce = 0
    while target is None or not meets_target(header.hash, target):
        nonce += 1
        header = BlockHeader(header.version, header.previous, header.merkle_root, header.time, header.bits, nonce)
    return Block(header, block.transactions)


def rehash(block: Block, transactions: Sequence[Transaction], *, previous: BlockHash | None = None) -> Block:
    """The block with another body, its merkle root and work made right again."""
    header = block.header
    root, _ = block_merkle_root(transactions)
    parent = header.previous if previous is None else previous
    return solve(Block(BlockHeader(header.version, parent, root, header.time, header.bits, 0), tuple(transactions)))
