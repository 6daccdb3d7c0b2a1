"""The operator's switches: all network activity, and the choice between blocks of the same work."""

from minicoin.core.commands import PreferBlock, SetNetworkActive
from minicoin.core.primitives.block import BlockHash
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method


async def set_network_active(call: Call) -> Json:
    state = call.flag("state")
    await call.port.command(SetNetworkActive(state))
    return state


async def precious_block(call: Call) -> Json:
    await call.port.command(PreferBlock(BlockHash(call.hash("blockhash"))))
    return None


METHODS = (
    Method(
        "setnetworkactive",
        Category.NETWORK,
        "Close every connection and neither make nor take any; or go back to that. Not kept over a restart.",
        "The state asked for.",
        set_network_active,
        (Argument("state", Kind.FLAG, "Whether there is network activity."),),
    ),
    Method(
        "preciousblock",
        Category.CHAIN,
        "Treat a block as if it had come before all others of its work. A later call outdoes an earlier one; not kept "
        "over a restart. Answered when the chain has moved.",
        "null",
        precious_block,
        (Argument("blockhash", Kind.HASH, "The block's hash."),),
        is_for_miners=True,
    ),
)
