"""What comes in and what does not, what may push out whom, and our own records."""

from dataclasses import replace

import pytest
from tests.unit.records.world import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    GROUP,
    NETWORK,
    NOW,
    OTHER_GROUP,
    record_of,
    signer_of,
    store_of,
)

from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import (
    SIGNED_RECORD_AHEAD_MAX_US,
    SIGNED_RECORD_BYTES_PER_SIGNER_MAX,
    SIGNED_RECORDS_PER_GROUP_BURST,
    SIGNED_RECORDS_PER_GROUP_MAX,
    SIGNED_RECORDS_PER_SIGNER_BURST,
    SIGNED_RECORDS_PER_SIGNER_MAX,
    SIGNED_RECORDS_SPENT_REMEMBERED_MAX,
)
from minicoin.core.params.builtin import lookup
from minicoin.core.rates import Rate
from minicoin.core.records import store as store_module
from minicoin.core.records.held import Taken
from minicoin.core.records.record import RecordSignature
from minicoin.core.records.store import RecordStore
from minicoin.core.units import HOUR_US, MINUTE_US, SECOND_US, Micros

ALICES = signer_of(ALICE)


def test_a_record_comes_in_once_and_newer_replaces_older() -> None:
    store = store_of()
    first, second = record_of(version=NOW - 1), record_of(version=NOW)
    assert store.take(first, GROUP, NOW) is Taken.NEW
    assert store.take(first, GROUP, NOW) is Taken.OLD
    assert store.take(replace(first, value=b"elsewhere"), GROUP, NOW) is Taken.OLD
    assert store.take(second, GROUP, NOW) is Taken.NEW
    assert store.take(first, OTHER_GROUP, NOW) is Taken.OLD
    assert store.get("status", ALICES, "") == second
    assert store.of_kind("status") == (second,)
    assert store.of_kind("super") == ()
    assert len(store) == 1


def test_places_are_by_kind_signer_and_key() -> None:
    store = store_of()
    records = [
        record_of(ALICE),
        record_of(BOB),
        record_of(ALICE, kind="super", version=NOW + 1),
        record_of(ALICE, key="x", version=NOW + 2),
    ]
    assert [store.take(record, GROUP, NOW) for record in records] == [Taken.NEW] * 4
    assert store.of_kind("status") == (records[0], records[1], records[3])


def test_one_version_stands_for_one_record_of_a_source() -> None:
    store = store_of()
    assert store.take(record_of(key="a"), GROUP, NOW) is Taken.NEW
    assert store.take(record_of(key="b"), GROUP, NOW) is Taken.OLD


def test_a_forged_record_is_the_peers_fault() -> None:
    store, record = store_of(), record_of()
    with pytest.raises(PeerFault, match="forged record of kind status"):
        store.take(replace(record, value=b"elsewhere"), GROUP, NOW)
    with pytest.raises(PeerFault, match="forged"):
        store.take(record_of(network_id=lookup("main").network_id), GROUP, NOW)
    assert len(store) == 0


def test_a_replay_is_no_fault_even_a_forged_one_of_what_is_known() -> None:
    store, record = store_of(), record_of()
    store.take(record, GROUP, NOW)
    forged = replace(record, signatures=(RecordSignature(ALICES, bytes(64)),))
    assert store.take(forged, GROUP, NOW) is Taken.OLD


def test_what_has_expired_is_ignored_and_what_expires_is_dropped() -> None:
    store, record = store_of(), record_of(life_us=MINUTE_US)
    over = Micros(NOW + MINUTE_US)
    assert store.take(record, GROUP, over) is Taken.EXPIRED
    assert store.take(record, GROUP, Micros(over - 1)) is Taken.NEW
    assert store.next_expiry() == over
    store.expire(Micros(over - 1))
    assert len(store) == 1
    store.expire(over)
    assert (len(store), store.next_expiry(), store.sources.digest()) == (0, None, ())
    assert store.get("status", ALICES, "") is None


def test_an_older_record_does_not_come_back_when_the_newer_one_has_expired() -> None:
    store = store_of()
    old, new = record_of(version=NOW, life_us=HOUR_US), record_of(version=NOW + 1, life_us=SECOND_US)
    assert store.take(new, GROUP, NOW) is Taken.NEW
    later = Micros(NOW + MINUTE_US)
    store.expire(later)
    assert store.take(old, GROUP, later) is Taken.OLD
    assert store.take(record_of(version=NOW + 2), GROUP, later) is Taken.NEW


def test_what_is_remembered_of_expired_places_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(store_module, "SIGNED_RECORDS_SPENT_REMEMBERED_MAX", 3)
    assert SIGNED_RECORDS_SPENT_REMEMBERED_MAX > 3
    store, later = store_of(), Micros(NOW + 2 * SECOND_US)
    brief = [record_of(key=str(n), version=NOW + n + 10, life_us=SECOND_US) for n in range(4)]
    old = [record_of(key=str(n), version=NOW + n) for n in range(4)]
    assert [store.take(record, GROUP, NOW) for record in brief] == [Taken.NEW] * 4
    store.expire(later)
    assert [store.take(record, GROUP, later) for record in old] == [Taken.NEW] + [Taken.OLD] * 3


def test_a_version_of_the_future_waits_for_its_time() -> None:
    store, record = store_of(), record_of(version=NOW + SIGNED_RECORD_AHEAD_MAX_US + 1)
    assert store.take(record, GROUP, NOW) is Taken.EARLY
    assert store.take(record, GROUP, Micros(NOW + 1)) is Taken.NEW


@pytest.mark.parametrize(
    ("record", "taken"),
    [
        (record_of(ALICE, kind="alert"), Taken.NEW),
        (record_of(BOB, kind="alert"), Taken.NOT_ALLOWED),
        (record_of(ALICE, BOB, kind="config"), Taken.NEW),
        (record_of(ALICE, BOB, CAROL, kind="config"), Taken.NEW),
        (record_of(ALICE, kind="config"), Taken.NOT_ALLOWED),
        (record_of(ALICE, DAVE, kind="config"), Taken.NOT_ALLOWED),
        (record_of(ALICE, BOB, DAVE, kind="config"), Taken.NOT_ALLOWED),
    ],
    ids=["alert", "anybody's alert", "quorum", "more", "one founder", "one is none", "a stranger beside"],
)
def test_who_may_sign_what(record, taken) -> None:
    assert store_of().take(record, GROUP, NOW) is taken


def test_where_the_network_names_nobody_nobody_may_sign() -> None:
    store = RecordStore(lookup("regtest"), None)
    assert store.take(record_of(ALICE, kind="alert"), GROUP, NOW) is Taken.NOT_ALLOWED
    assert store.take(record_of(ALICE, BOB, kind="config"), GROUP, NOW) is Taken.NOT_ALLOWED


def crowd(store: RecordStore, group: bytes, first: int, count: int, now: Micros) -> list[Taken]:
    """So many strangers' records, brought by one group; a second passes for each sixteen."""
    return [
        store.take(record_of(Identity.from_number(first + number)), group, Micros(now + number * SECOND_US // 16))
        for number in range(count)
    ]


def test_free_keys_take_the_room_of_their_group_and_push_nobody_out() -> None:
    store = store_of()
    mine = [record_of(DAVE, key=str(n), version=NOW + n) for n in range(3)]
    for record in mine:
        store.take(record, OTHER_GROUP, NOW)
    trusted = (record_of(ALICE, BOB, kind="config"), record_of(ALICE, kind="alert"))
    flood = crowd(store, GROUP, 100, SIGNED_RECORDS_PER_GROUP_MAX + 20, NOW)
    assert flood.count(Taken.NEW) == SIGNED_RECORDS_PER_GROUP_MAX
    assert flood[SIGNED_RECORDS_PER_GROUP_MAX:] == [Taken.NO_ROOM] * 20
    assert [store.get("status", signer_of(DAVE), str(n)) for n in range(3)] == mine
    now = Micros(NOW + MINUTE_US)
    # Others' peers, other kinds and the network's own keys are not in that room.
    assert store.take(record_of(CAROL), OTHER_GROUP, now) is Taken.NEW
    assert store.take(record_of(BOB, kind="super"), GROUP, now) is Taken.NEW
    assert [store.take(record, GROUP, now) for record in trusted] == [Taken.NEW, Taken.NEW]
    # What is there is renewed, and whoever expires leaves his room.
    assert store.take(record_of(Identity.from_number(100), version=NOW + 5), GROUP, now) is Taken.NEW
    store.expire(Micros(NOW + 2 * HOUR_US))
    assert store.of_kind("status") == store.of_kind("super") == ()
    assert (store.of_kind("config"), store.of_kind("alert")) == ((trusted[0],), (trusted[1],))
    assert store.take(record_of(BOB, version=NOW + 2 * HOUR_US), GROUP, Micros(NOW + 2 * HOUR_US)) is Taken.NEW


def test_what_was_declined_for_one_group_is_taken_from_another() -> None:
    store = store_of()
    crowd(store, GROUP, 100, SIGNED_RECORDS_PER_GROUP_MAX, NOW)
    now = Micros(NOW + MINUTE_US)
    assert store.take(record_of(ALICE), GROUP, now) is Taken.NO_ROOM
    assert (record_of(ALICE).source, NOW, 0) in store.sources.page(b"", 10_000, GROUP)
    assert store.take(record_of(ALICE), OTHER_GROUP, now) is Taken.NEW


def test_one_signer_has_a_few_places() -> None:
    store = store_of()
    taken = [
        store.take(record_of(key=str(n), version=NOW + n), GROUP, NOW) for n in range(SIGNED_RECORDS_PER_SIGNER_MAX + 1)
    ]
    assert taken == [Taken.NEW] * SIGNED_RECORDS_PER_SIGNER_MAX + [Taken.NO_ROOM]


def test_one_signer_is_heard_so_often() -> None:
    store = store_of()
    burst = SIGNED_RECORDS_PER_SIGNER_BURST
    taken = [store.take(record_of(version=NOW + n), GROUP, NOW) for n in range(burst + 1)]
    assert taken == [Taken.NEW] * burst + [Taken.TOO_OFTEN]
    assert store.take(record_of(version=NOW + burst), GROUP, Micros(NOW + SECOND_US)) is Taken.NEW


def test_one_group_has_so_many_signatures_looked_at(monkeypatch) -> None:
    looked = []
    monkeypatch.setattr(store_module, "has_forged_signature", lambda record, network_id: looked.append(record))
    store = store_of()
    record = record_of(ALICE)
    for number in range(2_000):
        signature = RecordSignature(b"\0\x24" + number.to_bytes(36, "big"), bytes(64))
        store.take(replace(record, signatures=(signature,)), GROUP, NOW)
    assert len(looked) == SIGNED_RECORDS_PER_GROUP_BURST
    assert store.take(record, OTHER_GROUP, NOW) is Taken.NEW


def test_all_groups_together_have_so_many_signatures_looked_at(monkeypatch) -> None:
    monkeypatch.setattr(store_module, "_ALL", Rate(3, 1))
    store = store_of()
    taken = [store.take(record_of(Identity.from_number(9 + n)), bytes((n,)), NOW) for n in range(5)]
    assert taken == [Taken.NEW] * 3 + [Taken.TOO_OFTEN] * 2
    assert store.take(record_of(Identity.from_number(13)), b"\4", Micros(NOW + SECOND_US)) is Taken.NEW


def test_one_source_has_so_many_bytes() -> None:
    store = store_of()
    count = SIGNED_RECORD_BYTES_PER_SIGNER_MAX // 16_384
    taken = [
        store.take(record_of(ALICE, BOB, kind="config", key=str(n), value=bytes(16_384), version=NOW + n), GROUP, NOW)
        for n in range(count)
    ]
    # The last one has no room for its key and signatures beside its value.
    assert taken == [Taken.NEW] * (count - 1) + [Taken.NO_ROOM]
    small = record_of(ALICE, BOB, kind="config", key="x", value=b"small", version=NOW + count)
    assert store.take(small, GROUP, NOW) is Taken.NEW


def test_a_forger_spends_no_signers_share(monkeypatch) -> None:
    monkeypatch.setattr(store_module, "has_forged_signature", lambda record, network_id: record.value == b"forged")
    store = store_of()
    for number in range(100):
        with pytest.raises(PeerFault):
            store.take(record_of(value=b"forged", version=NOW + number), OTHER_GROUP, NOW)
    assert store.take(record_of(), GROUP, NOW) is Taken.NEW


# --- our own ---


def test_what_we_publish_is_held_heard_of_and_believed_by_others() -> None:
    store, heard = store_of(DAVE), []
    store.listen(heard.append)
    record = store.publish("status", "", b"up", NOW)
    assert heard == [record]
    assert (record.version, record.owner, store.changes) == (NOW, signer_of(DAVE), 1)
    assert store.get("status", store.own_signer, "") == record
    assert store_of().take(record, GROUP, NOW) is Taken.NEW


def test_versions_rise_within_one_moment_and_when_the_clock_goes_back() -> None:
    store = store_of(DAVE)
    versions = [
        store.publish(kind, key, b"", at).version
        for kind, key, at in (
            ("status", "", NOW),
            ("status", "", NOW),
            ("super", "", NOW),
            ("status", "", Micros(NOW - HOUR_US // 2)),
        )
    ]
    assert versions == [NOW, NOW + 1, NOW + 2, NOW + 3]


def test_a_node_that_lost_everything_learns_its_versions_from_others() -> None:
    before = store_of(DAVE).publish("status", "", b"", NOW)
    store = store_of(DAVE)
    assert store.take(before, GROUP, NOW) is Taken.NEW
    assert store.publish("status", "", b"", Micros(NOW - MINUTE_US)).version == NOW + 1


@pytest.mark.parametrize(
    ("identity", "kind", "value", "reason"),
    [
        (None, "status", b"", "no identity to sign with"),
        (
            DAVE,
            "gossip",
            b"",
            "no records of kind 'gossip'; there are status, super, alert, change, settings-change, config",
        ),
        (DAVE, "alert", b"", rf"peer id {DAVE.peer_id} is not among the network file's alert_keys"),
        (DAVE, "config", b"", "not among the network file's founders"),
        (ALICE, "config", b"", "1 of 2 founders have not signed it yet"),
        (DAVE, "status", bytes(1_025), "1025 bytes are too long"),
    ],
)
def test_why_a_record_cannot_be_published(identity, kind, value, reason) -> None:
    store = store_of(identity)
    with pytest.raises(MisuseError, match=reason):
        store.publish(kind, "", value, NOW)
    assert len(store) == 0


def test_founders_sign_one_after_the_other() -> None:
    first = store_of(ALICE).sign("config", "limits", b"x = 1", NOW)
    store = store_of(BOB)
    complete = store.co_sign(first)
    store.keep(complete)
    assert store.of_kind("config") == (complete,)
    assert store_of().take(complete, GROUP, NOW) is Taken.NEW
    with pytest.raises(MisuseError, match="a newer record stands in its place"):
        store.keep(complete)
    with pytest.raises(MisuseError, match="does not hold"):
        store.co_sign(replace(first, value=b"x = 2"))
    with pytest.raises(MisuseError, match="has one signer"):
        store.co_sign(record_of(ALICE))
    with pytest.raises(MisuseError, match="not among the network file's founders"):
        store_of(DAVE).co_sign(first)
    assert store.sign("config", "limits", b"", NOW).version == NOW + 1


def test_own_records_need_no_groups_room_and_end_somewhere_too() -> None:
    store = store_of(DAVE)
    for number in range(SIGNED_RECORDS_PER_SIGNER_MAX):
        store.publish("status", str(number), b"", NOW)
    with pytest.raises(MisuseError, match="no room: one signer has 16 records"):
        store.publish("status", "more", b"", NOW)
    assert store.publish("status", "0", b"again", NOW).value == b"again"


def test_what_an_earlier_run_held_comes_back_as_far_as_it_is_live_and_allowed() -> None:
    store = store_of(DAVE)
    records = [record_of(ALICE, BOB, kind="config"), record_of(ALICE), store.publish("status", "", b"", NOW)]
    for record in records[:2]:
        store.take(record, GROUP, NOW)
    brief = record_of(CAROL, life_us=SECOND_US)
    store.take(brief, GROUP, NOW)
    later = Micros(NOW + MINUTE_US)
    again = store_of(DAVE)
    again.restore(store.all_held(), later)
    assert {record.place for record in records} == {held.record.place for held in again.all_held()}
    assert again.snapshot().sources == tuple(entry for entry in store.snapshot().sources if entry[0] != brief.source)
    other = RecordStore(replace(NETWORK, founders=(signer_of(CAROL),), founder_quorum=1), DAVE)
    other.restore(store.all_held(), later)
    assert other.of_kind("config") == ()
