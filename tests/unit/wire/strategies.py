"""A hypothesis strategy for every message class."""

from hypothesis import strategies as st

from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.primitives.block import BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxIn, TxOut
from minicoin.core.wire import messages as m

U8 = st.integers(0, 0xFF)
U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
I32 = st.integers(-(2**31), 2**31 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)


def _exactly(count: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=count, max_size=count)


def _some(items: st.SearchStrategy, most: int = 4) -> st.SearchStrategy:
    return st.lists(items, max_size=most).map(tuple)


HASHES = _exactly(32).map(BlockHash)
HEADERS = st.builds(BlockHeader, I32, HASHES, _exactly(32), U32, U32, U32)
_INPUTS = st.builds(TxIn, _exactly(36).map(Outpoint), st.binary(max_size=300), U32)
_OUTPUTS = st.builds(TxOut, I64, st.binary(max_size=40))


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    inputs = tuple(draw(st.lists(_INPUTS, min_size=1, max_size=3)))
    stacks = st.lists(st.binary(max_size=80), max_size=3).map(tuple)
    witnesses = tuple(draw(st.lists(stacks, min_size=len(inputs), max_size=len(inputs))))
    return Transaction(draw(I32), inputs, draw(_some(_OUTPUTS, 3)), draw(U32), witnesses if any(witnesses) else ())


def _hosts() -> st.SearchStrategy[str]:
    not_ip = ("fd87:d87e:eb43:", "fd6b:88c0:8724:")
    v6 = st.ip_addresses(v=6).filter(lambda ip: ip.ipv4_mapped is None and not str(ip).startswith(not_ip))
    return st.one_of(st.ip_addresses(v=4), v6).map(str)


NODE_ADDRESSES = st.builds(NodeAddress, _hosts(), U16)
TIMED = st.builds(TimedAddress, NODE_ADDRESSES, U64, U32)
TIMED_V2 = st.builds(
    TimedAddress,
    st.builds(NodeAddress, _hosts(), U16, st.one_of(st.just(b""), st.binary(min_size=1, max_size=42))),
    U64,
    U32,
)
NET_ADDRESSES = st.builds(m.NetAddress, U64, _hosts(), U16)
VECTORS = st.builds(m.InventoryVector, st.one_of(st.sampled_from(list(m.InvType)), U32), _exactly(32))
INVENTORIES = _some(VECTORS)
LOCATORS = _some(HASHES, 6)
USER_AGENTS = st.text(st.characters(codec="utf-8"), max_size=60)


@st.composite
def compact_blocks(draw: st.DrawFn) -> m.CmpctBlock:
    shortids = draw(_some(st.integers(0, 2**48 - 1)))
    prefilled = draw(_some(transactions(), 3))
    total = len(shortids) + len(prefilled)
    places = sorted(draw(st.permutations(range(total)))[: len(prefilled)])
    pairs = zip(places, prefilled, strict=True)
    return m.CmpctBlock(draw(HEADERS), draw(U64), shortids, tuple(m.PrefilledTransaction(i, tx) for i, tx in pairs))


STRATEGIES: dict[type[object], st.SearchStrategy[m.Message]] = {
    m.Version: st.builds(m.Version, I32, U64, I64, NET_ADDRESSES, NET_ADDRESSES, U64, USER_AGENTS, I32, st.booleans()),
    m.Verack: st.builds(m.Verack),
    m.WtxidRelay: st.builds(m.WtxidRelay),
    m.SendAddrV2: st.builds(m.SendAddrV2),
    m.SendHeaders: st.builds(m.SendHeaders),
    m.SendCmpct: st.builds(m.SendCmpct, st.booleans(), U64),
    m.FeeFilter: st.builds(m.FeeFilter, I64),
    m.Ping: st.builds(m.Ping, U64),
    m.Pong: st.builds(m.Pong, U64),
    m.Reject: st.builds(m.Reject, st.sampled_from(["tx", "block"]), U8, st.text("abc-", max_size=111), _exactly(32)),
    m.Alert: st.builds(m.Alert, st.binary(max_size=300), st.binary(max_size=80)),
    m.GetAddr: st.builds(m.GetAddr),
    m.Addr: st.builds(m.Addr, _some(TIMED)),
    m.AddrV2: st.builds(m.AddrV2, _some(TIMED_V2)),
    m.Inv: st.builds(m.Inv, INVENTORIES),
    m.GetData: st.builds(m.GetData, INVENTORIES),
    m.NotFound: st.builds(m.NotFound, INVENTORIES),
    m.MemPool: st.builds(m.MemPool),
    m.Tx: st.builds(m.Tx, transactions()),
    m.GetBlocks: st.builds(m.GetBlocks, I32, LOCATORS, HASHES),
    m.GetHeaders: st.builds(m.GetHeaders, I32, LOCATORS, HASHES),
    m.Headers: st.builds(m.Headers, _some(HEADERS)),
    m.BlockMessage: st.builds(
        lambda header, rest: m.BlockMessage(RawBlock(header, header.raw + rest)), HEADERS, st.binary(max_size=200)
    ),
    m.CmpctBlock: compact_blocks(),
    m.GetBlockTxn: st.builds(m.GetBlockTxn, HASHES, st.sets(U16, max_size=6).map(lambda found: tuple(sorted(found)))),
    m.BlockTxn: st.builds(m.BlockTxn, HASHES, _some(transactions(), 3)),
    m.GetCFilters: st.builds(m.GetCFilters, U8, U32, HASHES),
    m.CFilter: st.builds(m.CFilter, U8, HASHES, st.binary(max_size=300)),
    m.GetCFHeaders: st.builds(m.GetCFHeaders, U8, U32, HASHES),
    m.CFHeaders: st.builds(m.CFHeaders, U8, HASHES, _exactly(32), _some(_exactly(32))),
    m.GetCFCheckpt: st.builds(m.GetCFCheckpt, U8, HASHES),
    m.CFCheckpt: st.builds(m.CFCheckpt, U8, HASHES, _some(_exactly(32))),
    m.MerkleBlock: st.builds(m.MerkleBlock, HEADERS, U32, _some(_exactly(32)), st.binary(max_size=20)),
    m.FilterLoad: st.builds(m.FilterLoad, st.binary(max_size=300), st.integers(0, 50), U32, U8),
    m.FilterAdd: st.builds(m.FilterAdd, st.binary(max_size=520)),
    m.FilterClear: st.builds(m.FilterClear),
    m.Unknown: st.builds(
        m.Unknown, st.text("abcxyz", min_size=1, max_size=12).map(lambda name: "z" + name[:11]), st.binary(max_size=200)
    ),
}
ANY_MESSAGE = st.one_of(*(strategy for kind, strategy in STRATEGIES.items() if kind is not m.Reject))
