"""What outside may read of the wallet, as frozen values. Changes nothing, sends nothing.

The wallet's values are handed on as they are, so their types are offered here too."""

from minicoin.core.primitives.transaction import Outpoint, Txid
from minicoin.core.view import NodeView
from minicoin.core.wallet.keys import Chain, KeyPath
from minicoin.core.wallet.records import HistoryEntry, Record, TransactionStatus, WalletCoin
from minicoin.core.wallet.views import AddressEntry, WalletSnapshot

__all__ = ["HistoryEntry", "TransactionStatus", "WalletQueries", "WalletSnapshot"]


class WalletQueries:
    """Reads of one moment. Where the node has no wallet, everything is empty."""

    def __init__(self, view: NodeView) -> None:
        self._wallet = view.wallet

    def snapshot(self) -> WalletSnapshot | None:
        """The wallet's totals."""
        return None if self._wallet is None else self._wallet.snapshot()

    def addresses(self) -> tuple[AddressEntry, ...]:
        """Every receiving address handed out or seen, oldest first."""
        return () if self._wallet is None else self._wallet.addresses()

    def change_addresses(self) -> tuple[AddressEntry, ...]:
        """The addresses that change went to."""
        return () if self._wallet is None else self._wallet.addresses(Chain.CHANGE)

    def find_key(self, script_pubkey: bytes) -> KeyPath | None:
        """The key of an output script, where it is the wallet's."""
        return None if self._wallet is None else self._wallet.find_key(script_pubkey)

    def public_key(self, path: KeyPath) -> bytes:
        """The compressed public key of one of the wallet's paths."""
        return b"" if self._wallet is None else self._wallet.public_key(path)

    def label(self, script_pubkey: bytes) -> str:
        """The name somebody gave an address."""
        return "" if self._wallet is None else self._wallet.label(script_pubkey)

    def coins(self) -> tuple[WalletCoin, ...]:
        """Unspent outputs."""
        return () if self._wallet is None else self._wallet.coins()

    def history(self, count: int, skip: int = 0) -> tuple[HistoryEntry, ...]:
        """A page of the history, newest first."""
        return () if self._wallet is None else self._wallet.history(count, skip)

    def history_of(self, txid: Txid) -> tuple[HistoryEntry, ...]:
        """The entries of one transaction."""
        return () if self._wallet is None else self._wallet.history_of(txid)

    def record(self, txid: Txid) -> Record | None:
        """A transaction of the wallet."""
        return None if self._wallet is None else self._wallet.record(txid)

    def status(self, txid: Txid) -> TransactionStatus | None:
        """How one transaction stands."""
        return None if self._wallet is None else self._wallet.status(txid)

    def rescan_height(self) -> int | None:
        """Up to where a rescan under way has come."""
        return None if self._wallet is None else self._wallet.rescan_height

    def unspent(self) -> frozenset[Outpoint]:
        """The names of the unspent outputs."""
        return frozenset(coin.outpoint for coin in self.coins())
