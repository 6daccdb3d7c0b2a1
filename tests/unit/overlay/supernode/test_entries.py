"""What super nodes and leaves sign."""

import pytest
from tests.unit.overlay.supernode.made import (
    NETWORK_ID,
    T0,
    address,
    identity,
    leaf_record,
    peer_id,
    status,
    status_record,
)

from minicoin.core.faults import DecodeError
from minicoin.core.limits import SIGNED_RECORD_AHEAD_MAX_US, SUPER_PARENTS_MAX
from minicoin.core.overlay.supernode.entries import (
    KIND,
    LEAF_KEY,
    LIFE_US,
    STATUS_KEY,
    Attachment,
    Signer,
    SuperStatus,
    attachment_of,
    is_live,
    status_of,
)
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.record import decode_record, has_forged_signature, unsigned_record, with_signature


def test_a_status_comes_back_with_the_signer_s_peer_id():
    record = decode_record(status_record(1, leaves=7, places=9).encode())
    assert status_of(record) == status(1, leaves=7, places=9)
    assert status_of(record).free == 2 and status(1, leaves=9, places=7).free == 0
    assert not has_forged_signature(record, NETWORK_ID) and has_forged_signature(record, bytes(32))


@pytest.mark.parametrize("at", [None, NodeAddress("2001:db8::1", 9, peer_id(2)), address(2)])
def test_an_attachment_comes_back(at):
    record = leaf_record(2, (3, 4), at=at)
    assert attachment_of(record) == Attachment(at, (peer_id(3), peer_id(4)))
    assert len(Attachment(address(1), tuple(map(peer_id, range(SUPER_PARENTS_MAX)))).encode()) <= KIND.value_bytes_max


def test_a_name_cannot_travel_and_numbers_are_cut():
    named = SuperStatus(NodeAddress("example.org", 1), 1 << 20, 1, 1, 1, 0, bytes(32))
    record = Signer(identity(1), NETWORK_ID).sign(STATUS_KEY, named.encode(), T0)
    assert status_of(record).address is None and status_of(record).leaves == 0xFFFF


def signed(key, value):
    return with_signature(unsigned_record(KIND, key, value, T0, LIFE_US), identity(1), NETWORK_ID)


def test_what_is_cut_off_is_refused():
    for read, key, value in (
        (status_of, STATUS_KEY, status(1).encode()),
        (attachment_of, LEAF_KEY, Attachment(address(1), (peer_id(2),)).encode()),
    ):
        for cut in range(0, len(value), 5):
            with pytest.raises(DecodeError):
                read(signed(key, value[:cut]))


def test_more_than_there_should_be_is_refused():
    with pytest.raises(DecodeError):
        status_of(signed(STATUS_KEY, status(1).encode() + b"\0"))
    with pytest.raises(DecodeError):
        attachment_of(signed(LEAF_KEY, Attachment(None, (peer_id(2),) * 2).encode()))
    with pytest.raises(DecodeError):
        attachment_of(signed(LEAF_KEY, Attachment(None, (b"\x12\x20" + bytes(32),)).encode()))
    with pytest.raises(DecodeError):
        status_of(signed(STATUS_KEY, status(1, at=NodeAddress("10.0.0.1", 0)).encode()))


def test_versions_rise_though_the_clock_stands():
    signer = Signer(identity(1), NETWORK_ID)
    versions = [signer.sign(STATUS_KEY, b"", now).version for now in (T0, T0, T0 - 5, T0 + 9)]
    assert versions == [T0, T0 + 1, T0 + 2, T0 + 9]


def test_live_is_neither_expired_nor_of_a_far_future():
    record = status_record(1)
    assert is_live(record, T0) and is_live(record, T0 + LIFE_US - 1) and not is_live(record, T0 + LIFE_US)
    assert is_live(record, T0 - SIGNED_RECORD_AHEAD_MAX_US) and not is_live(record, T0 - SIGNED_RECORD_AHEAD_MAX_US - 1)
