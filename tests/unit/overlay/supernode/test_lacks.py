"""What links have named is asked of one of them at a time."""

from tests.unit.alarms import check_alarm
from tests.unit.overlay.supernode.made import T0, Watched, sent

from minicoin.core.alarm import Alarm
from minicoin.core.limits import SUPER_RECORDS_LACKED_MAX, SUPER_RECORDS_LACKED_PER_LINK_MAX
from minicoin.core.overlay.supernode.lacks import PATIENCE_US, Lacks
from minicoin.core.overlay.supernode.messages import SuperGet, Wanted
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros

LATE = Micros(T0 + PATIENCE_US)


class Bench:
    def __init__(self):
        self.alarm = Alarm()
        self.lacks = Lacks(Wanted.DIRECTORY, self.alarm)

    def named(self, conn, *names, now=T0):
        return self.asked(self.lacks.on_named(conn, names, now))

    def asked(self, effects):
        check_alarm(Watched(self.lacks, self.alarm))
        return [(conn, message.signers) for conn, message in sent(effects, SuperGet)]


def test_the_first_that_names_it_is_asked_and_then_the_others():
    bench = Bench()
    assert bench.named(1, (b"a", 5), (b"b", 5)) == [(1, (b"a", b"b"))]
    assert bench.named(2, (b"a", 5)) == bench.named(3, (b"a", 4)) == bench.named(1, (b"a", 5)) == []
    bench.lacks.on_came(b"b", 5)
    assert bench.lacks.on_deadline(T0) == [] and bench.lacks.next_deadline() == LATE
    assert bench.asked(bench.lacks.on_deadline(LATE)) == [(2, (b"a",))]
    assert bench.asked(bench.lacks.on_closed(2, LATE)) == [(3, (b"a",))]
    assert bench.asked(bench.lacks.on_deadline(Micros(LATE + PATIENCE_US))) == []
    assert len(bench.lacks) == 0 and bench.lacks.next_deadline() is None


def test_a_newer_one_is_asked_for_and_an_older_one_does_not_end_it():
    bench = Bench()
    bench.named(1, (b"a", 5))
    assert bench.named(2, (b"a", 6)) == [(2, (b"a",))]
    bench.lacks.on_came(b"a", 5)
    assert len(bench.lacks) == 1
    bench.lacks.on_came(b"a", 6)
    assert len(bench.lacks) == 0


def test_who_went_is_not_asked():
    bench = Bench()
    bench.named(1, (b"a", 5))
    bench.named(2, (b"a", 5))
    assert bench.asked(bench.lacks.on_closed(2, T0)) == []
    assert bench.asked(bench.lacks.on_closed(1, T0)) == [] and len(bench.lacks) == 0


def test_a_link_names_so_many_and_all_together_so_many():
    bench = Bench()

    asked = {}
    for conn in range(1, 7):
        numbers = range(conn << 16, (conn << 16) + SUPER_RECORDS_LACKED_PER_LINK_MAX + 1)
        names = [(number.to_bytes(4, "big"), 1) for number in numbers]
        asked[conn] = sum(len(signers) for _, signers in bench.named(conn, *names))
    assert asked[1] == SUPER_RECORDS_LACKED_PER_LINK_MAX
    assert sum(asked.values()) == len(bench.lacks) == SUPER_RECORDS_LACKED_MAX
    bench.lacks.on_deadline(LATE)
    assert len(bench.lacks) == 0 and bench.named(1, (b"a", 5)) == [(1, (b"a",))]


def test_whatever_comes_each_link_is_asked_for_what_it_named_and_every_lack_ends():
    for seed in range(30):
        bench, rng, now, named = Bench(), Rng(bytes((seed,))), T0, set()
        for _ in range(80):
            conn, signer, version = rng.below(5), bytes((rng.below(6),)), rng.below(4)
            action = rng.below(4)
            if action == 0:
                named |= {(conn, signer)}
                asked = bench.named(conn, (signer, version), now=now)
            elif action == 1:
                bench.lacks.on_came(signer, version)
                asked = []
            elif action == 2:
                asked = bench.asked(bench.lacks.on_closed(conn, now))
                named = {one for one in named if one[0] != conn}
            else:
                now = Micros(now + rng.below(3) * SECOND_US)
                asked = bench.asked(bench.lacks.on_deadline(now))
            assert all((of, one) in named for of, signers in asked for one in signers)
        for step in range(6):
            bench.lacks.on_deadline(Micros(now + (step + 1) * PATIENCE_US))
        assert len(bench.lacks) == 0
