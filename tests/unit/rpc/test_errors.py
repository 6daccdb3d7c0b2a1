"""Every reason the node refuses for has one of Bitcoin Core's numbers."""

import pytest

from minicoin.core.answers import Reason
from minicoin.rpc import errors
from minicoin.rpc.errors import NUMBERS


def test_every_reason_has_a_number_that_clients_know() -> None:
    assert set(NUMBERS) == set(Reason)
    known = {value for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)}
    assert set(NUMBERS.values()) <= known


@pytest.mark.parametrize(
    ("reason", "number"),
    [
        (Reason.INVALID, -8),
        (Reason.CROWDED, -1),
        (Reason.UNKNOWN_PEER, -29),
        (Reason.UNKNOWN_BLOCK, -5),
        (Reason.COINS_MISSING, -25),
        (Reason.TRANSACTION_REFUSED, -26),
        (Reason.ALREADY_CONFIRMED, -27),
        (Reason.WALLET_OFF, -32601),
        (Reason.NO_WALLET, -18),
        (Reason.WALLET_LOCKED, -13),
        (Reason.WRONG_PASSPHRASE, -14),
        (Reason.WRONG_ENCRYPTION_STATE, -15),
        (Reason.INSUFFICIENT_FUNDS, -6),
    ],
)
def test_numbers_are_bitcoin_cores(reason: Reason, number: int) -> None:
    assert NUMBERS[reason] == number
