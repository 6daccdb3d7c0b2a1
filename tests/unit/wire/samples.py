"""One hand-made message of every class: seeds of the fuzz targets, and of the tests that go through all of them."""

from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.primitives.block import BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxIn, TxOut
from minicoin.core.wire import messages as m

HEADER = BlockHeader(4, BlockHash(bytes(range(32))), bytes(range(32, 64)), time=1_700_000_000, bits=0x1D00FFFF, nonce=7)
LEGACY_TX = Transaction(1, (TxIn(Outpoint(bytes(36)), b"\x51", 5),), (TxOut(50, b"\x51\x52"),), 9)
SEGWIT_TX = Transaction(
    2,
    (TxIn(Outpoint(bytes(range(36)))), TxIn(Outpoint(bytes(36)))),
    (TxOut(1, b""), TxOut(2_100_000_000_000_000, b"\0\x14" + bytes(20))),
    0,
    ((b"\x30" * 71, b"\x02" * 33), ()),
)
HASH = BlockHash(bytes(range(100, 132)))
IPV4 = TimedAddress(NodeAddress("203.0.113.9", 8333), 1033, 1_700_000_001)
IPV6 = TimedAddress(NodeAddress("2001:db8::1", 18444), 1, 1_700_000_002)
LIBP2P = TimedAddress(NodeAddress("203.0.113.10", 4001, bytes.fromhex("00240801 1220") + bytes(32)), 0, 5)
VECTORS = (m.InventoryVector(m.InvType.WTX, HASH), m.InventoryVector(99, bytes(32)))

SAMPLES: dict[type[object], m.Message] = {
    type(sample): sample
    for sample in (
        m.Version(
            70016, 1033, 1_700_000_000, m.NetAddress(1, "203.0.113.9", 8333), m.NetAddress(), 2**63, "/x:1/", 5, False
        ),
        m.Verack(),
        m.WtxidRelay(),
        m.SendAddrV2(),
        m.SendHeaders(),
        m.SendCmpct(True, 2),
        m.FeeFilter(1000),
        m.Ping(2**64 - 1),
        m.Pong(1),
        m.Reject("tx", 0x10, "bad-txns", bytes(32)),
        m.Alert(b"\x01" * 70, b"\x30" * 71),
        m.GetAddr(),
        m.Addr((IPV4, IPV6)),
        m.AddrV2((IPV4, IPV6, LIBP2P)),
        m.Inv(VECTORS),
        m.GetData(VECTORS),
        m.NotFound(VECTORS),
        m.MemPool(),
        m.Tx(SEGWIT_TX),
        m.GetBlocks(70016, (HASH, BlockHash(bytes(32)))),
        m.GetHeaders(70016, (HASH,), HASH),
        m.Headers((HEADER, HEADER)),
        m.BlockMessage(RawBlock.parse(HEADER.raw + b"\x02" + LEGACY_TX.raw + SEGWIT_TX.raw)),
        m.CmpctBlock(
            HEADER,
            1,
            (1, 0xFFFF_FFFF_FFFF, 2),
            (m.PrefilledTransaction(0, LEGACY_TX), m.PrefilledTransaction(3, SEGWIT_TX)),
        ),
        m.GetBlockTxn(HASH, (0, 1, 300, 65535)),
        m.BlockTxn(HASH, (LEGACY_TX, SEGWIT_TX)),
        m.GetCFilters(0, 100, HASH),
        m.CFilter(0, HASH, b"\x01\x02\x03"),
        m.GetCFHeaders(0, 100, HASH),
        m.CFHeaders(0, HASH, bytes(32), (HASH, bytes(32))),
        m.GetCFCheckpt(0, HASH),
        m.CFCheckpt(0, HASH, (HASH, bytes(32))),
        m.MerkleBlock(HEADER, 7, (HASH, bytes(32)), b"\x1d"),
        m.FilterLoad(b"\xb5\x0f", 11, 0, 0),
        m.FilterAdd(b"\x01\x02"),
        m.FilterClear(),
        m.Unknown("sendtxrcncl", b"\x01\0\0\0"),
    )
}


def encode_reject(reject: m.Reject) -> bytes:
    """What an old node sends; the codec itself refuses to."""
    message, reason = reject.message.encode(), reject.reason.encode()
    return b"".join((bytes((len(message),)), message, bytes((reject.ccode, len(reason))), reason, reject.data))
