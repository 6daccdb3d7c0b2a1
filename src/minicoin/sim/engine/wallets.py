"""The wallets of a scenario's nodes: made in set-up, given coins of the funding chain, and paid from as the load says.

Every payment is a wallet's own: it chooses coins, signs, saves and announces, as it does for a user. Keys are those of
the seed. A payment whose sender is down or has no coins left is counted and not made up for.
"""

from collections.abc import Callable
from typing import Final

from minicoin.core.answers import Refused, Sent
from minicoin.core.commands import CreateWallet, Generate, NewAddress, Pay, SubmitTransaction
from minicoin.core.effects import Reply
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.script.standard import address_script
from minicoin.core.units import SECOND_US
from minicoin.sim.engine.funding import PAY_SCRIPT, FundedCoin, pay_out
from minicoin.sim.engine.payment_times import PaymentTimes
from minicoin.sim.engine.recorder import RunRecorder
from minicoin.sim.scenario.load import Transactions
from minicoin.world.host import Host
from minicoin.world.world import World

COINS_PER_WALLET: Final = 20
"""What a sender begins with: as many payments may wait for a block."""
_OUTPUTS_MAX: Final = 1_500
_OUTPUT_BYTES: Final = 31
_FEE_SAT_PER_BYTE: Final = 10
_SETTLED_US: Final = 60 * SECOND_US
_AMOUNT_MIN_SAT: Final = 10_000
# A wallet's coins pay several times before they are used up.
_AMOUNT_SHARE: Final = 4


def coins_for_wallets(senders: int) -> int:
    """How many coins of the funding chain it takes to give every sender its coins."""
    return -(-senders * COINS_PER_WALLET // _OUTPUTS_MAX)


class Wallets:
    """One for each node."""

    def __init__(self, world: World, hosts: list[Host]) -> None:
        self.scripts: list[bytes] = []
        """Where each node is paid."""
        self.coin_sat = 0
        """What each coin of a sender is worth at the beginning."""
        self._world = world
        self._hosts = hosts

    def make(self) -> None:
        """Make them, and have each give one address."""
        for host in self._hosts:
            self._world.ask(host, CreateWallet(b""))
            address = self._world.ask(host, NewAddress()).address
            self.scripts.append(address_script(address, self._world.network.address_format))

    def fund(self, senders: int, coins: tuple[FundedCoin, ...]) -> bool:
        """Give the first nodes their coins, in a block; whether every node has it."""
        wanted = [script for script in self.scripts[:senders] for _ in range(COINS_PER_WALLET)]
        value_sat = min(coin.value_sat for coin in coins) // _OUTPUTS_MAX - _FEE_SAT_PER_BYTE * _OUTPUT_BYTES * 2
        self.coin_sat = value_sat
        first = self._hosts[0]
        for place, coin in enumerate(coins):
            scripts = wanted[place * _OUTPUTS_MAX : (place + 1) * _OUTPUTS_MAX]
            outputs = tuple(TxOut(value_sat, script) for script in scripts)
            self._world.ask(first, SubmitTransaction(pay_out((coin,), outputs)))
        if not isinstance(self._world.network.proof, SignersKind):
            self._world.ask(first, Generate(1, PAY_SCRIPT))
        assert first.node is not None
        pool = first.node.view.mempool
        # Where members sign they make the block by themselves.
        return self._world.wait(_SETTLED_US, lambda: not len(pool) and len({host.tip for host in self._hosts}) == 1)


class WalletLoad:
    """Sends payments from wallet to wallet."""

    def __init__(self, world: World, load: Transactions, wallets: Wallets, recorder: RunRecorder, share: float) -> None:
        self.skipped = 0
        """Payments whose sender was down."""
        self.refused: list[str] = []
        """Why wallets did not pay."""
        self._world = world
        self._wallets = wallets
        self._recorder = recorder
        self._share = share
        self._times = PaymentTimes(world, load, self._pay)

    def begin(self) -> None:
        """Time zero is now."""
        self._times.begin()

    def end(self) -> None:
        """No payment from now on."""
        self._times.end()

    def _pay(self, host: Host) -> None:
        rng = self._times.rng
        # Anybody but oneself.
        payee = rng.below(len(self._wallets.scripts) - 1)
        payee += payee >= host.index
        amount_sat = _AMOUNT_MIN_SAT + rng.below(self._wallets.coin_sat // _AMOUNT_SHARE)
        is_sampled = rng.uniform() < self._share
        if not host.is_up:
            self.skipped += 1
            return
        payment = Pay((TxOut(amount_sat, self._wallets.scripts[payee]),))
        self._world.command(host, payment, self._taker(host, is_sampled=is_sampled))

    def _taker(self, host: Host, *, is_sampled: bool) -> Callable[[Reply], None]:
        def take(reply: Reply) -> None:
            if isinstance(reply.answer, Refused):
                self.refused.append(reply.answer.text)
            elif isinstance(reply.answer, Sent) and is_sampled:
                # It is on disk at its sender's and about to be told to others.
                self._recorder.on_paid(reply.answer.txid, host.index, self._world.now, is_verified=True)

        return take
