"""The fuzz targets of core/libp2p: one function per decoder of hostile bytes, with well-formed seeds to mutate.

A target returns for a value or a refusal of the allowed kind; any other exception, a value that does not survive its
own encoding, and a machine whose outcome depends on how the bytes were cut are findings.
"""

from collections.abc import Callable

from tests.fuzz.targets import Target
from tests.unit.libp2p import vectors as v
from tests.unit.libp2p.pair import (
    ALICE,
    BOB,
    ECHO,
    NOW,
    Link,
    connected_upgrades,
    entropy,
    make_channel,
    make_upgrade,
    of_type,
)

from minicoin.core.faults import DecodeError, PeerFault
from minicoin.core.libp2p.channel import ChannelClosed
from minicoin.core.libp2p.events import ConnectionSide, Failed, StreamData, StreamOpened
from minicoin.core.libp2p.identify import Identify, IdentifyReader, encode_delimited
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.keys import PublicKey
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.multistream import GREETING, Answerer, Proposer, encode_message
from minicoin.core.libp2p.noise import HandshakeXX
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.libp2p.ping import Pinger
from minicoin.core.libp2p.protobuf import encode_bytes_field, encode_int_field, read_fields
from minicoin.core.libp2p.questions import QuestionStreams
from minicoin.core.libp2p.secure import Payload, SecureChannel
from minicoin.core.libp2p.upgrade import NOISE, YAMUX, Upgrade
from minicoin.core.libp2p.varint import encode_varint, read_varint
from minicoin.core.libp2p.yamux import Yamux
from minicoin.core.libp2p.yamux_frames import ACK, DATA, FIN, PING, RST, SYN, WINDOW_UPDATE, Data, encode_header

_PEER_TEXT = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
_ADDRESSES = (
    f"/ip4/198.51.100.0/tcp/4242/p2p/{_PEER_TEXT}",
    "/ip6zone/eth0/ip6/fe80::1/udp/4001/quic-v1/webtransport/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjvcJCJMD2K_1aluKR_tpevQ",
    "/dns4/example.com/tcp/443/tls/sni/example.com/ws",
)
_IDENTIFY = Identify(
    ALICE.public_key,
    (Multiaddr.parse(_ADDRESSES[0]),),
    ("/ipfs/id/1.0.0",),
    Multiaddr.parse(_ADDRESSES[2]),
    "/my-network/0.1.0",
    "agent/1",
)
_FRAMES = b"".join(
    (
        encode_header(WINDOW_UPDATE, SYN, 1, 5),
        encode_header(DATA, 0, 1, 5) + b"first",
        encode_header(PING, SYN, 0, 9),
        encode_header(PING, ACK, 0, 1),
        encode_header(DATA, SYN, 3, 3) + b"two",
        encode_header(DATA, FIN, 3, 3) + b"end",
        encode_header(WINDOW_UPDATE, RST, 1, 0),
    )
)


def _refusal_allowed(check: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def run(raw: bytes) -> None:
        try:
            check(raw)
        except DecodeError:
            return

    return run


def _varint(raw: bytes) -> None:
    value, end = read_varint(raw, 0)
    assert encode_varint(value) == raw[:end]


def _protobuf(raw: bytes) -> None:
    fields = read_fields(raw)
    rebuilt = b"".join(
        encode_int_field(field.number, field.value & (1 << 63) - 1)
        if isinstance(field.value, int)
        else encode_bytes_field(field.number, field.value)
        for field in fields
    )
    assert [field.number for field in read_fields(rebuilt)] == [field.number for field in fields]


def _public_key(raw: bytes) -> None:
    key = PublicKey.decode(raw)
    assert not key.verifies(raw, b"message") and PeerId.of_key(raw).multihash


def _private_key(raw: bytes) -> None:
    identity = Identity.read_key_file(raw)
    assert PublicKey.decode(identity.public_key).verifies(identity.sign(b"message"), b"message")


def _peer_id(raw: bytes) -> None:
    assert PeerId.parse(PeerId(raw).to_cid()) == PeerId(raw)


def _peer_id_text(raw: bytes) -> None:
    peer = PeerId.parse(raw.decode("latin-1"))
    assert PeerId(peer.multihash) == peer


def _multiaddr(raw: bytes) -> None:
    address = Multiaddr.decode(raw)
    assert address.encode() == raw and Multiaddr.parse(str(address)) == address
    assert address.tcp_endpoint is None or address.dnsaddr is None


def _multiaddr_text(raw: bytes) -> None:
    address = Multiaddr.parse(raw.decode("latin-1"))
    assert Multiaddr.decode(address.encode()) == address and Multiaddr.parse(str(address)) == address


def _identify(raw: bytes) -> None:
    found = Identify.decode(raw)
    assert Identify.decode(found.encode()) == found


def _noise_payload(raw: bytes) -> None:
    payload = Payload.decode(raw)
    assert Payload.decode(payload.encode()) == payload


def _cut(raw: bytes) -> tuple[bytes, list[bytes]]:
    """The first byte says in which pieces the rest arrives."""
    if not raw:
        return b"", []
    step, stream = raw[0] + 1, raw[1:]
    return stream, [stream[at : at + step] for at in range(0, len(stream), step)]


def _outcome(feed: Callable[[bytes], object], pieces: list[bytes]) -> str:
    """The fault's reason, or nothing."""
    try:
        for piece in pieces:
            feed(piece)
    except PeerFault as fault:
        return fault.reason
    return ""


def _identify_stream(raw: bytes) -> None:
    whole, pieces = _cut(raw)
    one, other = IdentifyReader(), IdentifyReader()
    assert _outcome(one.receive, [whole]) == _outcome(other.receive, pieces)
    assert one.found == other.found


def _multistream(raw: bytes) -> None:
    whole, pieces = _cut(raw)
    for make in (lambda: Proposer("/a/1"), lambda: Answerer(("/a/1",))):
        agreed = []
        for parts in ([whole], pieces):
            machine = make()
            reason = ""
            try:
                for part in parts:
                    if machine.receive(part):
                        break
            except PeerFault as fault:
                reason = fault.reason
            agreed.append((reason, machine.agreed, machine.take_output()))
        assert agreed[0] == agreed[1]


def _noise_handshake(raw: bytes) -> None:
    """A message of the handshake from somebody who knows the pattern and puts anything into it."""
    for payload in (raw, Payload(BOB.public_key, raw).encode(), Payload(raw, b"").encode()):
        dialler = SecureChannel(True, ALICE, None, entropy("fuzz"), (YAMUX,))
        attacker = HandshakeXX(False, v.RESPONDER_STATIC, v.RESPONDER_EPHEMERAL)
        attacker.read(bytes(dialler.output[2:]))
        message = attacker.write(payload[:4_000])
        assert _outcome(dialler.receive, [len(message).to_bytes(2, "big") + message]) and not dialler.is_open
    for side, identity in ((True, ALICE), (False, BOB)):
        channel = SecureChannel(side, identity, None, entropy("fuzz"), (YAMUX,))
        _outcome(channel.receive, [raw])
        assert not channel.is_open


def _ping(raw: bytes) -> None:
    _outcome(lambda part: Pinger(bytes(32), NOW).receive(part, NOW), [raw])


def _questions(raw: bytes) -> None:
    """Anything on a stream of questions, each of which is answered at once."""
    whole, pieces = _cut(raw)
    outcomes = []
    for parts in ([whole], pieces):
        asker, node, link = connected_upgrades()
        streams = QuestionStreams(node, ECHO)
        stream = asker.open_stream(ECHO)
        link.run()
        (opened,) = of_type(node.take_events(), StreamOpened)
        streams.on_event(opened, NOW)
        asked: list[bytes] = []

        def feed(
            part: bytes,
            ends: tuple[Upgrade, Upgrade, Link] = (asker, node, link),
            at: tuple[int, QuestionStreams, list[bytes]] = (stream, streams, asked),
        ) -> None:
            ends[0].send(at[0], part)
            ends[2].run()
            for event in of_type(ends[1].take_events(), StreamData):
                waiting = at[1].on_event(event, NOW) if at[1].owns(event) else []
                while waiting:
                    number, question = waiting.pop()
                    at[2].append(question)
                    waiting = at[1].answer(number, b"", NOW)

        outcomes.append((_outcome(feed, parts), asked))
    assert outcomes[0] == outcomes[1]


def _yamux(raw: bytes) -> None:
    whole, pieces = _cut(raw)
    outcomes = []
    for parts in ([whole], pieces):
        session = Yamux(False, NOW)
        session.open()
        reason = _outcome(lambda part, session=session: session.receive(part, NOW), parts)
        events = []
        for event in session.take_events():
            if (
                isinstance(event, Data)
                and events
                and isinstance(events[-1], Data)
                and events[-1].stream == event.stream
            ):
                events[-1] = Data(event.stream, events[-1].data + event.data)
            else:
                events.append(event)
        outcomes.append((reason, events, session.take_output(65_519)))
    assert outcomes[0] == outcomes[1]


def _upgrade(raw: bytes) -> None:
    """Anything at any stage of an honest connection."""
    whole, pieces = _cut(raw)
    dialler, acceptor = (
        make_upgrade(ConnectionSide.DIALLER, ALICE, BOB.peer_id),
        make_upgrade(ConnectionSide.ACCEPTOR, BOB),
    )
    for number in range(len(whole) % 8):
        source, target = (dialler, acceptor) if number % 2 == 0 else (acceptor, dialler)
        target.receive(source.take_output(), NOW)
    for victim in (dialler, acceptor):
        victim.take_events()
        for piece in pieces:
            victim.receive(piece, NOW)
        assert len(of_type(victim.take_events(), Failed)) <= 1
        assert victim.is_ended or victim.next_deadline() is not None


def _channel(raw: bytes) -> None:
    """Frames of an attacker who has finished the handshake, until the channel closes."""
    whole, _ = _cut(raw)
    channel = make_channel(ConnectionSide.ACCEPTOR, BOB)
    attacker = SecureChannel(True, ALICE, BOB.peer_id, entropy("fuzz"), (YAMUX,))
    channel.receive(encode_message(GREETING) + encode_message(NOISE), NOW)
    channel.take_output()
    for _ in range(2):
        channel.receive(bytes(attacker.output), NOW)
        attacker.output.clear()
        attacker.receive(channel.take_output())
    reason = _outcome(lambda part: channel.receive(attacker.encrypt(part), NOW), [whole])
    closed = of_type(channel.take_events(), ChannelClosed)
    assert len(closed) <= 1 and (not reason or closed[0].reason == reason)
    while channel.take_output():
        pass


def _recorded() -> bytes:
    dialler, acceptor = (
        make_upgrade(ConnectionSide.DIALLER, ALICE, BOB.peer_id),
        make_upgrade(ConnectionSide.ACCEPTOR, BOB),
    )
    link = Link(dialler, acceptor)
    link.run()
    return bytes(link.wire[0])


_OPENING = encode_message(GREETING) + encode_message("/a/1")
_SERVICES = b"".join(
    encode_header(DATA, SYN, stream, len(opening) + len(payload))
    + opening
    + payload
    + encode_header(DATA, FIN, stream, 0)
    for stream, opening, payload in (
        (1, encode_message(GREETING) + encode_message("/ipfs/id/push/1.0.0"), encode_delimited(_IDENTIFY)),
        (3, encode_message(GREETING) + encode_message("/ipfs/ping/1.0.0"), bytes(range(32))),
        (5, encode_message(GREETING) + encode_message("/ipfs/id/1.0.0"), b""),
        (7, encode_message(GREETING) + encode_message(ECHO), b""),
    )
)

TARGETS: dict[str, Target] = {
    "varint": Target(_refusal_allowed(_varint), (b"\x01", b"\xff\x01", b"\x80\x80\x01", b"\xff" * 8 + b"\x7f")),
    "protobuf": Target(_refusal_allowed(_protobuf), (_IDENTIFY.encode(), b"\x09" + bytes(8) + b"\x15" + bytes(4))),
    "public-key": Target(
        _refusal_allowed(_public_key), (v.ED25519_PUBLIC, v.SECP256K1_PUBLIC, v.ECDSA_PUBLIC, v.GO_RSA_PUBLIC)
    ),
    "private-key": Target(
        _refusal_allowed(_private_key), (v.ED25519_PRIVATE, v.SECP256K1_PRIVATE, v.ECDSA_PRIVATE, v.GO_RSA_PRIVATE)
    ),
    "peer-id": Target(_refusal_allowed(_peer_id), (ALICE.peer_id.multihash, PeerId.of_key(v.ECDSA_PUBLIC).multihash)),
    "peer-id-text": Target(
        _refusal_allowed(_peer_id_text),
        (_PEER_TEXT.encode(), ALICE.peer_id.to_cid().encode(), b"QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"),
    ),
    "libp2p-multiaddr": Target(
        _refusal_allowed(_multiaddr), tuple(Multiaddr.parse(text).encode() for text in _ADDRESSES)
    ),
    "multiaddr-text": Target(_refusal_allowed(_multiaddr_text), tuple(text.encode() for text in _ADDRESSES)),
    "identify": Target(_refusal_allowed(_identify), (_IDENTIFY.encode(),)),
    "identify-stream": Target(_identify_stream, (b"\x06" + encode_delimited(_IDENTIFY) * 2,)),
    "multistream": Target(_multistream, (b"\x04" + _OPENING + b"rest", b"\x01" + encode_message(GREETING) * 2)),
    "noise-payload": Target(_refusal_allowed(_noise_payload), (Payload(BOB.public_key, bytes(64), (YAMUX,)).encode(),)),
    "noise-handshake": Target(_noise_handshake, (Payload(BOB.public_key, bytes(64), (YAMUX,)).encode(),)),
    "ping": Target(_ping, (bytes(32), bytes(33))),
    "questions": Target(_questions, (b"\x02\x05first\x06second\x00\x01?", b"\x00\x83\x00abc")),
    "yamux": Target(_yamux, (b"\x07" + _FRAMES, b"\x00" + _SERVICES)),
    "upgrade": Target(_upgrade, (b"\x10" + _recorded(), b"\xff" + _OPENING)),
    "channel": Target(_channel, (b"\x00" + _SERVICES, b"\x00" + _FRAMES)),
}
