"""The minimal binary multiaddrs that addresses with a peer id travel as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.encoding.multiaddr import decode_multiaddr, encode_multiaddr
from minicoin.core.faults import DecodeError

PEER_ID = bytes.fromhex("1220") + bytes(range(32))


def test_known_bytes() -> None:
    assert encode_multiaddr(b"\x7f\0\0\1", 4001).hex() == "047f000001060fa1"
    with_id = encode_multiaddr(b"\x7f\0\0\1", 4001, PEER_ID)
    assert with_id.hex() == "047f000001060fa1" + "a503" + "22" + PEER_ID.hex()
    assert encode_multiaddr(bytes(15) + b"\1", 1).hex() == "29" + "00" * 15 + "01" + "060001"


@given(
    st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16)),
    st.integers(0, 65535),
    st.binary(max_size=127),
)
def test_round_trip(ip: bytes, port: int, peer_id: bytes) -> None:
    assert decode_multiaddr(encode_multiaddr(ip, port, peer_id)) == (ip, port, peer_id)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin with /ip4 or /ip6"),
        ("3603616263060fa1", "does not begin with /ip4 or /ip6"),
        ("047f0000", "without /tcp"),
        ("047f0000011100a1", "without /tcp"),
        ("047f000001060f", "without /tcp"),
        ("047f000001060fa1cd03", "unknown protocol"),
        ("047f000001060fa1a503", "unknown protocol"),
        ("047f000001060fa1a5030201", "wrong length"),
        ("047f000001060fa1a503020102ff", "wrong length"),
    ],
)
def test_other_forms_are_refused(text: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode_multiaddr(bytes.fromhex(text))


@given(st.binary(max_size=60))
def test_garbage_is_a_value_or_a_decode_error(raw: bytes) -> None:
    try:
        ip, port, peer_id = decode_multiaddr(raw)
    except DecodeError:
        return
    assert encode_multiaddr(ip, port, peer_id) == raw
