"""The LMDB environment of a data directory: block positions, headers, coins, certificates, and what the directory is.

Writes only in `commit` and, what members signed, in `add_certificates`; one transaction each. Never writemap: on a full
disk that would be SIGBUS instead of an error.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple, TypeVar

import lmdb

from minicoin.core.chain.carried import StoredChange
from minicoin.core.chain.coinbase_tags import CHANGE_TAG
from minicoin.core.params.network import Network, canonical_form, different_rules
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Outpoint
from minicoin.drivers.store.errors import StoreCorrupt, StoreError, StoreForeign, StoreFull, StoreTooNew
from minicoin.drivers.store.flatfiles import Position

SCHEMA_VERSION: Final = 1
MAP_BYTES: Final = 256 << 20
"""First size of the map: address space, not disk. It doubles whenever it is full."""

_DATA_FILE: Final = "data.mdb"
_LOCATION = Struct("<IIIIII")
_END = Struct("<IIII")
_HEIGHT = Struct(">I")
_CHANGE_AT: Final = _HEIGHT.size + 32
"""Where a key of the changes goes on behind height and block."""
_DAMAGE: Final = (lmdb.VersionMismatchError, lmdb.InvalidError, lmdb.CorruptedError, lmdb.PageNotFoundError)
_Result = TypeVar("_Result")


class Location(NamedTuple):
    """Where a block and its undo data stand; no undo until the block was connected once."""

    block: Position
    undo: Position | None


class Ends(NamedTuple):
    """Up to where (file, offset) the index knows the block and the undo files."""

    blocks: tuple[int, int]
    undo: tuple[int, int]


class SignedRecords(NamedTuple):
    """What networks have whose blocks members sign: certificates by block, and what blocks change."""

    certificates: Iterable[tuple[BlockHash, bytes]] = ()
    changes: Iterable[StoredChange] = ()


class Changes(NamedTuple):
    """Everything one commit writes."""

    locations: Mapping[BlockHash, Location]
    headers: Iterable[tuple[int, BlockHash, bytes]]
    added: Mapping[Outpoint, bytes]
    removed: Iterable[Outpoint]
    tip: BlockHash
    ends: Ends
    signed: SignedRecords = SignedRecords()


class Index:
    """Opens or creates the environment in `directory`."""

    def __init__(self, directory: Path, network: Network, map_bytes: int = MAP_BYTES) -> None:
        self._directory: Final = directory
        self._map_bytes = map_bytes
        is_new = not (directory / _DATA_FILE).exists()
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._environment = lmdb.open(
                str(directory),
                map_size=map_bytes,
                max_dbs=8,
                max_readers=16,
                meminit=False,
                writemap=False,
                mode=0o600,
            )
        except (lmdb.Error, OSError) as error:
            self._forget(is_new)
            raise self._explain(error) from error
        try:
            self._begin(network)
        except BaseException as error:
            self._environment.close()
            self._forget(is_new)
            if isinstance(error, lmdb.Error | OSError):
                raise self._explain(error) from error
            raise

    def _begin(self, network: Network) -> None:
        # A process that was killed leaves its reader behind, which would keep old pages from being used again.
        self._environment.reader_check()
        self._map_bytes = self._environment.info()["map_size"]
        self._meta = self._environment.open_db(b"meta")
        self._locations = self._environment.open_db(b"locations")
        self._headers = self._environment.open_db(b"headers")
        self._coins = self._environment.open_db(b"coins")
        self._certificates = self._environment.open_db(b"certificates")
        self._changes = self._environment.open_db(b"changes")
        self._snapshots: list[lmdb.Transaction] = []
        self._write(lambda transaction: self._claim(transaction, network))
        self._reader = self._environment.begin()

    def _forget(self, is_new: bool) -> None:
        """Half an index would look damaged at the next start; a new one has nothing in it yet."""
        if is_new:
            (self._directory / _DATA_FILE).unlink(missing_ok=True)

    def _claim(self, transaction: "lmdb.Transaction", network: Network) -> None:
        schema = transaction.get(b"schema", db=self._meta)
        if schema is None:
            transaction.put(b"schema", SCHEMA_VERSION.to_bytes(4, "little"), db=self._meta)
            transaction.put(b"network", network.network_id + network.name.encode(), db=self._meta)
            transaction.put(b"rules", canonical_form(network), db=self._meta)
            return
        version = int.from_bytes(schema, "little")
        if version > SCHEMA_VERSION:
            raise StoreTooNew(
                f"{self._directory} was written by a later minicoin (schema {version}, this one knows "
                f"{SCHEMA_VERSION}): upgrade, or choose another --datadir"
            )
        stored = bytes(transaction.get(b"network", b"", db=self._meta))
        if stored[:32] == network.network_id:
            if transaction.get(b"rules", db=self._meta) is None:
                # A directory of an earlier version.
                transaction.put(b"rules", canonical_form(network), db=self._meta)
            return
        rules = bytes(transaction.get(b"rules", b"", db=self._meta)).decode("ascii", "replace")
        changed = (
            [key for key, _, _ in different_rules(rules, canonical_form(network).decode("ascii"))] if rules else []
        )
        differs = f" (different: {', '.join(changed)})" if changed else ""
        raise StoreForeign(
            f"{self._directory} holds the network {stored[32:].decode('utf-8', 'replace')!r}, not "
            f"{network.name!r} with these rules{differs}: choose another --datadir or --network"
        )

    def tip(self) -> BlockHash | None:
        """The block that the coins stand at."""
        found = self._reader.get(b"tip", db=self._meta)
        return None if found is None else BlockHash(bytes(found))

    def ends(self) -> Ends:
        """Up to where the flat files are indexed."""
        found = self._reader.get(b"ends", db=self._meta)
        if found is None:
            return Ends((0, 0), (0, 0))
        block_file, block_offset, undo_file, undo_offset = _END.unpack(found)
        return Ends((block_file, block_offset), (undo_file, undo_offset))

    def location(self, block: BlockHash) -> Location | None:
        """Where the block stands."""
        found = self._reader.get(block, db=self._locations)
        return None if found is None else _unpack_location(found)

    def blocks(self) -> Iterator[BlockHash]:
        """Every indexed block."""
        for key in self._reader.cursor(db=self._locations).iternext(values=False):
            yield BlockHash(bytes(key))

    def headers(self) -> Iterator[bytes]:
        """The raw headers by height."""
        for value in self._reader.cursor(db=self._headers).iternext(keys=False):
            yield bytes(value)

    def certificate(self, block: BlockHash) -> bytes | None:
        """What makes the block final."""
        found = self._reader.get(block, db=self._certificates)
        return None if found is None else bytes(found)

    def changes(self) -> Iterator[StoredChange]:
        """What blocks change, lowest first."""
        for key, value in self._reader.cursor(db=self._changes):
            place, tag = bytes(key[:_CHANGE_AT]), bytes(key[_CHANGE_AT:]) or CHANGE_TAG
            block = BlockHash(place[_HEIGHT.size :])
            yield StoredChange(_HEIGHT.unpack_from(place)[0], block, tag + bytes(value))

    def coin(self, outpoint: Outpoint) -> bytes | None:
        """The packed coin."""
        found: bytes | None = self._reader.get(outpoint, db=self._coins)
        return found

    def coins(self) -> Iterator[tuple[Outpoint, bytes]]:
        """Every coin as of now, by key. Raises StoreError where the map had to grow meanwhile."""
        snapshot = self._environment.begin()
        self._snapshots.append(snapshot)
        try:
            for key, value in snapshot.cursor(db=self._coins):
                yield Outpoint(bytes(key)), bytes(value)
        except lmdb.Error as error:
            raise StoreError("the coins changed too much while they were read: ask again") from error
        finally:
            self._snapshots = [one for one in self._snapshots if one is not snapshot]
            snapshot.abort()

    def commit(self, changes: Changes) -> None:
        """Write everything or nothing. Raises StoreFull."""
        self._commit(lambda transaction: self._put(transaction, changes))

    def add_certificates(self, certificates: Iterable[tuple[BlockHash, bytes]]) -> None:
        """Write these at once; they say nothing of the rest. Raises StoreFull."""
        self._commit(lambda transaction: self._put_signed(transaction, SignedRecords(certificates)))

    def _commit(self, action: "Callable[[lmdb.Transaction], None]") -> None:
        self._reader.abort()
        try:
            self._write(action)
        except (lmdb.Error, OSError) as error:
            raise self._explain(error) from error
        finally:
            self._reader = self._environment.begin()

    def _put(self, transaction: "lmdb.Transaction", changes: Changes) -> None:
        # In the order of keys: neighbours share pages, so each page is copied once.
        coins, added = self._coins, changes.added
        for outpoint in _in_order([outpoint for outpoint in changes.removed if outpoint not in added]):
            transaction.delete(outpoint, db=coins)
        with transaction.cursor(db=coins) as cursor:
            for outpoint in _in_order(added):
                cursor.put(outpoint, added[outpoint])
        for height, block, header in changes.headers:
            transaction.put(_HEIGHT.pack(height) + block, header, db=self._headers)
        for block, location in sorted(changes.locations.items()):
            transaction.put(block, _pack_location(location), db=self._locations)
        self._put_signed(transaction, changes.signed)
        transaction.put(b"tip", changes.tip, db=self._meta)
        transaction.put(b"ends", _END.pack(*changes.ends.blocks, *changes.ends.undo), db=self._meta)

    def _put_signed(self, transaction: "lmdb.Transaction", signed: SignedRecords) -> None:
        for block, certificate in signed.certificates:
            transaction.put(block, certificate, db=self._certificates)
        for stored in signed.changes:
            tag, change = stored.change[: len(CHANGE_TAG)], stored.change[len(CHANGE_TAG) :]
            # Changes of members came first, and their keys say nothing of what they are.
            key = _HEIGHT.pack(stored.height) + stored.block + (b"" if tag == CHANGE_TAG else tag)
            transaction.put(key, change, db=self._changes)

    def _write(self, action: "Callable[[lmdb.Transaction], _Result]") -> _Result:
        while True:
            try:
                with self._environment.begin(write=True) as transaction:
                    return action(transaction)
            except lmdb.MapFullError:
                self._map_bytes *= 2
                # No transaction may be open while the map moves.
                for snapshot in self._snapshots:
                    snapshot.abort()
                self._environment.set_mapsize(self._map_bytes)

    def close(self) -> None:
        """Give the environment back."""
        self._reader.abort()
        self._environment.close()

    def _explain(self, error: Exception) -> StoreError:
        text = str(error)
        if isinstance(error, lmdb.DiskError) or any(mark in text for mark in ("No space", "too large", "Disk quota")):
            return StoreFull(self._directory, error)
        if "Input/output error" in text:
            # What LMDB also makes of a page that was written in part, as it happens where the room ends.
            return StoreError(
                f"cannot write {self._directory} ({text}): the disk is full or failing; see to it, then start again"
            )
        if isinstance(error, _DAMAGE):
            return StoreCorrupt(
                f"the index {self._directory} is damaged ({text}): move the data directory away and import its "
                "blocks/ into a new one"
            )
        return StoreError(f"cannot use the index {self._directory}: {text}")


def _in_order(outpoints: Iterable[Outpoint]) -> Iterator[Outpoint]:
    """Sorted, but never more than a small part at once: one long sort would keep every other thread waiting."""
    buckets: list[list[Outpoint]] = [[] for _ in range(256)]
    for outpoint in outpoints:
        buckets[outpoint[0]].append(outpoint)
    for bucket in buckets:
        yield from sorted(bucket)


def _pack_location(location: Location) -> bytes:
    return _LOCATION.pack(*location.block, *(location.undo or (0, 0, 0)))


def _unpack_location(raw: bytes) -> Location:
    fields = _LOCATION.unpack(raw)
    # Undo data always end in a checksum, so a size of zero means that there are none.
    return Location(Position(*fields[:3]), Position(*fields[3:]) if fields[5] else None)
