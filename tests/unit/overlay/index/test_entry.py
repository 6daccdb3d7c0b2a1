"""A member's record: what it says is read back, and what is none is refused."""

import pytest
from tests.unit.overlay.index.members import LIFE_US, NETWORK_ID, T0, address, entry, forged, identity

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.overlay.index.entry import is_genuine, read_entry, sign_entry
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.kinds import KINDS
from minicoin.core.records.record import unsigned_record, with_signature
from minicoin.core.units import SECOND_US, Micros


def test_a_record_names_its_signer_s_address_until_it_expires():
    made = entry(1)
    assert read_entry(made.record) == made
    assert (made.peer_id, made.address) == (address(1).peer_id, address(1))
    assert not made.is_expired(Micros(T0 + LIFE_US - SECOND_US)) and made.is_expired(Micros(T0 + LIFE_US))


def test_it_holds_for_its_network_and_its_signer_only():
    assert is_genuine(entry(1), NETWORK_ID)
    assert not is_genuine(entry(1), bytes(32))
    assert not is_genuine(forged(1), NETWORK_ID)


@pytest.mark.parametrize("value", [b"", b"host.example:8333", b"10.0.0.1", b"10.0.0.1:99999", b"\xff", b"1" * 65])
def test_what_is_no_address_is_no_entry(value):
    record = with_signature(unsigned_record(KINDS["status"], "address", value, T0), identity(1), NETWORK_ID)
    with pytest.raises(DecodeError):
        read_entry(record)


@pytest.mark.parametrize(("kind", "key"), [("status", "other"), ("super", "address")])
def test_another_record_is_no_entry(kind, key):
    record = with_signature(unsigned_record(KINDS[kind], key, b"10.0.0.1:1", T0), identity(1), NETWORK_ID)
    with pytest.raises(DecodeError, match="no record of where a member listens"):
        read_entry(record)


def test_a_name_cannot_be_signed_in():
    with pytest.raises(MisuseError, match="has an IP and a port"):
        sign_entry(NodeAddress("seed.example", 8333), identity(1), NETWORK_ID, version=T0, life_us=LIFE_US)
