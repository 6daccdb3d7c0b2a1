"""Pulling: what was missed is asked of random partners, and what they missed of us is told.

A round asks a few partners, and costs two short messages each where nothing was missed. Who asks says its tip and how
far it was told of the other's mempool, so that the answer is a difference: the last blocks above its tip, and a page of
what the mempool took since then. How far that went counts once `pulled` says so; an answer that comes late or unasked
moves nothing, and the same page is asked for again.
"""

from collections.abc import Callable

from minicoin.core.effects import Effect, Send
from minicoin.core.limits import (
    OVERLAY_QUESTION_EVERY_US,
    OVERLAY_QUESTIONS_BURST,
    PULL_ANSWER_US,
    PULL_BLOCKS,
    PULL_TRANSACTIONS_MAX,
    PULLS_OPEN_MAX,
)
from minicoin.core.overlay.contract import LedgerView
from minicoin.core.overlay.repair.allowance import Allowance
from minicoin.core.overlay.repair.chance import choose
from minicoin.core.overlay.repair.messages import Pull, Pulled
from minicoin.core.overlay.repair.questions import Questions
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros
from minicoin.core.wire.messages import Inv, InventoryVector, InvType


class Pulls:
    """Of one node, both ways."""

    def __init__(self, ledger: LedgerView, rng: Rng, group: Callable[[NodeAddress], bytes]) -> None:
        self._ledger = ledger
        self._rng = rng
        self._questions = Questions(rng, PULL_ANSWER_US, PULLS_OPEN_MAX)
        self._allowance = Allowance(OVERLAY_QUESTION_EVERY_US, OVERLAY_QUESTIONS_BURST, group)
        self._told_until: dict[ConnId, int] = {}
        self._have_more: dict[ConnId, None] = {}
        self.rounds = 0
        self.answers = 0

    def begin_round(self, partners: list[ConnId], count: int, now: Micros) -> list[Effect]:
        """Ask so many at random; in the place of some, those that had a next page."""
        if not partners:
            return []
        self.rounds += 1
        unread = [conn for conn in partners if conn in self._have_more]
        chosen = dict.fromkeys((*unread[:count], *choose(self._rng, partners, count)))
        (tip,) = self._ledger.recent_blocks(1)
        effects: list[Effect] = []
        for conn in tuple(chosen)[:count]:
            nonce = self._questions.ask(conn, now)
            effects.append(Send(conn, Pull(nonce, tip, self._told_until.get(conn, 0))))
        return effects

    def take_pull(self, peer: PeerView, message: Pull, now: Micros) -> list[Effect]:
        """A partner asks."""
        if not self._allowance.take(peer, now):
            return []
        page = self._ledger.pool_page(peer, message.since, PULL_TRANSACTIONS_MAX)
        inventory = (*self._blocks_above(message), *page.inventory)
        answer = Send(peer.conn, Pulled(message.nonce, page.has_more, page.until))
        return [Send(peer.conn, Inv(inventory)), answer] if inventory else [answer]

    def _blocks_above(self, message: Pull) -> list[InventoryVector]:
        """Lowest first. A tip that is none of the last ones is another branch, ahead of us, or far behind; then our own
        are told, and headers show the rest."""
        recent = self._ledger.recent_blocks(PULL_BLOCKS)
        above = recent[: recent.index(message.tip)] if message.tip in recent else recent
        return [InventoryVector(InvType.BLOCK, block) for block in reversed(above)]

    def take_pulled(self, peer: PeerView, message: Pulled, now: Micros) -> None:
        """A partner answered."""
        if not self._questions.is_answered(message.nonce, peer.conn, now):
            return
        self.answers += 1
        self._told_until[peer.conn] = message.until
        if message.has_more:
            self._have_more[peer.conn] = None
        else:
            self._have_more.pop(peer.conn, None)

    def forget(self, conn: ConnId) -> None:
        """The peer left."""
        self._questions.forget(conn)
        self._allowance.forget(conn)
        self._told_until.pop(conn, None)
        self._have_more.pop(conn, None)
