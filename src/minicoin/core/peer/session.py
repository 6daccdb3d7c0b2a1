"""The protocol state of one connection: bytes to messages, the version handshake, keep-alive, negotiated features.

Owns nothing beyond its connection: what a message means is decided by the part that takes it. Time and bytes
come in, messages go out as return values. BIP31 (pong), BIP60/37 (relay flag), BIP130, BIP133, BIP155, BIP339.

Each session draws a nonce of its own for its version message: who hears it learns of this connection and of no other.
Whether a nonce that comes in is one of ours, which means a connection to ourselves, node asks all its sessions.

Nothing is offered that is not kept: without compact blocks no sendcmpct (BIP152) is said, for a peer that heard it
would ask for a lone new block in that form.
"""

from dataclasses import dataclass, field

from minicoin.core.faults import PeerFault
from minicoin.core.limits import HANDSHAKE_TIMEOUT_US
from minicoin.core.part import PeerView
from minicoin.core.peer.greeting import PROTOCOL_VERSION, Claims, claims_of, version_of
from minicoin.core.peer.states import SessionState, is_heard, next_state
from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, MONEY_MAX_SAT, ConnId, Micros, seconds
from minicoin.core.wire.codec import command_of
from minicoin.core.wire.frame import Dropped, FrameDecoder
from minicoin.core.wire.messages import (
    FeeFilter,
    Message,
    Ping,
    Pong,
    SendAddrV2,
    SendCmpct,
    SendHeaders,
    Unknown,
    Verack,
    Version,
    WtxidRelay,
)
from minicoin.core.wire.messages_extension import NO_EXTENSIONS, ExtensionMessage, Extensions, Offer, offer_of, spoken

PROTOCOL_VERSION_MIN = 31800
"""The first version with getheaders; Bitcoin Core and btcd draw the line there too."""

OTHER_COMMANDS = "*other*"
"""Under this name all commands are counted that are not ours: strangers do not choose what we keep."""

_FEATURES_VERSION = 70016
_SENDHEADERS_VERSION = 70012
_FEEFILTER_VERSION = 70013
_NONCED_PING_VERSION = 60001
"""BIP31: older peers send pings without a nonce and expect no pong."""

# Asked at every message; before Python 3.12, looking up a member of an enum is slow.
_READY = SessionState.READY


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """What this node says of itself and how long it waits; equal for all its sessions."""

    magic: bytes
    services: Services
    user_agent: str
    ping_after_us: int = 2 * MINUTE_US
    drop_after_us: int = 20 * MINUTE_US
    handshake_timeout_us: int = HANDSHAKE_TIMEOUT_US
    """Also the time from a connection's start in which no unanswered ping ends it."""
    relays_transactions: bool = True
    """False asks every peer for none (BIP37)."""
    extensions: Extensions = field(default_factory=lambda: NO_EXTENSIONS)
    """What this node speaks beyond Bitcoin's messages, and offers."""


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """What getpeerinfo shows of a session."""

    conn: ConnId
    remote: NodeAddress
    local: NodeAddress | None
    inbound: bool
    state: SessionState
    opened_at: Micros
    version: int
    services: int
    user_agent: str
    start_height: int
    relays_transactions: bool
    last_receive_at: Micros
    ping_us: int
    ping_min_us: int
    time_offset_s: int
    feefilter_sat_per_kvb: int
    prefers_headers: bool
    wtxid_relay: bool
    last_block_at: Micros
    last_transaction_at: Micros
    received_by_command: tuple[tuple[str, int], ...]
    told_address: NodeAddress | None
    """Our own address, as the peer's version message has it."""
    ping_sent_at: Micros | None
    """Of a ping that has no answer yet."""
    wants_compact_blocks: bool
    """The peer asked for compact blocks without announcement (BIP152's high-bandwidth mode)."""
    permissions: Permission

    @property
    def is_ready(self) -> bool:
        """Whether the handshake is over."""
        return self.state is _READY


class Session:
    """Protocol state of one connection."""

    __slots__ = (
        "_decoder",
        "_ping_nonce",
        "_ping_sent_at",
        "_policy",
        "_received_by_command",
        "_relays",
        "_rng",
        "_seen_host",
        "_seen_port",
        "claims",
        "conn",
        "deadline",
        "dropped_count",
        "feefilter_sat_per_kvb",
        "inbound",
        "last_block_at",
        "last_receive_at",
        "last_transaction_at",
        "local",
        "nonce",
        "opened_at",
        "permissions",
        "ping_min_us",
        "ping_us",
        "prefers_headers",
        "remote",
        "sends_addrv2",
        "speaks",
        "state",
        "time_offset_s",
        "view",
        "wants_compact_blocks",
        "wtxid_relay",
    )

    def __init__(
        self,
        conn: ConnId,
        remote: NodeAddress,
        policy: SessionPolicy,
        rng: Rng,
        *,
        inbound: bool,
        now: Micros,
        local: NodeAddress | None = None,
        relays: bool = True,
        permissions: Permission = Permission.NONE,
    ) -> None:
        """`relays` false asks the peer for no transactions (BIP37), as on block-only connections."""
        self.conn = conn
        self.remote = remote
        self.local = local
        self.inbound = inbound
        self.state = SessionState.AWAIT_VERSION
        self.opened_at = now
        self.claims: Claims | None = None
        """What its version says of the peer; None before it came."""
        self.view: PeerView | None = None
        """What the parts are told of the peer, once it is ready."""
        self.prefers_headers = False
        self.sends_addrv2 = False
        self.speaks: tuple[type[ExtensionMessage], ...] | None = None
        """What it offered beyond Bitcoin's messages, of what we speak; None before its offer."""
        self.wants_compact_blocks = False
        self.dropped_count = 0
        self.nonce = int.from_bytes(rng.bytes(8), "little")
        """What our version carries on this connection and on no other; 0 once that is over."""
        self.wtxid_relay = False
        self.feefilter_sat_per_kvb = 0
        self.last_receive_at = now
        self.last_block_at = Micros(0)
        """When it last gave us a block we did not have; 0: never. So with transactions that the mempool took."""
        self.last_transaction_at = Micros(0)
        self.deadline = Micros(now + policy.handshake_timeout_us)
        """When on_deadline has something to do."""
        self.ping_us = -1
        self.ping_min_us = -1
        self.time_offset_s = 0
        self._policy = policy
        # With the permission, a node for blocks only takes what this peer sends.
        self._relays = relays and (policy.relays_transactions or bool(permissions & Permission.RELAY))
        self.permissions = permissions
        self._rng = rng
        # Made with the first bytes: in a simulated network messages never are bytes.
        self._decoder: FrameDecoder | None = None
        self._received_by_command: dict[str, int] | None = None
        self._ping_nonce: int | None = None
        self._ping_sent_at = now
        # Where the peer sees us, as its version says.
        self._seen_host = ""
        self._seen_port = 0

    @property
    def is_ready(self) -> bool:
        return self.state is _READY

    @property
    def services(self) -> Services:
        return Services(self.claims.services) if self.claims else Services.NONE

    def settle(self, kind: SlotKind) -> PeerView:
        """The handshake is over: what it settled, for a connection of this kind."""
        claims = self.claims
        assert claims is not None
        self.nonce = 0
        self.view = PeerView(
            conn=self.conn,
            address=self.remote,
            is_inbound=self.inbound,
            services=self.services,
            kind=kind,
            permissions=self.permissions,
            start_height=claims.start_height,
            sees_us_at=self._seen_host,
            takes_transactions=claims.relay,
            gives_transactions=self._relays,
            uses_wtxid=self.wtxid_relay,
            takes_addrv2=self.sends_addrv2,
            takes_feefilter=self._common_version >= _FEEFILTER_VERSION,
            feefilter_sat_per_kvb=self.feefilter_sat_per_kvb,
            prefers_headers=self.prefers_headers,
        )
        return self.view

    def open(self, height: int, now: Micros) -> list[Message]:
        """The dialler speaks first."""
        return [] if self.inbound else [self.our_version(height, now)]

    def feed(self, chunk: bytes, now: Micros) -> None:
        """Bytes of the connection, in order; take the messages with next_message."""
        self.last_receive_at = now
        if self._decoder is None:
            self._decoder = FrameDecoder(self._policy.magic, self._policy.extensions)
        self._decoder.feed(chunk)

    def next_message(self) -> Message | Dropped | None:
        """The next whole message, or why there is none in its place. Raises PeerFault where the stream ends here."""
        found = None if self._decoder is None else self._decoder.next_message()
        if found is None:
            return None
        message, size = found
        command = OTHER_COMMANDS if isinstance(message, Unknown | Dropped) else command_of(message)
        if self._received_by_command is None:
            self._received_by_command = {}
        self._received_by_command[command] = self._received_by_command.get(command, 0) + size
        if isinstance(message, Dropped):
            self.dropped_count += 1
            if message.command == "pong":
                # Without its nonce it tells no time, but it is a sign of life.
                self._end_ping(now=self.last_receive_at)
        return message

    def on_message(self, message: Message, height: int, now: Micros) -> list[Message]:
        """Move the handshake, answer pings, note features. Returns what to send back.

        Raises PeerFault when the version cannot be spoken with, or the message comes too late to be obeyed.
        """
        was, self.state = self.state, next_state(self.state, message)
        if not is_heard(was, message):
            return []
        match message:
            case Version():
                return self._on_version(message, height, now)
            case Verack():
                self.deadline = self._next_ping_at(self._ping_sent_at)
            case WtxidRelay():
                # Older peers were not sent ours, and BIP339 takes both.
                self.wtxid_relay = self.claims is not None and self.claims.version >= _FEATURES_VERSION
            case SendAddrV2():
                self.sends_addrv2 = True
            case SendHeaders():
                self.prefers_headers = True
            case SendCmpct():
                if message.version == 2:
                    self.wants_compact_blocks = message.announce
            case FeeFilter():
                if 0 <= message.feerate <= MONEY_MAX_SAT:
                    self.feefilter_sat_per_kvb = message.feerate
            case Ping():
                return [Pong(message.nonce)] if self._has_nonced_pings else []
            case Pong():
                self._on_pong(message, now)
            case Offer() if self.speaks is None:
                self.speaks = spoken(self._policy.extensions, message)
            case _:
                pass
        return []

    def announcements(self) -> list[Message]:
        """What a fresh READY session is told: how we like blocks announced, what we speak beyond Bitcoin's messages."""
        told: list[Message] = [SendHeaders()] if self._common_version >= _SENDHEADERS_VERSION else []
        extensions = self._policy.extensions
        return [*told, offer_of(extensions)] if extensions else told

    def on_deadline(self, now: Micros) -> list[Message]:
        """Ping after silence. Raises PeerFault (score 0) when the peer is too slow or gone."""
        if now < self.deadline:
            return []
        if not self.is_ready:
            raise PeerFault(f"no handshake within {self._policy.handshake_timeout_us // 1_000_000} s", score=0)
        if self._ping_nonce is not None:
            grace_ends = Micros(self.opened_at + self._policy.handshake_timeout_us)
            if now < grace_ends:
                self.deadline = grace_ends
                return []
            raise PeerFault("ping timeout", score=0)
        return self.ping(now)

    @property
    def is_ping_pending(self) -> bool:
        """A ping waits for its pong: another one now would only put off the verdict on a dead peer."""
        return self._ping_nonce is not None

    def ping(self, now: Micros) -> list[Message]:
        """A fresh ping; its pong is expected from now on. A peer too old for pongs (BIP31) is heard of by TCP alone."""
        self._ping_sent_at = now
        if not self._has_nonced_pings:
            self.deadline = self._next_ping_at(now)
            return []
        # Zero is no nonce: a pong that carries it is one that lost its own.
        self._ping_nonce = int.from_bytes(self._rng.bytes(8), "little") or 1
        self.deadline = Micros(now + self._policy.drop_after_us)
        return [Ping(self._ping_nonce)]

    def our_version(self, height: int, now: Micros) -> Version:
        """What we say of ourselves."""
        policy = self._policy
        return version_of(
            policy.services,
            policy.user_agent,
            self.remote,
            now,
            remote_services=self.services,
            nonce=self.nonce,
            height=height,
            relays=self._relays,
        )

    def snapshot(self) -> SessionSnapshot:
        """A frozen view."""
        claims = self.claims
        return SessionSnapshot(
            conn=self.conn,
            remote=self.remote,
            local=self.local,
            inbound=self.inbound,
            state=self.state,
            opened_at=self.opened_at,
            version=claims.version if claims else 0,
            services=claims.services if claims else 0,
            user_agent=claims.user_agent if claims else "",
            start_height=claims.start_height if claims else -1,
            relays_transactions=claims.relay if claims else False,
            last_receive_at=self.last_receive_at,
            ping_us=self.ping_us,
            ping_min_us=self.ping_min_us,
            time_offset_s=self.time_offset_s,
            feefilter_sat_per_kvb=self.feefilter_sat_per_kvb,
            prefers_headers=self.prefers_headers,
            wtxid_relay=self.wtxid_relay,
            last_block_at=self.last_block_at,
            last_transaction_at=self.last_transaction_at,
            received_by_command=tuple((self._received_by_command or {}).items()),
            told_address=self._told_address,
            ping_sent_at=self._ping_sent_at if self.is_ping_pending else None,
            wants_compact_blocks=self.wants_compact_blocks,
            permissions=self.permissions,
        )

    def _on_version(self, message: Version, height: int, now: Micros) -> list[Message]:
        if message.version < PROTOCOL_VERSION_MIN:
            raise PeerFault(f"protocol version {message.version} is older than {PROTOCOL_VERSION_MIN}", score=0)
        self.claims = claims_of(message)
        self._seen_host, self._seen_port = message.addr_recv.host, message.addr_recv.port
        self.time_offset_s = message.timestamp - seconds(now)
        answer: list[Message] = [self.our_version(height, now)] if self.inbound else []
        if message.version >= _FEATURES_VERSION:
            answer += [WtxidRelay(), SendAddrV2()]
        return [*answer, Verack()]

    def _on_pong(self, message: Pong, now: Micros) -> None:
        if self._ping_nonce is None:
            return
        if message.nonce == self._ping_nonce:
            self.ping_us = max(now - self._ping_sent_at, 0)
            self.ping_min_us = self.ping_us if self.ping_min_us < 0 else min(self.ping_min_us, self.ping_us)
            self._end_ping(now)
        elif message.nonce == 0:
            # As in Bitcoin Core: a nonce lost on the way ends the wait and tells no time; a wrong one answers nothing.
            self._end_ping(now)

    def _end_ping(self, now: Micros) -> None:
        if self._ping_nonce is None:
            return
        self._ping_nonce = None
        # Counted from the answer, so that the next ping is ping_after_us away.
        self._ping_sent_at = now
        self.deadline = self._next_ping_at(now)

    def _next_ping_at(self, since: Micros) -> Micros:
        return Micros(since + self._policy.ping_after_us)

    @property
    def _common_version(self) -> int:
        return 0 if self.claims is None else min(self.claims.version, PROTOCOL_VERSION)

    @property
    def _has_nonced_pings(self) -> bool:
        return self._common_version >= _NONCED_PING_VERSION

    @property
    def _told_address(self) -> NodeAddress | None:
        if not self._seen_port:
            return None
        address = NodeAddress(self._seen_host, self._seen_port)
        return None if address.ip is None or address.ip.is_unspecified else address
