"""Which outputs of ours exist, who spends what, and which are unspent: the index under the ledger.

Transactions come and go in any order; the sets are always what the active ones together say. Besides, every transaction
that the wallet knows claims its inputs, active or not: that is how rivals find each other.
"""

from collections.abc import Iterator, Mapping

from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, make_outpoint
from minicoin.core.wallet.keyring import Keyring
from minicoin.core.wallet.records import OwnOutput


class CoinSet:
    """Outputs of ours by outpoint; spenders and claimants of any outpoint; the coins kept for payments under way."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._outputs: dict[Outpoint, OwnOutput] = {}
        self._spenders: dict[Outpoint, Txid] = {}
        self._unspent: dict[Outpoint, OwnOutput] = {}
        self._reserved: dict[Outpoint, Txid] = {}
        self._claims: dict[Outpoint, tuple[Txid, ...]] = {}

    def claim(self, transaction: Transaction) -> None:
        """The wallet knows of a transaction, whatever becomes of it."""
        for spend in transaction.inputs:
            known = self._claims.get(spend.outpoint, ())
            if transaction.txid not in known:
                self._claims[spend.outpoint] = (*known, transaction.txid)

    def disclaim(self, transaction: Transaction) -> None:
        """Undo claim."""
        for spend in transaction.inputs:
            left = tuple(txid for txid in self._claims.pop(spend.outpoint, ()) if txid != transaction.txid)
            if left:
                self._claims[spend.outpoint] = left

    def claimants(self, outpoint: Outpoint) -> tuple[Txid, ...]:
        """The transactions of the wallet that spend an outpoint, oldest claim first."""
        return self._claims.get(outpoint, ())

    def children(self, transaction: Transaction) -> Iterator[Txid]:
        """The transactions of the wallet that spend its outputs, active or not."""
        for index in range(len(transaction.outputs)):
            yield from self._claims.get(make_outpoint(transaction.txid, index), ())

    def rivals(self, transaction: Transaction) -> tuple[Txid, ...]:
        """The other transactions of the wallet that spend one of its inputs."""
        found: dict[Txid, None] = {}
        if not transaction.is_coinbase:
            for spend in transaction.inputs:
                found.update(dict.fromkeys(self._claims.get(spend.outpoint, ())))
            found.pop(transaction.txid, None)
        return tuple(found)

    def activate(self, transaction: Transaction) -> None:
        """Its inputs spend and its outputs exist."""
        txid = transaction.txid
        for spend in transaction.inputs:
            self._spenders[spend.outpoint] = txid
            self._unspent.pop(spend.outpoint, None)
        for index, output in enumerate(transaction.outputs):
            path = self._keyring.path_of(output.script_pubkey)
            if path is None:
                continue
            outpoint = make_outpoint(txid, index)
            self._outputs[outpoint] = own = OwnOutput(outpoint, output, path)
            if outpoint not in self._spenders:
                self._unspent[outpoint] = own

    def deactivate(self, transaction: Transaction) -> None:
        """Undo activate. Transactions that spend its outputs stay as they are."""
        txid = transaction.txid
        for spend in transaction.inputs:
            if self._spenders.get(spend.outpoint) == txid:
                del self._spenders[spend.outpoint]
                if (own := self._outputs.get(spend.outpoint)) is not None:
                    self._unspent[spend.outpoint] = own
        for index in range(len(transaction.outputs)):
            outpoint = make_outpoint(txid, index)
            self._outputs.pop(outpoint, None)
            self._unspent.pop(outpoint, None)

    def reserve(self, transaction: Transaction) -> None:
        """Keep the coins of a payment that is on its way from other payments."""
        for spend in transaction.inputs:
            if spend.outpoint in self._outputs:
                self._reserved[spend.outpoint] = transaction.txid

    def release(self, txid: Txid) -> None:
        """Free what was reserved for a payment."""
        for outpoint in [outpoint for outpoint, owner in self._reserved.items() if owner == txid]:
            del self._reserved[outpoint]

    def is_reserved(self, outpoint: Outpoint) -> bool:
        """Whether a payment under way has chosen the coin."""
        return outpoint in self._reserved

    def output(self, outpoint: Outpoint) -> OwnOutput | None:
        """An output of ours that an active transaction created, spent or not."""
        return self._outputs.get(outpoint)

    def spender(self, outpoint: Outpoint) -> Txid | None:
        """The active transaction that spends the outpoint."""
        return self._spenders.get(outpoint)

    @property
    def unspent(self) -> Mapping[Outpoint, OwnOutput]:
        return self._unspent
