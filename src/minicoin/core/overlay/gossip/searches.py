"""Searches for a peer id: our own, and those of others that pass through here.

Each node passes a question on once, whatever way it comes, and remembers where it came from; the first answer goes back
that way and ends the matter. Nobody learns who asked at first but the one next to him. A search of our own ends with
the answer or with its time; then what the address book says stands, and nobody knows whether the peer is there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from minicoin.core.answers import FoundBy, PeerFound
from minicoin.core.effects import Effect, Reply, Send
from minicoin.core.faults import PeerFault
from minicoin.core.limits import (
    GOSSIP_SEEK_EVERY_US,
    GOSSIP_SEEK_US,
    GOSSIP_SEEKS_MAX,
    GOSSIP_SEEKS_PER_PEER_MAX,
    OVERLAY_QUESTIONS_BURST,
)
from minicoin.core.overlay.gossip.membership import Membership
from minicoin.core.overlay.gossip.messages import Seek, Sought
from minicoin.core.overlay.gossip.settings import GossipSettings
from minicoin.core.overlay.repair.allowance import Allowance
from minicoin.core.overlay.repair.chance import choose
from minicoin.core.part import PeerView
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros, RequestId


@dataclass(slots=True, eq=False)
class _Search:
    target: bytes
    origin: ConnId | None
    """Who asked us; None where it is our own."""
    until: Micros
    asked: tuple[ConnId, ...] = ()
    """Who may answer; nobody any more once somebody did."""
    request: RequestId | None = None
    otherwise: PeerFound = PeerFound()
    """The answer to the request if nobody gives a better one."""


class Searches:
    """By nonce, in the order they came."""

    def __init__(self, membership: Membership, settings: GossipSettings, rng: Rng) -> None:
        self._membership = membership
        self._settings = settings
        self._rng = rng
        self._allowance = Allowance(GOSSIP_SEEK_EVERY_US, OVERLAY_QUESTIONS_BURST, membership.group)
        self._open: dict[int, _Search] = {}

    def __len__(self) -> int:
        return len(self._open)

    def next_deadline(self) -> Micros | None:
        """When the first one is over."""
        return min((search.until for search in self._open.values()), default=None)

    # --- our own ---

    def begin(self, request: RequestId, target: bytes, otherwise: PeerFound, now: Micros) -> list[Effect]:
        """Answered at once where this node knows, or where there is nobody to ask."""
        known = self._membership.know(target, now)
        if known is not None:
            return [Reply(request, PeerFound((known.alive.address,), FoundBy.RECORD, is_certain=True))]
        nonce = int.from_bytes(self._rng.bytes(8), "little")
        search = self._add(nonce, target, None, now)
        if search is None:
            return [Reply(request, otherwise)]
        search.request, search.otherwise = request, otherwise
        effects = self._ask(nonce, search, self._settings.seek_hops - 1)
        return effects or self._answer(search, otherwise)

    def expire(self, now: Micros) -> list[Effect]:
        """What nobody answered."""
        effects: list[Effect] = []
        for nonce, search in list(self._open.items()):
            if search.until <= now:
                del self._open[nonce]
                effects += self._answer(search, search.otherwise)
        return effects

    def _answer(self, search: _Search, answer: PeerFound) -> list[Effect]:
        """It stays in the table until its time is over, so that the question is not passed on should it come again."""
        request, asked = search.request, search.asked
        search.request, search.asked = None, ()
        return [] if request is None else [Reply(request, replace(answer, asked=len(asked)))]

    # --- of others ---

    def take_seek(self, peer: PeerView, message: Seek, now: Micros) -> Iterable[Effect]:
        """A peer asks."""
        if not self._membership.serves(peer.conn) or not self._allowance.take(peer, now) or message.nonce in self._open:
            return ()
        known = self._membership.know(message.target, now)
        search = self._add(message.nonce, message.target, peer.conn, now)
        if known is not None:
            return (Send(peer.conn, Sought(message.nonce, known)),)
        # No further than this network's searches go, whatever the message says.
        hops = min(message.hops, self._settings.seek_hops - 1)
        return () if search is None or not hops else self._ask(message.nonce, search, hops - 1)

    def take_sought(self, peer: PeerView, message: Sought, now: Micros) -> Iterable[Effect]:
        """A partner answers. Raises PeerFault for an answer to another question, and for a forged one."""
        search = self._open.get(message.nonce)
        if search is None or peer.conn not in search.asked or search.until <= now:
            return ()
        found = message.found.alive
        if found.peer_id != search.target:
            raise PeerFault("was asked for one peer and answered with another")
        self._membership.require_genuine(found)
        if search.origin is not None:
            search.asked = ()
            return (Send(search.origin, message),)
        return self._answer(search, PeerFound((found.address,), FoundBy.LOOKUP, peer.address.peer_id, is_certain=True))

    def _add(self, nonce: int, target: bytes, origin: ConnId | None, now: Micros) -> _Search | None:
        """None where there is no room for one more of this origin."""
        of_origin = sum(search.origin == origin for search in self._open.values())
        if len(self._open) >= GOSSIP_SEEKS_MAX or of_origin >= GOSSIP_SEEKS_PER_PEER_MAX:
            return None
        search = self._open[nonce] = _Search(target, origin, Micros(now + GOSSIP_SEEK_US))
        return search

    def _ask(self, nonce: int, search: _Search, hops: int) -> list[Effect]:
        others = [conn for conn in self._membership.partners if conn != search.origin]
        search.asked = tuple(choose(self._rng, others, self._settings.fanout))
        seek = Seek(nonce, hops, search.target)
        return [Send(conn, seek) for conn in search.asked]

    def forget(self, conn: ConnId) -> None:
        """The peer left: nobody waits for its questions any more. What it was asked, others may answer."""
        for search in self._open.values():
            if search.origin == conn:
                search.origin, search.asked = None, ()
        self._allowance.forget(conn)
