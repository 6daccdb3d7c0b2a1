"""Every message: round trips, limits, truncation, hostile counts, and the published byte vectors."""

import tracemalloc
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.wire.samples import HASH, HEADER, LEGACY_TX, SAMPLES, encode_reject
from tests.unit.wire.strategies import STRATEGIES

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import INVENTORY_PER_MESSAGE_MAX
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.primitives.block import ZERO_HASH, BlockHash
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.wire import messages as m
from minicoin.core.wire.codec import TABLE, command_of, decode_payload, encode_payload, payload_bytes_max

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "blocks"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no test data at {DATA}")
HUGE_COUNTS = (b"\xfd\xff\xff", b"\xfe\xff\xff\xff\xff", b"\xff" * 9, b"\xff" + b"\0" * 7 + b"\x80")


def encode(message: m.Message) -> bytes:
    return encode_reject(message) if isinstance(message, m.Reject) else encode_payload(message)


def test_table_strategies_and_samples_cover_the_union() -> None:
    # What is beyond Bitcoin's messages has its own tests (test_messages_extension).
    union = set(get_args(m.Message)) - {m.ExtensionMessage}
    assert {row.message for row in TABLE.values()} | {m.Unknown} == union
    assert set(STRATEGIES) == union
    assert set(SAMPLES) == union


@pytest.mark.parametrize("kind", STRATEGIES, ids=lambda kind: kind.__name__)
def test_round_trip(kind: type[object]) -> None:
    @settings(max_examples=25, deadline=None)
    @given(STRATEGIES[kind])
    def check(message: m.Message) -> None:
        payload = encode(message)
        assert len(payload) <= payload_bytes_max(command_of(message))
        decoded = decode_payload(command_of(message), payload)
        assert decoded == message
        assert type(decoded) is kind
        assert encode(decoded) == payload

    check()


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.__name__)
def test_truncated_and_trailing_bytes_are_refused(kind: type[object]) -> None:
    message = SAMPLES[kind]
    payload, command = encode(message), command_of(message)
    assert decode_payload(command, payload) == message
    if isinstance(message, m.Unknown | m.BlockMessage | m.Version | m.Reject):
        return
    for end in range(len(payload)):
        with pytest.raises(DecodeError):
            decode_payload(command, payload[:end])
    with pytest.raises(DecodeError):
        decode_payload(command, payload + b"\0")


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.__name__)
def test_hostile_counts_reserve_no_memory(kind: type[object]) -> None:
    payload, command = encode(SAMPLES[kind]), command_of(SAMPLES[kind])
    tracemalloc.start()
    try:
        for count in HUGE_COUNTS:
            for at in range(len(payload)):
                try:
                    decode_payload(command, payload[:at] + count + payload[at + 1 :])
                except DecodeError:
                    continue
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(TABLE)), st.binary(max_size=400))
def test_garbage_is_a_value_or_a_decode_error(command: str, payload: bytes) -> None:
    try:
        decode_payload(command, payload)
    except DecodeError:
        return


def _frame(text: str) -> bytes:
    return bytes.fromhex("".join(text.split()))


def test_version_of_the_protocol_documentation() -> None:
    payload = _frame("""62ea0000 0100000000000000 11b2d05000000000
        0100000000000000 00000000000000000000ffff00000000 0000
        0100000000000000 00000000000000000000ffff00000000 0000
        3b2eb35d8ce61765 0f 2f5361746f7368693a302e372e322f c03e0300""")
    assert sha256d(payload)[:4].hex() == "3b648d5a"
    version = decode_payload("version", payload)
    nowhere = m.NetAddress(1, "0.0.0.0", 0)
    assert version == m.Version(
        60002, 1, 1355854353, nowhere, nowhere, 7284544412836900411, "/Satoshi:0.7.2/", 212672, relay=True
    )
    # The documented node predates BIP37: relay was absent, we send it.
    assert encode_payload(version) == payload + b"\x01"
    assert decode_payload("version", payload + b"\0").relay is False


def test_version_fields_that_old_nodes_leave_out_have_defaults_and_later_ones_are_ignored() -> None:
    full = encode_payload(SAMPLES[m.Version])
    assert decode_payload("version", full + b"future") == SAMPLES[m.Version]
    short = decode_payload("version", full[:46])
    assert (short.nonce, short.user_agent, short.start_height, short.relay) == (0, "", 0, True)
    for end in (0, 19, 45, 47, 75):
        with pytest.raises(DecodeError, match="truncated"):
            decode_payload("version", full[:end])


def test_version_user_agent_is_bounded_and_never_fails_on_foreign_bytes() -> None:
    full = encode_payload(SAMPLES[m.Version])
    assert decode_payload("version", full.replace(b"/x:1/", b"/\xff:1/")).user_agent == "/\ufffd:1/"
    with pytest.raises(DecodeError, match="at most 256"):
        decode_payload("version", full[:80] + b"\xfd\x01\x01" + bytes(257) + full[-5:])
    with pytest.raises(MisuseError, match="user agent of 257 bytes"):
        encode_payload(m.Version(1, 0, 0, m.NetAddress(), user_agent="x" * 257))


def test_addr_of_the_protocol_documentation() -> None:
    payload = _frame("01 e215104d 0100000000000000 00000000000000000000ffff0a000001 208d")
    addr = m.Addr((TimedAddress(NodeAddress("10.0.0.1", 8333), 1, 0x4D1015E2),))
    assert decode_payload("addr", payload) == addr
    assert encode_payload(addr) == payload


LOOPBACKS = (
    TimedAddress(NodeAddress("::1", 0), 0, 0x4966BC61),
    TimedAddress(NodeAddress("::1", 0xF1), 1, 0x83766279),
    TimedAddress(NodeAddress("::1", 0xF1F2), 0x448, 0xFFFFFFFF),
)


def test_addr_and_addrv2_vectors_of_bitcoin_core() -> None:
    addr = _frame("""03
        61bc6649 0000000000000000 00000000000000000000000000000001 0000
        79627683 0100000000000000 00000000000000000000000000000001 00f1
        ffffffff 4804000000000000 00000000000000000000000000000001 f1f2""")
    addrv2 = _frame("""03
        61bc6649 00     02 10 00000000000000000000000000000001 0000
        79627683 01     02 10 00000000000000000000000000000001 00f1
        ffffffff fd4804 02 10 00000000000000000000000000000001 f1f2""")
    assert decode_payload("addr", addr) == m.Addr(LOOPBACKS)
    assert decode_payload("addrv2", addrv2) == m.AddrV2(LOOPBACKS)
    assert encode_payload(m.Addr(LOOPBACKS)) == addr
    assert encode_payload(m.AddrV2(LOOPBACKS)) == addrv2


@pytest.mark.parametrize(
    ("command", "text", "expected"),
    [
        ("feefilter", "7cbd000000000000", m.FeeFilter(48508)),
        ("filterload", "02 b50f 0b000000 00000000 00", m.FilterLoad(b"\xb5\x0f", 11, 0, 0)),
        ("sendcmpct", "00 0200000000000000", m.SendCmpct(False, 2)),
        ("ping", "0094102111e2af4d", m.Ping(0x4DAFE21121109400)),
        ("getcfcheckpt", "00" + HASH.hex(), m.GetCFCheckpt(0, HASH)),
        ("getcfilters", "00 e8030000" + HASH.hex(), m.GetCFilters(0, 1000, HASH)),
        # BIP152: indexes 0, 1 and 300 travel as 0, 0 and 298.
        ("getblocktxn", HASH.hex() + "03 00 00 fd2a01", m.GetBlockTxn(HASH, (0, 1, 300))),
        ("getheaders", "7f110100 01" + HASH.hex() + "00" * 32, m.GetHeaders(70015, (HASH,), ZERO_HASH)),
        ("reject", "027478 12 03627573", m.Reject("tx", 0x12, "bus")),
        (
            "inv",
            "02 01000000" + "11" * 32 + "02000040" + "22" * 32,
            m.Inv(
                (
                    m.InventoryVector(m.InvType.TX, b"\x11" * 32),
                    m.InventoryVector(m.InvType.WITNESS_BLOCK, b"\x22" * 32),
                )
            ),
        ),
    ],
)
def test_documented_layouts(command: str, text: str, expected: m.Message) -> None:
    payload = _frame(text)
    assert decode_payload(command, payload) == expected
    assert encode(expected) == payload


def test_inventory_types_are_named_where_known() -> None:
    known, unknown = decode_payload("inv", encode_payload(SAMPLES[m.Inv])).inventory
    assert repr(known.type) == repr(m.InvType.WTX)
    assert type(unknown.type) is int and unknown.type == 99


def _entry_v2(network: int, address: bytes, port: int = 8333) -> bytes:
    length = bytes((len(address),)) if len(address) < 0xFD else b"\xfd" + len(address).to_bytes(2, "little")
    return bytes(4) + b"\0" + bytes((network,)) + length + address + port.to_bytes(2, "big")


@pytest.mark.parametrize(
    ("network", "length"), [(1, 3), (1, 5), (2, 4), (2, 15), (4, 31), (4, 10), (5, 16), (6, 4), (6, 17)]
)
def test_addrv2_refuses_wrong_lengths_of_known_networks(network: int, length: int) -> None:
    with pytest.raises(DecodeError, match=f"address of {length} bytes for network"):
        decode_payload("addrv2", b"\x01" + _entry_v2(network, bytes(length)))


@pytest.mark.parametrize(
    ("network", "address"),
    [
        (3, bytes(10)),
        (4, bytes(32)),
        (5, bytes(32)),
        (6, b"\xfc" + bytes(15)),
        (99, b""),
        (99, bytes(512)),
        (2, bytes.fromhex("fd87d87eeb43") + bytes(10)),
        (2, bytes.fromhex("fd6b88c08724") + bytes(10)),
        (0x4D, b"\x36\x03abc\x06\x20\x8d"),
        (0x4D, b""),
    ],
)
def test_addrv2_skips_what_cannot_be_dialled_and_keeps_the_rest(network: int, address: bytes) -> None:
    payload = b"\x03" + _entry_v2(1, b"\1\2\3\4") + _entry_v2(network, address) + _entry_v2(1, b"\5\6\7\x08")
    hosts = [timed.address.host for timed in decode_payload("addrv2", payload).addresses]
    assert hosts == ["1.2.3.4", "5.6.7.8"]


def test_addr_leaves_out_what_is_no_ip_address() -> None:
    hidden = (bytes.fromhex("fd87d87eeb43") + bytes(10), bytes.fromhex("fd6b88c08724") + bytes(10))
    entries = [bytes(12) + ip + b"\x20\x8d" for ip in (*hidden, bytes(15) + b"\1")]
    (timed,) = decode_payload("addr", b"\x03" + b"".join(entries)).addresses
    assert timed.address == NodeAddress("::1", 8333)


def test_addrv2_refuses_addresses_above_512_bytes() -> None:
    with pytest.raises(DecodeError, match="513 bytes in addrv2, at most 512"):
        decode_payload("addrv2", b"\x01" + _entry_v2(99, bytes(513)))


def test_addrv2_reads_mapped_addresses_as_ipv4() -> None:
    payload = b"\x01" + _entry_v2(2, bytes(10) + b"\xff\xff\1\2\3\4")
    assert decode_payload("addrv2", payload).addresses[0].address == NodeAddress("1.2.3.4", 8333)


def test_addr_leaves_the_peer_id_out_and_addrv2_carries_it() -> None:
    timed = TimedAddress(NodeAddress("1.2.3.4", 4001, b"\x12\x20" + bytes(32)), 1, 2)
    (plain,) = decode_payload("addr", encode_payload(m.Addr((timed,)))).addresses
    assert plain.address == NodeAddress("1.2.3.4", 4001)
    assert decode_payload("addrv2", encode_payload(m.AddrV2((timed,)))).addresses == (timed,)


@pytest.mark.parametrize("message", [m.Addr, m.AddrV2])
def test_a_name_cannot_travel(message: type[m.Addr] | type[m.AddrV2]) -> None:
    with pytest.raises(MisuseError, match=r"not an IP address: 'node\.example'"):
        encode_payload(message((TimedAddress(NodeAddress("node.example", 1), 0, 0),)))


ONE_TOO_MANY: list[tuple[str, bytes, str]] = [
    ("inv", b"\xfd\x51\xc3" + bytes(36 * 50_001), "at most 50000"),
    ("headers", b"\xfd\xd1\x07" + (HEADER.raw + b"\0") * 2001, "at most 2000"),
    ("addr", b"\xfd\xe9\x03" + bytes(30 * 1001), "at most 1000"),
    ("addrv2", b"\xfd\xe9\x03" + bytes(13 * 1001), "at most 1000"),
    ("getheaders", bytes(4) + b"\x66" + bytes(32 * 103), "at most 101"),
    ("getblocks", bytes(4) + b"\x66" + bytes(32 * 103), "at most 101"),
    ("cfheaders", bytes(65) + b"\xfd\xd1\x07" + bytes(32 * 2001), "at most 2000"),
    ("filterload", b"\xfd\xa1\x8c" + bytes(36_001 + 9), "at most 36000"),
    ("filterload", b"\x01\0" + b"\x33\0\0\0" + bytes(5), "at most 50"),
    ("filteradd", b"\xfd\x09\x02" + bytes(521), "at most 520"),
    ("alert", b"\xfd\x11\x27" + bytes(10_001) + b"\0", "at most 10000"),
    ("reject", b"\x0d" + bytes(13) + b"\0\0", "at most 12"),
]


@pytest.mark.parametrize(("command", "payload", "reason"), ONE_TOO_MANY)
def test_one_more_than_the_limit_is_refused(command: str, payload: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode_payload(command, payload)


def test_we_never_send_above_the_limits() -> None:
    vectors = (m.InventoryVector(1, HASH),) * (INVENTORY_PER_MESSAGE_MAX + 1)
    for message, reason in (
        (m.Inv(vectors), "50001 items"),
        (m.Headers((HEADER,) * 2001), "2001 headers"),
        (m.Addr(LOOPBACKS * 400), "1200 addresses"),
        (m.GetHeaders(1, (HASH,) * 102), "102 hashes"),
        (m.Reject("tx", 1, ""), "never sent"),
        (m.Ping(2**64), "ping holds a value that does not fit"),
        (m.GetBlockTxn(HASH, (1, 1)), "must ascend"),
        (m.GetBlockTxn(HASH, (65536,)), "within 16 bits"),
    ):
        with pytest.raises(MisuseError, match=reason):
            encode_payload(message)
    assert len(encode_payload(m.Inv(vectors[:-1]))) == 3 + 36 * 50_000


@pytest.mark.parametrize(
    ("command", "payload", "reason"),
    [
        ("headers", b"\x01" + HEADER.raw + b"\x01", "transaction count that is not zero"),
        ("sendcmpct", b"\x02" + bytes(8), "neither 0 nor 1"),
        ("verack", b"\0", "1 bytes in a message without fields"),
        ("getblocktxn", bytes(32) + b"\x02\xfd\xff\xff\0", "above 16 bits"),
        ("getblocktxn", bytes(32) + b"\x01\xff" + b"\xff" * 8, "above 16 bits"),
        ("cmpctblock", HEADER.raw + bytes(8) + b"\0\x01\x01" + LEGACY_TX.raw, "position 1 beyond its end"),
        ("inv", b"\xfd\x01\0" + bytes(36), "non-minimal"),
        ("inv", b"\x02" + bytes(71), "more items than bytes"),
        ("tx", LEGACY_TX.raw + b"\0", "bytes behind the transaction"),
        ("tx", b"", "truncated"),
        ("block", bytes(79), "truncated block header"),
    ],
)
def test_malformed_payloads_are_refused_with_their_reason(command: str, payload: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode_payload(command, payload)


def test_transaction_with_a_script_longer_than_any_memory_is_a_decode_error() -> None:
    payload = bytes(4) + b"\x01" + bytes(36) + b"\xff" + b"\xff" * 8 + bytes(60)
    with pytest.raises(DecodeError):
        decode_payload("tx", payload)


@needs_data
def test_real_compact_block_round_trips() -> None:
    raw = (DATA / "compact426884.raw").read_bytes()
    block = (DATA / "block426884.raw").read_bytes()
    compact = decode_payload("cmpctblock", raw)
    assert isinstance(compact, m.CmpctBlock)
    assert encode_payload(compact) == raw
    assert compact.header.raw == block[:80]
    assert [prefilled.index for prefilled in compact.prefilledtxn] == [0]
    coinbase = compact.prefilledtxn[0].tx
    assert isinstance(coinbase, Transaction) and coinbase.raw in block
    assert decode_payload("block", block) == m.BlockMessage(decode_payload("block", block).block)
    assert BlockHash(compact.header.hash) == decode_payload("block", block).block.hash


LONGEST = TimedAddress(NodeAddress("2600::1", 65535, bytes(127)), 2**64 - 1, 2**32 - 1)


@pytest.mark.parametrize(
    "message",
    [
        m.Version(1, 0, 0, m.NetAddress(), user_agent="x" * 256),
        m.Alert(bytes(10_000), bytes(80)),
        m.Addr((LONGEST,) * 1000),
        m.AddrV2((LONGEST,) * 1000),
        m.Inv((m.InventoryVector(1, HASH),) * 50_000),
        m.GetHeaders(1, (HASH,) * 101),
        m.Headers((HEADER,) * 2000),
        m.GetBlockTxn(HASH, tuple(range(65_536))),
        m.CFHeaders(0, HASH, HASH, (HASH,) * 2000),
        m.CFCheckpt(0, HASH, (HASH,) * 10_000),
        m.FilterLoad(bytes(36_000), 50, 0, 0),
        m.FilterAdd(bytes(520)),
    ],
    ids=lambda message: type(message).__name__,
)
def test_the_largest_message_of_a_kind_fits_its_payload_limit(message: m.Message) -> None:
    payload = encode_payload(message)
    assert len(payload) <= payload_bytes_max(command_of(message))
    assert type(decode_payload(command_of(message), payload)) is type(message)
