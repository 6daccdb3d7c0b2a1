"""Flows by hand, with messages carried between them: the four modes, news, faults, rations, and the disk."""

from dataclasses import replace

import pytest
from tests.unit.alarms import check_alarm
from tests.unit.records.world import ALICE, BOB, CAROL, DAVE, GROUP, NOW, record_of, store_of

from minicoin.core.effects import SaveState, Send
from minicoin.core.events import RecordsHeard
from minicoin.core.faults import PeerFault
from minicoin.core.limits import (
    RECORD_DIGESTS_PER_GROUP_BURST,
    RECORD_EXCHANGE_TIMEOUT_US,
    RECORD_ROUNDS_PUSHED_MAX,
    RECORDS_SAVE_EVERY_US,
)
from minicoin.core.notices import LearnedRecord, RecordsIgnored, RecordsLearned
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records import flow as flow_module
from minicoin.core.records import reconcile
from minicoin.core.records.document import RECORDS_KEY, decode_records
from minicoin.core.records.exchange_policy import ExchangeMode, ExchangePolicy
from minicoin.core.records.flow import RecordFlow
from minicoin.core.records.messages import FIRST_SOURCE, LAST_SOURCE, RecordDelta, RecordDigest, RecordValues
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, SECOND_US, Micros

MESSAGES = (RecordValues, RecordDigest, RecordDelta)


def quiet(mode: ExchangeMode, **more) -> ExchangePolicy:
    """Rounds only."""
    return ExchangePolicy(mode, 10 * SECOND_US, fanout=1, tells_at_once=False, phase_us=0, **more)


class Net:
    """Nodes by number, all connected unless told otherwise; messages arrive in the order in which they were sent."""

    def __init__(self, *identities, policy=None, joined=True, seed=b""):
        self.now = NOW
        self.stores = [store_of(identity) for identity in identities]
        self.flows = []
        for number, store in enumerate(self.stores):
            if policy is not None:
                store.exchange_by(policy)
            self.flows.append(
                RecordFlow(store, Rng(seed + bytes((number,))), lambda address: address.host.encode(), self, NOW)
            )
        self.carried = []
        self.saved = []
        self.lost = ()
        self.told = []
        if joined:
            for one in range(len(identities)):
                for other in range(one + 1, len(identities)):
                    self.join(one, other)
            self.carried.clear()

    def emit(self, *effects):
        self.told += effects

    def view(self, number, *, is_inbound=True):
        return PeerView(number, NodeAddress(f"10.0.0.{number}", 8333), is_inbound)

    def join(self, dialler, listener):
        self.perform(listener, self.flows[listener].on_offer(self.view(dialler), MESSAGES, self.now))
        self.perform(dialler, self.flows[dialler].on_offer(self.view(listener, is_inbound=False), MESSAGES, self.now))

    def perform(self, sender, effects):
        waiting = [(sender, effect) for effect in effects]
        self.carry(waiting)

    def carry(self, waiting):
        while True:
            for number, flow in enumerate(self.flows):
                check_alarm(flow)
                if flow.alarm.at <= self.now:
                    waiting += [(number, effect) for effect in flow.on_deadline(self.now)]
                    check_alarm(flow)
            if not waiting:
                return
            sender, effect = waiting.pop(0)
            if isinstance(effect, SaveState):
                self.saved.append((sender, effect))
                continue
            assert isinstance(effect, Send)
            receiver, message = effect.conn, effect.message
            self.carried.append((sender, receiver, type(message)))
            if isinstance(message, self.lost):
                continue
            flow = self.flows[receiver]
            again = type(message).decode(message.encode())
            handler = {one.message: one.handle for one in flow.routes()}[type(message)]
            waiting += [(receiver, answer) for answer in handler(self.view(sender), again, self.now)]

    def wait(self, duration_us):
        end = Micros(self.now + duration_us)
        while (at := min(flow.next_deadline() for flow in self.flows)) <= end:
            self.now = max(self.now, at)
            self.carry([])
        self.now = end

    def publish(self, number, **more):
        record = self.stores[number].publish("status", more.pop("key", ""), more.pop("value", b"x"), self.now)
        self.carry([])
        return record

    def holders(self, record):
        return [number for number, store in enumerate(self.stores) if store.get(*record.place) == record]


# --- the four modes ---


def counted(mode):
    """What two nodes say in one round, in which each has something that the other lacks."""
    net = Net(ALICE, BOB, policy=quiet(mode))
    mine, yours = net.publish(0), net.publish(1)
    assert net.carried == []
    # The other's round is silent.
    net.flows[1].on_closed(0, net.now)
    net.flows[1].on_offer(net.view(0), MESSAGES, net.now)
    net.stores[1].exchange_by(replace(quiet(mode), period_us=1_000 * SECOND_US))
    net.flows[1].on_closed(0, net.now)
    net.perform(1, net.flows[1].on_offer(net.view(0), MESSAGES, net.now))
    net.wait(10 * SECOND_US)
    return [kind for _, _, kind in net.carried], net.holders(mine), net.holders(yours)


@pytest.mark.parametrize(
    ("mode", "messages", "mine", "yours"),
    [
        (ExchangeMode.PUSH, [RecordValues], [0, 1], [1]),
        (ExchangeMode.PULL, [RecordDigest, RecordDelta], [0], [0, 1]),
        (ExchangeMode.PUSH_PULL, [RecordDigest, RecordDelta, RecordValues], [0, 1], [0, 1]),
        (ExchangeMode.ANTI_ENTROPY, [RecordDigest, RecordDelta, RecordValues], [0, 1], [0, 1]),
    ],
)
def test_how_many_messages_an_exchange_takes_and_whom_it_serves(mode, messages, mine, yours) -> None:
    assert counted(mode) == (messages, mine, yours)


def test_anti_entropy_goes_on_until_all_pages_are_compared_and_push_pull_takes_one_a_round(monkeypatch) -> None:
    monkeypatch.setattr(reconcile, "SIGNED_RECORD_DIGEST_ENTRIES_MAX", 2)
    for mode, pages in ((ExchangeMode.ANTI_ENTROPY, 3), (ExchangeMode.PUSH_PULL, 1)):
        net = Net(ALICE, BOB, policy=quiet(mode))
        for signer in (ALICE, BOB, CAROL, DAVE):
            for store in net.stores:
                store.take(record_of(signer), GROUP, net.now)
        net.flows[1].on_closed(0, net.now)
        net.perform(1, net.flows[1].on_offer(net.view(0), MESSAGES, net.now))
        net.stores[1].exchange_by(replace(quiet(mode), period_us=1_000 * SECOND_US))
        net.wait(10 * SECOND_US)
        first_round = [kind for sender, _, kind in net.carried if kind is RecordDigest and sender == 0]
        assert len(first_round) == pages


def test_rounds_that_compare_one_page_come_round_to_all_of_them(monkeypatch) -> None:
    monkeypatch.setattr(reconcile, "SIGNED_RECORD_DIGEST_ENTRIES_MAX", 2)
    net = Net(None, None, policy=quiet(ExchangeMode.PULL))
    records = [record_of(signer) for signer in (ALICE, BOB, CAROL, DAVE)]
    for record in records:
        net.stores[0].take(record, GROUP, net.now)
    net.wait(60 * SECOND_US)
    assert all(net.holders(record) == [0, 1] for record in records)


def test_in_a_push_interest_is_lost_in_the_end_or_by_chance() -> None:
    net = Net(ALICE, BOB, policy=quiet(ExchangeMode.PUSH))
    net.publish(0)
    net.wait(10 * SECOND_US * (RECORD_ROUNDS_PUSHED_MAX + 10))
    assert [sender for sender, _, _ in net.carried].count(0) == RECORD_ROUNDS_PUSHED_MAX
    rounds = []
    for seed in range(50):
        net = Net(ALICE, BOB, policy=quiet(ExchangeMode.PUSH, loses_interest=4), seed=bytes((seed,)))
        net.publish(0)
        net.wait(10 * SECOND_US * RECORD_ROUNDS_PUSHED_MAX)
        rounds.append([sender for sender, _, _ in net.carried].count(0))
    assert 3 < sum(rounds) / len(rounds) < 5


def test_what_is_pushed_is_the_newest_of_its_place_and_nothing_that_expired() -> None:
    net = Net(ALICE, BOB, policy=quiet(ExchangeMode.PUSH))
    net.publish(0, value=b"old")
    newest = net.publish(0, value=b"new")
    net.wait(10 * SECOND_US)
    assert [kind for sender, _, kind in net.carried if sender == 0] == [RecordValues]
    assert net.holders(newest) == [0, 1]
    assert net.flows[0].snapshot(net.now).pushed == 1
    net.wait(61 * MINUTE_US)
    assert [flow.snapshot(net.now).pushed for flow in net.flows] == [0, 0]


# --- from outside the network ---


def hear(net, *raw):
    net.flows[0].on_heard(RecordsHeard("etcd", tuple(raw)), net.now)
    net.carry([])
    told, net.told = net.told, []
    return [notice for notice in told if isinstance(notice, RecordsIgnored)]


def test_a_record_from_outside_counts_as_one_of_a_peer_does_and_goes_on_to_all() -> None:
    net = Net(ALICE, BOB, CAROL)
    config = record_of(ALICE, BOB, kind="config", key="k", value=b"v")
    assert hear(net, config.encode()) == []
    assert net.holders(config) == [0, 1, 2]
    assert hear(net, config.encode()) == []


def test_what_is_new_is_told_once_for_all_that_came_together() -> None:
    net = Net(ALICE, BOB)
    first, second = (record_of(CAROL, key=key, version=NOW + place) for place, key in enumerate("ab"))
    net.flows[0].on_heard(RecordsHeard("etcd", (first.encode(), second.encode(), first.encode())), net.now)
    net.carry([])
    learned = RecordsLearned(tuple(LearnedRecord("status", one.owner, one.key, one.version) for one in (first, second)))
    assert net.told == [learned, learned], "once by the node that heard, once by its peer"


def test_what_does_not_count_is_told_once_and_changes_nothing() -> None:
    net = Net(ALICE, BOB)
    newer = record_of(ALICE, BOB, kind="config", key="k", value=b"new", version=NOW + 1)
    older = record_of(BOB, CAROL, kind="config", key="k", value=b"old")
    split = record_of(BOB, CAROL, kind="config", key="k", value=b"other", version=NOW + 1)
    hear(net, newer.encode())
    forged = newer.encode()[:-1] + bytes((newer.encode()[-1] ^ 1,))
    foreign = record_of(ALICE, BOB, kind="config", key="l", network_id=bytes(32))
    too_few = record_of(ALICE, kind="config", key="m")
    assert hear(net, older.encode(), split.encode()) == []
    (ignored,) = hear(net, b"\0", too_few.encode(), foreign.encode())
    assert ignored == RecordsIgnored("etcd", 3, "record of an unknown kind")
    assert hear(net, forged) == []
    (ignored,) = hear(net, record_of(version=NOW + 1).encode()[:-1] + b"x")
    assert ignored == RecordsIgnored("etcd", 1, "forged record of kind status")
    assert net.holders(newer) == [0, 1] and len(net.stores[0]) == 1


# --- news, and those who meet ---


def test_news_go_to_everybody_at_once_and_never_back() -> None:
    net = Net(ALICE, BOB, CAROL)
    record = net.publish(0)
    assert net.holders(record) == [0, 1, 2]
    assert [(sender, receiver) for sender, receiver, _ in net.carried] == [(0, 1), (0, 2), (1, 2), (2, 1)]


def test_what_comes_together_goes_on_together() -> None:
    net = Net(None, None, None)
    values = RecordValues(tuple(record_of(signer) for signer in (ALICE, BOB, CAROL)))
    net.perform(0, [Send(1, values)])
    # Whose peer hands them on keeps nothing of it himself, so they come round to him as news.
    assert [(sender, receiver) for sender, receiver, _ in net.carried] == [(0, 1), (1, 2), (2, 0), (0, 1)]


def test_a_long_story_goes_in_several_messages(monkeypatch) -> None:
    net = Net(ALICE, BOB)
    monkeypatch.setattr(flow_module, "SIGNED_RECORDS_MESSAGE_BYTES_MAX", 3_000)
    for number in range(6):
        net.stores[0].publish("status", str(number), bytes(1_000), net.now)
    net.carry([])
    assert len(net.carried) == 3
    assert len(net.stores[1]) == 6


def test_two_that_meet_reconcile_once_though_news_are_all_that_is_exchanged_later() -> None:
    net = Net(ALICE, BOB, policy=quiet(ExchangeMode.PUSH), joined=False)
    mine, yours = net.publish(0), net.publish(1)
    net.join(0, 1)
    assert net.holders(mine) == net.holders(yours) == [0, 1]
    assert [kind for _, _, kind in net.carried] == [RecordDigest, RecordDelta, RecordValues]


def test_a_newcomer_is_told_everything_however_long_it_is(monkeypatch) -> None:
    monkeypatch.setattr(reconcile, "SIGNED_RECORDS_MESSAGE_BYTES_MAX", 3_000)
    net = Net(ALICE, None, joined=False)
    for number in range(12):
        net.publish(0, key=str(number), value=bytes(1_000))
    net.join(1, 0)
    assert len(net.stores[1]) == 12


def test_one_exchange_has_an_end_and_the_next_goes_on(monkeypatch) -> None:
    monkeypatch.setattr(reconcile, "SIGNED_RECORDS_MESSAGE_BYTES_MAX", 3_000)
    monkeypatch.setattr(flow_module, "RECORD_PAGES_PER_EXCHANGE_MAX", 2)
    net = Net(ALICE, None, joined=False)
    for number in range(12):
        net.publish(0, key=str(number), value=bytes(1_000))
    net.join(1, 0)
    # A digest and two more, each answered with two records.
    assert len(net.stores[1]) == 6
    net.wait(20 * MINUTE_US)
    assert len(net.stores[1]) == 12


def test_what_cannot_be_taken_is_not_asked_for_without_end(monkeypatch) -> None:
    monkeypatch.setattr(reconcile, "SIGNED_RECORDS_MESSAGE_BYTES_MAX", 3_000)
    net = Net(None, None, joined=False)
    for number in range(6):
        net.stores[0].take(record_of(key=str(number), value=bytes(1_000), version=NOW + number), GROUP, NOW)
    net.carry([])
    # A clock that is a day behind holds them for the future's.
    net.stores[1].take = lambda record, group, now: flow_module.Taken.EARLY
    net.join(1, 0)
    assert [kind for _, _, kind in net.carried] == [RecordDigest, RecordDelta]


def test_what_was_lost_on_the_way_comes_with_a_later_round() -> None:
    net = Net(ALICE, BOB)
    net.lost = (RecordValues,)
    record = net.publish(0)
    assert net.holders(record) == [0]
    net.lost = ()
    net.wait(5 * MINUTE_US)
    assert net.holders(record) == [0, 1]


def test_who_speaks_not_all_of_it_is_told_nothing() -> None:
    net = Net(ALICE, BOB, joined=False)
    net.perform(0, net.flows[0].on_offer(net.view(1), (RecordValues,), net.now))
    net.publish(0)
    net.wait(10 * MINUTE_US)
    assert net.carried == []
    assert net.flows[0].take_values(net.view(1), RecordValues((record_of(BOB),)), net.now) == ()
    assert net.flows[0].take_digest(net.view(1), RecordDigest(FIRST_SOURCE, LAST_SOURCE, (), True), net.now) == ()
    assert len(net.stores[0]) == 1


# --- faults and rations ---


def test_a_forger_is_blamed_and_what_stood_before_is_kept_and_told() -> None:
    net = Net(None, None)
    forged = replace(record_of(BOB), value=b"forged")
    with pytest.raises(PeerFault, match="forged"):
        net.flows[0].take_values(net.view(1), RecordValues((record_of(ALICE), forged, record_of(CAROL))), net.now)
    assert net.stores[0].of_kind("status") == (record_of(ALICE),)
    net.carry([])
    # The forger brought it, so he is not told of it.
    assert net.carried == []


def test_a_replay_and_an_expired_record_are_no_fault_and_no_news() -> None:
    net = Net(None, None, None)
    for record in (record_of(ALICE), record_of(BOB, version=NOW - 10, life_us=5)):
        net.perform(1, [Send(0, RecordValues((record,)))])
    net.carried.clear()
    for record in (record_of(ALICE), record_of(BOB, version=NOW - 2 * MINUTE_US, life_us=MINUTE_US)):
        net.perform(1, [Send(0, RecordValues((record,)))])
    assert len(net.carried) == 2


def test_an_answer_that_nobody_asked_for_is_ignored() -> None:
    net = Net(None, None)
    delta = RecordDelta((record_of(ALICE),), True, ((b"\1" * 16, 0, 0),))
    assert net.flows[0].take_delta(net.view(1), delta, net.now) == ()
    assert len(net.stores[0]) == 0


def test_an_answer_that_never_comes_ends_the_exchange() -> None:
    net = Net(ALICE, BOB, joined=False)
    net.lost = (RecordDelta,)
    net.join(0, 1)
    assert net.flows[0].snapshot(net.now).exchanging == (1,)
    net.wait(RECORD_EXCHANGE_TIMEOUT_US)
    assert net.flows[0].snapshot(net.now).exchanging == ()
    net.lost = ()
    record = net.publish(1)
    net.wait(5 * MINUTE_US)
    assert net.holders(record) == [0, 1]


def test_digests_are_answered_so_often_by_source_group_whatever_the_connection() -> None:
    net = Net(None, None)
    digest = RecordDigest(FIRST_SOURCE, LAST_SOURCE, (), False)
    answers = 0
    for number in range(1_000):
        view = replace(net.view(1), conn=100 + number)
        net.flows[0].on_offer(view, MESSAGES, net.now)
        answers += len(list(net.flows[0].take_digest(view, digest, net.now)))
        net.flows[0].on_closed(view.conn, net.now)
    assert answers == RECORD_DIGESTS_PER_GROUP_BURST


# --- time and disk ---


def test_without_anybody_to_speak_to_there_are_no_rounds() -> None:
    net = Net(ALICE, BOB)
    net.flows[0].on_closed(1, net.now)
    assert net.flows[0].snapshot(net.now).next_round_at is None
    assert net.flows[0].next_deadline() == NOW + RECORDS_SAVE_EVERY_US


def test_what_expires_is_dropped_in_its_time() -> None:
    net = Net(ALICE, BOB)
    record = net.publish(0)
    net.wait(60 * MINUTE_US)
    assert net.holders(record) == []


def test_what_changed_is_written_down_now_and_then() -> None:
    net = Net(ALICE, BOB)
    net.wait(RECORDS_SAVE_EVERY_US)
    assert net.saved == []
    record = net.publish(0)
    net.wait(RECORDS_SAVE_EVERY_US)
    (document,) = [effect for sender, effect in net.saved if sender == 1]
    assert document.key == RECORDS_KEY
    (held,) = decode_records(document.value, net.stores[1].network_id)
    assert held.record == record
    assert held.group == b"10.0.0.0"
    net.wait(RECORDS_SAVE_EVERY_US)
    assert len(net.saved) == 2


def test_what_it_shows_of_itself_changes_with_what_it_holds() -> None:
    net = Net(ALICE, BOB)
    before = list(net.flows[0].digest(net.now, is_brief=False))
    assert before == list(net.flows[0].digest(net.now, is_brief=False))
    net.publish(0)
    assert [name for name, _ in before] == ["records"]
    assert list(net.flows[0].digest(net.now, is_brief=True)) != before
