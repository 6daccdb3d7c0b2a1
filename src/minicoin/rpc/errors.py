"""What a call is refused with: Bitcoin Core's numbers (its rpc/protocol.h), which clients know how to tell apart.

The node refuses for reasons; the one table from reason to number stands here.
"""

from collections.abc import Mapping
from typing import Final

from minicoin.core.answers import Reason

MISC_ERROR: Final = -1
TYPE_ERROR: Final = -3
WALLET_ERROR: Final = -4
INVALID_ADDRESS: Final = -5
WALLET_INSUFFICIENT_FUNDS: Final = -6
INVALID_PARAMETER: Final = -8
NOT_CONNECTED: Final = -9
IN_INITIAL_DOWNLOAD: Final = -10
UNLOCK_NEEDED: Final = -13
WRONG_PASSPHRASE: Final = -14
WRONG_ENCRYPTION_STATE: Final = -15
WALLET_NOT_FOUND: Final = -18
DESERIALIZATION_ERROR: Final = -22
NODE_ALREADY_ADDED: Final = -23
NODE_NOT_ADDED: Final = -24
VERIFY_ERROR: Final = -25
VERIFY_REJECTED: Final = -26
ALREADY_IN_CHAIN: Final = -27
NODE_NOT_CONNECTED: Final = -29
INVALID_SUBNET: Final = -30
NODE_CAPACITY_REACHED: Final = -34
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INTERNAL_ERROR: Final = -32603
PARSE_ERROR: Final = -32700

NUMBERS: Final[Mapping[Reason, int]] = {
    Reason.INVALID: INVALID_PARAMETER,
    Reason.UNABLE: MISC_ERROR,
    Reason.STOPPED: MISC_ERROR,
    Reason.CROWDED: MISC_ERROR,
    Reason.NOT_SAVED: MISC_ERROR,
    Reason.WRONG_ROLE: METHOD_NOT_FOUND,
    Reason.UNKNOWN_PEER: NODE_NOT_CONNECTED,
    Reason.NO_SLOT: NODE_CAPACITY_REACHED,
    Reason.UNKNOWN_BLOCK: INVALID_ADDRESS,
    Reason.HEADER_REFUSED: VERIFY_ERROR,
    Reason.UNKNOWN_TRANSACTION: INVALID_ADDRESS,
    Reason.TRANSACTION_REFUSED: VERIFY_REJECTED,
    Reason.COINS_MISSING: VERIFY_ERROR,
    Reason.ALREADY_CONFIRMED: ALREADY_IN_CHAIN,
    Reason.NO_TEMPLATE: NOT_CONNECTED,
    Reason.WALLET_OFF: METHOD_NOT_FOUND,
    Reason.NO_WALLET: WALLET_NOT_FOUND,
    Reason.WALLET_FAILED: WALLET_ERROR,
    Reason.WALLET_LOCKED: UNLOCK_NEEDED,
    Reason.WRONG_PASSPHRASE: WRONG_PASSPHRASE,
    Reason.WRONG_ENCRYPTION_STATE: WRONG_ENCRYPTION_STATE,
    Reason.INSUFFICIENT_FUNDS: WALLET_INSUFFICIENT_FUNDS,
    Reason.NOT_ABANDONABLE: INVALID_ADDRESS,
}
"""Every reason has a number; a test holds it."""


class RpcError(Exception):
    """A call that is answered with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
