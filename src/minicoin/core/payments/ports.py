"""What the wallet at work needs of the node around it, as ports."""

from typing import Protocol

from minicoin.core.answers import Reason
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.pool import Mempool
from minicoin.core.params.network import Network
from minicoin.core.part import Outbox
from minicoin.core.primitives.transaction import Transaction, Txid
from minicoin.core.primitives.verdicts import TxReason
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros, RequestId


class Publisher(Protocol):
    """Takes transactions into the mempool, and tells of them: inventory/tx_flow."""

    def submit(self, transaction: Transaction, request: RequestId | None, now: Micros) -> TxReason | None:
        """One of our own; the reply follows the verdict. Gives the reason of an early refusal."""

    def offer(self, transaction: Transaction, now: Micros, *, is_own: bool) -> TxReason | None:
        """What the wallet holds already and the mempool does not. Gives the reason of an early refusal."""

    def is_withheld(self, txid: Txid) -> bool:
        """Whether it stands in the mempool and nobody may hear of it yet."""

    def withhold(self, txid: Txid) -> None:
        """Tell nobody for now."""

    def release(self, transaction: Transaction, now: Micros, *, origin: ConnId | None = None) -> None:
        """Tell the peers, and whoever handed it in. `origin` is the peer it came from."""

    def withdraw(self, transaction: Transaction, reason: Reason, why: str) -> list[Entry]:
        """Out of the mempool, with what spends it; whoever handed it in hears why. Gives what left."""

    def let_go(self, txid: Txid) -> list[Entry]:
        """Out of the mempool what nobody was told of, with what spends it. Gives what left."""

    def say_again(self, txid: Txid, now: Micros) -> None:
        """To all peers, also to those that were told."""


class SyncProgress(Protocol):
    """Knows whether the chain is nearly here."""

    def is_initial(self, now: Micros) -> bool:
        """Whether blocks are still fetched by the thousand."""


class WalletNode(Outbox, Protocol):
    """The node around it."""

    @property
    def network(self) -> Network: ...
    @property
    def tree(self) -> HeaderTree: ...
    @property
    def mempool(self) -> Mempool: ...
    @property
    def sync(self) -> SyncProgress: ...
    @property
    def rng(self) -> Rng: ...
