"""What one node knows of evidence, in the order it came to know it, and how much of it the operator has seen.

The document: magic, network id, how many were seen, the evidence each behind its length, and SHA-256 of all before. It
is checked for damage only: what was held under the list of its height holds.
"""

from hashlib import sha256
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import EVIDENCE_BYTES_MAX, EVIDENCE_DOCUMENT_BYTES_MAX, EVIDENCE_MAX
from minicoin.core.signers.evidence import Evidence, decode_evidence
from minicoin.core.wire.reader import Reader

EVIDENCE_KEY: Final = "evidence"
"""The SaveState key of the document."""
_MAGIC: Final = b"mcev\x01"
_HASH_BYTES: Final = 32


class EvidenceState:
    """Of one network."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, int], Evidence] = {}
        """By accused member and height."""
        self.seen = 0
        """The operator has seen the first so many."""

    def __len__(self) -> int:
        return len(self._known)

    @property
    def all(self) -> tuple[Evidence, ...]:
        """As it came to be known."""
        return tuple(self._known.values())

    @property
    def unseen(self) -> tuple[Evidence, ...]:
        """What the operator has still to look at."""
        return self.all[self.seen :]

    def has(self, accused: bytes, height: int) -> bool:
        """Whether there is some of this member and height."""
        return (accused, height) in self._known

    def add(self, evidence: Evidence) -> bool:
        """What was looked at, and holds; whether it is news."""
        place = evidence.accused, evidence.height
        if place in self._known or len(self._known) >= EVIDENCE_MAX:
            return False
        self._known[place] = evidence
        return True

    # --- restart ---

    def to_bytes(self, network_id: bytes) -> bytes:
        entries = [one.encode() for one in self._known.values()]
        parts = [encode_compact(len(one)) + one for one in entries]
        body = b"".join((_MAGIC, network_id, encode_compact(self.seen), encode_compact(len(entries)), *parts))
        return body + sha256(body).digest()

    @classmethod
    def from_bytes(cls, raw: bytes, network_id: bytes) -> "EvidenceState":
        """What to_bytes() gave. Raises DecodeError that says what is wrong."""
        if len(raw) > EVIDENCE_DOCUMENT_BYTES_MAX or not raw.startswith(_MAGIC):
            raise DecodeError("not a document of evidence, or of a format that this version does not know")
        body = raw[:-_HASH_BYTES]
        if sha256(body).digest() != raw[-_HASH_BYTES:]:
            raise DecodeError("the evidence's checksum does not match: it is damaged or cut short")
        reader = Reader(body, "evidence")
        reader.take(len(_MAGIC))
        if reader.take(len(network_id)) != network_id:
            raise DecodeError("evidence of another network")
        seen = reader.count(0, EVIDENCE_MAX)
        entries = [reader.var_bytes(EVIDENCE_BYTES_MAX) for _ in range(reader.count(1, EVIDENCE_MAX))]
        reader.end()
        state = cls()
        if not all(state.add(decode_evidence(one)) for one in entries) or seen > len(entries):
            raise DecodeError("evidence of one member and height stands there once, and what was seen is there")
        state.seen = seen
        return state
