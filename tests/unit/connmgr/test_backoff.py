"""Back-off forgets the oldest and never overflows."""

from minicoin.core.connmgr.backoff import Backoff
from minicoin.core.limits import BACKOFFS_REMEMBERED_MAX
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, SECOND_US, Micros


def test_caps_after_any_number_of_failures():
    backoff = Backoff(Rng(b"x"))
    for _ in range(500):
        backoff.fail(("h", 1), Micros(0), base_us=SECOND_US, max_us=MINUTE_US)
    assert 45 * SECOND_US <= backoff.ready_at(("h", 1)) <= 75 * SECOND_US
    assert backoff.failures(("h", 1)) == 500
    backoff.forget(("h", 1))
    assert (backoff.ready_at(("h", 1)), backoff.failures(("h", 1))) == (0, 0)


def test_remembers_a_bounded_number():
    backoff = Backoff(Rng(b"x"))
    for port in range(BACKOFFS_REMEMBERED_MAX + 1):
        backoff.fail(("h", port), Micros(0), base_us=1_000, max_us=1_000)
    assert backoff.failures(("h", 0)) == 0
    assert backoff.failures(("h", 1)) == 1
