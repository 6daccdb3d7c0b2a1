"""What waits for the wallet to be on disk: answers, and payments that nobody may hear of before.

Every change is saved at the end of its event, in one write; the answers that rest on it go out with the Saved that
names it. A write that fails decides nothing while a later one is under way, since each holds the whole wallet.
"""

from dataclasses import dataclass, field

from minicoin.core.answers import Answer
from minicoin.core.limits import WALLET_SAVE_RETRY_US
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.units import Micros, RequestId


@dataclass(frozen=True, slots=True)
class Promise:
    """What a command is answered once the wallet is saved, and the payment that is told to the peers then."""

    request: RequestId | None
    answer: Answer = field(repr=False)
    payment: Transaction | None = None


class WalletSaves:
    """The order of saves and answers; the node writes and gives them."""

    def __init__(self, *, is_on_disk: bool) -> None:
        self.is_on_disk = is_on_disk
        """Whether the disk holds any version of the wallet."""
        self.retry_at: Micros | None = None
        self._is_changed = False
        self._unsaved: list[Promise] = []
        self._saving: list[list[Promise]] = []

    @property
    def is_settled(self) -> bool:
        """Whether nobody waits for the disk."""
        return not self._unsaved and not any(self._saving)

    def note_change(self, is_changed: bool = True) -> None:
        """The wallet is not what the disk holds."""
        self._is_changed = self._is_changed or is_changed

    def promise(self, promise: Promise) -> None:
        """To be given once everything up to now is on disk."""
        self._unsaved.append(promise)

    def begin(self) -> bool:
        """At the end of an event: whether the wallet is to be saved; the answers then wait for that save."""
        if not self._is_changed and not self._unsaved:
            return False
        self._is_changed = False
        self._saving.append(self._unsaved)
        self._unsaved = []
        return True

    def finish(self, error: str, now: Micros) -> list[Promise]:
        """The oldest save ended: the answers whose fate that decides."""
        if not self._saving:
            return []
        decided = self._saving.pop(0)
        if not error:
            self.is_on_disk = True
            return decided
        if self._saving:
            self._saving[0][:0] = decided
            return []
        # Not lost in memory; a while later, since a full disk does not empty itself at once.
        self.retry_at = Micros(now + WALLET_SAVE_RETRY_US)
        return decided

    def drop_unsaved(self) -> list[Promise]:
        """There is nothing to save any more."""
        dropped, self._unsaved = self._unsaved, []
        return dropped

    def on_deadline(self, now: Micros) -> None:
        """Try the disk again when the time has come."""
        if self.retry_at is not None and now >= self.retry_at:
            self.retry_at = None
            self._is_changed = True
