"""Channels: the wire stream of a connection, in memory and virtual time, and the peers that must not be kept."""

import hashlib

import pytest
from tests.unit.libp2p.pair import (
    ALICE,
    BOB,
    ECHO,
    NOW,
    WIRE,
    Link,
    connected_channels,
    entropy,
    make_channel,
    make_upgrade,
    of_type,
)

from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.libp2p.channel import (
    ChannelAsked,
    ChannelClosed,
    ChannelData,
    ChannelEvent,
    ChannelIdentified,
    ChannelPinged,
    ChannelReady,
    Libp2pChannel,
    LocalPeer,
)
from minicoin.core.libp2p.events import ConnectionSide, StreamData, StreamRefused
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.multistream import GREETING, encode_message
from minicoin.core.libp2p.secure import SecureChannel
from minicoin.core.libp2p.upgrade import NOISE, YAMUX, Upgrade
from minicoin.core.libp2p.yamux_frames import DATA, SYN, encode_header
from minicoin.core.limits import (
    LIBP2P_HANDSHAKE_TIMEOUT_US,
    LIBP2P_WIRE_STREAM_TIMEOUT_US,
    YAMUX_PING_INTERVAL_US,
    YAMUX_SEND_QUEUE_BYTES_MAX,
    YAMUX_WINDOW_INITIAL_BYTES,
)
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, SECOND_US, Micros

OTHER_NETWORK = "/minicoin/0000000000000000/wire/1"


def closed(channel: Libp2pChannel) -> str:
    events = channel.take_events()
    (found,) = of_type(events, ChannelClosed)
    assert events[-1] == found and channel.next_deadline() is None
    return found.reason


def test_ready_identified_and_talking() -> None:
    dialler, acceptor = (
        make_channel(ConnectionSide.DIALLER, ALICE, BOB.peer_id),
        make_channel(ConnectionSide.ACCEPTOR, BOB),
    )
    link = Link(dialler, acceptor)
    link.run()
    events: dict[str, list[ChannelEvent]] = {"dialler": dialler.take_events(), "acceptor": acceptor.take_events()}
    for name, peer in (("dialler", BOB), ("acceptor", ALICE)):
        assert of_type(events[name], ChannelReady) == [ChannelReady(peer.peer_id.multihash)]
        (identified,) = of_type(events[name], ChannelIdentified)
        description = identified.description
        assert description is not None and description.public_key == peer.public_key
        assert description.observed_address == Multiaddr.parse("/ip4/198.51.100.7/tcp/50000")
        assert description.listen_addresses == (Multiaddr.parse("/ip4/192.0.2.1/tcp/4001"),)
        assert WIRE in description.protocols
    dialler.send(b"version")
    acceptor.send(b"verack")
    link.run()
    assert acceptor.take_events() == [ChannelData(b"version")] and dialler.take_events() == [ChannelData(b"verack")]


def transfer(size: int, piece: int) -> tuple[str, str]:
    """(digest of the payload received, digest of every byte on the wire) after both sides sent `size` bytes."""
    dialler, acceptor, link = connected_channels()
    sent = {dialler: 0, acceptor: 0}
    received = {dialler: hashlib.sha256(), acceptor: hashlib.sha256()}
    wire = hashlib.sha256()
    rng, now = Rng(b"payload"), NOW
    while True:
        now = Micros(now + 20_000)
        for side in (dialler, acceptor):
            while sent[side] < size and side.queued_bytes < 1 << 20:
                block = rng.bytes(32) * 1_024
                side.send(block)
                sent[side] += len(block)
        moved = link.step(now, piece)
        for record in link.wire:
            wire.update(record)
            record.clear()
        for side in (dialler, acceptor):
            for data in of_type(side.take_events(), ChannelData):
                received[side].update(data.data)
                side.consumed(len(data.data))
        if not moved and sent[dialler] >= size and dialler.queued_bytes == acceptor.queued_bytes == 0:
            return received[acceptor].hexdigest() + received[dialler].hexdigest(), wire.hexdigest()


def test_ten_megabytes_each_way_give_the_same_bytes_in_each_run() -> None:
    first, second = transfer(10 << 20, 65_536), transfer(10 << 20, 65_536)
    assert first == second
    # Other pieces change when credit is given, not what arrives.
    assert transfer(1 << 20, 1_111)[0] == transfer(1 << 20, 100_000)[0]


def test_credit_follows_the_application() -> None:
    dialler, acceptor, link = connected_channels()
    # The negotiation of the stream has used a little of the window.
    negotiated = len(encode_message(GREETING) + encode_message(WIRE))
    dialler.send(bytes(YAMUX_WINDOW_INITIAL_BYTES + 1_000))
    link.run()
    assert dialler.queued_bytes == 1_000 + negotiated
    arrived = sum(len(event.data) for event in of_type(acceptor.take_events(), ChannelData))
    assert arrived == YAMUX_WINDOW_INITIAL_BYTES - negotiated
    acceptor.consumed(arrived)
    link.run()
    assert dialler.queued_bytes == 0


def test_small_messages_leave_together() -> None:
    dialler, _, _ = connected_channels()
    for _ in range(600):
        dialler.send(b"m" * 100)
    output = dialler.take_output()
    assert len(output) < 600 * 100 + 64 and dialler.take_output() == b""


def test_ping_and_announce() -> None:
    dialler, acceptor, link = connected_channels()
    dialler.ping()
    addresses = (Multiaddr.parse("/ip4/192.0.2.2/tcp/4002"),)
    dialler.announce(addresses)
    link.run()
    assert dialler.take_events() == [ChannelPinged(0)]
    (identified,) = of_type(acceptor.take_events(), ChannelIdentified)
    assert identified.description is not None and identified.description.listen_addresses == addresses
    assert dialler.rtt_us == 0


def test_close_delivers_what_was_sent() -> None:
    dialler, acceptor, link = connected_channels()
    dialler.send(b"last words")
    dialler.close("done here")
    dialler.close("again")
    dialler.send(b"ignored")
    link.run()
    assert closed(dialler) == "done here"
    assert acceptor.take_events() == [ChannelData(b"last words"), ChannelClosed("the peer closed the session")]
    assert acceptor.take_output() == dialler.take_output() == b""


def test_sending_before_ready_is_our_mistake() -> None:
    with pytest.raises(MisuseError, match="not open"):
        make_channel(ConnectionSide.DIALLER, ALICE).send(b"early")


# --- peers of another kind ---


def test_another_network_is_kept_only_until_both_know_each_other() -> None:
    dialler = make_channel(ConnectionSide.DIALLER, ALICE, BOB.peer_id)
    acceptor = make_channel(ConnectionSide.ACCEPTOR, BOB, protocol=OTHER_NETWORK)
    Link(dialler, acceptor).run()
    events = dialler.take_events()
    assert of_type(events, ChannelIdentified) and not of_type(events, ChannelReady)
    theirs, ours = OTHER_NETWORK.split("/")[2], WIRE.split("/")[2]
    assert events[-1] == ChannelClosed(f"the peer runs other rules: {theirs}, ours: {ours}; compare the network files")
    assert of_type(acceptor.take_events(), ChannelIdentified)


def test_a_peer_that_opens_no_wire_stream_is_given_up() -> None:
    visitor = make_channel(ConnectionSide.DIALLER, ALICE, BOB.peer_id, protocol=None)
    acceptor = make_channel(ConnectionSide.ACCEPTOR, BOB)
    link = Link(visitor, acceptor)
    link.run()
    assert of_type(visitor.take_events(), ChannelIdentified)
    visitor.ping()
    link.run()
    assert visitor.take_events() == [ChannelPinged(0)]
    assert acceptor.next_deadline() == NOW + LIBP2P_WIRE_STREAM_TIMEOUT_US
    acceptor.on_deadline(Micros(NOW + LIBP2P_WIRE_STREAM_TIMEOUT_US))
    assert closed(acceptor) == f"the peer does not speak {WIRE}"
    link.run()
    assert closed(visitor) == "the peer closed the session"


def test_a_second_wire_stream_and_one_from_the_acceptor_are_reset() -> None:
    acceptor, client, link = channel_and_client()
    first = client.open_stream(WIRE)
    link.run()
    second = client.open_stream(WIRE)
    link.run()
    assert [type(event).__name__ for event in client.take_events()][-2:] == ["StreamOpened", "StreamReset"]
    client.send(first, b"still here")
    link.run()
    assert of_type(acceptor.take_events(), ChannelData) == [ChannelData(b"still here")]
    assert second != first


def channel_and_client() -> tuple[Libp2pChannel, Upgrade, Link]:
    """An accepting channel, and a dialler that does by hand what it likes."""
    acceptor = make_channel(ConnectionSide.ACCEPTOR, BOB)
    client = Upgrade(ConnectionSide.DIALLER, ALICE, None, supported=(), entropy=entropy("client"), now=NOW)
    link = Link(client, acceptor)
    link.run()
    client.take_events()
    return acceptor, client, link


def test_a_peer_that_closes_or_resets_the_wire_stream_is_gone() -> None:
    for ending in ("close_write", "reset"):
        acceptor, client, link = channel_and_client()
        stream = client.open_stream(WIRE)
        link.run()
        client.send(stream, b"bye")
        link.run()
        client.close_write(stream) if ending == "close_write" else client.reset(stream)
        link.run()
        assert closed(acceptor) == "the peer closed the wire stream"


# --- attackers ---


def test_a_mute_socket_is_given_up() -> None:
    for side in ConnectionSide:
        channel = make_channel(side, ALICE)
        assert channel.next_deadline() == NOW + LIBP2P_HANDSHAKE_TIMEOUT_US
        channel.on_deadline(Micros(NOW + LIBP2P_HANDSHAKE_TIMEOUT_US))
        assert closed(channel) == "the handshake took too long"
        channel.on_deadline(Micros(NOW + MINUTE_US))
        assert channel.take_events() == []


def test_wrong_peer_and_garbage() -> None:
    stranger = Identity.from_number(3)
    dialler, acceptor = (
        make_channel(ConnectionSide.DIALLER, ALICE, stranger.peer_id),
        make_channel(ConnectionSide.ACCEPTOR, BOB),
    )
    Link(dialler, acceptor).run()
    assert "expected peer" in closed(dialler)
    channel = make_channel(ConnectionSide.ACCEPTOR, BOB)
    with pytest.raises(PeerFault, match="multistream") as fault:
        channel.receive(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(30), NOW)
    assert fault.value.score == 100 and "multistream" in closed(channel)


def nobody(_peer_id: bytes) -> bool:
    return False


def test_a_stranger_hears_only_that_it_is_not_admitted() -> None:
    dialler = make_channel(ConnectionSide.DIALLER, ALICE)
    acceptor = make_channel(ConnectionSide.ACCEPTOR, BOB, admits=nobody)
    Link(dialler, acceptor).run()
    assert acceptor.take_events() == [ChannelClosed(f"peer {ALICE.peer_id} is not admitted")]
    (end,) = dialler.take_events()
    assert isinstance(end, ChannelClosed) and "does not admit this node" in end.reason


def test_one_that_is_not_admitted_where_it_is_dialled_does_not_learn_who_dialled() -> None:
    dialler = make_channel(ConnectionSide.DIALLER, ALICE, admits=nobody)
    acceptor = make_channel(ConnectionSide.ACCEPTOR, BOB)
    Link(dialler, acceptor).run()
    assert dialler.take_events() == [ChannelClosed(f"peer {BOB.peer_id} is not admitted")]
    assert dialler.take_output() == b"" and acceptor.take_events() == []


def test_who_is_admitted_notices_nothing() -> None:
    asked: list[bytes] = []

    def admits(peer_id: bytes) -> bool:
        asked.append(peer_id)
        return True

    dialler = make_channel(ConnectionSide.DIALLER, ALICE, admits=admits)
    acceptor = make_channel(ConnectionSide.ACCEPTOR, BOB, admits=admits)
    link = Link(dialler, acceptor)
    link.run()
    assert ChannelReady(ALICE.peer_id.multihash) in acceptor.take_events()
    dialler.send(b"hello")
    link.run()
    # Once for each connection, at each end.
    assert asked == [BOB.peer_id.multihash, ALICE.peer_id.multihash]


def test_who_is_cut_off_is_told_behind_what_was_sent() -> None:
    dialler, acceptor, link = connected_channels()
    acceptor.send(b"your bank is not admitted any more")
    acceptor.close("not admitted to this network", is_gated=True)
    link.run()
    said, end = dialler.take_events()
    assert said == ChannelData(b"your bank is not admitted any more")
    assert isinstance(end, ChannelClosed) and "does not admit this node" in end.reason


def test_a_violation_reaches_caller_and_peer() -> None:
    acceptor, client, link = channel_and_client()
    stream = client.open_stream("/ipfs/id/push/1.0.0")
    link.run()
    client.send(stream, b"\xff" * 30)
    with pytest.raises(PeerFault, match="identify"):
        link.run()
    assert "identify" in closed(acceptor)
    client.receive(acceptor.take_output(), NOW)
    assert "ended with 1" in str(client.take_events()[-1])


def test_a_peer_that_never_reads_is_cut_off_with_bounded_memory() -> None:
    dialler, _, _ = connected_channels()
    for _ in range(2 * YAMUX_SEND_QUEUE_BYTES_MAX // 65_536):
        dialler.send(bytes(65_536))
        assert dialler.queued_bytes <= YAMUX_SEND_QUEUE_BYTES_MAX
    assert "does not read" in closed(dialler) and dialler.queued_bytes == 0


def test_a_frozen_peer_is_noticed_within_90_seconds() -> None:
    dialler, _, _ = connected_channels()
    now = NOW
    while (deadline := dialler.next_deadline()) is not None:
        now = deadline
        dialler.on_deadline(now)
        dialler.take_output()
    assert now <= NOW + 3 * YAMUX_PING_INTERVAL_US and "pings" in closed(dialler)


def test_answered_pings_keep_an_idle_connection_for_an_hour() -> None:
    dialler, acceptor, link = connected_channels()
    now = NOW
    for _ in range(120):
        deadlines = [side.next_deadline() for side in (dialler, acceptor)]
        now = Micros(max(deadline for deadline in deadlines if deadline is not None))
        dialler.on_deadline(now)
        acceptor.on_deadline(now)
        link.run(Micros(now + 10))
    assert now >= NOW + 59 * MINUTE_US and dialler.take_events() == acceptor.take_events() == []


def test_window_violation_of_an_authenticated_attacker() -> None:
    channel = make_channel(ConnectionSide.ACCEPTOR, BOB)
    secure = SecureChannel(True, ALICE, BOB.peer_id, entropy("eve"), (YAMUX,))
    channel.receive(encode_message(GREETING) + encode_message(NOISE), NOW)
    channel.take_output()
    for _ in range(2):
        channel.receive(bytes(secure.output), NOW)
        secure.output.clear()
        secure.receive(channel.take_output())
    opening = encode_message(GREETING) + encode_message(WIRE)
    channel.receive(secure.encrypt(encode_header(DATA, SYN, 1, len(opening)) + opening), NOW)
    assert of_type(channel.take_events(), ChannelReady)
    with pytest.raises(PeerFault, match="into a window"):
        for _ in range(10):
            channel.receive(secure.encrypt(encode_header(DATA, 0, 1, 60_000) + bytes(60_000)), NOW)
    events = channel.take_events()
    arrived = sum(len(event.data) for event in of_type(events, ChannelData))
    assert arrived <= YAMUX_WINDOW_INITIAL_BYTES and "into a window" in of_type(events, ChannelClosed)[0].reason


def test_connections_come_and_go_and_leave_nothing_behind() -> None:
    """Nothing outside a channel remembers it: each run of the same connection gives the same bytes."""
    digests = set()
    for _ in range(50):
        dialler, acceptor, link = connected_channels()
        dialler.close("next")
        link.run(Micros(NOW + SECOND_US))
        digests.add(hashlib.sha256(bytes(link.wire[0]) + bytes(link.wire[1])).hexdigest())
        assert acceptor.take_output() == b""
    assert len(digests) == 1


def test_who_has_no_wire_may_ask_and_is_let_go_when_its_time_is_up() -> None:
    asker = make_upgrade(ConnectionSide.DIALLER, ALICE, BOB.peer_id, ())
    asked = LocalPeer(BOB, WIRE, "test", questions=ECHO)
    channel = Libp2pChannel(
        ConnectionSide.ACCEPTOR, asked, None, None, entropy=entropy("asked"), rng=Rng(b"test"), now=NOW
    )
    link = Link(asker, channel)
    link.run()
    stream = asker.open_stream(ECHO)
    link.run()
    asker.send(stream, b"\x05first\x06second")
    link.run()
    (question,) = of_type(channel.take_events(), ChannelAsked)
    assert (question.peer_id, question.question) == (ALICE.peer_id.multihash, b"first")
    channel.answer(question.stream, b"so")
    link.run()
    assert [event.data for event in of_type(asker.take_events(), StreamData)][-1:] == [b"\x02so"]
    (question,) = of_type(channel.take_events(), ChannelAsked)
    assert question.question == b"second"
    deadline = channel.next_deadline()
    assert deadline is not None and deadline <= NOW + LIBP2P_WIRE_STREAM_TIMEOUT_US
    channel.on_deadline(Micros(NOW + LIBP2P_WIRE_STREAM_TIMEOUT_US))
    assert "does not speak" in closed(channel)
    # Whoever answers late answers nobody.
    channel.answer(question.stream, b"late")


def test_where_nothing_is_asked_nothing_is_offered() -> None:
    asker = make_upgrade(ConnectionSide.DIALLER, ALICE, BOB.peer_id, ())
    channel = make_channel(ConnectionSide.ACCEPTOR, BOB)
    link = Link(asker, channel)
    link.run()
    asker.open_stream(ECHO)
    link.run()
    assert of_type(asker.take_events(), StreamRefused) and of_type(channel.take_events(), ChannelAsked) == []
    channel.answer(1, b"unasked")
