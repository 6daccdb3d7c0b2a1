"""Noise XX against the published vectors, and what a man in the middle may try."""

import pytest
from tests.unit.libp2p import vectors as v

from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.libp2p.noise import CipherState, HandshakeXX


def pair(prologue: bytes = b"") -> tuple[HandshakeXX, HandshakeXX]:
    return (
        HandshakeXX(True, v.INITIATOR_STATIC, v.INITIATOR_EPHEMERAL, prologue),
        HandshakeXX(False, v.RESPONDER_STATIC, v.RESPONDER_EPHEMERAL, prologue),
    )


def ciphers() -> tuple[tuple[CipherState, CipherState], tuple[CipherState, CipherState]]:
    initiator, responder = pair()
    for _ in range(3):
        writer, reader = (initiator, responder) if initiator.is_our_turn else (responder, initiator)
        reader.read(writer.write(b""))
    return initiator.split(), responder.split()


@pytest.mark.parametrize(("prologue", "payloads", "ciphertexts"), v.NOISE_XX)
def test_published_vectors(prologue: str, payloads: tuple[str, ...], ciphertexts: tuple[str, ...]) -> None:
    initiator, responder = pair(bytes.fromhex(prologue))
    for payload, ciphertext in zip(payloads[:3], ciphertexts[:3], strict=True):
        writer, reader = (initiator, responder) if initiator.is_our_turn else (responder, initiator)
        message = writer.write(bytes.fromhex(payload))
        assert message.hex() == ciphertext
        assert reader.read(message).hex() == payload
    assert initiator.is_done and responder.is_done
    assert initiator.remote_static == responder.static_public and responder.remote_static == initiator.static_public
    (initiator_send, initiator_receive), (responder_send, responder_receive) = initiator.split(), responder.split()
    # The vectors go on with one message of each side.
    for sender, receiver, number in ((initiator_send, responder_receive, 3), (responder_send, initiator_receive, 4)):
        message = sender.encrypt(bytes.fromhex(payloads[number]))
        assert message.hex() == ciphertexts[number]
        assert receiver.decrypt(message).hex() == payloads[number]


@pytest.mark.parametrize("number", [1, 2])
def test_a_changed_bit_anywhere_in_an_encrypted_handshake_message_is_found(number: int) -> None:
    size = len(bytes.fromhex(v.NOISE_XX[1][2][number]))
    for at in range(0, size, 7):
        initiator, responder = pair()
        message = initiator.write(b"")
        responder.read(message)
        message = responder.write(b"payload")
        reader = initiator
        if number == 2:
            initiator.read(message)
            message = initiator.write(b"payload")
            reader = responder
        if at < len(message):
            changed = bytearray(message)
            changed[at] ^= 1
            with pytest.raises(PeerFault):
                reader.read(bytes(changed))


@pytest.mark.parametrize("size", [0, 1, 31])
def test_truncated_first_message(size: int) -> None:
    _, responder = pair()
    with pytest.raises(PeerFault, match="too short"):
        responder.read(bytes(size))


@pytest.mark.parametrize("size", [0, 31, 32, 79, 80, 95])
def test_truncated_second_message(size: int) -> None:
    initiator, responder = pair()
    responder.read(initiator.write(b""))
    with pytest.raises(PeerFault):
        initiator.read(responder.write(b"")[:size])


# Points of small order, which would make the shared secret the same for everybody.
@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
def test_degenerate_keys(point: bytes) -> None:
    _, responder = pair()
    responder.read(point)
    with pytest.raises(PeerFault, match="degenerate"):
        responder.write(b"")


def test_a_replayed_handshake_does_not_decrypt() -> None:
    initiator, responder = pair()
    first = initiator.write(b"")
    responder.read(first)
    initiator.read(responder.write(b""))
    third = initiator.write(b"")
    responder.read(third)
    other = HandshakeXX(False, v.RESPONDER_STATIC, bytes(range(0x60, 0x80)))
    other.read(first)
    other.write(b"")
    with pytest.raises(PeerFault, match="does not decrypt"):
        other.read(third)


def test_replayed_reordered_and_forged_messages() -> None:
    for tamper in ("replay", "reorder", "forge", "truncate", "empty"):
        (send, _), (_, receive) = ciphers()
        first, second = send.encrypt(b"one"), send.encrypt(b"two")
        attempt = {
            "replay": [first, first],
            "reorder": [second],
            "forge": [bytes((first[0] ^ 1,)) + first[1:]],
            "truncate": [first[:-1]],
            "empty": [b""],
        }[tamper]
        with pytest.raises(PeerFault, match="does not decrypt") as fault:
            for message in attempt:
                receive.decrypt(message)
        # Anybody between the two can have done that.
        assert fault.value.score == 0


def test_turns_are_kept() -> None:
    initiator, responder = pair()
    with pytest.raises(MisuseError):
        responder.write(b"")
    with pytest.raises(MisuseError):
        initiator.read(bytes(32))
    with pytest.raises(MisuseError):
        initiator.split()
