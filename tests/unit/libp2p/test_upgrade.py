"""Upgraded connections: from bytes to streams in any pieces, and what strangers may send at every stage."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.libp2p.pair import (
    ALICE,
    BOB,
    ECHO,
    NOW,
    Link,
    connected_upgrades,
    entropy,
    make_upgrade,
    of_type,
)

from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.libp2p.events import (
    ConnectionSide,
    Failed,
    PeerAuthenticated,
    StreamClosed,
    StreamData,
    StreamOpened,
    StreamRefused,
    StreamReset,
    UpgradeEvent,
)
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multistream import GREETING, encode_message
from minicoin.core.libp2p.secure import SecureChannel
from minicoin.core.libp2p.upgrade import NOISE, YAMUX, Upgrade
from minicoin.core.libp2p.yamux_frames import DATA, GO_AWAY, SYN, WINDOW_UPDATE, encode_header
from minicoin.core.limits import (
    LIBP2P_HANDSHAKE_TIMEOUT_US,
    LIBP2P_STREAM_TIMEOUT_US,
    YAMUX_PING_INTERVAL_US,
    YAMUX_SEND_QUEUE_BYTES_MAX,
    YAMUX_WINDOW_INITIAL_BYTES,
)
from minicoin.core.units import SECOND_US, Micros

EVE = Identity.from_number(666)


def failure(upgrade: Upgrade) -> Failed:
    (failed,) = of_type(upgrade.take_events(), Failed)
    assert upgrade.is_ended
    return failed


# --- the honest way ---


def test_connecting_takes_three_flights_and_shows_nothing_in_clear_after_noise() -> None:
    dialler, acceptor = (
        make_upgrade(ConnectionSide.DIALLER, ALICE, BOB.peer_id),
        make_upgrade(ConnectionSide.ACCEPTOR, BOB),
    )
    link = Link(dialler, acceptor)
    flights = 0
    while link.step(NOW):
        flights += 1
    assert dialler.take_events() == [PeerAuthenticated(BOB.peer_id, BOB.public_key)]
    assert acceptor.take_events() == [PeerAuthenticated(ALICE.peer_id, ALICE.public_key)]
    assert flights <= 4
    stream = dialler.open_stream(ECHO)
    link.run()
    dialler.send(stream, b"an unmistakable secret")
    link.run()
    for record in link.wire:
        clear = bytes(record).replace(encode_message(GREETING) + encode_message(NOISE), b"")
        for word in (b"secret", b"yamux", b"echo", b"multistream", ALICE.public_key[4:], BOB.public_key[4:]):
            assert word not in clear


def test_a_stream_from_opening_to_end() -> None:
    dialler, acceptor, link = connected_upgrades()
    stream = dialler.open_stream(ECHO)
    with pytest.raises(MisuseError, match="no protocol yet"):
        dialler.send(stream, b"too early")
    link.run()
    assert dialler.take_events() == [StreamOpened(stream, ECHO, False)]
    assert acceptor.take_events() == [StreamOpened(stream, ECHO, True)]
    dialler.send(stream, b"hello")
    dialler.close_write(stream)
    link.run()
    assert acceptor.take_events() == [StreamData(stream, b"hello"), StreamClosed(stream)]
    acceptor.send(stream, b"hello yourself")
    acceptor.close_write(stream)
    link.run()
    assert dialler.take_events() == [StreamData(stream, b"hello yourself"), StreamClosed(stream)]


def test_the_negotiation_costs_no_window() -> None:
    dialler, acceptor, link = connected_upgrades()
    stream = dialler.open_stream(ECHO)
    link.run()
    # Later than any round trip, so that no window grows.
    now = Micros(NOW + SECOND_US)
    dialler.send(stream, bytes(YAMUX_WINDOW_INITIAL_BYTES))
    link.run(now)
    negotiated = dialler.queued_bytes(stream)
    assert negotiated == len(encode_message(GREETING) + encode_message(ECHO))
    acceptor.consumed(stream, sum(len(event.data) for event in of_type(acceptor.take_events(), StreamData)))
    link.run(now)
    # The credit covers the negotiation too: the window is whole again, less what has just arrived.
    dialler.send(stream, bytes(YAMUX_WINDOW_INITIAL_BYTES - negotiated + 1))
    link.run(now)
    assert dialler.queued_bytes(stream) == 1


def test_both_ends_open_streams() -> None:
    dialler, acceptor, link = connected_upgrades()
    one, other = dialler.open_stream(ECHO), acceptor.open_stream(ECHO)
    link.run()
    assert {one, other} == {1, 2}
    assert of_type(dialler.take_events(), StreamOpened) == [StreamOpened(2, ECHO, True), StreamOpened(1, ECHO, False)]
    acceptor.reset(1)
    link.run()
    assert dialler.take_events() == [StreamReset(1)]


def test_a_protocol_that_the_peer_does_not_speak() -> None:
    dialler, acceptor, link = connected_upgrades()
    stream = dialler.open_stream("/unknown/1")
    link.run()
    assert dialler.take_events() == [StreamRefused(stream, "/unknown/1")]
    assert acceptor.take_events() == []


def test_peers_without_early_muxer_negotiation() -> None:
    """Both talk multistream inside the encryption when the handshake carried no list."""
    acceptor = make_upgrade(ConnectionSide.ACCEPTOR, BOB)
    secure = SecureChannel(True, ALICE, BOB.peer_id, entropy("old"), ())
    acceptor.receive(encode_message(GREETING) + encode_message(NOISE), NOW)
    acceptor.take_output()
    plain = old_peer_handshake(secure, acceptor)
    acceptor.receive(secure.encrypt(encode_message(GREETING) + encode_message("/mplex/6.7.0")), NOW)
    plain += b"".join(secure.receive(acceptor.take_output()))
    acceptor.receive(secure.encrypt(encode_message(YAMUX)), NOW)
    plain += b"".join(secure.receive(acceptor.take_output()))
    assert plain.startswith(encode_message(GREETING) + encode_message("na") + encode_message(YAMUX))
    assert acceptor.take_events() == [PeerAuthenticated(ALICE.peer_id, ALICE.public_key)]


def old_peer_handshake(secure: SecureChannel, acceptor: Upgrade) -> bytes:
    for _ in range(2):
        acceptor.receive(bytes(secure.output), NOW)
        secure.output.clear()
        plain = b"".join(secure.receive(acceptor.take_output()))
    return plain


def test_an_old_acceptor_and_a_muxer_that_is_refused() -> None:
    dialler = make_upgrade(ConnectionSide.DIALLER, ALICE, BOB.peer_id)
    secure = SecureChannel(False, BOB, None, entropy("old"), ())
    assert dialler.take_output() == encode_message(GREETING) + encode_message(NOISE)
    dialler.receive(encode_message(GREETING) + encode_message(NOISE), NOW)
    secure.receive(dialler.take_output())
    dialler.receive(bytes(secure.output), NOW)
    plain = b"".join(secure.receive(dialler.take_output()))
    assert plain == encode_message(GREETING) + encode_message(YAMUX) and dialler.take_events() == []
    dialler.receive(secure.encrypt(encode_message(GREETING) + encode_message("na")), NOW)
    assert failure(dialler) == Failed("the peer speaks neither Noise nor Yamux that we could agree on", 0)


def test_no_muxer_in_common() -> None:
    acceptor = make_upgrade(ConnectionSide.ACCEPTOR, BOB)
    secure = SecureChannel(True, ALICE, BOB.peer_id, entropy("mplex"), ("/mplex/6.7.0",))
    acceptor.receive(encode_message(GREETING) + encode_message(NOISE), NOW)
    acceptor.take_output()
    old_peer_handshake(secure, acceptor)
    assert failure(acceptor) == Failed("no muxer in common", 0)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.lists(st.integers(0, 3_000), max_size=6))
def test_any_split_gives_the_same_events(piece: int, sizes: list[int]) -> None:
    dialler, acceptor = (
        make_upgrade(ConnectionSide.DIALLER, ALICE, BOB.peer_id),
        make_upgrade(ConnectionSide.ACCEPTOR, BOB),
    )
    link = Link(dialler, acceptor)
    link.run(piece=piece)
    stream = dialler.open_stream(ECHO)
    link.run(piece=piece)
    for size in sizes:
        dialler.send(stream, b"x" * size)
        link.run(piece=piece)
    dialler.close_write(stream)
    link.run(piece=piece)
    events = acceptor.take_events()
    assert events[:2] == [PeerAuthenticated(ALICE.peer_id, ALICE.public_key), StreamOpened(stream, ECHO, True)]
    assert b"".join(event.data for event in of_type(events, StreamData)) == b"x" * sum(sizes)
    assert events[-1] == StreamClosed(stream) and not of_type(events, Failed)


# --- strangers ---


def test_wrong_identity_is_refused_in_words_and_learns_nothing() -> None:
    dialler, acceptor = (
        make_upgrade(ConnectionSide.DIALLER, ALICE, EVE.peer_id),
        make_upgrade(ConnectionSide.ACCEPTOR, BOB),
    )
    link = Link(dialler, acceptor)
    link.run()
    assert failure(dialler) == Failed(f"expected peer {EVE.peer_id} and found {BOB.peer_id}", 0)
    assert acceptor.take_events() == [] and ALICE.public_key[4:] not in bytes(link.wire[0])


def test_a_peer_without_noise() -> None:
    dialler = make_upgrade(ConnectionSide.DIALLER, ALICE)
    dialler.receive(encode_message(GREETING) + encode_message("na"), NOW)
    assert failure(dialler).score == 0 and dialler.take_output() == b""


def test_two_diallers_on_one_socket() -> None:
    """Simultaneous TCP open: each takes the other's proposal for an agreement, and the handshake fails."""
    one, other = make_upgrade(ConnectionSide.DIALLER, ALICE), make_upgrade(ConnectionSide.DIALLER, BOB)
    for _ in range(2):
        forth, back = one.take_output(), other.take_output()
        other.receive(forth, NOW)
        one.receive(back, NOW)
    assert "too short" in failure(one).reason and "too short" in failure(other).reason


def flights(count: int) -> tuple[Upgrade, Upgrade]:
    """Two upgrades after so many one-way flights of an honest connection."""
    dialler, acceptor = (
        make_upgrade(ConnectionSide.DIALLER, ALICE, BOB.peer_id),
        make_upgrade(ConnectionSide.ACCEPTOR, BOB),
    )
    for number in range(count):
        source, target = (dialler, acceptor) if number % 2 == 0 else (acceptor, dialler)
        target.receive(source.take_output(), NOW)
    return dialler, acceptor


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 8), st.booleans(), st.binary(min_size=1, max_size=300))
def test_garbage_at_every_stage_ends_in_words(stage: int, at_dialler: bool, garbage: bytes) -> None:
    dialler, acceptor = flights(stage)
    victim = dialler if at_dialler else acceptor
    victim.take_events()
    victim.receive(garbage, NOW)
    assert len(of_type(victim.take_events(), Failed)) <= 1
    # What is not refused at once waits for more bytes, and for no longer than the deadline.
    deadline = victim.next_deadline()
    if deadline is not None:
        assert deadline <= NOW + max(LIBP2P_HANDSHAKE_TIMEOUT_US, YAMUX_PING_INTERVAL_US)
        victim.receive(bytes(70_000), NOW)
        assert victim.is_ended or stage < 2
    else:
        assert victim.is_ended


@pytest.mark.parametrize("stage", range(6))
def test_a_handshake_cut_short_at_any_byte_waits_for_the_deadline_only(stage: int) -> None:
    dialler, acceptor = flights(stage)
    source, target = (dialler, acceptor) if stage % 2 == 0 else (acceptor, dialler)
    target.take_events()
    output = source.take_output()
    for at in range(len(output) - 1):
        target.receive(output[at : at + 1], NOW)
        assert not target.is_ended
    if not of_type(target.take_events(), PeerAuthenticated) and stage < 4:
        assert target.next_deadline() == NOW + LIBP2P_HANDSHAKE_TIMEOUT_US
        target.on_deadline(Micros(NOW + LIBP2P_HANDSHAKE_TIMEOUT_US - 1))
        assert not target.is_ended
        target.on_deadline(Micros(NOW + LIBP2P_HANDSHAKE_TIMEOUT_US))
        assert failure(target) == Failed("the handshake took too long", 0)


def test_a_mute_peer_is_given_up() -> None:
    for upgrade in (make_upgrade(ConnectionSide.DIALLER, ALICE), make_upgrade(ConnectionSide.ACCEPTOR, BOB)):
        deadline = upgrade.next_deadline()
        assert deadline == NOW + LIBP2P_HANDSHAKE_TIMEOUT_US
        upgrade.on_deadline(deadline)
        assert failure(upgrade) == Failed("the handshake took too long", 0)
        assert upgrade.next_deadline() is None and upgrade.take_output() == b""
        upgrade.on_deadline(deadline)
        upgrade.receive(b"too late", deadline)
        assert upgrade.take_events() == []


def test_a_recorded_connection_cannot_be_replayed() -> None:
    dialler, _, link = connected_upgrades()
    stream = dialler.open_stream(ECHO)
    link.run()
    dialler.send(stream, b"pay Eve")
    link.run()
    recorded = bytes(link.wire[0])
    victim = Upgrade(ConnectionSide.ACCEPTOR, BOB, None, supported=(ECHO,), entropy=entropy("another time"), now=NOW)
    victim.receive(recorded, NOW)
    events = victim.take_events()
    assert [type(event) for event in events] == [Failed] and "does not decrypt" in str(events[0])


def hostile() -> tuple[Upgrade, SecureChannel]:
    """An acceptor and, on the other side, an attacker who holds the keys of a finished handshake."""
    acceptor = make_upgrade(ConnectionSide.ACCEPTOR, BOB)
    secure = SecureChannel(True, EVE, BOB.peer_id, entropy("eve"), (YAMUX,))
    acceptor.receive(encode_message(GREETING) + encode_message(NOISE), NOW)
    acceptor.take_output()
    old_peer_handshake(secure, acceptor)
    assert of_type(acceptor.take_events(), PeerAuthenticated)
    return acceptor, secure


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (b"\xff" * 12, "version"),
        (encode_header(WINDOW_UPDATE, SYN, 2, 0), "an id of ours"),
        (encode_header(DATA, 0, 1, 1 << 30), "never opened"),
        (encode_header(DATA, SYN, 1, 1 << 30), "into a window"),
        (encode_header(DATA, SYN, 1, 8) + b"\x07garbage", "without newline"),
        (encode_header(DATA, SYN, 1, 2) + b"\x80\x00", "shortest"),
        (encode_header(DATA, SYN, 1, 5) + b"\xff\xff\xff\xff\x0f", "multistream: message of"),
        (encode_header(WINDOW_UPDATE, 0, 1, 0) * 20_000, "never opened"),
    ],
)
def test_an_authenticated_attacker_is_sent_away_with_a_code(frames: bytes, reason: str) -> None:
    acceptor, secure = hostile()
    for at in range(0, len(frames), 60_000):
        acceptor.receive(secure.encrypt(frames[at : at + 60_000]), NOW)
    failed = failure(acceptor)
    assert reason in failed.reason and failed.score == 100
    goodbye = b"".join(secure.receive(acceptor.take_output()))
    assert goodbye.endswith(encode_header(GO_AWAY, 0, 0, 1)) and acceptor.take_output() == b""


def test_the_peers_go_away_is_nobodys_fault() -> None:
    for code in (0, 1, 2, 77):
        acceptor, secure = hostile()
        acceptor.receive(secure.encrypt(encode_header(GO_AWAY, 0, 0, code)), NOW)
        assert failure(acceptor).score == 0


def test_a_stream_without_a_protocol_is_thrown_away_in_time() -> None:
    acceptor, secure = hostile()
    acceptor.receive(secure.encrypt(encode_header(DATA, SYN, 1, 3) + encode_message(GREETING)[:3]), NOW)
    assert acceptor.next_deadline() == NOW + LIBP2P_STREAM_TIMEOUT_US
    acceptor.on_deadline(Micros(NOW + LIBP2P_STREAM_TIMEOUT_US))
    answer = b"".join(secure.receive(acceptor.take_output()))
    assert encode_header(WINDOW_UPDATE, 8, 1, 0) in answer and acceptor.take_events() == []
    assert not acceptor.is_ended


def test_our_own_stream_that_is_never_answered_is_reported() -> None:
    dialler, _, _ = connected_upgrades()
    stream = dialler.open_stream(ECHO)
    dialler.on_deadline(Micros(NOW + LIBP2P_STREAM_TIMEOUT_US))
    assert dialler.take_events() == [StreamReset(stream)]


def test_a_peer_that_never_reads() -> None:
    dialler, _, link = connected_upgrades()
    stream = dialler.open_stream(ECHO)
    link.run()
    dialler.take_events()
    for _ in range(YAMUX_SEND_QUEUE_BYTES_MAX >> 20):
        dialler.send(stream, bytes(1 << 20))
    assert dialler.queued_bytes(stream) == YAMUX_SEND_QUEUE_BYTES_MAX
    dialler.send(stream, b"one too many")
    assert "does not read" in failure(dialler).reason


def test_a_frozen_peer_is_noticed() -> None:
    dialler, _, _ = connected_upgrades()
    for _ in range(3):
        deadline = dialler.next_deadline()
        assert deadline is not None
        dialler.on_deadline(deadline)
        dialler.take_output()
        if dialler.is_ended:
            break
    assert "pings" in failure(dialler).reason


def test_orderly_close() -> None:
    dialler, acceptor, link = connected_upgrades()
    stream = dialler.open_stream(ECHO)
    link.run()
    dialler.send(stream, b"last words")
    dialler.close()
    link.run()
    events: list[UpgradeEvent] = acceptor.take_events()
    assert of_type(events, StreamData) == [StreamData(stream, b"last words")]
    assert events[-1] == Failed("the peer closed the session", 0)
    early = make_upgrade(ConnectionSide.DIALLER, ALICE)
    early.close()
    assert early.is_ended and early.take_output() == b""


def test_streams_before_the_handshake_are_our_mistake() -> None:
    with pytest.raises(MisuseError, match="no streams yet"):
        make_upgrade(ConnectionSide.DIALLER, ALICE).open_stream(ECHO)


def test_a_fault_found_by_the_user_ends_it_once() -> None:
    dialler, _, _ = connected_upgrades()
    dialler.fail(PeerFault("the session found out"))
    dialler.fail(PeerFault("again"))
    assert dialler.take_events() == [Failed("the session found out", 100)]
