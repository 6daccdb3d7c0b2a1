"""The ordered index against a sorted dict."""

from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.mempool.index import ScoreIndex

KEYS = st.integers(0, 12)
STEPS = st.lists(st.tuples(KEYS, st.one_of(st.none(), st.integers(0, 4))), max_size=60)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_orders_like_a_sorted_dict(steps):
    index, model = ScoreIndex(), {}
    for key, score in steps:
        name = bytes((key,))
        if score is None:
            index.remove(name)
            model.pop(name, None)
        else:
            index.put(name, score, key)
            model[name] = (score, key)
        rising = sorted(model, key=lambda k: model[k])
        assert list(index.ascending()) == rising
        assert list(index.descending()) == sorted(model, key=lambda k: (-model[k][0], model[k][1]))
        assert index.lowest() == ((model[rising[0]][0], rising[0]) if rising else None)
        assert len(index) == len(model)
