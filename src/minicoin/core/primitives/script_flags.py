"""The consensus flags of script verification, numbered as libbitcoinkernel numbers them."""

from enum import IntFlag


class ScriptFlag(IntFlag):
    """Which soft forks a script is verified under."""

    NONE = 0
    P2SH = 1 << 0
    DERSIG = 1 << 2
    NULLDUMMY = 1 << 4
    CHECKLOCKTIMEVERIFY = 1 << 9
    CHECKSEQUENCEVERIFY = 1 << 10
    WITNESS = 1 << 11
    TAPROOT = 1 << 17
    ALL = P2SH | DERSIG | NULLDUMMY | CHECKLOCKTIMEVERIFY | CHECKSEQUENCEVERIFY | WITNESS | TAPROOT
