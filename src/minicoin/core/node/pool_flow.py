"""The mempool's time: what waited too long leaves it, and what nobody has shown to have is announced once more."""

from collections.abc import Iterable

from minicoin.core.effects import Effect
from minicoin.core.node.parts import Parts
from minicoin.core.node.tx_flow import TxFlow
from minicoin.core.node.wallet_flow import WalletFlow
from minicoin.core.part import Part
from minicoin.core.units import ConnId, Micros


class PoolFlow(Part):
    """Around the mempool."""

    def __init__(self, parts: Parts, transactions: TxFlow, wallet: WalletFlow) -> None:
        self._mempool = parts.mempool
        self._transactions = transactions
        self._wallet = wallet
        self.alarm = parts.mempool.alarm

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        self._mempool.forget_source(conn)
        return ()

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        self._wallet.on_expired(self._mempool.expire(now), now)
        self._transactions.retry_broadcast(now)
        return ()

    def next_deadline(self) -> Micros | None:
        return self._mempool.next_deadline()
