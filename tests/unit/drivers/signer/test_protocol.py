"""Frames between a node and its signer: every one survives, and what is none is refused in time."""

from dataclasses import replace

import pytest
from tests.unit.signers.banks import NETWORK_ID

from minicoin.core.faults import DecodeError
from minicoin.core.limits import SIGNER_FRAME_BYTES_MAX, SIGNER_REASON_BYTES_MAX
from minicoin.core.signers.recovery import NO_RECOVERY
from minicoin.drivers.signer.protocol import (
    GreetingAsked,
    KeysHeld,
    SignatureRefused,
    SignerFrame,
    SignerFrameReader,
    StatementAsked,
    VoteAsked,
    decode_frame,
    encode_frame,
)

from .samples import FRAMES, MEMBER


def body(frame: SignerFrame) -> bytes:
    return encode_frame(frame)[4:]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_a_frame_survives_and_a_part_of_one_is_none(frame: SignerFrame) -> None:
    raw = body(frame)
    assert decode_frame(raw) == frame
    # A statement's body and a reason end with the frame, at any length.
    ends_anywhere = isinstance(frame, StatementAsked | SignatureRefused)
    # But for its epoch, which stands behind all else.
    plain = body(replace(frame, epoch=NO_RECOVERY)) if isinstance(frame, VoteAsked | GreetingAsked) else raw
    for end in (0, 1, 4, *(() if ends_anywhere else range(5, len(raw)))):
        if raw[:end] == plain:
            continue
        with pytest.raises(DecodeError):
            decode_frame(raw[:end])
    if not ends_anywhere:
        with pytest.raises(DecodeError):
            decode_frame(raw + b"\0")


def test_frames_come_in_any_pieces() -> None:
    raw = b"".join(encode_frame(frame) for frame in FRAMES)
    for size in (1, 7, len(raw)):
        reader = SignerFrameReader()
        found = [one for at in range(0, len(raw), size) for one in reader.feed(raw[at : at + size])]
        assert tuple(found) == FRAMES
        assert not reader.has_begun


@pytest.mark.parametrize("length", [0, SIGNER_FRAME_BYTES_MAX + 1, (1 << 32) - 1])
def test_a_length_that_no_frame_has_is_refused_before_its_bytes(length: int) -> None:
    with pytest.raises(DecodeError, match="a frame has"):
        list(SignerFrameReader().feed(length.to_bytes(4, "little")))


def test_another_version_is_said_to_be() -> None:
    raw = body(KeysHeld(NETWORK_ID, (MEMBER,), version=2))
    with pytest.raises(DecodeError, match="version 2 of the signers' protocol, not 1"):
        decode_frame(raw)


@pytest.mark.parametrize("keys", [(), (MEMBER, MEMBER), (MEMBER,) * 3])
def test_a_signer_holds_one_key_or_two(keys: tuple[bytes, ...]) -> None:
    with pytest.raises(DecodeError):
        decode_frame(body(KeysHeld(NETWORK_ID, keys)))


def test_a_reason_is_cut_at_a_character() -> None:
    found = decode_frame(body(SignatureRefused(1, "ä" * SIGNER_REASON_BYTES_MAX)))
    assert isinstance(found, SignatureRefused)
    assert found.reason == "ä" * (SIGNER_REASON_BYTES_MAX // 2)
    with pytest.raises(DecodeError, match="no text"):
        decode_frame(body(SignatureRefused(1, "")) + b"\xff")


@pytest.mark.parametrize("raw", [b"\x07\0\0\0\0", b"\x04\0\0\0\0" + MEMBER + b"\x01x", b""])
def test_what_is_not_known_is_refused(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_frame(raw)
