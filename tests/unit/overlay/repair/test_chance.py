"""Drawing a few of many: distinct, fair, and no more dice than needed."""

from collections import Counter

import pytest

from minicoin.core.overlay.repair.chance import choose
from minicoin.core.rng import Rng


@pytest.mark.parametrize(("count", "drawn"), [(0, 0), (3, 3), (10, 10), (99, 10)])
def test_as_many_as_asked_for_or_there_are(count, drawn):
    rng = Rng(b"few")
    found = choose(rng, range(10), count)
    assert len(set(found)) == len(found) == drawn
    assert rng.position == 8 * drawn


def test_each_is_as_likely_as_any_other():
    rng = Rng(b"fair")
    seen = Counter(one for _ in range(4_000) for one in choose(rng, "abcdefgh", 3))
    assert all(abs(count - 1_500) < 150 for count in seen.values())
