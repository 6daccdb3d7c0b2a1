"""The table over a stop."""

from hashlib import sha256

import pytest
from tests.unit.overlay.kademlia.contacts import contact

from minicoin.core.faults import DecodeError
from minicoin.core.limits import KAD_SAVED_CONTACTS_MAX
from minicoin.core.overlay.kademlia.keyspace import contact_of
from minicoin.core.overlay.kademlia.saved import decode_contacts, encode_contacts
from minicoin.core.primitives.address import NodeAddress

KNOWN = [contact(1), contact_of(NodeAddress("2001:db8::1", 1, contact(2).peer_id), b""), contact(3)]


def test_what_is_saved_comes_back_in_its_order():
    assert decode_contacts(encode_contacts(KNOWN)) == [each.address for each in KNOWN]
    assert decode_contacts(encode_contacts([])) == []


def test_so_many_are_saved():
    many = [contact(number) for number in range(KAD_SAVED_CONTACTS_MAX + 5)]
    assert len(decode_contacts(encode_contacts(many))) == KAD_SAVED_CONTACTS_MAX


def test_a_damaged_document_is_refused():
    whole = encode_contacts(KNOWN)
    body = whole[:-32] + b"more"
    for damaged in (b"", whole[:-1], whole[:10] + b"x" + whole[11:], body + sha256(body).digest()):
        with pytest.raises(DecodeError):
            decode_contacts(damaged)
