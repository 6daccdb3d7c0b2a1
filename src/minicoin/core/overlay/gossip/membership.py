"""Who is there: what this node says of itself, its view of others, and the shuffles that carry both.

Each period one random partner is sent what we and a few other partners say of themselves, and answers with as much.
Whom we dialled is sent the first at once, so that a newcomer knows somebody within a round trip. What a partner says is
kept as long as it is connected: it is alive, however long ago it said so here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from struct import Struct
from struct import error as StructError
from typing import Final

from minicoin.core.addrmgr.groups import is_routable
from minicoin.core.effects import Effect, SaveState, Send
from minicoin.core.faults import DecodeError, PeerFault
from minicoin.core.limits import (
    GOSSIP_SHUFFLE_ANSWER_US,
    GOSSIP_SHUFFLE_ENTRIES_MAX,
    GOSSIP_SHUFFLES_OPEN_MAX,
    OVERLAY_QUESTION_EVERY_US,
    OVERLAY_QUESTIONS_BURST,
)
from minicoin.core.overlay.contract import OVERLAY_KEY, OverlaySetup
from minicoin.core.overlay.gossip.alive import Alive, is_genuine, say_alive
from minicoin.core.overlay.gossip.messages import Heard, Shuffle, Shuffled, age_of
from minicoin.core.overlay.gossip.settings import GossipSettings
from minicoin.core.overlay.gossip.view import PartialView
from minicoin.core.overlay.repair.allowance import Allowance
from minicoin.core.overlay.repair.chance import choose
from minicoin.core.overlay.repair.questions import Questions
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import ConnId, Micros, seconds

_SAVED: Final = Struct("<Q")
FORGED: Final = "passed on what nobody with that peer id said"


@dataclass(slots=True, eq=False)
class Partner:
    """A peer that speaks the model's messages, and what it last said of itself."""

    peer: PeerView
    alive: Alive | None = None
    said_at: Micros = Micros(0)


class Membership:
    """Of one node. Raises DecodeError for a damaged document of the last run."""

    def __init__(self, setup: OverlaySetup, settings: GossipSettings) -> None:
        self._setup = setup
        self._settings = settings
        self._rng = setup.rng.stream("membership")
        self.group = setup.group
        """The source group of an address."""
        self.view = PartialView(settings.expiry_us, setup.group)
        self.partners: dict[ConnId, Partner] = {}
        self._only_served: dict[ConnId, None] = {}
        self._questions = Questions(self._rng, GOSSIP_SHUFFLE_ANSWER_US, GOSSIP_SHUFFLES_OPEN_MAX)
        self._allowance = Allowance(OVERLAY_QUESTION_EVERY_US, OVERLAY_QUESTIONS_BURST, setup.group)
        self._incarnation = 0 if setup.saved is None else _read(setup.saved)
        self._sequence = 0
        self._said: Alive | None = None
        self._said_at = Micros(0)
        self.rounds = 0

    def start(self, now: Micros) -> SaveState:
        """The node begins a life. Also where the clock was set back, it is a later one than the last."""
        self._incarnation = max(seconds(now), self._incarnation + 1)
        return SaveState(OVERLAY_KEY, _SAVED.pack(self._incarnation))

    # --- what we say ---

    def own(self, now: Micros) -> Heard | None:
        """What this node says of itself, made anew each period; nothing while it cannot sign or is not reached."""
        address = self._own_address()
        identity = self._setup.identity
        if address is None or identity is None:
            return None
        said = self._said
        if said is None or said.address != address or now - self._said_at >= self._settings.alive_period_us:
            self._sequence += 1
            version = (self._incarnation, self._sequence)
            said = self._said = say_alive(address, version, self._setup.network_id, identity)
            self._said_at = now
        return Heard(said, age_of(self._said_at, now))

    def _own_address(self) -> NodeAddress | None:
        address = self._setup.own_address()
        return (
            None
            if address is None or not self._is_reachable(address)
            else replace(address, peer_id=self._setup.peer_id)
        )

    def _is_reachable(self, address: NodeAddress) -> bool:
        return is_routable(address, allow_private=self._setup.is_private_network)

    # --- shuffles ---

    def serve(self, conn: ConnId) -> None:
        """This peer may ask, and is answered: we offered to. It is not for us to ask, or to tell of."""
        self._only_served[conn] = None

    def serves(self, conn: ConnId) -> bool:
        """Whether it is answered."""
        return conn in self.partners or conn in self._only_served

    def greet(self, peer: PeerView, now: Micros) -> Iterable[Effect]:
        """A new partner."""
        self._only_served.pop(peer.conn, None)
        self.partners[peer.conn] = Partner(peer)
        return () if peer.is_inbound else (self._shuffle_with(peer, now),)

    def begin_round(self, now: Micros) -> Iterable[Effect]:
        """A period is over."""
        self.view.expire(now)
        if not self.partners:
            return ()
        self.rounds += 1
        chosen = self._rng.choice(tuple(self.partners.values()))
        return (self._shuffle_with(chosen.peer, now),)

    def _shuffle_with(self, peer: PeerView, now: Micros) -> Send:
        return Send(peer.conn, Shuffle(self._questions.ask(peer.conn, now), self._entries_for(peer, now)))

    def _entries_for(self, peer: PeerView, now: Micros) -> tuple[Heard, ...]:
        """What we say, and what some partners do; what we have at second hand is passed on by nobody."""
        own = self.own(now)
        entries = () if own is None else (own,)
        others = [
            Heard(partner.alive, age_of(partner.said_at, now))
            for partner in self.partners.values()
            if partner.alive is not None
            and partner.peer.conn != peer.conn
            and now - partner.said_at < self._settings.expiry_us
        ]
        return (*entries, *choose(self._rng, others, GOSSIP_SHUFFLE_ENTRIES_MAX - len(entries)))

    def take_shuffle(self, peer: PeerView, message: Shuffle, now: Micros) -> Iterable[Effect]:
        """A peer begins one. Raises PeerFault."""
        if not self.serves(peer.conn) or not self._allowance.take(peer, now):
            return ()
        answer = Send(peer.conn, Shuffled(message.nonce, self._entries_for(peer, now)))
        self._hear(peer, message.entries, now)
        return (answer,)

    def take_shuffled(self, peer: PeerView, message: Shuffled, now: Micros) -> Iterable[Effect]:
        """The answer to one of ours. Raises PeerFault."""
        if self._questions.is_answered(message.nonce, peer.conn, now):
            self._hear(peer, message.entries, now)
        return ()

    def _hear(self, peer: PeerView, entries: tuple[Heard, ...], now: Micros) -> None:
        source = self._setup.group(peer.address)
        for heard in entries:
            alive = heard.alive
            is_its_own = alive.peer_id == peer.address.peer_id
            if alive.peer_id == self._setup.peer_id or not (is_its_own or self.view.is_news(heard)):
                continue
            self.require_genuine(alive)
            partner = self.partners.get(peer.conn) if is_its_own else None
            if partner is not None:
                partner.alive, partner.said_at = alive, Micros(now - heard.age_us)
            if self._is_reachable(alive.address) and self.view.is_news(heard):
                self.view.hear(heard, source, now)

    def require_genuine(self, alive: Alive) -> None:
        """Raises PeerFault: who passes something on has checked it, or should have."""
        if not is_genuine(alive, self._setup.network_id):
            raise PeerFault(FORGED)

    # --- asking who is there ---

    def know(self, peer_id: bytes, now: Micros) -> Heard | None:
        """What this peer says of itself: ourselves, a partner, or a member of the view."""
        if peer_id == self._setup.peer_id:
            return self.own(now)
        for partner in self.partners.values():
            if partner.peer.address.peer_id == peer_id and partner.alive is not None:
                return Heard(partner.alive, age_of(partner.said_at, now))
        member = self.view.find(peer_id, now)
        return None if member is None else member.heard(now)

    def forget(self, conn: ConnId) -> None:
        """The peer left."""
        self.partners.pop(conn, None)
        self._only_served.pop(conn, None)
        self._questions.forget(conn)
        self._allowance.forget(conn)


def _read(saved: bytes) -> int:
    try:
        (incarnation,) = _SAVED.unpack(saved)
    except StructError as error:
        raise DecodeError(f"{len(saved)} bytes, not the number of a life") from error
    return int(incarnation)
