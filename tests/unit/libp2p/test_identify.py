"""The identify message: its form on the wire, pieces, partial pushes, bounds, and texts that must not reach a log."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.libp2p.pair import ALICE

from minicoin.core.faults import DecodeError, PeerFault
from minicoin.core.libp2p.identify import Identify, IdentifyReader, encode_delimited
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.protobuf import encode_bytes_field
from minicoin.core.libp2p.varint import encode_varint
from minicoin.core.limits import (
    IDENTIFY_ADDRESSES_MAX,
    IDENTIFY_MESSAGE_BYTES_MAX,
    IDENTIFY_MESSAGES_MAX,
    IDENTIFY_PROTOCOLS_MAX,
)

FULL = Identify(
    public_key=ALICE.public_key,
    listen_addresses=(Multiaddr.parse("/ip4/1.2.3.4/tcp/5"), Multiaddr.parse("/ip6/::1/tcp/5")),
    protocols=("/ipfs/id/1.0.0", "/test/1"),
    observed_address=Multiaddr.parse("/ip4/9.8.7.6/tcp/5432"),
    protocol_version="/my-net/0.1.0",
    agent_version="agent-name/version",
)


def test_field_numbers_of_the_specification() -> None:
    message = Identify(
        b"K",
        (Multiaddr.parse("/tcp/1"),),
        ("/p",),
        Multiaddr.parse("/tcp/2"),
        "/my-net/0.1.0",
        "agent-name/version",
    )
    expected = (
        b"\x0a\x01K\x12\x03\x06\x00\x01\x1a\x02/p\x22\x03\x06\x00\x02\x2a\x0d/my-net/0.1.0\x32\x12agent-name/version"
    )
    assert message.encode() == expected
    assert Identify.decode(expected) == message


def test_survives_its_encoding() -> None:
    assert Identify.decode(FULL.encode()) == FULL
    # A signed peer record and fields of later versions are left alone.
    assert Identify.decode(FULL.encode() + encode_bytes_field(8, b"record") + encode_bytes_field(99, b"x")) == FULL


def test_what_cannot_be_read_is_left_out_and_lists_are_bounded() -> None:
    junk = encode_bytes_field(2, b"\xff\x7f") + encode_bytes_field(4, b"junk")
    assert Identify.decode(junk) == Identify()
    many = encode_bytes_field(2, b"\x06\x00\x01") * (IDENTIFY_ADDRESSES_MAX + 1) + encode_bytes_field(3, b"/p") * (
        IDENTIFY_PROTOCOLS_MAX + 1
    )
    found = Identify.decode(many)
    assert len(found.listen_addresses) == IDENTIFY_ADDRESSES_MAX and len(found.protocols) == IDENTIFY_PROTOCOLS_MAX


def test_texts_are_bounded_and_printable() -> None:
    found = Identify.decode(encode_bytes_field(6, b"evil\x1b[2J\n" + b"a" * 1_000))
    assert found.agent_version == "evil?[2J?" + "a" * 247
    with pytest.raises(DecodeError, match="UTF-8"):
        Identify.decode(encode_bytes_field(6, b"\xff"))


@given(st.lists(st.integers(1, 60), max_size=30))
def test_any_split_gives_the_same(cuts: list[int]) -> None:
    stream = encode_delimited(Identify(agent_version="first")) + encode_delimited(FULL)
    reader, at = IdentifyReader(), 0
    for cut in [*cuts, len(stream)]:
        reader.receive(stream[at : at + cut])
        at += cut
    assert reader.is_whole and reader.finish() == FULL


def test_a_push_replaces_only_what_it_carries() -> None:
    address = (Multiaddr.parse("/ip4/5.5.5.5/tcp/5"),)
    updated = FULL.updated(Identify(listen_addresses=address))
    assert updated.listen_addresses == address and updated.agent_version == FULL.agent_version


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"", "truncated"),
        (encode_delimited(FULL)[:-1], "truncated"),
        (encode_varint(IDENTIFY_MESSAGE_BYTES_MAX + 1), "at most"),
        (b"\x80" * 9, "varint"),
        (b"\x02\x0a\x05", "claims"),
        (b"\x00" * (IDENTIFY_MESSAGES_MAX + 1), "more than"),
    ],
)
def test_garbage_is_the_peers_fault(stream: bytes, reason: str) -> None:
    reader = IdentifyReader()
    with pytest.raises(PeerFault, match=f"identify: .*{reason}"):
        reader.receive(stream)
        reader.finish()


@given(st.binary(max_size=120))
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    with contextlib.suppress(PeerFault):
        reader = IdentifyReader()
        reader.receive(data)
        reader.finish()
