"""The libp2p handshake: who proves what to whom, framing in any pieces, and liars."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.libp2p import vectors as v
from tests.unit.libp2p.pair import ALICE, BOB, entropy

from minicoin.core.faults import DecodeError, PeerFault
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.keys import KeyType, encode_key_message
from minicoin.core.libp2p.noise import HandshakeXX
from minicoin.core.libp2p.protobuf import encode_int_field
from minicoin.core.libp2p.secure import PLAINTEXT_BYTES_MAX, Payload, SecureChannel

MUXERS = ("/yamux/1.0.0",)
EVE = Identity.from_number(666)


def channels(dialler: Identity = ALICE, acceptor: Identity = BOB) -> tuple[SecureChannel, SecureChannel]:
    return (
        SecureChannel(True, dialler, acceptor.peer_id, entropy("dialler"), MUXERS),
        SecureChannel(False, acceptor, None, entropy("acceptor"), MUXERS),
    )


def take(channel: SecureChannel) -> bytes:
    output = bytes(channel.output)
    channel.output.clear()
    return output


def shake(one: SecureChannel, other: SecureChannel) -> None:
    for _ in range(2):
        other.receive(take(one))
        one.receive(take(other))


@pytest.mark.parametrize(
    "private",
    [v.ED25519_PRIVATE, v.SECP256K1_PRIVATE, v.ECDSA_PRIVATE, v.GO_RSA_PRIVATE],
    ids=["ed", "k1", "p256", "rsa"],
)
def test_identities_of_every_type_are_proven(private: bytes) -> None:
    identity = Identity.decode(private)
    one, other = channels(ALICE, identity)
    shake(one, other)
    assert one.is_open and other.is_open
    assert one.remote_peer == identity.peer_id and one.remote_public_key == identity.public_key
    assert other.remote_peer == ALICE.peer_id and one.remote_muxers == other.remote_muxers == MUXERS


@given(st.lists(st.integers(1, 90), min_size=1, max_size=60))
def test_any_split_of_the_bytes_gives_the_same(cuts: list[int]) -> None:
    one, other = channels()
    other.receive(take(one))
    one.receive(take(other))
    messages = [b"a", b"", b"b" * 300, b"c" * 70]
    stream = take(one) + b"".join(one.encrypt(message) for message in messages)
    received: list[bytes] = []
    at = 0
    for cut in [*cuts, len(stream)]:
        received += other.receive(stream[at : at + cut])
        at += cut
    assert received == messages and other.remote_peer == ALICE.peer_id


def test_largest_message() -> None:
    one, other = channels()
    shake(one, other)
    plaintext = bytes(PLAINTEXT_BYTES_MAX)
    sealed = other.encrypt(plaintext)
    assert len(sealed) == 65_537
    assert one.receive(sealed) == [plaintext]


def test_a_dialler_tells_a_stranger_nothing() -> None:
    dialler = SecureChannel(True, ALICE, EVE.peer_id, entropy("dialler"), MUXERS)
    acceptor = SecureChannel(False, BOB, None, entropy("acceptor"), MUXERS)
    acceptor.receive(take(dialler))
    with pytest.raises(PeerFault, match=f"expected peer {EVE.peer_id} and found {BOB.peer_id}") as fault:
        dialler.receive(take(acceptor))
    assert fault.value.score == 0 and not dialler.is_open and take(dialler) == b""


def test_talking_to_oneself() -> None:
    dialler = SecureChannel(True, ALICE, None, entropy("dialler"), MUXERS)
    acceptor = SecureChannel(False, ALICE, None, entropy("acceptor"), MUXERS)
    acceptor.receive(take(dialler))
    with pytest.raises(PeerFault, match="ourselves"):
        dialler.receive(take(acceptor))


def hostile_acceptor(payload: bytes) -> PeerFault:
    """What a dialler says to a handshake that carries `payload` as its proof."""
    dialler = SecureChannel(True, ALICE, None, entropy("dialler"), MUXERS)
    eve = HandshakeXX(False, bytes(range(32)), bytes(range(1, 33)))
    eve.read(take(dialler)[2:])
    message = eve.write(payload)
    with pytest.raises(PeerFault) as fault:
        dialler.receive(len(message).to_bytes(2, "big") + message)
    assert not dialler.is_open and take(dialler) == b""
    return fault.value


def proof(identity: Identity, static: bytes) -> Payload:
    return Payload(identity.public_key, identity.sign(b"noise-libp2p-static-key:" + static))


def test_liars() -> None:
    static = HandshakeXX(False, bytes(range(32)), bytes(32)).static_public
    honest = proof(EVE, static)
    assert "did not sign" in hostile_acceptor(replace(honest, public_key=BOB.public_key).encode()).reason
    assert "did not sign" in hostile_acceptor(proof(BOB, ALICE.public_key[-32:]).encode()).reason
    assert "did not sign" in hostile_acceptor(replace(honest, signature=b"").encode()).reason
    assert "did not sign" in hostile_acceptor(replace(honest, signature=EVE.sign(static)).encode()).reason
    for payload in (
        b"",
        b"\xff" * 40,
        honest.encode()[:-1],
        encode_int_field(1, 5),
        Payload(b"", b"").encode(),
        Payload(encode_key_message(KeyType.ED25519, bytes(31)), b"").encode(),
        Payload(bytes(3_000), b"").encode(),
    ):
        assert "malformed identity" in hostile_acceptor(payload).reason


@pytest.mark.parametrize("length", [4_097, 65_535])
def test_handshake_messages_are_bounded(length: int) -> None:
    for channel in channels():
        with pytest.raises(PeerFault, match=f"handshake message of {length} bytes"):
            channel.receive(length.to_bytes(2, "big"))


def test_transport_garbage() -> None:
    for garbage in (b"\x00\x00", b"\x00\x05hello", b"\x00\x10" + bytes(16), b"\x01\x00" + bytes(256)):
        one, other = channels()
        shake(one, other)
        with pytest.raises(PeerFault, match="does not decrypt"):
            one.receive(garbage)


def test_payload_reads_what_others_write() -> None:
    payload = Payload(b"key", b"signature", ("/yamux/1.0.0", "/mplex/6.7.0"))
    assert Payload.decode(payload.encode()) == payload
    # A field of a later version, and certificate hashes among the extensions.
    later = payload.encode() + bytes.fromhex("2a03616263") + bytes.fromhex("22040a020102")
    assert Payload.decode(later) == payload
    with pytest.raises(DecodeError):
        Payload.decode(bytes.fromhex("220212ff"))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_handshake_or_refused(data: bytes) -> None:
    for channel in channels():
        try:
            channel.receive(data)
        except PeerFault as fault:
            assert fault.reason.startswith("noise")
        assert not channel.is_open
