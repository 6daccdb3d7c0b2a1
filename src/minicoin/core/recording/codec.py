"""The written forms of events, policies and effects in recordings, and what a recording must never hold.

Forms follow from the types (core/forms); written out by hand are blocks and transactions, which have one already,
and secrets, which have none: a passphrase, a seed or a stretched key is left out and comes back empty. A recorded node
runs without a wallet, so nothing in the core ever looks at them.
"""

from hashlib import sha256
from typing import Final, cast

from minicoin.core.commands import CreateWallet, Unlock
from minicoin.core.effects import Effect, StretchKey
from minicoin.core.encoding.compact import encode_compact
from minicoin.core.events import Event, KeyStretched
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.forms.derived import make_codec
from minicoin.core.forms.plain import Codec, FixedBytes, OwnCodec
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.block import HEADER_SIZE, BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.transaction import (
    Outpoint,
    Transaction,
    Txid,
    TxOut,
    Wtxid,
    parse_transaction,
)
from minicoin.core.units import RequestId
from minicoin.core.wire.messages_extension import ExtensionMessage
from minicoin.core.wire.reader import Reader

_RAW_BYTES_MAX: Final = 1 << 32
"""Records bound it before."""


def _write_header(value: object, out: bytearray) -> None:
    if not isinstance(value, BlockHeader):
        raise MisuseError("not a block header")
    out += value.raw


def _write_block(value: object, out: bytearray) -> None:
    if not isinstance(value, RawBlock):
        raise MisuseError("not a block")
    out += encode_compact(len(value.raw))
    out += value.raw


def _read_block(reader: Reader) -> RawBlock:
    return RawBlock.parse(reader.var_bytes(_RAW_BYTES_MAX))


def _name_block(value: object, out: bytearray) -> None:
    """For digests: its header and its length say which block it is."""
    if not isinstance(value, RawBlock):
        raise MisuseError("not a block")
    out += value.header.raw
    out += encode_compact(len(value.raw))


_OUTPUTS: Final = make_codec(tuple[TxOut, ...], {})
_INT: Final = make_codec(int, {})
_BYTES: Final = make_codec(bytes, {})


def _write_transaction(value: object, out: bytearray) -> None:
    if not isinstance(value, Transaction):
        raise MisuseError("not a transaction")
    # Without inputs the serialisation would be read as one with witness; such a one comes from RPC at most.
    out.append(bool(value.inputs))
    if value.inputs:
        _BYTES.write(value.raw, out)
        return
    _INT.write(value.version, out)
    _OUTPUTS.write(value.outputs, out)
    _INT.write(value.lock_time, out)


def _read_transaction(reader: Reader) -> Transaction:
    if reader.take(1) != b"\0":
        raw = reader.var_bytes(_RAW_BYTES_MAX)
        found, end = parse_transaction(raw, 0)
        if end != len(raw):
            raise DecodeError("bytes behind the transaction")
        return found
    version = cast(int, _INT.read(reader))
    outputs = cast(tuple[TxOut, ...], _OUTPUTS.read(reader))
    return Transaction(version, (), outputs, cast(int, _INT.read(reader)))


def _write_nothing(value: object, out: bytearray) -> None:
    """What it holds is secret, or not worth keeping without the secret."""


def _write_request(value: object, out: bytearray) -> None:
    if not isinstance(value, KeyStretched | StretchKey):
        raise MisuseError("not a key to stretch")
    _INT.write(value.request, out)


def _read_key(reader: Reader) -> KeyStretched:
    return KeyStretched(RequestId(cast(int, _INT.read(reader))), b"")


def _refuse_read(reader: Reader) -> object:
    raise DecodeError("effects are digested, never read back")


def _write_extension(value: object, out: bytearray) -> None:
    if not isinstance(value, ExtensionMessage):
        raise MisuseError("not a message beyond Bitcoin's")
    _BYTES.write(value.command.encode(), out)
    _BYTES.write(value.encode(), out)


def _refuse_extension(reader: Reader) -> object:
    raise DecodeError("a message beyond Bitcoin's is read back from the bytes of its frame only")


_HEADER: Final = OwnCodec("header", _write_header, lambda reader: BlockHeader.parse(reader.take(HEADER_SIZE)))
_TRANSACTION: Final = OwnCodec("transaction", _write_transaction, _read_transaction)
_EXTENSION: Final = OwnCodec("extension", _write_extension, _refuse_extension)
_HASHES: Final[dict[object, Codec]] = {
    BlockHash: FixedBytes(32),
    Txid: FixedBytes(32),
    Wtxid: FixedBytes(32),
    Outpoint: FixedBytes(36),
}
_OWN: Final[dict[object, Codec]] = {
    **_HASHES,
    BlockHeader: _HEADER,
    RawBlock: OwnCodec("block", _write_block, _read_block),
    Transaction: _TRANSACTION,
    ExtensionMessage: _EXTENSION,
    # Secrets.
    CreateWallet: OwnCodec("CreateWallet", _write_nothing, lambda reader: CreateWallet(b"")),
    Unlock: OwnCodec("Unlock", _write_nothing, lambda reader: Unlock("")),
    KeyStretched: OwnCodec("KeyStretched(int)", _write_request, _read_key),
}
_OF_EFFECTS: Final[dict[object, Codec]] = {
    **_HASHES,
    BlockHeader: _HEADER,
    RawBlock: OwnCodec("block", _name_block, _refuse_read),
    Transaction: _TRANSACTION,
    ExtensionMessage: _EXTENSION,
    # The passphrase.
    StretchKey: OwnCodec("StretchKey(int)", _write_request, _refuse_read),
}

EVENT: Final = make_codec(Event, _OWN)
POLICY: Final = make_codec(NodePolicy, _OWN)
EFFECT: Final = make_codec(Effect, _OF_EFFECTS)

SHAPE: Final = sha256(f"{EVENT.shape}\n{POLICY.shape}\n{EFFECT.shape}".encode()).digest()[:8]
"""Changes with every field of an event, a command, a message, the policy or an effect, answers and notices among them.
A recording is read by its own kind: effects that only have another form would look like a core that went another
way."""


def digest_effect(effect: Effect, out: bytearray) -> None:
    """Append what tells this effect from another; secrets and the insides of blocks are left out."""
    EFFECT.write(effect, out)


def decode_policy(reader: Reader) -> NodePolicy:
    """The policy as POLICY wrote it. Raises DecodeError."""
    return cast(NodePolicy, POLICY.read(reader))
