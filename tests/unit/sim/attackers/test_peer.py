"""The scripted peer by itself: handshake, pings, timers, dialling again."""

from typing import Any

from minicoin.core.effects import Dial, Send
from minicoin.core.events import (
    BytesReceived,
    ConnectionClosed,
    ConnectionOpened,
    DeadlineReached,
    DialFailed,
    MessageReceived,
)
from minicoin.core.params.builtin import REGTEST
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros
from minicoin.core.wire.frame import encode_frame
from minicoin.core.wire.messages import (
    GetAddr,
    Message,
    NetAddress,
    Ping,
    Pong,
    SendAddrV2,
    SendHeaders,
    Verack,
    Version,
    WtxidRelay,
)
from minicoin.sim.attackers.link import Link
from minicoin.sim.attackers.peer import REDIAL_US, ScriptedPeer

T0 = Micros(1_735_690_200_000_000)
OWN, OTHER = NodeAddress("20.0.0.1", 8333), NodeAddress("110.0.1.1", 8333)
CONN = ConnId(2)
VERSION = Version(70016, 9, 1_735_690_200, NetAddress(), nonce=7)


class Noting(ScriptedPeer):
    """Notes what its hooks are told."""

    def __init__(self, **keys: Any) -> None:
        super().__init__(REGTEST, OWN, Rng(b"peer"), **keys)
        self.noted: list[str] = []
        self.heard: list[Message] = []

    def on_ready(self, link: Link, now: Micros) -> None:
        self.noted.append("ready")

    def on_gone(self, link: Link, now: Micros) -> None:
        self.noted.append("gone")

    def on_message(self, link: Link, message: Message, now: Micros) -> None:
        self.heard.append(message)


def _said(peer: ScriptedPeer) -> list[type]:
    return [type(effect.message) for effect in peer.drain_effects() if isinstance(effect, Send)]


def _hear(peer: ScriptedPeer, *messages: Message, now: Micros = T0) -> None:
    for message in messages:
        peer.handle(MessageReceived(CONN, message, 0), now)


def _ready(*, inbound: bool) -> Noting:
    peer = Noting()
    peer.start(T0)
    peer.handle(ConnectionOpened(CONN, OTHER, inbound), T0)
    _hear(peer, VERSION, WtxidRelay(), Verack())
    return peer


def test_the_dialler_speaks_first() -> None:
    peer = Noting()
    peer.handle(ConnectionOpened(CONN, OTHER, False), T0)
    assert _said(peer) == [Version]
    _hear(peer, VERSION)
    assert _said(peer) == [WtxidRelay, SendAddrV2, Verack]
    assert peer.noted == []
    _hear(peer, Verack())
    assert peer.noted == ["ready"]
    assert len(peer.ready_links()) == 1


def test_who_was_dialled_answers() -> None:
    peer = _ready(inbound=True)
    assert _said(peer) == [Version, WtxidRelay, SendAddrV2, Verack]
    assert peer.links[CONN].uses_wtxid


def test_each_connection_has_a_nonce_of_its_own() -> None:
    peer = Noting()
    for conn in (2, 4):
        peer.handle(ConnectionOpened(ConnId(conn), OTHER, False), T0)
    nonces = [effect.message.nonce for effect in peer.drain_effects() if isinstance(effect, Send)]
    assert len(set(nonces)) == 2


def test_pings_are_answered_and_the_rest_is_the_script_s() -> None:
    peer = _ready(inbound=False)
    peer.drain_effects()
    _hear(peer, Ping(5), GetAddr(), SendHeaders())
    assert peer.drain_effects() == [Send(CONN, Pong(5))]
    assert peer.heard == [GetAddr(), SendHeaders()]
    assert peer.links[CONN].prefers_headers


def test_bytes_do_as_well() -> None:
    peer = Noting()
    peer.handle(ConnectionOpened(CONN, OTHER, False), T0)
    raw = b"".join(encode_frame(REGTEST.magic, message) for message in (VERSION, Verack(), Ping(9)))
    for cut in (raw[:30], raw[30:]):
        peer.handle(BytesReceived(CONN, cut), T0)
    assert peer.noted == ["ready"]
    assert _said(peer)[-1] is Pong


def test_a_mute_peer_says_nothing() -> None:
    peer = Noting(shakes_hands=False)
    peer.handle(ConnectionOpened(CONN, OTHER, False), T0)
    _hear(peer, VERSION, Ping(1))
    assert peer.drain_effects() == []
    assert peer.opened == 1


def test_kept_connections_are_dialled_again_after_a_while() -> None:
    peer = Noting()
    peer.start(T0)
    peer.keep([OTHER, OTHER])
    (dial,) = peer.drain_effects()
    assert isinstance(dial, Dial) and dial.address == OTHER
    peer.handle(DialFailed(dial.conn, OTHER, "refused"), T0)
    assert peer.next_deadline() == T0 + REDIAL_US
    peer.handle(DeadlineReached(), Micros(T0 + REDIAL_US))
    (again,) = peer.drain_effects()
    assert isinstance(again, Dial) and again.conn != dial.conn
    peer.handle(ConnectionOpened(again.conn, OTHER, False), Micros(T0 + REDIAL_US))
    peer.handle(ConnectionClosed(again.conn, "banned"), Micros(T0 + REDIAL_US))
    assert (peer.noted, peer.lost) == (["gone"], 1)
    assert peer.next_deadline() == T0 + 2 * REDIAL_US


def test_what_others_dialled_is_not_dialled_back() -> None:
    peer = _ready(inbound=True)
    peer.handle(ConnectionClosed(CONN, "gone"), T0)
    assert peer.next_deadline() is None


def test_timers_ring_in_order_and_go_on() -> None:
    peer = Noting()
    peer.start(T0)
    rung: list[int] = []
    peer.at(T0 + 2, rung.append)
    peer.at(T0 + 1, rung.append)
    peer.every(SECOND_US, rung.append)
    while len(rung) < 12:
        deadline = peer.next_deadline()
        assert deadline is not None
        peer.handle(DeadlineReached(), deadline)
    assert rung[:2] == [T0 + 1, T0 + 2]
    assert rung == sorted(rung)
    assert SECOND_US / 4 < (rung[-1] - T0) / 10 < 4 * SECOND_US
