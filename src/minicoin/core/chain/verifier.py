"""The port to the script engine. Chain says what to verify; drivers/kernel.py runs it in libbitcoinkernel.

A script engine answers yes or no. Flags are Bitcoin Core's script verification bits, consensus ones only.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from minicoin.core.primitives.transaction import Transaction, TxOut, Wtxid


class ScriptCheck(NamedTuple):
    """All inputs of one transaction: `spent` are the outputs they spend, in input order."""

    transaction: Transaction
    spent: Sequence[TxOut]
    flags: int


class ScriptFailure(NamedTuple):
    """The first input that failed, in the order asked."""

    check: int
    input: int


class ScriptVerifier(Protocol):
    """Runs scripts. Called by one thread at a time; may use threads of its own."""

    def first_failure(self, checks: Sequence[ScriptCheck]) -> ScriptFailure | None:
        """Verify every input of every check; None when all succeed."""

    def close(self) -> None:
        """Give back threads and memory."""


class ScriptedVerifier:
    """The reference: every script succeeds but those of the transactions named bad. For tests and the simulator."""

    def __init__(self, bad: frozenset[Wtxid] = frozenset()) -> None:
        self.bad = bad
        self.checked = 0

    def first_failure(self, checks: Sequence[ScriptCheck]) -> ScriptFailure | None:
        for position, check in enumerate(checks):
            self.checked += 1
            if check.transaction.wtxid in self.bad:
                return ScriptFailure(position, 0)
        return None

    def close(self) -> None:
        """Nothing to give back."""


class VerifiedScripts:
    """Transactions whose scripts are known to succeed under given flags, so that a block need not run them again.

    A wtxid commits to every input, witness and (through the outpoints) to every spent output, so it says it all.
    Bounded; the oldest go first.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity: Final = capacity
        self._known: dict[tuple[Wtxid, int], None] = {}

    def __contains__(self, key: tuple[Wtxid, int]) -> bool:
        return key in self._known

    def __len__(self) -> int:
        return len(self._known)

    def add(self, wtxid: Wtxid, flags: int) -> None:
        """Remember a success."""
        self._known[wtxid, flags] = None
        if len(self._known) > self._capacity:
            del self._known[next(iter(self._known))]

    def discard(self, wtxid: Wtxid, flags: int) -> None:
        """Forget a transaction that is in a block now."""
        self._known.pop((wtxid, flags), None)
