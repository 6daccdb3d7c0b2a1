"""What a store says of records: what became of one that came in, who brought one that it holds, and what it is like."""

from dataclasses import dataclass
from enum import StrEnum

from minicoin.core.records.record import SignedRecord
from minicoin.core.records.sources import DigestEntry


class Taken(StrEnum):
    """What became of a record that came in."""

    NEW = "new"
    OLD = "old"
    """We hold this version or a newer one."""
    EXPIRED = "expired"
    EARLY = "early"
    """Its version lies further ahead of our clock than clocks differ; or who signs it is not known yet."""
    NOT_ALLOWED = "not allowed"
    """Its signers may not sign its kind, as our network file has it."""
    TOO_OFTEN = "too often"
    NO_ROOM = "no room"


@dataclass(frozen=True, slots=True)
class Held:
    """One record and who brought it."""

    record: SignedRecord
    group: bytes
    """The source group of the peer that brought it first; empty where no room was asked for."""
    size: int


@dataclass(frozen=True, slots=True)
class StoreSnapshot:
    """The store from outside."""

    records: int
    size: int
    changes: int
    sources: tuple[DigestEntry, ...]
