"""The ordered index against a sorted dict."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.mempool import index as index_module
from minicoin.core.mempool.index import ScoreIndex

KEYS = st.integers(0, 30)
STEPS = st.lists(
    st.one_of(st.tuples(KEYS, st.integers(0, 4)), st.lists(KEYS, unique=True, max_size=12)), min_size=10, max_size=120
)


@pytest.fixture(autouse=True, scope="module")
def _short_chunks():
    """Two to a chunk, so that small examples split, empty and rebuild them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_module, "_CHUNK_LENGTH", 2)
        patch.setattr(index_module, "_REBUILD_SHARE", 4)
        yield


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_orders_like_a_sorted_dict(steps):
    index, model = ScoreIndex(), {}
    for step in steps:
        if isinstance(step, list):
            doomed = [name for key in step if (name := bytes((key,))) in model]
            index.remove(doomed)
            for name in doomed:
                del model[name]
        else:
            key, score = step
            index.put(bytes((key,)), score, key)
            model[bytes((key,))] = (score, key)
        rising = sorted(model, key=lambda k: model[k])
        assert list(index) == rising
        assert index.first() == ((model[rising[0]][0], rising[0]) if rising else None)
        assert len(index) == len(model)
