"""The table of all methods. `help` stands here because it reads the table it is part of."""

from typing import Final

from minicoin.rpc.errors import MISC_ERROR, RpcError
from minicoin.rpc.help_text import CONVERSIONS, conversions, describe, overview
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Call, Category, Kind, Method, optional
from minicoin.rpc.methods import (
    addresses,
    admission,
    blocks,
    chain,
    configuration,
    connections,
    consensus,
    control,
    data,
    descriptors,
    echoing,
    evidence,
    finality,
    generating,
    history,
    key_signing,
    members,
    mempool,
    message_signing,
    mining,
    network,
    packages,
    payments,
    peer_ids,
    priorities,
    proofs,
    records,
    recovery,
    scanning,
    spends,
    statistics,
    switching,
    transactions,
    trial,
    waiting,
    wallet,
)


async def help_text(call: Call) -> Json:
    name = call.text("command")
    if not name:
        return overview(METHODS)
    if name == CONVERSIONS:
        return conversions(METHODS)
    found = next((method for method in METHODS if method.name == name), None)
    if found is None:
        raise RpcError(MISC_ERROR, f"help: unknown command: {name}")
    return describe(found)


METHODS: Final = (
    *chain.METHODS,
    *blocks.METHODS,
    *proofs.METHODS,
    *scanning.scan_methods(),
    *statistics.statistics_methods(),
    *waiting.METHODS,
    *finality.METHODS,
    *mempool.METHODS,
    *packages.METHODS,
    *spends.METHODS,
    *transactions.METHODS,
    *key_signing.METHODS,
    *message_signing.METHODS,
    *descriptors.METHODS,
    *network.METHODS,
    *peer_ids.METHODS,
    *connections.METHODS,
    *addresses.METHODS,
    *switching.METHODS,
    *mining.METHODS,
    *generating.METHODS,
    *priorities.METHODS,
    *wallet.METHODS,
    *history.METHODS,
    *payments.METHODS,
    *data.data_methods(),
    *records.METHODS,
    *admission.METHODS,
    *consensus.METHODS,
    *evidence.METHODS,
    *members.METHODS,
    *configuration.METHODS,
    *recovery.METHODS,
    *control.METHODS,
    *trial.METHODS,
    *echoing.METHODS,
    Method(
        "help",
        Category.CONTROL,
        "All methods, or everything about one.",
        "Text.",
        help_text,
        (optional("command", Kind.TEXT, "", "The method."),),
    ),
)
