"""The messages of libp2p's kad-dht: bytes made by go-libp2p-kad-dht's definition, bounds, and what is passed over."""

import pytest
from tests.unit.overlay.kademlia.contacts import peer_id_of

from minicoin.core.encoding.multiaddr import encode_multiaddr
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.protobuf import encode_bytes_field, encode_int_field
from minicoin.core.limits import (
    KAD_ADDRESSES_PER_PEER_MAX,
    KAD_KEY_BYTES_MAX,
    KAD_MESSAGE_BYTES_MAX,
    KAD_PEERS_PER_MESSAGE_MAX,
    MULTIADDR_BYTES_MAX,
)
from minicoin.core.overlay.kademlia.dht_message import DhtConnection, DhtMessage, DhtPeer, DhtType, peer_at
from minicoin.core.primitives.address import NodeAddress

ALICE, BOB = peer_id_of(1), peer_id_of(2)
AT = NodeAddress("192.0.2.1", 4001, BOB)


def test_a_question_has_the_form_of_the_specification():
    # Type 4 in field 1, the peer id in field 2.
    assert DhtMessage(DhtType.FIND_NODE, ALICE).encode() == b"\x08\x04\x12\x26" + ALICE
    assert DhtMessage(DhtType.PING).encode() == b"\x08\x05"


def test_an_answer_has_the_form_of_the_specification():
    told = DhtMessage(DhtType.FIND_NODE, closer=(peer_at(AT),), cluster_level=1)
    address = b"\x04\xc0\x00\x02\x01\x06\x0f\xa1"
    peer = b"\x0a\x26" + BOB + b"\x12\x08" + address
    assert told.encode() == b"\x08\x04\x42" + bytes((len(peer),)) + peer + b"\x50\x01"


@pytest.mark.parametrize(
    "message",
    [
        DhtMessage(DhtType.FIND_NODE, ALICE),
        DhtMessage(DhtType.PUT_VALUE, b"/v/k", b"a record"),
        DhtMessage(DhtType.ADD_PROVIDER, b"key", providers=(DhtPeer(ALICE, (b"\x04",), DhtConnection.CAN_CONNECT),)),
        DhtMessage(DhtType.GET_PROVIDERS, b"key", closer=(DhtPeer(ALICE), peer_at(AT)), cluster_level=10),
    ],
)
def test_what_is_written_is_read_again(message):
    assert DhtMessage.decode(message.encode()) == message


def test_an_absent_type_is_the_first_one():
    assert DhtMessage.decode(b"").type is DhtType.PUT_VALUE


def test_addresses_that_cannot_be_dialled_are_passed_over():
    peer = DhtPeer(
        BOB,
        (
            Multiaddr.parse("/ip4/192.0.2.1/udp/4001/quic-v1").encode(),
            encode_multiaddr(b"\xc0\x00\x02\x01", 4001),
            encode_multiaddr(b"\xc0\x00\x02\x01", 4001, BOB),
            encode_multiaddr(b"\xc0\x00\x02\x02", 4001, ALICE),
            encode_multiaddr(b"\xc0\x00\x02\x03", 0),
            b"\xff",
        ),
    )
    assert peer.dialable() == (AT,)
    assert peer_at(NodeAddress("2001:db8::1", 1, BOB)).dialable() == (NodeAddress("2001:db8::1", 1, BOB),)


def test_unknown_fields_are_passed_over():
    message = DhtMessage(DhtType.FIND_NODE, ALICE)
    assert DhtMessage.decode(encode_bytes_field(99, b"new") + message.encode() + encode_int_field(98, 1)) == message


def test_of_many_addresses_the_first_are_kept():
    many = DhtPeer(BOB, tuple(bytes((number,)) for number in range(2 * KAD_ADDRESSES_PER_PEER_MAX)))
    assert DhtPeer.decode(many.encode()).addresses == many.addresses[:KAD_ADDRESSES_PER_PEER_MAX]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"\x08\x06", "no DhtType has the number 6"),
        (b"\x0a\x00", "field 1 is bytes"),
        (encode_bytes_field(2, bytes(KAD_KEY_BYTES_MAX + 1)), "key of 129 bytes"),
        (encode_bytes_field(8, b""), "a peer without an id"),
        (encode_bytes_field(8, encode_bytes_field(1, b"\x00\x05abc")), "peer id says 5 bytes"),
        (encode_bytes_field(8, DhtPeer(BOB, (bytes(MULTIADDR_BYTES_MAX + 1),)).encode()), "address of 513 bytes"),
        (encode_bytes_field(9, encode_bytes_field(1, BOB) + encode_int_field(3, 4)), "no DhtConnection"),
        (encode_bytes_field(8, DhtPeer(BOB).encode()) * (KAD_PEERS_PER_MESSAGE_MAX + 1), "more than 64 peers"),
        (bytes(KAD_MESSAGE_BYTES_MAX + 1), "a message of 65537 bytes"),
    ],
)
def test_what_a_message_may_not_hold_is_refused(raw, says):
    with pytest.raises(DecodeError, match=says):
        DhtMessage.decode(raw)
