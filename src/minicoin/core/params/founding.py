"""Founds a network: the rules of a known one under a name, a genesis block and an address prefix of its own."""

from dataclasses import replace

from minicoin.core.params.genesis import find_genesis_nonce
from minicoin.core.params.network import Network


def found_network(base: Network, name: str, *, message: str, time: int, hrp: str, default_port: int) -> Network:
    """A new network whose first block is mined here, which takes as long as one block of `base` does at its limit.

    Whatever speaks of base's own chain (checkpoints, exceptions, seeds, magic) is left behind. RPC listens one port
    below. Raises MisuseError for a message that does not fit.
    """
    recipe = replace(base.genesis_recipe, message=message, time=time, bits=base.pow_limit_bits, nonce=0)
    return replace(
        base,
        name=name,
        genesis_recipe=find_genesis_nonce(recipe),
        address_format=replace(base.address_format, hrp=hrp),
        default_port=default_port,
        rpc_port=default_port - 1,
        script_flag_exceptions=(),
        bip30_exceptions=(),
        bip34_hash=None,
        checkpoints=(),
        assume_valid=None,
        minimum_chainwork=0,
        dns_seeds=(),
        alert_keys=(),
        own_magic=None,
    )
