"""Transactions: parsing, serialising, identifiers, weight. Owns no rule; chain decides validity.

Formats: the original serialisation and BIP144's with witness. Parsing is the hot path of import, hence plain slices
and tuples here.
"""

from functools import cached_property
from struct import Struct
from struct import error as StructError
from typing import Final, NamedTuple, NewType

from minicoin.core.crypto.hashing import sha256d
from minicoin.core.encoding.compact import compact_length, decode_compact, encode_compact
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError

Txid = NewType("Txid", bytes)
"""SHA-256d of the form without witness; 32 bytes as hashed, not as displayed."""

Wtxid = NewType("Wtxid", bytes)
"""SHA-256d of the form with witness."""

Outpoint = NewType("Outpoint", bytes)
"""A coin's name exactly as serialised: 32 bytes of txid, 4 bytes of index, little-endian. One slice, one dict key."""

NULL_OUTPOINT: Final = Outpoint(bytes(32) + b"\xff\xff\xff\xff")
SEQUENCE_FINAL: Final = 0xFFFF_FFFF

_VERSION = Struct("<i")
_U32 = Struct("<I")
_VALUE = Struct("<q")
_INPUT_SIZE_MIN = 41
_OUTPUT_SIZE_MIN = 9


def make_outpoint(txid: Txid, index: int) -> Outpoint:
    """The name of output `index` of transaction `txid`."""
    return Outpoint(txid + _U32.pack(index))


def outpoint_txid(outpoint: Outpoint) -> Txid:
    """The transaction that created the coin."""
    return Txid(outpoint[:32])


def outpoint_index(outpoint: Outpoint) -> int:
    """The output's position in it."""
    return int.from_bytes(outpoint[32:], "little")


def outpoint_text(outpoint: Outpoint) -> str:
    """txid:index, for people."""
    return f"{hash_to_hex(outpoint[:32])}:{outpoint_index(outpoint)}"


class TxIn(NamedTuple):
    """One input."""

    outpoint: Outpoint
    script_sig: bytes = b""
    sequence: int = SEQUENCE_FINAL


class TxOut(NamedTuple):
    """One output; value in satoshi (signed on the wire, so a rule can refuse a negative one)."""

    value: int
    script_pubkey: bytes


Witness = tuple[bytes, ...]


class Transaction:
    """An immutable transaction. Equality is by wtxid. `witnesses` is empty, or has one stack per input."""

    __slots__ = ("__dict__", "inputs", "lock_time", "outputs", "version", "witnesses")

    def __init__(
        self,
        version: int,
        inputs: tuple[TxIn, ...],
        outputs: tuple[TxOut, ...],
        lock_time: int = 0,
        witnesses: tuple[Witness, ...] = (),
    ) -> None:
        self.version = version
        self.inputs = inputs
        self.outputs = outputs
        self.lock_time = lock_time
        self.witnesses = witnesses

    @classmethod
    def parse(cls, raw: bytes) -> "Transaction":
        """Exactly one transaction. Raises DecodeError."""
        transaction, end = parse_transaction(raw, 0)
        if end != len(raw):
            raise DecodeError("bytes behind the transaction")
        return transaction

    @cached_property
    def raw(self) -> bytes:
        """The serialisation with witness (BIP144), or without where there is none."""
        if not self.has_witness:
            return self.stripped
        parts = [_VERSION.pack(self.version), b"\0\x01", self._body()]
        for stack in self.witnesses:
            parts.append(encode_compact(len(stack)))
            for item in stack:
                parts.append(encode_compact(len(item)) + item)
        parts.append(_U32.pack(self.lock_time))
        return b"".join(parts)

    @cached_property
    def stripped(self) -> bytes:
        """The serialisation without witness, which the txid commits to."""
        return _VERSION.pack(self.version) + self._body() + _U32.pack(self.lock_time)

    @cached_property
    def txid(self) -> Txid:
        return Txid(sha256d(self.stripped))

    @cached_property
    def wtxid(self) -> Wtxid:
        return Wtxid(sha256d(self.raw)) if self.has_witness else Wtxid(self.txid)

    @property
    def has_witness(self) -> bool:
        return any(self.witnesses)

    @property
    def size(self) -> int:
        """Bytes with witness."""
        return len(self.raw)

    @property
    def weight(self) -> int:
        """BIP141: three times the stripped size plus the full size."""
        return 3 * len(self.stripped) + len(self.raw)

    @property
    def vsize(self) -> int:
        """Virtual bytes: weight / 4, rounded up."""
        return (self.weight + 3) // 4

    @property
    def is_coinbase(self) -> bool:
        return len(self.inputs) == 1 and self.inputs[0].outpoint == NULL_OUTPOINT

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Transaction) and self.wtxid == other.wtxid

    def __hash__(self) -> int:
        return hash(self.wtxid)

    def __repr__(self) -> str:
        return f"Transaction({hash_to_hex(self.txid)})"

    def _body(self) -> bytes:
        parts = [encode_compact(len(self.inputs))]
        for outpoint, script_sig, sequence in self.inputs:
            parts += (outpoint, encode_compact(len(script_sig)), script_sig, _U32.pack(sequence))
        parts.append(encode_compact(len(self.outputs)))
        for value, script_pubkey in self.outputs:
            parts += (_VALUE.pack(value), encode_compact(len(script_pubkey)), script_pubkey)
        return b"".join(parts)


def parse_transaction(buffer: bytes, start: int) -> tuple[Transaction, int]:
    """(transaction, position behind it). Raises DecodeError; never reserves memory on a count alone."""
    try:
        return _parse(buffer, start)
    except (StructError, IndexError, OverflowError) as error:
        raise DecodeError("truncated transaction") from error


def _parse(buffer: bytes, start: int) -> tuple[Transaction, int]:
    (version,) = _VERSION.unpack_from(buffer, start)
    at = start + 4
    # BIP144: a zero where the input count stands, then a non-zero flag, marks the form with witness. Without the
    # flag it is the old form with no inputs, which parses and is refused by the rules.
    segwit = buffer[at] == 0 and buffer[at + 1] != 0
    if segwit:
        if buffer[at + 1] != 1:
            raise DecodeError("unknown transaction flag")
        at += 2
    body = at
    end = len(buffer)

    count = buffer[at]
    at += 1
    if count >= 0xFD:
        count, at = decode_compact(buffer, at - 1)
    if count * _INPUT_SIZE_MIN > end - at:
        raise DecodeError("truncated transaction: more inputs than bytes")
    inputs: list[TxIn] = []
    for _ in range(count):
        script = at + 37
        length = buffer[at + 36]
        if length >= 0xFD:
            length, script = decode_compact(buffer, at + 36)
        stop = script + length
        (sequence,) = _U32.unpack_from(buffer, stop)
        inputs.append(TxIn(Outpoint(buffer[at : at + 36]), buffer[script:stop], sequence))
        at = stop + 4

    count = buffer[at]
    at += 1
    if count >= 0xFD:
        count, at = decode_compact(buffer, at - 1)
    if count * _OUTPUT_SIZE_MIN > end - at:
        raise DecodeError("truncated transaction: more outputs than bytes")
    outputs: list[TxOut] = []
    for _ in range(count):
        (value,) = _VALUE.unpack_from(buffer, at)
        script = at + 9
        length = buffer[at + 8]
        if length >= 0xFD:
            length, script = decode_compact(buffer, at + 8)
        at = script + length
        if at > end:
            raise DecodeError("truncated transaction output")
        outputs.append(TxOut(value, buffer[script:at]))

    behind_outputs = at
    witnesses: tuple[Witness, ...] = ()
    if segwit:
        stacks: list[Witness] = []
        for _ in inputs:
            stack, at = _parse_stack(buffer, at)
            stacks.append(stack)
        if not any(stacks):
            # Bitcoin Core's "superfluous witness record": one transaction must have one serialisation.
            raise DecodeError("witness form without a witness")
        witnesses = tuple(stacks)
    (lock_time,) = _U32.unpack_from(buffer, at)
    at += 4

    transaction = Transaction(version, tuple(inputs), tuple(outputs), lock_time, witnesses)
    raw = buffer[start:at]
    cache = transaction.__dict__
    cache["raw"] = raw
    if segwit:
        cache["stripped"] = buffer[start : start + 4] + buffer[body:behind_outputs] + buffer[at - 4 : at]
    else:
        cache["stripped"] = raw
    return transaction, at


def _parse_stack(buffer: bytes, at: int) -> tuple[Witness, int]:
    count = buffer[at]
    at += 1
    if count >= 0xFD:
        count, at = decode_compact(buffer, at - 1)
    if count > len(buffer) - at:
        raise DecodeError("truncated witness: more items than bytes")
    items: list[bytes] = []
    for _ in range(count):
        item = at + 1
        length = buffer[at]
        if length >= 0xFD:
            length, item = decode_compact(buffer, at)
        at = item + length
        if at > len(buffer):
            raise DecodeError("truncated witness item")
        items.append(buffer[item:at])
    return tuple(items), at


def output_size(output: TxOut) -> int:
    """Serialised bytes of one output."""
    return 8 + compact_length(len(output.script_pubkey)) + len(output.script_pubkey)
