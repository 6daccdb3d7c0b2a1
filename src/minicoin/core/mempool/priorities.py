"""What the operator adds to fees, or takes from them, for his own choice of transactions (prioritisetransaction).

A modified fee decides admission, replacement, eviction and the choice for a block; what a block earns, and what is told
to peers, is the fee itself. A transaction need not be here yet; its change goes with the block that confirms it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from struct import Struct
from typing import Final

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import PRIORITISED_TRANSACTIONS_MAX
from minicoin.core.primitives.transaction import Txid
from minicoin.core.primitives.verdicts import TxVerdict

PRIORITIES_KEY: Final = "priorities"
_MAGIC: Final = b"mcpr\x01"
_RECORD: Final = Struct("<32sq")
# Sums of changes stay within what JSON and the file can carry.
_DELTA_MAX: Final = (1 << 63) - 1


class FeeDeltas:
    """Changes in satoshi by txid, never zero."""

    __slots__ = ("_deltas", "_is_changed")

    def __init__(self, deltas: dict[Txid, int] | None = None) -> None:
        self._deltas = deltas or {}
        self._is_changed = False

    def __iter__(self) -> Iterator[tuple[Txid, int]]:
        return iter(self._deltas.items())

    def get(self, txid: Txid) -> int:
        return self._deltas.get(txid, 0)

    def add(self, txid: Txid, delta_sat: int) -> int:
        """Add to what was added before; what that changes, since sums end at the edges of 64 bits. Raises MisuseError
        where there are too many."""
        before = self._deltas.get(txid, 0)
        after = max(-_DELTA_MAX, min(before + delta_sat, _DELTA_MAX))
        if not before and after and len(self._deltas) >= PRIORITISED_TRANSACTIONS_MAX:
            problem = f"{PRIORITISED_TRANSACTIONS_MAX} transactions are prioritised; clear some with the negative delta"
            raise MisuseError(problem)
        if after:
            self._deltas[txid] = after
        else:
            self._deltas.pop(txid, None)
        self._is_changed = self._is_changed or before != after
        return after - before

    def forget(self, txids: Iterable[Txid]) -> None:
        """They are in a block."""
        for txid in txids if self._deltas else ():
            self._is_changed = self._deltas.pop(txid, None) is not None or self._is_changed

    def apply(self, verdict: TxVerdict) -> TxVerdict:
        """The verdict with the fee as the operator wants it seen."""
        delta = self._deltas.get(verdict.transaction.txid, 0)
        return replace(verdict, fee_sat=verdict.fee_sat + delta) if delta else verdict

    def take_unsaved(self) -> bytes | None:
        """What to write, or None where nothing changed since this was last asked."""
        if not self._is_changed:
            return None
        self._is_changed = False
        return self.to_bytes()

    def to_bytes(self) -> bytes:
        return _MAGIC + b"".join(_RECORD.pack(txid, delta) for txid, delta in self._deltas.items())

    @classmethod
    def from_bytes(cls, raw: bytes) -> "FeeDeltas":
        """Raises DecodeError."""
        records = raw[len(_MAGIC) :]
        if not raw.startswith(_MAGIC) or len(records) % _RECORD.size:
            raise DecodeError("not a list of prioritised transactions of this version")
        return cls({Txid(txid): delta for txid, delta in _RECORD.iter_unpack(records) if delta})
