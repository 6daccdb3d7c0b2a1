"""What a wallet refuses, as types, so that RPC can answer each with its own error code."""

from minicoin.core.faults import MisuseError


class WalletError(MisuseError):
    """Any refusal of the wallet."""


class WrongPassphrase(WalletError):
    """The passphrase does not open the wallet's seed."""


class WalletLocked(WalletError):
    """The keys are needed and the wallet is locked."""


class WalletEncryptionState(WalletError):
    """The wallet is encrypted where it must not be, or the other way round."""


class PaymentRefused(WalletError):
    """The payment cannot be made as asked: no outputs, dust, an absurd fee, too many inputs."""


class InsufficientFunds(WalletError):
    """The spendable coins do not cover the payment and its fee."""

    def __init__(self, needed_sat: int, available_sat: int) -> None:
        super().__init__(f"insufficient funds: {needed_sat} sat needed with fee, {available_sat} sat available")
        self.needed_sat = needed_sat
        self.available_sat = available_sat
