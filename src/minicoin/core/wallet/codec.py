"""The wallet as bytes: one line that names format, network and checksum, one with keys and labels, one per transaction.

Lines of JSON, so that a long history is not encoded anew for one new address: unchanged lines are kept by the caller.
Every reading error is a DecodeError that says what to do.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from minicoin.core.faults import DecodeError
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Transaction, Txid, TxOut
from minicoin.core.units import Micros
from minicoin.core.wallet.crypt import SealedSeed, Stretching
from minicoin.core.wallet.ledger import Tip
from minicoin.core.wallet.records import BlockPlace, Record, RecordState

_FORMAT = "minicoin-wallet"
_VERSION = 2
_VERSION_WITHOUT_REASONS = 1
# Version 1 kept payments that left the mempool and coinbases without their block under one state.
_INACTIVE = "inactive"
_RESTORE = "restore it from a backup, or create it anew from its seed words"


@dataclass(frozen=True, slots=True)
class WalletDocument:
    """Everything of a wallet that outlives the process."""

    name: str
    network: str
    network_id: bytes
    account: str
    seed: bytes | SealedSeed
    next_receiving: int
    next_change: int
    labels: tuple[tuple[bytes, str], ...]
    tip: Tip
    scanned_height: int | None
    """Up to where an unfinished rescan has come."""
    records: tuple[Record, ...] = ()


RecordLines = dict[Txid, tuple[Record, str]]
"""Encoded records by txid; a line is good as long as the record beside it is the same object."""


def encode_wallet(document: WalletDocument, kept: RecordLines) -> bytes:
    """The bytes, using and filling `kept`."""
    lines = [json.dumps(_head(document), separators=(",", ":"))]
    for record in document.records:
        line = kept.get(record.txid)
        if line is None or line[0] is not record:
            kept[record.txid] = line = (record, json.dumps(_record_row(record), separators=(",", ":")))
        lines.append(line[1])
    if len(kept) > len(document.records):
        held = {record.txid for record in document.records}
        for txid in [txid for txid in kept if txid not in held]:
            del kept[txid]
    body = "\n".join(lines).encode()
    first = {
        "format": _FORMAT,
        "version": _VERSION,
        "network": document.network,
        "network_id": document.network_id.hex(),
        "sha256": sha256(body).hexdigest(),
    }
    return json.dumps(first).encode() + b"\n" + body


def decode_wallet(raw: bytes, network: str, network_id: bytes) -> WalletDocument:
    """The document. Raises DecodeError for damage, a foreign file, a newer version or another network."""
    first_line, _, body = raw.partition(b"\n")
    try:
        first = _Fields(json.loads(first_line))
        if first.text("format") != _FORMAT:
            raise DecodeError("not a wallet file")
        version = first.number("version")
        found_name, found_id, checksum = first.text("network"), first.octets("network_id"), first.text("sha256")
    except ValueError as error:
        raise DecodeError(f"this is no wallet file, or its beginning is damaged: {_RESTORE}") from error
    if version not in (_VERSION, _VERSION_WITHOUT_REASONS):
        raise DecodeError(f"the wallet file has version {version}, this program reads {_VERSION}: use a newer program")
    if found_id != network_id:
        raise DecodeError(f"the wallet belongs to the network {found_name!r}, not to {network!r}: start that network")
    if sha256(body).hexdigest() != checksum:
        raise DecodeError(f"the wallet file is damaged (its checksum does not match): {_RESTORE}")
    head, *rows = body.split(b"\n")
    try:
        return _read_document(_Fields(json.loads(head)), map(json.loads, rows), found_name, found_id)
    except (ValueError, IndexError) as error:
        raise DecodeError(f"the wallet file cannot be read ({error}): {_RESTORE}") from error


def _head(document: WalletDocument) -> dict[str, object]:
    seed = document.seed
    sealed: dict[str, object] | None = None
    if isinstance(seed, SealedSeed):
        kdf = seed.stretching
        sealed = {
            "cipher": "chacha20-poly1305",
            "kdf": "scrypt",
            "salt": kdf.salt.hex(),
            "log2_n": kdf.log2_n,
            "r": kdf.r,
            "p": kdf.p,
            "nonce": seed.nonce.hex(),
            "ciphertext": seed.ciphertext.hex(),
        }
    return {
        "name": document.name,
        "account": document.account,
        "sealed": sealed,
        "entropy": None if isinstance(seed, SealedSeed) else seed.hex(),
        "next_receiving": document.next_receiving,
        "next_change": document.next_change,
        "labels": [[script.hex(), label] for script, label in document.labels],
        "tip_hash": document.tip.hash.hex(),
        "tip_height": document.tip.height,
        "scanned_height": document.scanned_height,
    }


def _record_row(record: Record) -> list[object]:
    place = record.place
    return [
        record.transaction.raw.hex(),
        record.state.value,
        record.received_us,
        record.arrival,
        None if place is None else [place.hash.hex(), place.height, place.position, place.time],
        [[output.value, output.script_pubkey.hex()] for output in record.spent],
    ]


def _read_document(head: "_Fields", rows: Iterable[object], network: str, network_id: bytes) -> WalletDocument:
    return WalletDocument(
        name=head.text("name"),
        network=network,
        network_id=network_id,
        account=head.text("account"),
        seed=head.octets("entropy") if head.is_null("sealed") else _read_sealed(head.fields("sealed")),
        next_receiving=head.number("next_receiving"),
        next_change=head.number("next_change"),
        labels=tuple((_octets(pair[0]), _text(pair[1])) for pair in map(_row, head.row("labels"))),
        tip=Tip(BlockHash(head.octets("tip_hash")), head.number("tip_height", least=-1)),
        scanned_height=None if head.is_null("scanned_height") else head.number("scanned_height", least=-1),
        records=tuple(_read_record(_row(row)) for row in rows),
    )


def _read_sealed(fields: "_Fields") -> SealedSeed:
    if (fields.text("cipher"), fields.text("kdf")) != ("chacha20-poly1305", "scrypt"):
        raise DecodeError("its encryption is not known here")
    stretching = Stretching(fields.octets("salt"), fields.number("log2_n"), fields.number("r"), fields.number("p"))
    return SealedSeed(stretching, fields.octets("nonce"), fields.octets("ciphertext"))


def _read_record(row: list[object]) -> Record:
    if len(row) != 6:
        raise DecodeError("a transaction line has the wrong length")
    raw, state, received, arrival, place, spent = row
    transaction = Transaction.parse(_octets(raw))
    stands = None if place is None else _read_place(_row(place))
    known = _read_state(_text(state), transaction)
    if stands is None and known in (RecordState.CONFIRMED, RecordState.CONFLICTED):
        raise DecodeError("a block is missing")
    return Record(
        transaction,
        known,
        Micros(_number(received)),
        _number(arrival),
        stands,
        tuple(TxOut(_number(pair[0]), _octets(pair[1])) for pair in map(_row, _row(spent))),
    )


def _read_state(state: str, transaction: Transaction) -> RecordState:
    if state == _INACTIVE:
        return RecordState.ORPHAN if transaction.is_coinbase else RecordState.ABANDONED
    return RecordState(state)


def _read_place(row: list[object]) -> BlockPlace:
    if len(row) != 4:
        raise DecodeError("a block place has the wrong length")
    return BlockPlace(BlockHash(_octets(row[0])), _number(row[1]), _number(row[2]), _number(row[3]))


class _Fields:
    """A JSON object read with types; what is missing or of another type is a DecodeError."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise DecodeError("expected an object")
        self._values: dict[object, object] = value

    def is_null(self, key: str) -> bool:
        return self._value(key) is None

    def text(self, key: str) -> str:
        return _text(self._value(key))

    def number(self, key: str, least: int = 0) -> int:
        return _number(self._value(key), least)

    def octets(self, key: str) -> bytes:
        return _octets(self._value(key))

    def row(self, key: str) -> list[object]:
        return _row(self._value(key))

    def fields(self, key: str) -> "_Fields":
        return _Fields(self._value(key))

    def _value(self, key: str) -> object:
        if key not in self._values:
            raise DecodeError(f"{key} is missing")
        return self._values[key]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise DecodeError("expected a text")
    return value


def _number(value: object, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise DecodeError("expected a number")
    return value


def _octets(value: object) -> bytes:
    return bytes.fromhex(_text(value))


def _row(value: object) -> list[object]:
    if not isinstance(value, list):
        raise DecodeError("expected a list")
    return value
