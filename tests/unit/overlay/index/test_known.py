"""The members a node knows: genuine, bounded, and there again after a stop."""

import pytest
from tests.unit.overlay.index.members import NETWORK_ID, T0, address, entry, forged, peer_id

from minicoin.core.faults import DecodeError
from minicoin.core.overlay.index import known as module
from minicoin.core.overlay.index.known import KnownMembers


def knowing(*numbers):
    made = KnownMembers(NETWORK_ID)
    for number in numbers:
        assert made.learn(entry(number, T0 + number))
    return made


def test_a_forged_record_is_not_learnt():
    made = knowing()
    assert not made.learn(forged(1))
    assert len(made) == 0 and made.changes == 0


def test_the_newer_record_counts_whatever_comes_last():
    made = knowing(1)
    assert made.learn(entry(1, T0 + 9, at=5)) and made.learn(entry(1, T0 + 2, at=6))
    assert made.get(peer_id(1)).entry.address.host == address(5).host


def test_where_there_is_no_room_those_go_that_left_then_the_oldest(monkeypatch):
    monkeypatch.setattr(module, "INDEX_KNOWN_MAX", 3)
    made = knowing(1, 2, 3)
    made.on_left(peer_id(2))
    made.learn(entry(4, T0 + 4))
    assert [made.get(peer_id(number)) is not None for number in (1, 2, 3, 4)] == [True, False, True, True]
    made.learn(entry(5, T0 + 5))
    assert made.get(peer_id(1)) is None and len(made) == 3


def test_tries_count_until_it_is_met():
    made = knowing(1, 2, 3)
    made.note_tries((peer_id(1), peer_id(2), peer_id(9)), {peer_id(2)})
    made.note_tries((peer_id(1), peer_id(2)), {peer_id(2)})
    assert [made.get(peer_id(number)).missed for number in (1, 2)] == [2, 0]
    assert made.unreached({peer_id(1), peer_id(2), peer_id(3)}, {peer_id(2)}) == (1, 2)
    made.note_tries((peer_id(1),), {peer_id(1)})
    assert made.get(peer_id(1)).missed == 0 and peer_id(9) not in made


def test_who_is_named_again_has_not_left():
    made = knowing(1)
    made.on_left(peer_id(1))
    made.learn(entry(1, T0 + 1))
    assert not made.get(peer_id(1)).has_left


def test_what_it_knows_survives_a_stop_and_is_remembered_as_that():
    before, after = knowing(1, 2), knowing()
    after.restore(before.to_bytes())
    assert [one.entry for one in after] == [one.entry for one in before] and len(after) == 2
    assert all(one.is_remembered for one in after)
    after.learn(entry(1, T0 + 100))
    assert after.get(peer_id(1)).is_remembered


@pytest.mark.parametrize("raw", [b"", b"\2\0", b"\1\1", b"\1\0\0"])
def test_a_damaged_document_is_refused(raw):
    with pytest.raises(DecodeError):
        knowing().restore(raw)
