"""Peer ids in order, against a set."""

from minicoin.core.overlay.index.ids import PeerIds
from minicoin.core.rng import Rng


def test_any_walk_holds_what_a_set_holds_in_order():
    for seed in range(20):
        rng, ids, naive = Rng(bytes((seed,))), PeerIds(), set()
        for _ in range(100):
            one = bytes((rng.below(12),))
            if rng.below(2):
                assert ids[ids.add(one)] == one
                naive.add(one)
            else:
                assert (ids.discard(one) is not None) == (one in naive)
                naive.discard(one)
            assert list(ids) == sorted(naive) and len(ids) == len(naive)
            assert (one in ids) == (one in naive) == (ids.find(one) is not None)
        ids.clear()
        assert len(ids) == 0 and "a" not in ids
