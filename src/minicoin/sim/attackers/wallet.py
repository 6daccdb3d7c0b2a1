"""The coins of one attacker: real ones, given by whoever funds the run, spent with its help."""

from collections import deque
from collections.abc import Callable, Sequence

from minicoin.core.faults import MisuseError
from minicoin.core.primitives.transaction import Outpoint, Transaction
from minicoin.core.script.standard import data_script

Coin = tuple[Outpoint, int]
"""A coin and its value in satoshi."""

Pay = Callable[[Outpoint, int, tuple[int, ...], bytes], Transaction]
"""Spends a coin of that value into outputs of these values, with one more output of the given script where it is not
empty. All of them can be spent in the same way."""

SMALL_SAT = 1_000
"""Above dust."""


class AttackerWallet:
    """Coins, oldest first. `script` is where mined coins go."""

    def __init__(self, coins: Sequence[Coin], pay: Pay, script: bytes) -> None:
        self.script = script
        self._coins = deque(coins)
        self._pay = pay

    def __len__(self) -> int:
        return len(self._coins)

    def take(self) -> Coin | None:
        """A coin to spend, which is gone from here."""
        return self._coins.popleft() if self._coins else None

    def put(self, coin: Coin) -> None:
        """A coin that may be spent."""
        self._coins.append(coin)

    def reusable(self) -> Coin:
        """A coin for payments that will never be confirmed: it stays here."""
        if not self._coins:
            raise MisuseError("this attacker needs a coin of its own: the run was not funded for it")
        return self._coins[0]

    def pay(self, coin: Coin, *, mark: bytes = b"", fee_sat: int = 0, small_outputs: int = 0) -> Transaction:
        """A payment of the coin to oneself, the first output nearly whole; `small_outputs` make it longer, `mark` is
        carried as data and tells payments apart."""
        outpoint, value = coin
        values = (value - fee_sat - small_outputs * SMALL_SAT, *(SMALL_SAT,) * small_outputs)
        return self._pay(outpoint, value, values, data_script(mark) if mark else b"")
