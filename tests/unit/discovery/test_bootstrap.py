"""When the DNS seeds are asked."""

from tests.unit.alarms import check_alarm

from minicoin.core.discovery.bootstrap import Bootstrap
from minicoin.core.discovery.policy import DiscoveryPolicy
from minicoin.core.effects import Resolve
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros

T0 = Micros(1_700_000_000_000_000)
SEEDS = tuple(f"seed{i}.example" for i in range(7))


def bootstrap(seeds=SEEDS, book_size=0, ready=0):
    made = Bootstrap(DiscoveryPolicy(dns_seeds=seeds, default_port=8333), Rng(b"test"), lambda: ready)
    made.start(T0, book_size)
    check_alarm(made)
    return made


def test_asks_at_once_with_an_empty_book_three_at_a_time():
    made, now, asked = bootstrap(), T0, []
    assert made.next_deadline() == T0
    batches = []
    for _ in range(3):
        effects = made.on_deadline(now)
        assert made.on_deadline(now) == []
        batches.append(len(effects))
        asked += [effect.host for effect in effects]
        assert all(isinstance(effect, Resolve) and effect.port == 8333 for effect in effects)
        now = made.next_deadline()
    assert batches == [3, 3, 1]
    assert sorted(asked) == sorted(SEEDS)
    assert now == T0 + 2 * 11 * SECOND_US + 600 * SECOND_US
    assert len(made.on_deadline(now)) == 3


def test_a_known_book_gets_eleven_seconds():
    made = bootstrap(book_size=50, ready=1)
    assert made.on_deadline(T0) == []
    assert made.next_deadline() == T0 + 11 * SECOND_US
    assert len(made.on_deadline(made.next_deadline())) == 3


def test_enough_peers_make_the_seeds_needless():
    made = bootstrap(book_size=50, ready=2)
    now = made.next_deadline()
    assert made.on_deadline(now) == []
    assert made.next_deadline() > now


def test_no_seeds_no_deadline():
    made = bootstrap(seeds=())
    assert made.next_deadline() is None
    assert made.on_deadline(T0) == []
