"""A part that the package does not know: told of peers and time, handed its message, its wishes carried out."""

from dataclasses import dataclass

import pytest
from tests.unit.node.bench import NETWORK, Bench

from minicoin.core.alarm import Alarm
from minicoin.core.effects import Close, Send
from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.part import Part, route
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.recording.digest import differing, part_digests
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages import GetData, Ping, Reject


@dataclass(frozen=True, slots=True)
class Patiences:
    """How often each peer was heard."""

    counts: tuple[tuple[int, int], ...]


class Patience(Part):
    """Hears `reject`, which no part of the package takes: answers the first of a peer, leaves it at the second after a
    pause, and blames it for the third."""

    def __init__(self, around):
        self.around = around
        self.alarm = Alarm()
        self.heard = {}
        self.told = []
        self.leave_at = {}
        self.said = []

    def routes(self):
        return (route(Reject, self.take_reject),)

    def on_ready(self, peer, now):
        self.told.append(("ready", peer.conn))
        self.heard[peer.conn] = 0
        return ()

    def on_closed(self, conn, now):
        self.told.append(("closed", conn))
        self.leave_at.pop(conn, None)
        return ()

    def take_reject(self, peer, message, now):
        self.heard[peer.conn] += 1
        match self.heard[peer.conn]:
            case 1:
                self.said.append(Send(peer.conn, Ping(self.around.rng.below(1_000))))
                return self.said
            case 2:
                self.leave_at[peer.conn] = Micros(now + 7 * SECOND_US)
                self.alarm.by(self.leave_at[peer.conn])
                return ()
            case _:
                raise PeerFault("does not stop", score=100)

    def snapshot(self, now):
        return Patiences(tuple(self.heard.items()))

    def on_deadline(self, now):
        late = [conn for conn, at in self.leave_at.items() if at <= now]
        return [Close(conn, "heard enough") for conn in late]

    def next_deadline(self):
        return min(self.leave_at.values(), default=None)


REJECT = Reject("tx", 16, "no", b"")
QUIET = NodePolicy(connect=(), use_dns_seeds=False)


@pytest.fixture
def part():
    """What make_patience made last."""
    return []


@pytest.fixture
def bench(part):
    def make(around):
        part.append(Patience(around))
        return part[0]

    return Bench(QUIET, parts=(make,))


def test_it_hears_of_peers_and_of_its_message_and_its_effects_go_out(bench, part):
    bench.connect(1)
    bench.take(Ping)
    bench.say(1, REJECT)
    assert len(bench.take(Ping)) == 1
    assert part[0].told == [("ready", 1)]
    assert [peer.conn for peer in part[0].around.peers()] == [1]
    assert part[0].around.network is NETWORK


def test_it_is_woken_when_it_wants_to_be_and_a_close_ends_the_session_at_once(bench, part):
    bench.connect(1)
    bench.connect(3)
    bench.say(1, REJECT)
    bench.say(1, REJECT)
    assert bench.node.next_deadline() <= bench.now + 7 * SECOND_US
    bench.wait(6 * SECOND_US)
    assert bench.take(Close) == []
    bench.wait(2 * SECOND_US)
    assert bench.take(Close) == [Close(1, "heard enough")]
    assert [peer.conn for peer in bench.node.snapshot(bench.now).peers] == [3]
    assert part[0].told == [("ready", 1), ("ready", 3), ("closed", 1)]


def test_a_peer_it_blames_pays(bench, part):
    bench.connect(1, host="192.0.2.1")
    for _ in range(3):
        bench.say(1, REJECT)
    assert bench.take(Close) == [Close(1, "does not stop")]
    assert part[0].told[-1] == ("closed", 1)


def test_what_it_shows_is_part_of_the_nodes_digest(bench, part):
    bench.connect(1)
    before = part_digests(bench.node, bench.now)
    part[0].heard[1] += 1
    assert list(differing(before, part_digests(bench.node, bench.now))) == ["Patience"]


def test_a_message_that_has_its_taker_is_not_taken_away():
    class Greedy(Patience):
        def routes(self):
            return (route(GetData, self.take_reject),)

    with pytest.raises(MisuseError, match=r"GetData has two takers: InventoryFlow\.take_getdata and "):
        Bench(QUIET, parts=(Greedy,))


def test_what_it_draws_moves_nobody_elses_dice(bench, part):
    alone = Bench(QUIET)
    for one in (alone, bench):
        one.connect(1)
        one.say(1, REJECT)
    assert [effect for effect in bench.seen if effect not in part[0].said] == alone.seen
    assert part[0].said


def test_it_hears_of_no_peer_whom_a_part_before_it_left():
    heard = []

    class Stern(Part):
        def __init__(self, around):
            self.alarm = Alarm()

        def on_ready(self, peer, now):
            return (Close(peer.conn, "not this one"),)

    class Eager(Part):
        def __init__(self, around):
            self.alarm = Alarm()

        def on_ready(self, peer, now):
            heard.append(peer.conn)
            return ()

    bench = Bench(QUIET, parts=(Stern, Eager))
    bench.connect(1)
    assert heard == []
    assert NodeAddress("127.0.0.1", 40_001) not in [peer.remote for peer in bench.node.snapshot(bench.now).peers]


def test_a_handler_may_make_its_effects_one_by_one():
    class Lazy(Patience):
        def take_reject(self, peer, message, now):
            yield Send(peer.conn, Ping(1))
            yield Send(peer.conn, Ping(2))

    bench = Bench(QUIET, parts=(Lazy,))
    bench.connect(1)
    bench.take(Send)
    bench.say(1, REJECT)
    assert [sent.message for sent in bench.take(Send)] == [Ping(1), Ping(2)]
