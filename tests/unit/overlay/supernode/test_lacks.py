"""What links have named is asked of one of them at a time."""

from tests.unit.alarms import check_alarm
from tests.unit.overlay.supernode.made import T0, Watched, peer, sent

from minicoin.core.alarm import Alarm
from minicoin.core.limits import SUPER_RECORDS_LACKED_MAX, SUPER_RECORDS_LACKED_PER_GROUP_MAX
from minicoin.core.overlay.supernode.circle import Near
from minicoin.core.overlay.supernode.lacks import PATIENCE_US, Lacks
from minicoin.core.overlay.supernode.messages import SuperGet, Wanted
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros

LATE = Micros(T0 + PATIENCE_US)


class Bench:
    """Each link is of a group of its own, unless a test says otherwise."""

    def __init__(self):
        self.alarm = Alarm()
        self.near = {}
        self.lacks = Lacks(Wanted.DIRECTORY, self.alarm, self.near)

    def named(self, conn, *names, now=T0, group=b""):
        self.near.setdefault(conn, Near(peer(conn, 1), T0, group or str(conn).encode()))
        return self.asked(self.lacks.on_named(conn, names, now))

    def closed(self, conn, now=T0):
        self.near.pop(conn, None)
        return self.asked(self.lacks.on_closed(conn, now))

    def asked(self, effects):
        check_alarm(Watched(self.lacks, self.alarm))
        return [(conn, message.signers) for conn, message in sent(effects, SuperGet)]


def test_the_first_that_names_it_is_asked_and_then_the_others():
    bench = Bench()
    assert bench.named(1, (b"a", 5), (b"b", 5)) == [(1, (b"a", b"b"))]
    assert bench.named(2, (b"a", 5)) == bench.named(3, (b"a", 4)) == bench.named(1, (b"a", 5)) == []
    bench.lacks.on_settled(b"b", 5)
    assert bench.lacks.on_deadline(T0) == [] and bench.lacks.next_deadline() == LATE
    assert bench.asked(bench.lacks.on_deadline(LATE)) == [(2, (b"a",))]
    assert bench.closed(2, LATE) == [(3, (b"a",))]
    assert bench.asked(bench.lacks.on_deadline(Micros(LATE + PATIENCE_US))) == []
    assert len(bench.lacks) == 0 and bench.lacks.next_deadline() is None


def test_a_newer_one_is_asked_for_and_an_older_one_does_not_end_it():
    bench = Bench()
    bench.named(1, (b"a", 5))
    assert bench.named(2, (b"a", 6)) == [(2, (b"a",))]
    bench.lacks.on_settled(b"a", 5)
    assert len(bench.lacks) == 1
    bench.lacks.on_settled(b"a", 6)
    assert len(bench.lacks) == 0


def test_who_went_is_not_asked():
    bench = Bench()
    bench.named(1, (b"a", 5))
    bench.named(2, (b"a", 5))
    assert bench.closed(2) == []
    assert bench.closed(1) == [] and len(bench.lacks) == 0


def fill(bench, conn, group, count=SUPER_RECORDS_LACKED_PER_GROUP_MAX + 1):
    """How many of so many names of its own a link is asked for."""
    names = [((conn << 16 | number).to_bytes(6, "big"), 1) for number in range(count)]
    return sum(len(signers) for _, signers in bench.named(conn, *names, group=group))


def test_a_group_is_asked_for_so_many_however_many_links_it_has():
    bench = Bench()
    assert fill(bench, 1, b"a") == SUPER_RECORDS_LACKED_PER_GROUP_MAX
    assert fill(bench, 2, b"a") == 0
    assert bench.named(3, (b"x", 5)) == [(3, (b"x",))], "who has nothing to do with it finds room"
    bench.lacks.on_deadline(LATE)
    assert len(bench.lacks) == 0 and bench.named(1, (b"a", 5)) == [(1, (b"a",))]


def test_in_all_so_many_are_asked_for():
    bench = Bench()
    groups = SUPER_RECORDS_LACKED_MAX // SUPER_RECORDS_LACKED_PER_GROUP_MAX + 1
    asked = [fill(bench, conn, b"") for conn in range(1, groups + 1)]
    assert sum(asked) == len(bench.lacks) == SUPER_RECORDS_LACKED_MAX and asked[-1] == 0


def test_who_has_no_room_for_a_newer_one_ends_nothing():
    bench = Bench()
    bench.named(1, (b"x", 5))
    fill(bench, 2, b"a")
    assert bench.named(2, (b"x", 6)) == [] and len(bench.lacks) == SUPER_RECORDS_LACKED_PER_GROUP_MAX + 1
    bench.lacks.on_settled(b"x", 5)
    assert len(bench.lacks) == SUPER_RECORDS_LACKED_PER_GROUP_MAX


def test_who_names_a_newer_one_that_there_is_not_delays_it_and_no_more():
    bench = Bench()
    bench.named(1, (b"x", 5))
    bench.named(2, (b"x", 5))
    bench.named(3, (b"x", 6))
    assert bench.asked(bench.lacks.on_deadline(LATE)) == [(1, (b"x",))]
    assert bench.asked(bench.lacks.on_deadline(Micros(LATE + PATIENCE_US))) == [(2, (b"x",))]


def test_who_names_ever_newer_ones_does_not_keep_the_others_waiting():
    bench = Bench()
    bench.named(1, (b"x", 5))
    bench.named(2, (b"x", 5))
    for step in range(1, 5):
        assert bench.named(1, (b"x", 5 + step), now=Micros(T0 + step * SECOND_US)) == []
    assert bench.asked(bench.lacks.on_deadline(LATE)) == [(2, (b"x",))]


def test_of_one_group_one_link_has_a_turn():
    bench = Bench()
    for conn in range(1, 40):
        bench.named(conn, (b"x", 5), group=b"many")
    bench.named(40, (b"x", 5))
    assert bench.asked(bench.lacks.on_deadline(LATE)) == [(40, (b"x",))]


def test_whatever_comes_each_link_is_asked_for_what_it_named_and_every_lack_ends():
    for seed in range(30):
        bench, rng, now, named = Bench(), Rng(bytes((seed,))), T0, set()
        closed = 0
        for _ in range(80):
            # A connection that ended is another one when it comes back.
            conn, signer, version = closed + rng.below(5), bytes((rng.below(6),)), rng.below(4)
            action = rng.below(4)
            if action == 0:
                named |= {(conn, signer)}
                asked = bench.named(conn, (signer, version), now=now)
            elif action == 1:
                bench.lacks.on_settled(signer, version)
                asked = []
            elif action == 2:
                conn, closed = closed, closed + 1
                asked = bench.closed(conn, now)
                named = {one for one in named if one[0] != conn}
            else:
                now = Micros(now + rng.below(3) * SECOND_US)
                asked = bench.asked(bench.lacks.on_deadline(now))
            assert all((of, one) in named for of, signers in asked for one in signers)
        for step in range(6):
            bench.lacks.on_deadline(Micros(now + (step + 1) * PATIENCE_US))
        assert len(bench.lacks) == 0
