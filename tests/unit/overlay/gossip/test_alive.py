"""What a node says of itself: who holds the key says it, on one network, in one form."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.unit.overlay.gossip.made import NETWORK_ID, address, alive, identity, peer_id

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.encoding.multiaddr import encode_multiaddr
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.keys import KeyType, encode_key_message
from minicoin.core.overlay.gossip.alive import is_genuine, read_alive, say_alive
from minicoin.core.wire.reader import Reader


@pytest.fixture(scope="module")
def rsa_identity():
    key = generate_private_key(65_537, 2_048)
    der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return Identity.decode(encode_key_message(KeyType.RSA, der))


def read(raw):
    reader = Reader(raw, "alive")
    found = read_alive(reader)
    reader.end()
    return found


def test_it_travels_as_it_is():
    said = alive(1, (1_700_000_000, 12))
    assert read(said.encode()) == said
    assert (said.address, said.peer_id, said.version) == (address(1), peer_id(1), (1_700_000_000, 12))
    assert is_genuine(said, NETWORK_ID)


def test_whoever_changes_a_letter_is_found_out():
    said = alive(1)
    other = alive(2)
    assert not is_genuine(replace(said, signature=other.signature), NETWORK_ID)
    assert not is_genuine(replace(said, statement=alive(1, (1, 2)).statement), NETWORK_ID)
    assert not is_genuine(replace(said, address=address(2)), NETWORK_ID)
    assert not is_genuine(replace(said, signature=b""), NETWORK_ID)


def test_it_counts_on_its_network_only():
    assert not is_genuine(alive(1), bytes(32))


def test_a_key_that_the_peer_id_holds_is_not_said_again():
    assert alive(1).public_key == b""
    assert not is_genuine(replace(alive(1), public_key=identity(1).public_key), NETWORK_ID)


def test_a_key_that_the_peer_id_only_hashes_is_said(rsa_identity):
    where = replace(address(1), peer_id=rsa_identity.peer_id.multihash)
    said = say_alive(where, (1, 1), NETWORK_ID, rsa_identity)
    assert said.public_key == rsa_identity.public_key
    assert read(said.encode()) == said
    assert is_genuine(said, NETWORK_ID)
    assert not is_genuine(replace(said, public_key=identity(1).public_key), NETWORK_ID)
    assert not is_genuine(replace(said, public_key=b""), NETWORK_ID)


def test_a_peer_id_that_holds_no_key_says_nothing():
    holds_nonsense = bytes((0, 36)) + encode_key_message(KeyType.ED25519, bytes(32))
    no_id = b"\x01\x02\x03"
    for claimed in (holds_nonsense[:-1] + b"\xff", no_id):
        assert not is_genuine(replace(alive(1), address=replace(address(1), peer_id=claimed)), NETWORK_ID)


@pytest.mark.parametrize("cut", [0, 1, 30, 60, 120])
def test_what_breaks_off_is_refused(cut):
    with pytest.raises(DecodeError):
        read(alive(1).encode()[:cut])


def test_somebody_without_a_peer_id_is_refused():
    nameless = encode_multiaddr(b"\x0a\0\0\1", 8333)
    with pytest.raises(DecodeError, match="without a peer id"):
        read(encode_compact(len(nameless)) + nameless + bytes(14))
