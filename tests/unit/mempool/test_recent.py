"""A bounded memory, against a list."""

from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.mempool.recent import RecentSet

MEMBER = st.binary(min_size=1, max_size=1)


@given(st.lists(st.one_of(st.tuples(st.just("add"), MEMBER), st.tuples(st.just("discard"), MEMBER)), max_size=60))
def test_the_oldest_is_forgotten_first(steps: list[tuple[str, bytes]]) -> None:
    recent, model = RecentSet(5), list[bytes]()
    for what, member in steps:
        if what == "discard":
            recent.discard(member)
            model = [one for one in model if one != member]
        else:
            recent.add(member)
            if member not in model:
                model = [*model, member][-5:]
        assert len(recent) == len(model)
        assert all(one in recent for one in model)


def test_clear() -> None:
    recent = RecentSet(2)
    recent.add(b"a")
    recent.clear()
    assert b"a" not in recent
