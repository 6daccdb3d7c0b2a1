"""The request tracker: whom to ask for what and when; checked against a naive recount over random histories."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.limits import (
    TX_ANNOUNCEMENTS_PER_PEER_MAX,
    TX_ANNOUNCEMENTS_PER_TRUSTED_PEER_MAX,
    TX_REQUEST_TIMEOUT_US,
    TX_REQUESTS_IN_FLIGHT_UNHURRIED_MAX,
)
from minicoin.core.relay.requests import INBOUND_DELAY_US, OVERLOADED_DELAY_US, TXID_DELAY_US, TxRequests
from minicoin.core.units import SECOND_US, Micros

T0 = Micros(1_000 * SECOND_US)
OUT, OUT2, IN, IN2 = 2, 4, 1, 3


class OpenRequests(TxRequests):
    """A tracker that shows how much it remembers."""

    @property
    def timers(self):
        return len(self._timers)


def key(number):
    return number.to_bytes(32, "big")


@pytest.fixture
def requests():
    tracker = OpenRequests()
    for conn in (OUT, OUT2, IN, IN2):
        tracker.add_peer(conn, preferred=conn % 2 == 0)
    return tracker


def test_one_peer_at_a_time_and_the_next_after_the_timeout(requests):
    requests.announced(OUT, key(1), T0)
    requests.announced(OUT2, key(1), T0)
    assert requests.due(T0) == {OUT: [key(1)]}
    assert requests.due(T0) == {}
    end = Micros(T0 + TX_REQUEST_TIMEOUT_US)
    assert requests.next_deadline() <= end
    assert requests.due(Micros(end - 1)) == {}
    assert requests.due(end) == {OUT2: [key(1)]}


def test_peers_we_chose_have_a_head_start(requests):
    requests.announced(IN, key(1), T0)
    assert requests.due(T0) == {}
    assert requests.next_deadline() == T0 + INBOUND_DELAY_US
    requests.announced(OUT, key(1), Micros(T0 + SECOND_US))
    assert requests.due(Micros(T0 + SECOND_US)) == {OUT: [key(1)]}


def test_who_chose_us_waits_also_where_nobody_else_is():
    requests = TxRequests()
    requests.add_peer(IN, preferred=False)
    requests.announced(IN, key(1), T0)
    assert requests.due(Micros(T0 + INBOUND_DELAY_US - 1)) == {}
    assert requests.due(Micros(T0 + INBOUND_DELAY_US)) == {IN: [key(1)]}


def test_whom_we_prefer_does_not_wait(requests):
    requests.prefer(IN)
    requests.announced(IN, key(1), T0)
    assert requests.due(T0) == {IN: [key(1)]}


def test_a_txid_waits_where_somebody_speaks_of_wtxids():
    requests = TxRequests()
    requests.add_peer(OUT, preferred=True, uses_wtxid=False)
    requests.announced(OUT, key(1), T0, by_txid=True)
    assert requests.due(T0) == {OUT: [key(1)]}
    requests.add_peer(OUT2, preferred=True, uses_wtxid=True)
    requests.announced(OUT, key(2), T0, by_txid=True)
    assert requests.due(Micros(T0 + TXID_DELAY_US - 1)) == {}
    assert requests.due(Micros(T0 + TXID_DELAY_US)) == {OUT: [key(2)]}
    assert requests.is_by_txid(OUT, key(2))
    requests.remove_peer(OUT2)
    requests.announced(OUT, key(3), T0, by_txid=True)
    assert requests.due(T0) == {OUT: [key(3)]}


def test_a_peer_is_never_asked_twice_for_one_transaction(requests):
    requests.announced(OUT, key(1), T0)
    requests.due(T0)
    requests.announced(OUT, key(1), T0)
    assert requests.due(T0) == {}
    requests.failed(OUT, key(1))
    assert len(requests) == 0
    assert requests.due(Micros(T0 + TX_REQUEST_TIMEOUT_US)) == {}


def test_notfound_moves_on_at_once(requests):
    requests.announced(OUT, key(1), T0)
    requests.announced(OUT2, key(1), T0)
    requests.due(T0)
    requests.failed(OUT, key(1))
    assert requests.next_deadline() <= T0
    assert requests.due(T0) == {OUT2: [key(1)]}


def test_a_closed_peer_leaves_its_requests_to_the_next(requests):
    requests.announced(OUT, key(1), T0)
    requests.announced(OUT2, key(1), T0)
    requests.due(T0)
    requests.remove_peer(OUT)
    assert requests.due(T0) == {OUT2: [key(1)]}
    requests.remove_peer(OUT2)
    assert len(requests) == 0
    requests.announced(OUT2, key(1), T0)
    assert len(requests) == 0


def test_what_arrived_is_asked_of_nobody(requests):
    requests.announced(OUT, key(1), T0)
    requests.announced(OUT2, key(1), T0)
    requests.due(T0)
    requests.forget(key(1))
    requests.forget(key(1))
    assert requests.due(Micros(T0 + 2 * TX_REQUEST_TIMEOUT_US)) == {}
    assert requests.next_deadline() is None


def owe(requests, conn):
    """The peer owes us as many as one may before others go first."""
    for number in range(TX_REQUESTS_IN_FLIGHT_UNHURRIED_MAX):
        requests.announced(conn, key(number), T0)
    assert len(requests.due(T0)[conn]) == TX_REQUESTS_IN_FLIGHT_UNHURRIED_MAX


def test_what_a_peer_announces_beyond_what_it_owes_waits_a_little(requests):
    owe(requests, OUT)
    requests.announced(OUT, key(1_000), T0)
    assert requests.due(Micros(T0 + OVERLOADED_DELAY_US - 1)) == {}
    assert requests.due(Micros(T0 + OVERLOADED_DELAY_US)) == {OUT: [key(1_000)]}
    requests.forget(key(0))
    requests.failed(OUT, key(1))
    requests.announced(OUT, key(1_001), T0)
    assert requests.due(T0) == {OUT: [key(1_001)]}


def test_others_go_before_a_peer_that_owes_much(requests):
    owe(requests, OUT)
    requests.announced(OUT, key(1_000), T0)
    requests.announced(OUT2, key(1_000), T0)
    assert requests.due(T0) == {OUT2: [key(1_000)]}


def test_a_trusted_peer_may_owe_and_announce_more(requests):
    requests.add_peer(6, preferred=True, is_trusted=True)
    owe(requests, 6)
    requests.announced(6, key(1_000), T0)
    assert requests.due(T0) == {6: [key(1_000)]}
    for number in range(TX_ANNOUNCEMENTS_PER_TRUSTED_PEER_MAX + 10):
        requests.announced(6, key(number), T0)
    assert len(requests) == TX_ANNOUNCEMENTS_PER_TRUSTED_PEER_MAX


def test_announcements_are_bounded(requests):
    for number in range(TX_ANNOUNCEMENTS_PER_PEER_MAX + 10):
        requests.announced(OUT, key(number), T0)
    assert len(requests) == TX_ANNOUNCEMENTS_PER_PEER_MAX


def test_timers_of_forgotten_transactions_do_not_pile_up(requests):
    for number in range(20_000):
        requests.announced(OUT, key(number), T0)
        requests.due(T0)
        requests.forget(key(number))
    assert requests.timers < 2_000


actions = st.lists(
    st.tuples(
        st.sampled_from(["announce", "announce", "announce", "forget", "fail", "close", "wait", "due"]),
        st.sampled_from([OUT, OUT2, IN, IN2]),
        st.integers(0, 8),
    ),
    max_size=150,
)


@given(actions)
@settings(max_examples=200, deadline=None)
def test_random_histories_against_a_naive_recount(script):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minicoin.core.relay.requests.TX_REQUESTS_IN_FLIGHT_UNHURRIED_MAX", 3)
        tracker, now = TxRequests(), T0
        ready: dict[tuple[int, bytes], int] = {}
        asked: dict[bytes, tuple[int, int]] = {}
        open_peers = set()
        for conn in (OUT, OUT2, IN, IN2):
            tracker.add_peer(conn, preferred=conn % 2 == 0, uses_wtxid=conn == OUT)
            open_peers.add(conn)
        for action, conn, number in script:
            name, by_txid = key(number), number % 2 == 0
            if action == "announce" and conn in open_peers:
                tracker.announced(conn, name, now, by_txid=by_txid)
                wait = INBOUND_DELAY_US if conn % 2 else 0
                wait += TXID_DELAY_US if by_txid and OUT in open_peers else 0
                owed = sum(holder == conn for holder, _ in asked.values())
                ready.setdefault((conn, name), now + wait + (OVERLOADED_DELAY_US if owed >= 3 else 0))
            elif action == "forget":
                tracker.forget(name)
                ready = {pair: at for pair, at in ready.items() if pair[1] != name}
                asked.pop(name, None)
            elif action == "fail":
                tracker.failed(conn, name)
                ready.pop((conn, name), None)
                if asked.get(name, (None,))[0] == conn:
                    del asked[name]
            elif action == "close" and conn in open_peers:
                tracker.remove_peer(conn)
                open_peers.remove(conn)
                ready = {pair: at for pair, at in ready.items() if pair[0] != conn}
                asked = {found: entry for found, entry in asked.items() if entry[0] != conn}
            elif action == "wait":
                now = Micros(now + number * 10 * SECOND_US)
            # Time-outs, as the naive model sees them.
            for found, (holder, at) in list(asked.items()):
                if now >= at + TX_REQUEST_TIMEOUT_US:
                    del asked[found]
                    ready.pop((holder, found), None)
            for holder, names in tracker.due(now).items():
                for found in names:
                    assert found not in asked, "asked of two peers at once"
                    assert ready[holder, found] <= now, "asked before its time, or for the second time"
                    assert tracker.is_by_txid(holder, found) == (int.from_bytes(found, "big") % 2 == 0)
                    asked[found] = (holder, now)
            for (_, found), at in ready.items():
                assert found in asked or at > now, "could be asked and is not"
            assert len(tracker) == len({found for _, found in ready})
            deadline = tracker.next_deadline()
            pending = [at for (_, found), at in ready.items() if at > now and found not in asked]
            pending += [at + TX_REQUEST_TIMEOUT_US for _, at in asked.values()]
            assert not pending or now < deadline <= min(pending)
