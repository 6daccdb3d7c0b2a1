"""How a network writes the addresses of payments: two version bytes and a prefix. A value that params provides and
script and wallet take, so that neither needs to know networks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AddressFormat:
    """`p2pkh` and `p2sh` are the version bytes of base58 addresses, `hrp` the prefix of segwit ones (BIP173)."""

    p2pkh: int
    p2sh: int
    hrp: str
