"""Room by group and in all, in number and in bytes, and given back to the last byte."""

from minicoin.core.limits import (
    SIGNED_RECORD_BYTES_PER_GROUP_MAX,
    SIGNED_RECORDS_BYTES_MAX,
    SIGNED_RECORDS_MAX,
    SIGNED_RECORDS_PER_GROUP_MAX,
)
from minicoin.core.records.room import Room, RoomUse


def test_a_group_has_its_share_and_no_more() -> None:
    room = Room()
    room.take(b"a", SIGNED_RECORDS_PER_GROUP_MAX - 1, 100)
    assert room.has(b"a", 1, 100)
    assert not room.has(b"a", 2, 100)
    assert not room.has(b"a", 1, SIGNED_RECORD_BYTES_PER_GROUP_MAX - 99)
    assert room.has(b"b", SIGNED_RECORDS_PER_GROUP_MAX, SIGNED_RECORD_BYTES_PER_GROUP_MAX)


def test_all_groups_together_have_an_end_too() -> None:
    room = Room()
    for number in range(SIGNED_RECORDS_MAX // SIGNED_RECORDS_PER_GROUP_MAX):
        room.take(bytes((number,)), SIGNED_RECORDS_PER_GROUP_MAX, SIGNED_RECORD_BYTES_PER_GROUP_MAX)
    assert (room.records, room.bytes) == (SIGNED_RECORDS_MAX, SIGNED_RECORDS_BYTES_MAX)
    assert not room.has(b"newcomer", 1, 0)
    assert not room.has(b"newcomer", 0, 1)


def test_what_is_given_back_leaves_nothing() -> None:
    room = Room()
    room.take(b"a", 2, 300)
    room.take(b"a", -2, -300)
    assert room.of(b"a") == RoomUse(0, 0)
    assert (room.records, room.bytes) == (0, 0)
