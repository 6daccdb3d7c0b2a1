"""Whom a node asks besides the index, and what they answered: members that nobody but an index would stand for.

Only those whom no index led us to are asked, since one that lies names its own. At most so many questions wait, and an
answer to none is a fault.
"""

from typing import Final

from minicoin.core.faults import PeerFault
from minicoin.core.limits import INDEX_CHECK_EVERY_US, INDEX_WITNESSES_ASKED_MAX
from minicoin.core.overlay.index.entry import MemberEntry
from minicoin.core.overlay.index.messages import IdxAsk, IdxKnown
from minicoin.core.part import PeerView
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros

_NONCES: Final = 1 << 63


class Witnesses:
    """Questions that wait, and whom the answers vouch for."""

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._asked: dict[ConnId, int] = {}
        self._heard: dict[ConnId, None] = {}
        self.vouched: dict[bytes, MemberEntry] = {}
        """Whom they named; as of the last round."""
        self.check_at: Micros | None = None

    @property
    def heard_count(self) -> int:
        """Witnesses that answered and are still connected."""
        return len(self._heard)

    def start(self, now: Micros) -> None:
        """There is a view to be confirmed: ask soon, if no round is due yet."""
        if self.check_at is None:
            self.check_at = now

    def ask(self, witnesses: tuple[PeerView, ...], now: Micros) -> tuple[tuple[ConnId, IdxAsk], ...]:
        """A round: what goes to whom."""
        self.check_at = Micros(now + INDEX_CHECK_EVERY_US * 3 // 4 + self._rng.below(INDEX_CHECK_EVERY_US // 2))
        self._asked.clear()
        self.vouched.clear()
        chosen = self._rng.sample(witnesses, min(len(witnesses), INDEX_WITNESSES_ASKED_MAX))
        self._asked = {peer.conn: self._rng.below(_NONCES) for peer in chosen}
        return tuple((conn, IdxAsk(nonce)) for conn, nonce in self._asked.items())

    def take(self, conn: ConnId, answer: IdxKnown, now: Micros) -> tuple[MemberEntry, ...]:
        """An answer; those of it that live. Raises PeerFault for one that nobody asked for."""
        if self._asked.pop(conn, None) != answer.nonce:
            raise PeerFault("answers what nobody asked", score=10)
        self._heard[conn] = None
        fresh = tuple(entry for entry in answer.entries if not entry.is_expired(now))
        self.vouched.update((entry.peer_id, entry) for entry in fresh)
        return fresh

    def on_closed(self, conn: ConnId) -> None:
        """It is gone, and with it what it might have said."""
        self._asked.pop(conn, None)
        self._heard.pop(conn, None)
