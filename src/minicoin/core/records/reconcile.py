"""Scuttlebutt over what two nodes hold: which range a digest covers, what is newer than it says, where it is ahead.

Pure functions over `Sources`; the flow carries their values as messages. What is sent of a source is the rest of its
versions from where the other side is, in their order, so that where a message ends nothing below its last version is
missing. Which source goes first is told by its newest record.
"""

from collections.abc import Iterable

from minicoin.core.limits import SIGNED_RECORD_DIGEST_ENTRIES_MAX, SIGNED_RECORDS_MESSAGE_BYTES_MAX
from minicoin.core.records.messages import LAST_SOURCE, RecordDelta, RecordDigest
from minicoin.core.records.record import SOURCE_BYTES, SignedRecord
from minicoin.core.records.sources import DigestEntry, Sources

_UNKNOWN = (0, 0)


def make_digest(sources: Sources, first: bytes, group: bytes, *, wants_digest: bool) -> RecordDigest:
    """The page that begins with this name, for a peer of this group."""
    entries = sources.page(first, SIGNED_RECORD_DIGEST_ENTRIES_MAX, group)
    is_last = len(entries) < SIGNED_RECORD_DIGEST_ENTRIES_MAX
    return RecordDigest(first, LAST_SOURCE if is_last else entries[-1][0], entries, wants_digest)


def next_page(last: bytes) -> bytes | None:
    """Where the page after one that ends there begins; None after the last one."""
    return None if last == LAST_SOURCE else (int.from_bytes(last, "big") + 1).to_bytes(SOURCE_BYTES, "big")


def answer_digest(sources: Sources, digest: RecordDigest, group: bytes) -> RecordDelta:
    """What we have that is newer, and where it is ahead of us, if that is asked."""
    names = sources.names(digest.first, digest.last)
    records, has_more = newer(sources, names, digest.entries)
    lacks = behind(sources, digest.entries, group) if digest.wants_digest else ()
    return RecordDelta(records, has_more, lacks)


def answer_lacks(sources: Sources, lacks: tuple[DigestEntry, ...]) -> tuple[tuple[SignedRecord, ...], bool]:
    """What a peer lacks of the sources it names, as far as one message goes; and whether there is more."""
    return newer(sources, [name for name, _, _ in lacks], lacks)


def newer(
    sources: Sources, names: Iterable[bytes], theirs: Iterable[DigestEntry]
) -> tuple[tuple[SignedRecord, ...], bool]:
    """What of these sources somebody lacks who has `theirs`; and whether one message is too short for it."""
    said = {name: (version, total) for name, version, total in theirs}
    missing: list[tuple[int, bytes, int]] = []
    for name in names:
        ours, our_sum = sources.standing(name)
        version, total = said.get(name, _UNKNOWN)
        # Equal where it counts and different below: news went ahead of a record that one side missed.
        if version == ours and total and total != our_sum:
            version = 0
        if version < ours:
            missing.append((ours, name, version))
    missing.sort(reverse=True)
    return _that_fit(sources, missing)


def _that_fit(sources: Sources, missing: list[tuple[int, bytes, int]]) -> tuple[tuple[SignedRecord, ...], bool]:
    """Of these sources what is above the last number, until the message is full."""
    chosen: list[SignedRecord] = []
    room = SIGNED_RECORDS_MESSAGE_BYTES_MAX
    for _, name, version in missing:
        for record in sources.newer(name, version):
            room -= len(record.encode())
            if room < 0:
                return tuple(chosen), True
            chosen.append(record)
    return tuple(chosen), False


def behind(sources: Sources, theirs: Iterable[DigestEntry], group: bytes) -> tuple[DigestEntry, ...]:
    """What we have of the sources in which they are ahead of us, or differ."""
    found: list[DigestEntry] = []
    for name, version, total in theirs:
        _, ours, our_sum = entry = sources.entry(name, group)
        if version > ours or (version == ours and total != our_sum and total and our_sum):
            found.append(entry)
    return tuple(found)
