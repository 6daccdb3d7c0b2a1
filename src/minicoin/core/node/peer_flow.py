"""Connections to sessions: opening, the handshake's end, faults and their price, closing. The only user of peer.

The parts behind it hear of a peer here, in their order, and their messages go to them by the router. A session dropped
is forgotten by every part at once; what its connection still delivers is ignored.

1. *A fault in the handshake ends the connection*: half of one is worth nothing. So does what leaves the stream
   unreadable, whatever it costs, and a fault of score 0, which means that the two have no use for each other.
2. *Any other fault is charged, and the messages behind it are still heard*, in the same read too. At what score a peer
   is banned, and by what name, is the connection manager's.
3. *Frames that are dropped without blame* are told at the first, second, fourth time and so on.
4. *Who speaks another network's frames hears ours* where it dialled us, so that its log can say why it was refused. Who
   speaks another protocol hears nothing: Bitcoin Core tries its encrypted transport (BIP324) first, and dials again
   with this one only where it met silence.
5. *A connection to ourselves* shows by the nonce of a session that we have under way: both ends close, and the address
   is dialled no more. The nonce is trusted for nothing else.
6. *A peer we chose by ourselves has to serve blocks*, with witnesses; only recent ones (BIP159) will do near the top. A
   feeler leaves as soon as its version is here: it asked no more than whether somebody is there.
7. *A pong may wait* for the work that its peer gave us before (peer/pongs).
"""

from collections.abc import Iterable, Sequence
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.discovery.address_flow import AddressFlow
from minicoin.core.effects import Close, Effect, Send, StoreBlock
from minicoin.core.events import BytesReceived, ConnectionClosed, ConnectionOpened, DialFailed, MessageReceived
from minicoin.core.faults import PeerFault
from minicoin.core.forms.derived import make_codec
from minicoin.core.limits import LIMITED_PEER_BLOCKS
from minicoin.core.node.parts import CommonParts
from minicoin.core.notices import (
    MessageDropped,
    PeerClosed,
    PeerOpened,
    PeerPenalised,
    PeerReady,
    PeerRefused,
    PeerUnreachable,
)
from minicoin.core.params.builtin import find_by_magic
from minicoin.core.part import Part, PeerView, Router
from minicoin.core.peer.greeting import greeting, version_of
from minicoin.core.peer.pongs import WaitingPongs
from minicoin.core.peer.session import Session, SessionPolicy, SessionSnapshot
from minicoin.core.peer.states import SESSION_TYPES
from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.slot_kind import CHOSEN_BY_OPERATOR, MUST_SERVE, NO_TRANSACTIONS, SlotKind
from minicoin.core.units import ConnId, Micros, seconds
from minicoin.core.wire.frame import Dropped, WrongMagic
from minicoin.core.wire.messages import Message, Ping, Pong, Version
from minicoin.core.wire.messages_extension import ExtensionMessage

_OURSELVES = "connected to ourselves"
_LIBP2P_GREETING = b"\x13/mu"
"""How multistream-select begins: a length and `/multistream/1.0.0`."""

_SESSIONS: Final = make_codec(tuple[SessionSnapshot, ...], {})


class PeerFlow(Part):
    """All sessions of the node, and the first of its parts: the only one that sees a peer before the handshake."""

    def __init__(
        self,
        parts: CommonParts,
        addresses: AddressFlow,
        session_policy: SessionPolicy,
        listeners: tuple[Part, ...],
        router: Router,
    ) -> None:
        self._parts = parts
        self._addresses = addresses
        self._session_policy = session_policy
        parts.has_extensions = bool(session_policy.extensions)
        self._listeners = listeners
        self._router = router
        self._pongs = WaitingPongs()
        self.holds_pongs = False
        """Whether answer_pings() may have something to do: node asks after every event."""
        self.alarm = Alarm()

    # --- connections ---

    def on_connection_opened(self, event: ConnectionOpened, now: Micros) -> None:
        """A channel is up: start a session, unless the connection manager has no room."""
        parts = self._parts
        closes = parts.connections.on_opened(event.conn, event.remote, event.inbound, now)
        refused = {close.conn for close in closes}
        for close in closes:
            if close.conn != event.conn:
                self.perform((close,), now)
        if event.conn in refused:
            reason = next(close.reason for close in closes if close.conn == event.conn)
            parts.emit(PeerRefused(event.conn, event.remote, reason))
            parts.emit(*(close for close in closes if close.conn == event.conn))
            return
        slot = parts.connections.get(event.conn)
        session = Session(
            event.conn,
            event.remote,
            self._session_policy,
            parts.rng,
            inbound=event.inbound,
            now=now,
            local=event.local,
            relays=slot is None or slot.kind not in NO_TRANSACTIONS,
            permissions=Permission.NONE if slot is None else slot.permissions,
        )
        parts.sessions[event.conn] = session
        self.alarm.by(session.deadline)
        parts.emit(PeerOpened(event.conn, event.remote, event.inbound))
        self._send(event.conn, session.open(parts.tree.tip.height, now))
        for message in event.heard:
            self.on_message(MessageReceived(event.conn, message, 0), now)

    def on_dial_failed(self, event: DialFailed, now: Micros) -> None:
        """A dial ended without a connection."""
        slot = self._parts.connections.get(event.conn)
        is_chosen = slot is not None and slot.kind in CHOSEN_BY_OPERATOR
        self._parts.connections.on_failed(event.conn, now)
        self._parts.book.mark_attempt(event.address, now)
        self._parts.emit(PeerUnreachable(event.address, event.reason, is_chosen))

    def on_connection_closed(self, event: ConnectionClosed, now: Micros) -> None:
        """A connection is gone, whoever closed it."""
        session = self._parts.sessions.get(event.conn)
        if session is not None and event.score:
            self.punish(event.conn, PeerFault(event.reason, event.score), now)
            session = self._parts.sessions.get(event.conn)
        if session is not None:
            reason = event.reason
            if session.claims is None and not session.inbound:
                reason += f" before it sent its version: {_doubt(session.remote)}"
            self._forget(session, reason, now)
        self._parts.connections.on_closed(event.conn, now)

    def on_bytes(self, event: BytesReceived, now: Micros) -> None:
        """Bytes of a session: every whole message in them, in order."""
        session = self._parts.sessions.get(event.conn)
        if session is None:
            return
        session.feed(event.data, now)
        while event.conn in self._parts.sessions:
            try:
                message = session.next_message()
            except PeerFault as fault:
                # The stream cannot be read any further, whatever the fault costs.
                if isinstance(fault, WrongMagic):
                    fault = self._meet_stranger(session, fault, now)
                self.punish(event.conn, fault, now)
                if event.conn in self._parts.sessions:
                    self.drop(event.conn, fault.reason, now)
                return
            if message is None:
                return
            if isinstance(message, Dropped):
                self._note_dropped(session, message)
                continue
            try:
                self._on_message(session, message, now)
            except PeerFault as fault:
                # A small fault does not swallow the messages behind it in the same read.
                self.punish(event.conn, fault, now)

    def on_message(self, event: MessageReceived, now: Micros) -> None:
        """A message that was never bytes."""
        session = self._parts.sessions.get(event.conn)
        if session is None:
            return
        session.last_receive_at = now
        try:
            self._on_message(session, event.message, now)
        except PeerFault as fault:
            self.punish(event.conn, fault, now)

    def _note_dropped(self, session: Session, dropped: Dropped) -> None:
        # Told at the first, second, fourth, eighth: a flood of them shall not become one of lines.
        if session.dropped_count.bit_count() == 1:
            self._parts.emit(MessageDropped(session.conn, session.remote, dropped.reason, session.dropped_count))

    def _on_message(self, session: Session, message: Message, now: Micros) -> None:
        view = session.view
        is_first_version = isinstance(message, Version) and session.claims is None
        if is_first_version and self._meet_ourselves(session, message, now):
            return
        if view is None or type(message) in SESSION_TYPES:
            heard_offer = session.speaks is not None
            replies = session.on_message(message, self._parts.tree.tip.height, now)
            if isinstance(message, Ping):
                replies = self._hold_pongs(session.conn, replies, now)
            self._send(session.conn, replies)
            self.alarm.by(session.deadline)
            if view is None and session.is_ready:
                self._on_ready(session, now)
                return
            if is_first_version:
                self._on_version(session, now)
                return
            if view is not None and session.speaks and not heard_offer:
                self._on_offer(view, session.speaks, now)
                return
        route = None if view is None else self._router.get(type(message))
        if view is None or route is None or not self._parts.may_pass(session, message):
            return
        # Looked at and then performed: a handler may make them one by one.
        effects = tuple(route.handle(view, message, now))
        for effect in effects:
            if isinstance(effect, StoreBlock):
                session.last_block_at = now
        self.perform(effects, now)

    def _meet_ourselves(self, session: Session, message: Message, now: Micros) -> bool:
        """Whether a fresh inbound connection is one that we dialled: its version carries the nonce of a session of ours
        whose handshake is not over. Both ends close, and the address is not dialled again.

        A nonce is trusted for nothing else: it was drawn for one connection, so whoever repeats it shows only that it
        heard it there, and all it can end is that connection and its own.
        """
        if not session.inbound or not isinstance(message, Version):
            return False
        for other in self._parts.sessions.values():
            if not other.inbound and not other.is_ready and other.nonce == message.nonce:
                self._parts.connections.mark_self(other.conn)
                self.drop(session.conn, _OURSELVES, now)
                self.drop(other.conn, _OURSELVES, now)
                return True
        return False

    def _on_version(self, session: Session, now: Micros) -> None:
        if session.inbound:
            return
        # Its address was reached: whatever follows, somebody of this network listens there.
        self._parts.book.mark_connected(session.remote, now)
        self._parts.book.set_services(session.remote, int(session.services))
        slot = self._parts.connections.get(session.conn)
        if slot is not None and slot.kind is SlotKind.FEELER:
            # It only asked whether somebody is there.
            self._addresses.on_answered(session.remote, session.services, now)
            self.drop(session.conn, "feeler done", now)
            return
        if slot is not None and slot.kind in MUST_SERVE and not self._offers_enough(session.services, now):
            raise PeerFault(
                f"offers services {int(session.services):016x}, not what an outbound peer is chosen for", score=0
            )

    def _offers_enough(self, services: Services, now: Micros) -> bool:
        """As Bitcoin Core: blocks with their witnesses; recent ones will do where we lack no others (BIP159)."""
        tip, spacing_s = self._parts.tree.tip, self._parts.network.spacing_s
        is_near_the_top = seconds(now) - tip.header.time < LIMITED_PEER_BLOCKS * spacing_s
        has_enough = services & Services.NETWORK or (services & Services.NETWORK_LIMITED and is_near_the_top)
        return bool(services & Services.WITNESS and has_enough)

    def _on_ready(self, session: Session, now: Micros) -> None:
        parts = self._parts
        conn = session.conn
        slot = parts.connections.get(conn)
        view = session.settle(slot.kind if slot is not None else SlotKind.INBOUND)
        parts.on_peers_changed()
        claims = session.claims
        assert claims is not None
        parts.emit(PeerReady(conn, session.remote, claims.user_agent, claims.start_height))
        self._send(conn, [*session.announcements(), *session.ping(now)])
        self.alarm.by(session.deadline)
        for part in self._listeners:
            self.perform(part.on_ready(view, now), now)
            if conn not in parts.sessions:
                return

    def _on_offer(self, view: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> None:
        for part in self._listeners:
            self.perform(part.on_offer(view, speaks, now), now)
            if view.conn not in self._parts.sessions:
                return

    def note_transaction(self, conn: ConnId, now: Micros) -> None:
        """The mempool took a transaction of this peer's."""
        session = self._parts.sessions.get(conn)
        if session is not None:
            session.last_transaction_at = now

    # --- blame ---

    def punish(self, conn: ConnId, fault: PeerFault, now: Micros) -> None:
        """Count a fault; a score of 0 closes without one, 100 bans."""
        parts = self._parts
        session = parts.sessions.get(conn)
        if session is None:
            return
        parts.emit(PeerPenalised(conn, session.remote, fault.reason, fault.score))
        effects: list[Effect] = parts.connections.misbehaving(conn, fault.score, fault.reason, now)
        closing = [effect for effect in effects if isinstance(effect, Close)]
        parts.emit(*(effect for effect in effects if not isinstance(effect, Close)))
        for close in closing:
            self.drop(close.conn, close.reason, now)
        if conn in parts.sessions and (not session.is_ready or fault.score == 0):
            # Half a handshake is worth nothing: any fault in it ends the connection.
            self.drop(conn, fault.reason, now)

    def _meet_stranger(self, session: Session, fault: WrongMagic, now: Micros) -> PeerFault:
        """Bytes that are no frame of this network; the fault in words that say what differs.

        A dialler that speaks another network's frames hears ours, so that its log can say why it was refused. What
        speaks another protocol hears nothing: a Bitcoin Core node tries its encrypted transport (BIP324) first and
        dials again with this one only where it was met with silence.
        """
        if session.claims is not None:
            return fault
        network = self._parts.network
        ours = f"this node {network.name} (magic {network.magic.hex()})"
        if not fault.is_frame:
            what = "libp2p" if fault.magic == _LIBP2P_GREETING else f"another protocol ({fault.magic.hex()}...)"
            return PeerFault(f"it speaks {what}, and is not answered: {ours} over plain TCP", score=0)
        if session.inbound:
            self._send(session.conn, [session.our_version(self._parts.tree.tip.height, now)])
        name = find_by_magic(fault.magic)
        theirs = "a network unknown here" if name is None else name
        return PeerFault(f"wrong network: it speaks {theirs} (magic {fault.magic.hex()}), {ours}", score=0)

    def perform(self, effects: Iterable[Effect], now: Micros) -> None:
        """What a part wants. Its wish to close a connection ends the session too."""
        for effect in effects:
            if isinstance(effect, Close):
                self._drop(effect, now)
            else:
                self._parts.emit(effect)

    def drop(self, conn: ConnId, reason: str, now: Micros) -> None:
        """Close a connection and forget its session."""
        self._drop(Close(conn, reason), now)

    def _drop(self, close: Close, now: Micros) -> None:
        self._parts.emit(close)
        session = self._parts.sessions.get(close.conn)
        if session is not None:
            self._forget(session, close.reason, now)

    def _forget(self, session: Session, reason: str, now: Micros) -> None:
        parts = self._parts
        conn = session.conn
        del parts.sessions[conn]
        parts.on_peers_changed()
        parts.emit(PeerClosed(conn, session.remote, reason))
        self._pongs.release(conn)
        for part in self._listeners:
            self.perform(part.on_closed(conn, now), now)

    # --- time ---

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        """Keep-alives, time-outs of handshakes, and pongs that waited long enough."""
        for conn in self._pongs:
            self._send(conn, self._pongs.overdue(conn, now))
        due = [session for session in self._parts.sessions.values() if session.deadline <= now]
        for session in due:
            try:
                self._send(session.conn, session.on_deadline(now))
            except PeerFault as fault:
                self.punish(session.conn, fault, now)
        return ()

    def next_deadline(self) -> Micros | None:
        """The earliest of all sessions, and of the pongs that wait."""
        deadlines = [session.deadline for session in self._parts.sessions.values()]
        pong = self._pongs.next_deadline()
        return min(deadlines if pong is None else [*deadlines, pong], default=None)

    def answer_pings(self, *, is_settled: bool) -> None:
        """Those whose peers have no work here any more; `is_settled` where the engine stands where it should."""
        for conn in self._pongs:
            if not self._parts.is_at_work_for(conn, is_settled=is_settled):
                self._send(conn, self._pongs.release(conn))
        self.holds_pongs = len(self._pongs) > 0

    def _hold_pongs(self, conn: ConnId, replies: list[Message], now: Micros) -> list[Message]:
        """What of them goes out now. Whether the engine is settled is for answer_pings, which follows each event."""
        if not self._parts.is_at_work_for(conn, is_settled=False):
            return replies
        sent: list[Message] = []
        for reply in replies:
            sent += self._pongs.hold(conn, reply, now) if isinstance(reply, Pong) else [reply]
        self.holds_pongs = len(self._pongs) > 0
        self.alarm.by(self._pongs.next_deadline())
        return sent

    def snapshot(self, now: Micros) -> tuple[SessionSnapshot, ...]:
        return tuple(session.snapshot() for session in self._parts.sessions.values())

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        out = bytearray()
        _SESSIONS.write(self.snapshot(now), out)
        return (("sessions", bytes(out)),)

    def greeting(self, conn: ConnId, remote: NodeAddress, now: Micros) -> tuple[Message, ...]:
        """What this node says in a handshake on this connection with a peer of its own version, whoever dialled."""
        policy, slot = self._session_policy, self._parts.connections.get(conn)
        relays = policy.relays_transactions and (slot is None or slot.kind not in NO_TRANSACTIONS)
        height = self._parts.tree.tip.height
        version = version_of(policy.services, policy.user_agent, remote, now, height=height, relays=relays)
        return greeting(version, policy.extensions)

    def ping_all(self, now: Micros) -> None:
        """Ping every ready peer now."""
        for session in self._parts.sessions.values():
            if session.is_ready and not session.is_ping_pending:
                self._send(session.conn, session.ping(now))
                self.alarm.by(session.deadline)

    def _send(self, conn: ConnId, messages: Sequence[Message]) -> None:
        for message in messages:
            self._parts.effects.append(Send(conn, message))


def _doubt(remote: NodeAddress) -> str:
    """What may be behind a peer that closed a session without a word."""
    if not remote.peer_id:
        return "is it a node of this network?"
    # A handshake has shown that it is one. Of two connections with one peer id it keeps one.
    return "it may have another connection with this node's peer id; does a second node run with this identity.key?"
