"""An index's view: who gets in, what readers are sent, and that nobody can make it do or hold more than that."""

import pytest
from tests.unit.overlay.index.members import LIFE_US, NETWORK_ID, T0, address, entry, forged, peer, peer_id

from minicoin.core.faults import PeerFault
from minicoin.core.limits import (
    INDEX_ANSWERS_PER_GROUP_BURST,
    INDEX_JOIN_EVERY_US,
    INDEX_LEAVE_GRACE_US,
    INDEX_MEMBERS_PER_GROUP_MAX,
    INDEX_PAGE_RECORDS_MAX,
    INDEX_PAGES_BURST,
)
from minicoin.core.overlay.index import parts as parts_module
from minicoin.core.overlay.index import registrar as module
from minicoin.core.overlay.index.messages import IdxJoin, IdxPage, IdxRefuse
from minicoin.core.overlay.index.parts import member_key, reader_key
from minicoin.core.overlay.index.registrar import Registrar
from minicoin.core.records.record import SignedRecord
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros


def registrar(*, counts_groups=False):
    return Registrar(NETWORK_ID, SECOND_US, counts_groups=counts_groups)


def join(made, number, now=T0, *, version=T0, conn=None, group=b"g"):
    return made.join(peer(number, conn), IdxJoin(entry(number, version)), group, now)


def filled(count):
    made = registrar()
    for number in range(count):
        join(made, number + 1)
    made.on_deadline(Micros(T0 + SECOND_US))
    return made


def test_who_joins_is_in_the_view_and_hears_who_else_is():
    made = registrar()
    join(made, 1)
    page = join(made, 2)
    assert isinstance(page, IdxPage) and page.total == 2 and page.cursor == b""
    assert {one.address for one in page.entries} == {address(1), address(2)}
    assert made.get(peer_id(1)).address == address(1) and made.get(peer_id(9)) is None


def test_who_cannot_be_dialled_reads_and_is_not_in_the_view():
    made = registrar()
    assert made.join(peer(1), IdxJoin(None), b"g", T0) == IdxPage(0, 0, ())
    assert len(made) == 0 and made.reader_count == 1


@pytest.mark.parametrize(
    ("member", "signed", "reason"),
    [(1, entry(2), "signs another in than itself"), (1, forged(1), "forged signature")],
)
def test_records_of_others_and_forged_ones_are_faults(member, signed, reason):
    made = registrar()
    with pytest.raises(PeerFault, match=reason):
        made.join(peer(member), IdxJoin(signed), b"g", T0)
    assert len(made) == 0 and made.reader_count == 0


def test_a_record_of_another_network_is_forged():
    with pytest.raises(PeerFault, match="forged"):
        registrar().join(peer(1), IdxJoin(entry(1, network_id=bytes(32))), b"g", T0)


def test_an_expired_record_is_refused_in_words():
    refused = join(registrar(), 1, Micros(T0 + LIFE_US))
    assert isinstance(refused, IdxRefuse) and "expired" in refused.reason


def test_a_replayed_record_changes_nothing():
    made = registrar()
    join(made, 1, version=T0 + 5)
    later = Micros(T0 + SECOND_US)
    made.on_deadline(later)
    made.join(peer(1), IdxJoin(entry(1, T0, at=7)), b"g", later)
    assert made.get(peer_id(1)).address == address(1)
    assert made.on_deadline(Micros(later + SECOND_US)) == ()


def test_joining_without_end_is_a_fault():
    made = registrar()
    join(made, 1)
    with pytest.raises(PeerFault, match="joins again at once"):
        join(made, 1, Micros(T0 + INDEX_JOIN_EVERY_US - 1), version=T0 + 1)
    assert join(made, 1, Micros(T0 + INDEX_JOIN_EVERY_US), version=T0 + 1)


def test_a_full_view_refuses_and_keeps_whom_it_has(monkeypatch):
    monkeypatch.setattr(module, "INDEX_MEMBERS_MAX", 2)
    made = registrar()
    join(made, 1), join(made, 2)
    refused = join(made, 3)
    assert refused == IdxRefuse("the index is full", 60)
    assert {one.address for one in made.some(9)} == {address(1), address(2)}


def test_one_network_group_cannot_fill_it_where_groups_count():
    made = registrar(counts_groups=True)
    for number in range(INDEX_MEMBERS_PER_GROUP_MAX):
        later = Micros(T0 + number * SECOND_US)
        assert isinstance(join(made, number + 1, later, version=later, group=b"one"), IdxPage)
    assert "too many members" in join(made, 999, later, version=later, group=b"one").reason
    assert isinstance(join(made, 998, later, version=later, group=b"two"), IdxPage)


def test_coming_back_buys_a_network_group_no_more_answers():
    made = registrar(counts_groups=True)
    answered = 0
    for conn in range(500):
        answer = made.join(peer(1, conn + 1), IdxJoin(None), b"one", T0)
        answered += isinstance(answer, IdxPage)
        further = made.read_on(conn + 1, bytes(32), T0)
        answered += isinstance(further, IdxPage)
        made.on_closed(conn + 1, T0)
    assert answered == INDEX_ANSWERS_PER_GROUP_BURST
    assert answer == IdxRefuse("too many of this network group ask at once", 10)
    assert isinstance(made.join(peer(2, 999), IdxJoin(None), b"two", T0), IdxPage)
    # On a private network a group is all there is.
    lab = registrar()
    assert all(isinstance(lab.join(peer(1, conn), IdxJoin(None), b"one", T0), IdxPage) for conn in range(1, 500))


def test_changes_go_out_in_one_batch_and_their_versions_follow_each_other():
    made = registrar()
    join(made, 1, conn=11), join(made, 2, conn=12)
    assert made.next_deadline() == T0 + SECOND_US
    (((delta,), readers),) = made.on_deadline(Micros(T0 + SECOND_US))
    assert (delta.since, delta.at, delta.leaves) == (0, 1, ()) and len(delta.joins) == 2
    assert readers == (11, 12)
    now = Micros(T0 + 2 * SECOND_US)
    made.on_closed(11, now)
    assert made.on_deadline(now) == ()
    gone = Micros(now + INDEX_LEAVE_GRACE_US)
    made.on_deadline(gone)
    (((delta,), readers),) = made.on_deadline(Micros(gone + SECOND_US))
    assert (delta.since, delta.at, delta.joins, delta.leaves) == (1, 2, (), (peer_id(1),))
    assert readers == (12,) and len(made) == 1


def test_who_comes_back_in_time_never_left_and_a_renewal_is_no_news():
    made = registrar()
    join(made, 1, conn=11)
    made.on_deadline(Micros(T0 + SECOND_US))
    made.on_closed(11, Micros(T0 + SECOND_US))
    join(made, 1, Micros(T0 + 2 * SECOND_US), version=T0 + 2, conn=21)
    assert made.on_deadline(Micros(T0 + 60 * SECOND_US)) == ()
    assert made.get(peer_id(1)).record.version == T0 + 2


def test_a_member_that_moved_is_news():
    made = registrar()
    join(made, 1)
    made.on_deadline(Micros(T0 + SECOND_US))
    made.join(peer(1), IdxJoin(entry(1, T0 + 1, at=9)), b"g", Micros(T0 + SECOND_US))
    (((delta,), _),) = made.on_deadline(Micros(T0 + 2 * SECOND_US))
    assert [one.address.host for one in delta.joins] == [address(9).host]


def test_a_record_that_expires_is_a_leave():
    made = registrar()
    join(made, 1)
    made.on_deadline(Micros(T0 + SECOND_US))
    expiry = Micros(T0 + LIFE_US)
    assert made.next_deadline() == expiry
    made.on_deadline(expiry)
    (((delta,), _),) = made.on_deadline(Micros(expiry + SECOND_US))
    assert delta.leaves == (peer_id(1),) and len(made) == 0


def test_a_thousand_readers_hear_one_message_a_second_however_many_members_come_and_go():
    made, readers, seconds = registrar(), 1_000, 4
    for reader in range(readers):
        assert made.join(peer(5_000 + reader), IdxJoin(None), b"g", T0)
    sent = [0] * (seconds + 2)
    changes = 0

    def pass_time(until):
        while (at := made.next_deadline()) is not None and at <= until:
            for deltas, told in made.on_deadline(at):
                sent[(at - T0) // SECOND_US] += len(deltas) * len(told)

    for second in range(seconds):
        for number in range(1, INDEX_PAGE_RECORDS_MAX // 4):
            now = Micros(T0 + second * SECOND_US + number * 20_000)
            pass_time(now)
            changes += 1
            if second % 2:
                made.on_closed(number, now)
            else:
                join(made, number, now, version=now)
    pass_time(Micros(T0 + seconds * SECOND_US))
    # Members hear of each other, too.
    assert 0 < max(sent) <= readers + INDEX_PAGE_RECORDS_MAX // 4
    assert sum(sent) < changes * readers // 10


def test_what_one_member_says_costs_the_same_however_many_others_there_are(monkeypatch):
    def looks_of_one(members):
        made, looks = filled(members), []
        expires = SignedRecord.expires_s
        with monkeypatch.context() as patched:
            counted = property(lambda one: looks.append(1) or expires.__get__(one), expires.__set__)
            patched.setattr(SignedRecord, "expires_s", counted)
            join(made, 999)
            made.on_deadline(made.next_deadline())
            made.on_closed(999, Micros(T0 + 3 * SECOND_US))
            made.on_deadline(made.next_deadline())
        assert looks
        return len(looks)

    assert looks_of_one(120) == looks_of_one(10)


def test_who_is_in_the_view_is_whom_a_plain_list_has():
    rng, made, now = Rng(b"ends"), registrar(), T0
    expires, leaves, conns = {}, {}, {}
    for step in range(250):
        number = 1 + rng.below(8)
        now = Micros(now + rng.below(2 * SECOND_US))
        made.on_deadline(now)
        for one in [one for one in expires if min(expires[one], leaves.get(one, now + 1)) <= now]:
            del expires[one]
            leaves.pop(one, None)
        assert {one for one in range(1, 9) if made.get(peer_id(one)) is not None} == set(expires)
        ends = [min(expires[one], leaves.get(one, expires[one])) for one in expires]
        first = made.next_deadline()
        assert first is None or first <= min(ends, default=first)
        if number in conns and rng.below(2):
            made.on_closed(conns.pop(number), now)
            if number in expires:
                leaves[number] = now + INDEX_LEAVE_GRACE_US
        else:
            life_us = (5 + rng.below(40)) * SECOND_US
            signed = entry(number, now, life_us=life_us)
            conns[number] = 1 + step
            made.join(peer(number, 1 + step), IdxJoin(signed), b"g", now)
            expires[number] = signed.record.expires_s * SECOND_US
            leaves.pop(number, None)


def read_all(made, number, seconds=9):
    """The pages a reader gets, one after the other."""
    now = Micros(T0 + seconds * SECOND_US)
    pages = [made.join(peer(number), IdxJoin(None), b"g", now)]
    while pages[-1].cursor:
        pages.append(made.read_on(number, pages[-1].cursor, now))
    return pages


def test_a_large_view_is_read_page_by_page_from_a_place_of_the_reader():
    count = 2 * INDEX_PAGE_RECORDS_MAX + 50
    pages = read_all(filled(count), 7)
    assert [len(page.entries) for page in pages] == [100, 100, 50] and pages[0].total == count
    read = [one.peer_id for page in pages for one in page.entries]
    ordered = sorted((peer_id(number + 1) for number in range(count)), key=member_key)
    start = next((place for place, one in enumerate(ordered) if member_key(one) > reader_key(peer_id(7))), 0)
    assert read == ordered[start:] + ordered[:start]
    assert all(page.is_whole for page in pages)


def test_of_a_view_that_is_too_large_a_reader_hears_a_part_and_nobody_is_left_out(monkeypatch):
    monkeypatch.setattr(parts_module, "INDEX_KNOWN_MAX", 40)
    made, everybody = filled(120), {peer_id(number + 1) for number in range(120)}
    read = {number: {one.peer_id for page in read_all(made, number) for one in page.entries} for number in range(1, 41)}
    assert set().union(*read.values()) == everybody
    assert len({frozenset(one) for one in read.values()}) == 8 and max(map(len, read.values())) < 40
    now = Micros(T0 + 20 * SECOND_US)
    join(made, 500, now, version=now), join(made, 501, now, version=now)
    told = {
        conn: delta
        for deltas, readers in made.on_deadline(made.next_deadline())
        for delta in deltas
        for conn in readers
    }
    assert 0 < len(told) < 40
    for number in read.keys() & told.keys():
        (page,) = read_all(made, number, 29)
        assert {one.peer_id for one in told[number].joins} <= {one.peer_id for one in page.entries}
        assert not told[number].is_whole and told[number].since < told[number].at <= page.at


def test_pages_cost_more_than_questions_so_they_are_counted():
    made = filled(1)
    now = Micros(T0 + 10 * SECOND_US)
    for _ in range(INDEX_PAGES_BURST):
        assert made.read_on(1, bytes(32), now)
    with pytest.raises(PeerFault, match="without end"):
        made.read_on(1, bytes(32), now)
    assert made.read_on(1, bytes(32), Micros(now + SECOND_US))
    assert made.read_on(2, bytes(32), now) is None
