"""A bank's wallet before there is a network: its seed words, and where its first coins go.

The network id commits to what block 1 pays out, so the banks name their scripts before there is a node that could tell
them an address. What BIP84 makes of the words is the same on every network of a consortium; `minicoin wallet restore`
makes the wallet of them once the network runs.
"""

from typing import Final

from minicoin.core.params.builtin import MAIN
from minicoin.core.script.standard import p2wpkh_script_of_key
from minicoin.core.wallet.keys import Chain, KeyPath, SigningKey

SEED_BYTES: Final = 32
_FIRST: Final = KeyPath(Chain.RECEIVING, 0)


def first_script(seed: bytes) -> bytes:
    """What pays the first address of the wallet of this seed."""
    # A network of a consortium has main's key format (founding.make_network), which names the coin type.
    return p2wpkh_script_of_key(SigningKey.from_entropy(seed, MAIN).account_key(MAIN).public_key(_FIRST))
