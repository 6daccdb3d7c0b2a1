"""The one table of commands: message class, codec and the most bytes a payload may have.

A new message is a class, a line in the union `Message`, and a row here. The frame around payloads belongs to frame.py.
What a node speaks beyond these brings its own codec along (messages_extension); which commands those are differs
between nodes, so whoever decodes says so.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from struct import error as StructError
from typing import Final, TypeVar, cast

from minicoin.core.faults import MisuseError
from minicoin.core.limits import (
    ADDRESS_BYTES_MAX,
    ADDRESSES_PER_MESSAGE_MAX,
    ALERT_BYTES_MAX,
    BAN_SCORE,
    BLOCK_SERIALISED_BYTES_MAX,
    BLOOM_ELEMENT_BYTES_MAX,
    BLOOM_FILTER_BYTES_MAX,
    COMPACT_BLOCK_INDEX_MAX,
    EXTENSIONS_MAX,
    FILTER_CHECKPOINTS_MAX,
    FILTER_HASHES_PER_MESSAGE_MAX,
    HEADERS_PER_MESSAGE_MAX,
    INVENTORY_PER_MESSAGE_MAX,
    LOCATOR_HASHES_MAX,
    MESSAGE_PAYLOAD_BYTES_MAX,
    REJECT_EXTRA_BYTES_MAX,
    REJECT_REASON_BYTES_MAX,
    SIGNATURE_BYTES_MAX,
    TRANSACTIONS_PER_BLOCK_MAX,
    USER_AGENT_BYTES_MAX,
)
from minicoin.core.wire import codec_addresses as addresses
from minicoin.core.wire import codec_blocks as blocks
from minicoin.core.wire import codec_filters as filters
from minicoin.core.wire import codec_inventory as inventory
from minicoin.core.wire import codec_session as session
from minicoin.core.wire import messages as m
from minicoin.core.wire.messages_extension import NO_EXTENSIONS, ExtensionMessage, Extensions, Offer

# The longest CompactSize of a length that any limit here allows.
_COUNT: Final = 5
# A version may grow fields that we ignore, within reason.
_VERSION_BYTES_MAX: Final = 1_000 + USER_AGENT_BYTES_MAX
_LOCATOR_BYTES_MAX: Final = 4 + _COUNT + 32 * LOCATOR_HASHES_MAX + 32
_INVENTORY_BYTES_MAX: Final = _COUNT + inventory.INVENTORY_VECTOR_SIZE * INVENTORY_PER_MESSAGE_MAX
_ADDR_BYTES_MAX: Final = _COUNT + 30 * ADDRESSES_PER_MESSAGE_MAX
_ADDRV2_BYTES_MAX: Final = _COUNT + (4 + 9 + 1 + 3 + ADDRESS_BYTES_MAX + 2) * ADDRESSES_PER_MESSAGE_MAX
_REJECT_BYTES_MAX: Final = 1 + session.COMMAND_BYTES + 1 + 1 + REJECT_REASON_BYTES_MAX + REJECT_EXTRA_BYTES_MAX
_EXTENSIONS_CACHED: Final = 16
_MERKLE_BLOCK_BYTES_MAX: Final = 80 + 4 + 2 * _COUNT + 33 * TRANSACTIONS_PER_BLOCK_MAX


@dataclass(frozen=True, slots=True)
class Row:
    """How one command travels. `encode` takes instances of `message` only."""

    command: str
    message: type[object]
    encode: Callable[[m.Message], bytes]
    decode: Callable[[bytes], m.Message]
    payload_bytes_max: int
    excess_score: int | None = None
    """What a longer payload costs its sender: a score, 0 for the connection alone, None for nothing but the message.
    Where it is not None, Bitcoin Core leaves or discourages a peer for it."""


M = TypeVar("M", bound=m.Message)


def _row(
    command: str,
    message: type[M],
    encode: Callable[[M], bytes],
    decode: Callable[[bytes], M],
    payload_bytes_max: int,
    excess_score: int | None = None,
) -> Row:
    # Sound because encode_payload looks the row up by the message's own class.
    return Row(command, message, cast(Callable[[m.Message], bytes], encode), decode, payload_bytes_max, excess_score)


def _empty(command: str, message: type[M]) -> Row:
    return _row(command, message, session.encode_empty, session.decode_empty(message), 0)


TABLE: Final[dict[str, Row]] = {
    row.command: row
    for row in (
        _row("version", m.Version, session.encode_version, session.decode_version, _VERSION_BYTES_MAX),
        _empty("verack", m.Verack),
        _empty("wtxidrelay", m.WtxidRelay),
        _empty("sendaddrv2", m.SendAddrV2),
        _empty("sendheaders", m.SendHeaders),
        _row("sendcmpct", m.SendCmpct, session.encode_send_cmpct, session.decode_send_cmpct, 9),
        _row("feefilter", m.FeeFilter, session.encode_fee_filter, session.decode_fee_filter, 8),
        _row("ping", m.Ping, session.encode_nonce, session.decode_ping, 8),
        _row("pong", m.Pong, session.encode_nonce, session.decode_pong, 8),
        _row("reject", m.Reject, session.refuse_reject, session.decode_reject, _REJECT_BYTES_MAX),
        _row(
            "alert",
            m.Alert,
            session.encode_alert,
            session.decode_alert,
            2 * _COUNT + ALERT_BYTES_MAX + SIGNATURE_BYTES_MAX,
        ),
        _empty("getaddr", m.GetAddr),
        _row("addr", m.Addr, addresses.encode_addr, addresses.decode_addr, _ADDR_BYTES_MAX, BAN_SCORE),
        _row("addrv2", m.AddrV2, addresses.encode_addrv2, addresses.decode_addrv2, _ADDRV2_BYTES_MAX, BAN_SCORE),
        _row(
            "inv",
            m.Inv,
            inventory.encode_inventory,
            inventory.decode_inventory("inv", m.Inv),
            _INVENTORY_BYTES_MAX,
            BAN_SCORE,
        ),
        _row(
            "getdata",
            m.GetData,
            inventory.encode_inventory,
            inventory.decode_inventory("getdata", m.GetData),
            _INVENTORY_BYTES_MAX,
            BAN_SCORE,
        ),
        _row(
            "notfound",
            m.NotFound,
            inventory.encode_inventory,
            inventory.decode_inventory("notfound", m.NotFound),
            _INVENTORY_BYTES_MAX,
        ),
        _empty("mempool", m.MemPool),
        _row("tx", m.Tx, inventory.encode_tx, inventory.decode_tx, BLOCK_SERIALISED_BYTES_MAX),
        _row(
            "getblocks",
            m.GetBlocks,
            blocks.encode_locator,
            blocks.decode_locator("getblocks", m.GetBlocks),
            _LOCATOR_BYTES_MAX,
            excess_score=0,
        ),
        _row(
            "getheaders",
            m.GetHeaders,
            blocks.encode_locator,
            blocks.decode_locator("getheaders", m.GetHeaders),
            _LOCATOR_BYTES_MAX,
            excess_score=0,
        ),
        _row(
            "headers",
            m.Headers,
            blocks.encode_headers,
            blocks.decode_headers,
            _COUNT + blocks.HEADER_ENTRY_SIZE * HEADERS_PER_MESSAGE_MAX,
            BAN_SCORE,
        ),
        _row("block", m.BlockMessage, blocks.encode_block, blocks.decode_block, BLOCK_SERIALISED_BYTES_MAX),
        _row(
            "cmpctblock",
            m.CmpctBlock,
            blocks.encode_cmpct_block,
            blocks.decode_cmpct_block,
            BLOCK_SERIALISED_BYTES_MAX,
        ),
        _row(
            "getblocktxn",
            m.GetBlockTxn,
            blocks.encode_get_block_txn,
            blocks.decode_get_block_txn,
            32 + _COUNT + 3 * (COMPACT_BLOCK_INDEX_MAX + 1),
        ),
        _row("blocktxn", m.BlockTxn, blocks.encode_block_txn, blocks.decode_block_txn, BLOCK_SERIALISED_BYTES_MAX),
        _row(
            "getcfilters",
            m.GetCFilters,
            filters.encode_filter_range,
            filters.decode_filter_range("getcfilters", m.GetCFilters),
            37,
        ),
        _row("cfilter", m.CFilter, filters.encode_cfilter, filters.decode_cfilter, MESSAGE_PAYLOAD_BYTES_MAX),
        _row(
            "getcfheaders",
            m.GetCFHeaders,
            filters.encode_filter_range,
            filters.decode_filter_range("getcfheaders", m.GetCFHeaders),
            37,
        ),
        _row(
            "cfheaders",
            m.CFHeaders,
            filters.encode_cfheaders,
            filters.decode_cfheaders,
            65 + _COUNT + 32 * FILTER_HASHES_PER_MESSAGE_MAX,
        ),
        _row("getcfcheckpt", m.GetCFCheckpt, filters.encode_get_cfcheckpt, filters.decode_get_cfcheckpt, 33),
        _row(
            "cfcheckpt",
            m.CFCheckpt,
            filters.encode_cfcheckpt,
            filters.decode_cfcheckpt,
            33 + _COUNT + 32 * FILTER_CHECKPOINTS_MAX,
        ),
        _row(
            "merkleblock",
            m.MerkleBlock,
            filters.encode_merkle_block,
            filters.decode_merkle_block,
            _MERKLE_BLOCK_BYTES_MAX,
        ),
        _row(
            "filterload",
            m.FilterLoad,
            filters.encode_filter_load,
            filters.decode_filter_load,
            _COUNT + BLOOM_FILTER_BYTES_MAX + 9,
            excess_score=0,
        ),
        _row(
            "filteradd",
            m.FilterAdd,
            filters.encode_filter_add,
            filters.decode_filter_add,
            _COUNT + BLOOM_ELEMENT_BYTES_MAX,
            excess_score=0,
        ),
        _empty("filterclear", m.FilterClear),
    )
}
# What all commands ever used are made of.
_COMMAND: Final = re.compile(r"[a-z0-9]{1,12}")
_ROW_OF: Final[dict[type[object], Row]] = {row.message: row for row in TABLE.values()}

assert max(row.payload_bytes_max for row in TABLE.values()) <= MESSAGE_PAYLOAD_BYTES_MAX


def make_extensions(kinds: Iterable[type[ExtensionMessage]]) -> Extensions:
    """What a node reads that speaks these beyond Bitcoin's messages: one object for all that speak the same. Raises
    MisuseError where one cannot be spoken."""
    return _make_extensions(tuple(kinds))


@lru_cache(_EXTENSIONS_CACHED)
def _make_extensions(kinds: tuple[type[ExtensionMessage], ...]) -> Extensions:
    table: dict[str, type[ExtensionMessage]] = {}
    for kind in kinds:
        command = kind.command
        if command in TABLE or command == Offer.command or table.setdefault(command, kind) is not kind:
            raise MisuseError(f"{kind.__name__} cannot have the command {command!r}: another message has it")
        if not _COMMAND.fullmatch(command):
            raise MisuseError(f"{kind.__name__}: a command has 1 to 12 lower-case letters and digits, not {command!r}")
        if kind.payload_bytes_max > MESSAGE_PAYLOAD_BYTES_MAX:
            raise MisuseError(f"{kind.__name__}: no payload has more than {MESSAGE_PAYLOAD_BYTES_MAX} bytes")
    if len(table) > EXTENSIONS_MAX:
        raise MisuseError(f"{len(table)} messages beyond Bitcoin's, at most {EXTENSIONS_MAX} can be offered")
    return {**table, Offer.command: Offer} if table else NO_EXTENSIONS


def command_of(message: m.Message) -> str:
    """The name in the frame's header."""
    row = _ROW_OF.get(type(message))
    if row is not None:
        return row.command
    assert isinstance(message, m.Unknown | ExtensionMessage)
    return message.command


def payload_bytes_max(command: str, extensions: Extensions = NO_EXTENSIONS) -> int:
    """The longest payload accepted for a command; unknown ones are bounded like any message."""
    row = TABLE.get(command) or extensions.get(command)
    return MESSAGE_PAYLOAD_BYTES_MAX if row is None else row.payload_bytes_max


def excess_score(command: str) -> int | None:
    """What a payload above payload_bytes_max costs the sender; see Row."""
    row = TABLE.get(command)
    return None if row is None else row.excess_score


def encode_payload(message: m.Message) -> bytes:
    """Raises MisuseError for a message that cannot or must not be sent."""
    row = _ROW_OF.get(type(message))
    try:
        if row is not None:
            return row.encode(message)
        assert isinstance(message, m.Unknown | ExtensionMessage)
        return message.payload if isinstance(message, m.Unknown) else message.encode()
    except (StructError, ValueError, OverflowError) as error:
        raise MisuseError(f"{command_of(message)} holds a value that does not fit: {error}") from error


def decode_payload(command: str, payload: bytes, extensions: Extensions = NO_EXTENSIONS) -> m.Message:
    """Raises DecodeError. A command that is in neither table gives Unknown."""
    row = TABLE.get(command) or extensions.get(command)
    return m.Unknown(command, payload) if row is None else row.decode(payload)
