"""The one map from message type to its owner. A type that is not in it is ignored, as protocol extensions demand.

Each entry names a method of MessageHandlers; sessions have dealt with the handshake and pings before.
"""

from collections.abc import Callable

from minicoin.core.node.messages import MessageHandlers
from minicoin.core.wire.messages import (
    Addr,
    AddrV2,
    BlockMessage,
    FeeFilter,
    FilterAdd,
    FilterClear,
    FilterLoad,
    GetAddr,
    GetBlocks,
    GetBlockTxn,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    MemPool,
    NotFound,
    SendHeaders,
    Tx,
)

ROUTES: dict[type, Callable[..., None]] = {
    Headers: MessageHandlers.on_headers,
    GetHeaders: MessageHandlers.on_getheaders,
    GetBlocks: MessageHandlers.on_getblocks,
    Inv: MessageHandlers.on_inv,
    GetData: MessageHandlers.on_getdata,
    NotFound: MessageHandlers.on_notfound,
    BlockMessage: MessageHandlers.on_block,
    Tx: MessageHandlers.on_tx,
    GetBlockTxn: MessageHandlers.on_getblocktxn,
    MemPool: MessageHandlers.on_bloom_service,
    FilterLoad: MessageHandlers.on_bloom_service,
    FilterAdd: MessageHandlers.on_bloom_service,
    FilterClear: MessageHandlers.on_bloom_service,
    GetCFilters: MessageHandlers.on_filter_service,
    GetCFHeaders: MessageHandlers.on_filter_service,
    GetCFCheckpt: MessageHandlers.on_filter_service,
    FeeFilter: MessageHandlers.on_feefilter,
    SendHeaders: MessageHandlers.on_sendheaders,
    GetAddr: MessageHandlers.on_getaddr,
    Addr: MessageHandlers.on_addr,
    AddrV2: MessageHandlers.on_addr,
}
