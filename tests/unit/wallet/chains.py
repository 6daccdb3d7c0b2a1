"""A chain of summaries as the engine would give them, for wallets under test."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Outpoint, Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.primitives.verdicts import BlockSummary, WatchedTransaction
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wallet.crypt import Protection
from minicoin.core.wallet.ledger import Tip
from minicoin.core.wallet.wallet import Wallet

ENTROPY = bytes(range(16))
GENESIS = Tip(REGTEST.genesis.header.hash, 0)
FOREIGN_SCRIPT = b"\x00\x14" + b"\xee" * 20
NOW = Micros(1_800_000_000 * SECOND_US)


def new_wallet(
    protection: Protection | None = None, seed: bytes = b"wallet", tip: Tip = GENESIS, network: Network = REGTEST
) -> Wallet:
    return Wallet.create("main", network, ENTROPY, protection, tip, Rng(seed))


def pay(script: bytes, value: int, spends: Sequence[Outpoint] = (), tag: int = 0) -> Transaction:
    """A transaction of somebody else: signatures do not matter to a wallet."""
    outpoints = spends or [Outpoint(tag.to_bytes(32, "big") + b"\0\0\0\0")]
    return Transaction(2, tuple(TxIn(outpoint) for outpoint in outpoints), (TxOut(value, script),), tag)


def coinbase(height: int, script: bytes, value: int = 500_000_000, tag: int = 0) -> Transaction:
    script_sig = height.to_bytes(4, "little") + tag.to_bytes(4, "little")
    return Transaction(1, (TxIn(NULL_OUTPOINT, script_sig),), (TxOut(value, script),))


@dataclass
class FakeChain:
    """Builds block upon block; knows every output, so that it can tell what inputs spend."""

    watched: frozenset[bytes]
    blocks: list[tuple[BlockSummary, tuple[Transaction, ...]]] = field(default_factory=list)
    outputs: dict[Outpoint, TxOut] = field(default_factory=dict)
    nonce: int = 0

    @property
    def height(self) -> int:
        return len(self.blocks)

    @property
    def tip_hash(self) -> BlockHash:
        return self.blocks[-1][0].hash if self.blocks else GENESIS.hash

    def mine(self, *transactions: Transaction, to: bytes = FOREIGN_SCRIPT) -> BlockSummary:
        """Append a block with these transactions behind its coinbase."""
        self.nonce += 1
        height = self.height + 1
        body = (coinbase(height, to, tag=self.nonce), *transactions)
        header = BlockHeader(4, self.tip_hash, bytes(32), 1_800_000_000 + 60 * height, 0x207FFFFF, self.nonce)
        watched: list[WatchedTransaction] = []
        for position, transaction in enumerate(body):
            for index, output in enumerate(transaction.outputs):
                self.outputs[make_outpoint(transaction.txid, index)] = output
            spent: tuple[TxOut, ...] = ()
            if not transaction.is_coinbase:
                unknown = TxOut(10_000_000_000, FOREIGN_SCRIPT)
                spent = tuple(self.outputs.get(spend.outpoint, unknown) for spend in transaction.inputs)
            if any(output.script_pubkey in self.watched for output in (*transaction.outputs, *spent)):
                watched.append(WatchedTransaction(transaction, position, spent))
        summary = BlockSummary(
            header,
            height,
            tuple(transaction.txid for transaction in body),
            tuple(spend.outpoint for transaction in body[1:] for spend in transaction.inputs),
            tuple(watched),
        )
        self.blocks.append((summary, body))
        return summary

    def rewind(self) -> BlockSummary:
        """Take the last block away."""
        return self.blocks.pop()[0]
