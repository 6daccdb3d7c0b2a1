"""Keys and distance."""

from hashlib import sha256

from tests.unit.overlay.kademlia.contacts import contact, peer_id_of

from minicoin.core.overlay.kademlia.keyspace import bucket_of, key_of


def test_a_key_is_the_sha256_of_the_id():
    peer_id = peer_id_of(1)
    assert key_of(peer_id) == int(sha256(peer_id).hexdigest(), 16) == contact(1).key
    assert contact(1).peer_id == peer_id


def test_the_bucket_is_the_highest_bit_in_which_two_keys_differ():
    assert bucket_of(5, 5) == -1
    assert bucket_of(0b1000, 0b1001) == 0
    assert bucket_of(0b1000, 0b1111) == bucket_of(0b1111, 0b1000) == 2
    assert bucket_of(0, 1 << 255) == 255
