"""All messages in one name space, and their closed union. The classes stand in messages_*.py, by concern.

Closed but for messages_extension: what parts of a node speak beyond Bitcoin's messages derives from one class.
"""

from minicoin.core.wire.messages_addresses import Addr, AddrV2, GetAddr
from minicoin.core.wire.messages_blocks import (
    BlockMessage,
    BlockTxn,
    CmpctBlock,
    GetBlocks,
    GetBlockTxn,
    GetHeaders,
    Headers,
    PrefilledTransaction,
)
from minicoin.core.wire.messages_extension import ExtensionMessage
from minicoin.core.wire.messages_filters import (
    CFCheckpt,
    CFHeaders,
    CFilter,
    FilterAdd,
    FilterClear,
    FilterLoad,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    MerkleBlock,
)
from minicoin.core.wire.messages_inventory import GetData, Inv, InventoryVector, InvType, MemPool, NotFound, Tx
from minicoin.core.wire.messages_session import (
    Alert,
    FeeFilter,
    NetAddress,
    Ping,
    Pong,
    Reject,
    SendAddrV2,
    SendCmpct,
    SendHeaders,
    Unknown,
    Verack,
    Version,
    WtxidRelay,
)

Message = (
    Version
    | Verack
    | WtxidRelay
    | SendAddrV2
    | SendHeaders
    | SendCmpct
    | FeeFilter
    | Ping
    | Pong
    | Reject
    | Alert
    | GetAddr
    | Addr
    | AddrV2
    | Inv
    | GetData
    | NotFound
    | MemPool
    | Tx
    | GetBlocks
    | GetHeaders
    | Headers
    | BlockMessage
    | CmpctBlock
    | GetBlockTxn
    | BlockTxn
    | GetCFilters
    | CFilter
    | GetCFHeaders
    | CFHeaders
    | GetCFCheckpt
    | CFCheckpt
    | MerkleBlock
    | FilterLoad
    | FilterAdd
    | FilterClear
    | Unknown
    | ExtensionMessage
)

__all__ = [
    "Addr",
    "AddrV2",
    "Alert",
    "BlockMessage",
    "BlockTxn",
    "CFCheckpt",
    "CFHeaders",
    "CFilter",
    "CmpctBlock",
    "ExtensionMessage",
    "FeeFilter",
    "FilterAdd",
    "FilterClear",
    "FilterLoad",
    "GetAddr",
    "GetBlockTxn",
    "GetBlocks",
    "GetCFCheckpt",
    "GetCFHeaders",
    "GetCFilters",
    "GetData",
    "GetHeaders",
    "Headers",
    "Inv",
    "InvType",
    "InventoryVector",
    "MemPool",
    "MerkleBlock",
    "Message",
    "NetAddress",
    "NotFound",
    "Ping",
    "Pong",
    "PrefilledTransaction",
    "Reject",
    "SendAddrV2",
    "SendCmpct",
    "SendHeaders",
    "Tx",
    "Unknown",
    "Verack",
    "Version",
    "WtxidRelay",
]
