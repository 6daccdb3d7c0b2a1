"""Sends transactions unasked, as fast as it is told: real payments, orphans, or ones whose witness is wrong."""

from typing import Literal

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import Block, RawBlock
from minicoin.core.primitives.transaction import Transaction, Txid, make_outpoint
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages import Tx
from minicoin.sim.attackers import forge
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.follower import Follower
from minicoin.sim.attackers.wallet import SMALL_SAT, AttackerWallet, Coin

Validity = Literal["valid", "orphan", "invalid"]

# Twice the least feerate that nodes relay.
_FEE_SAT_PER_BYTE = 2
_ONE_OUTPUT_BYTES = 105
_OUTPUT_BYTES = 43
_VALUE_MIN_SAT = 20 * SMALL_SAT
_MARK_BYTES = 8


class TransactionFlooder(Follower):
    """Fires once for each transaction. Real payments end where no coin is left: one comes back with each block that
    confirms a payment."""

    def __init__(
        self,
        band: Band,
        address: NodeAddress,
        rng: Rng,
        targets: tuple[NodeAddress, ...],
        *,
        wallet: AttackerWallet,
        validity: Validity,
        rate_per_s: float,
        tx_bytes: int,
        verifier: ScriptVerifier,
    ) -> None:
        super().__init__(band, address, rng, targets, fetches=validity == "valid")
        self.wallet = wallet
        self._validity = validity
        self._mean_us = round(SECOND_US / rate_per_s)
        self._fee_sat = _FEE_SAT_PER_BYTE * tx_bytes
        self._small_outputs = max(0, (tx_bytes - _ONE_OUTPUT_BYTES) // _OUTPUT_BYTES)
        self._verifier = verifier
        self._unconfirmed: dict[Txid, Coin] = {}

    def on_start(self, now: Micros) -> None:
        super().on_start(now)
        self.every(self._mean_us, self._flood)

    def on_shown(self, before: HeaderNode, block: RawBlock, now: Micros) -> None:
        if not self._unconfirmed:
            return
        for transaction in Block.parse(block.raw).transactions:
            coin = self._unconfirmed.pop(transaction.txid, None)
            if coin is not None:
                self.wallet.put(coin)

    def _flood(self, now: Micros) -> None:
        links = self.ready_links()
        transaction = self._make() if links else None
        if transaction is not None:
            self.band.fired += 1
            self.send(self.rng.choice(links), Tx(transaction))

    def _make(self) -> Transaction | None:
        match self._validity:
            case "valid":
                coin = self.wallet.take()
                return None if coin is None else self._payment(coin)
            case "orphan":
                nowhere = make_outpoint(Txid(self.rng.bytes(32)), 0)
                return self._pay((nowhere, _VALUE_MIN_SAT * (1 + self._small_outputs)))
            case "invalid":
                return forge.missigned(self._pay(self.wallet.reusable()), self._verifier)

    def _payment(self, coin: Coin) -> Transaction | None:
        if coin[1] < self._fee_sat + (1 + self._small_outputs) * SMALL_SAT + _VALUE_MIN_SAT:
            return None
        payment = self._pay(coin)
        self._unconfirmed[payment.txid] = (make_outpoint(payment.txid, 0), payment.outputs[0].value)
        return payment

    def _pay(self, coin: Coin) -> Transaction:
        mark = b"" if self._validity == "valid" else self.rng.bytes(_MARK_BYTES)
        return self.wallet.pay(coin, mark=mark, fee_sat=self._fee_sat, small_outputs=self._small_outputs)
