"""The load of payments: real transactions at Poisson times, from coins that every node knows.

Coins come from the funding chain; what a payment leaves may be spent again once a best chain holds it, so a load
never waits for chains of unconfirmed parents.
"""

from collections import deque

from minicoin.core.answers import Refused
from minicoin.core.commands import SubmitTransaction
from minicoin.core.events import BlockStored, ChainMoved, TransactionVerified
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.transaction import Txid, make_outpoint
from minicoin.core.script.pushes import push
from minicoin.core.units import Micros, RequestId
from minicoin.sim.engine.funding import FundedCoin, spend
from minicoin.sim.engine.payment_times import PaymentTimes
from minicoin.sim.engine.recorder import RunRecorder
from minicoin.sim.scenario.load import Transactions
from minicoin.world.host import Host
from minicoin.world.world import World

COINS_MAX = 100_000
_FEE_SAT_PER_BYTE = 10
_OUTPUT_BYTES = 43
_DATA_OUTPUT_BYTES_MIN = 11
_OP_RETURN = b"\x6a"
_DUST_SAT = 1_000


class PaymentLoad:
    """Sends payments from the scenario's senders."""

    def __init__(
        self, world: World, load: Transactions, coins: tuple[FundedCoin, ...], recorder: RunRecorder, share: float
    ) -> None:
        self.sent = 0
        self.skipped = 0
        """Payments that no coin was left for."""
        self._world = world
        self._load = load
        self._coins = deque(coins)
        self._recorder = recorder
        self._share = share
        self._waiting: dict[Txid, tuple[FundedCoin, ...]] = {}
        self._times = PaymentTimes(world, load, self._pay)
        self._small_outputs, self._data = _padding(load)
        self._size = _size(load, self._small_outputs, self._data)
        self._requests: list[tuple[Host, RequestId]] = []

    @property
    def refused(self) -> list[str]:
        """Why senders' own nodes did not take payments, one reason for each."""
        replies = (host.replies.get(request) for host, request in self._requests)
        answers = [None if reply is None else reply.answer for reply in replies]
        return [answer.text for answer in answers if isinstance(answer, Refused)]

    def give(self, coins: tuple[FundedCoin, ...]) -> None:
        """Coins that are there since set-up."""
        self._coins.extend(coins)

    def begin(self) -> None:
        """Time zero is now."""
        self._times.begin()

    def end(self) -> None:
        """No payment from now on."""
        self._times.end()

    def _pay(self, host: Host) -> None:
        is_sampled = self._times.rng.uniform() < self._share
        if not host.is_up or len(self._coins) < self._load.inputs:
            self.skipped += 1
            return
        coins = tuple(self._coins.popleft() for _ in range(self._load.inputs))
        small_sat = self._small_outputs * _DUST_SAT
        left_sat = sum(coin.value_sat for coin in coins) - _FEE_SAT_PER_BYTE * self._size - small_sat
        each = left_sat // self._load.outputs
        if each < _DUST_SAT:
            self.skipped += 1
            return
        values = (each,) * self._load.outputs + (_DUST_SAT,) * self._small_outputs
        transaction = spend(coins, values, self._data)
        self._waiting[transaction.txid] = tuple(
            FundedCoin(make_outpoint(transaction.txid, index), each) for index in range(self._load.outputs)
        )
        self.sent += 1
        if is_sampled:
            self._recorder.on_paid(transaction.txid, host.index, self._world.now)
        self._requests.append((host, self._world.command(host, SubmitTransaction(transaction))))

    # --- what the world tells ---

    def on_stood(self, host: Host, event: ChainMoved | BlockStored, now: Micros) -> None:
        """Coins of the first node's best chain may be spent again."""
        if host.index or not isinstance(event, ChainMoved):
            return
        for block in event.update.connected:
            for txid in block.txids:
                fresh = self._waiting.pop(txid, ())
                if len(self._coins) < COINS_MAX:
                    self._coins.extend(fresh)

    def on_mined(self, host: Host, block: RawBlock, now: Micros) -> None:
        """Blocks count once they are in a chain."""

    def on_verified(self, host: Host, event: TransactionVerified, now: Micros) -> None:
        """Verdicts are the nodes' business."""


def _padding(load: Transactions) -> tuple[int, bytes]:
    """How many small outputs and what data bring a payment to its size: nodes pass on one data output of few bytes."""
    missing = load.tx_bytes - _size(load, 0, b"")
    if missing < _DATA_OUTPUT_BYTES_MIN:
        return 0, b""
    small = (missing - _DATA_OUTPUT_BYTES_MIN) // _OUTPUT_BYTES
    while (room := load.tx_bytes - _size(load, small, _OP_RETURN + push(b""))) < 0:
        # The number of outputs takes more bytes itself.
        small -= 1
    return small, _OP_RETURN + push(bytes(room))


def _size(load: Transactions, small_outputs: int, data: bytes) -> int:
    """Of a payment."""
    coin = FundedCoin(make_outpoint(Txid(bytes(32)), 0), 0)
    return spend((coin,) * load.inputs, (0,) * (load.outputs + small_outputs), data).size
