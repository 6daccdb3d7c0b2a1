"""What a wallet refuses, as types, so that RPC can answer each with its own error code."""

from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.core.units import format_coins

WALLET_IS_LOCKED: Final = "the wallet is locked: unlock it with its passphrase first (walletpassphrase)"


class WalletError(MisuseError):
    """Any refusal of the wallet."""


class WrongPassphrase(WalletError):
    """The passphrase does not open the wallet's seed."""


class WalletLocked(WalletError):
    """The keys are needed and the wallet is locked."""

    def __init__(self) -> None:
        super().__init__(WALLET_IS_LOCKED)


class WalletEncryptionState(WalletError):
    """The wallet is encrypted where it must not be, or the other way round."""


class PaymentRefused(WalletError):
    """The payment cannot be made as asked: no outputs, dust, an absurd fee, too many inputs."""


class NotAbandonable(WalletError):
    """The transaction stands in a block or in the mempool, or was given up already."""

    def __init__(self) -> None:
        super().__init__("Transaction not eligible for abandonment")


class InsufficientFunds(WalletError):
    """The spendable coins do not cover the payment and its fee. `waiting_sat` is what a block will free: change of
    payments that stand in a chain too long to lengthen, or that the mempool does not hold."""

    def __init__(self, needed_sat: int, available_sat: int, waiting_sat: int = 0) -> None:
        text = (
            f"Insufficient funds: {format_coins(needed_sat)} needed with fee, {format_coins(available_sat)} available"
        )
        if waiting_sat:
            text += f"; {format_coins(waiting_sat)} more once earlier payments are in a block"
        super().__init__(text)
        self.needed_sat = needed_sat
        self.available_sat = available_sat
        self.waiting_sat = waiting_sat
