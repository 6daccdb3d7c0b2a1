"""The one source of chance: the same stream on every machine, streams apart, draws within their bounds."""

from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.rng import Rng


def test_known_bytes() -> None:
    """Written down once: a recording or a scenario of yesterday has to run the same tomorrow."""
    assert Rng(b"seed").bytes(8).hex() == Rng(b"seed", "").bytes(8).hex()
    assert Rng(b"seed", "netsync").bytes(16).hex() == "f4a843eaabe0dae64fc21608e5682277"


@given(st.lists(st.integers(0, 70), max_size=8))
def test_how_it_is_cut_makes_no_difference(pieces: list[int]) -> None:
    whole, cut = Rng(b"cut"), Rng(b"cut")
    assert b"".join(cut.bytes(piece) for piece in pieces) == whole.bytes(sum(pieces))
    assert cut.position == whole.position == sum(pieces)


def test_asking_for_a_stream_draws_nothing() -> None:
    rng = Rng(b"seed")
    first = rng.stream("a").bytes(32)
    assert rng.position == 0
    assert first == rng.stream("a").bytes(32) != rng.stream("b").bytes(32)
    # A seed and a purpose are told apart wherever one ends.
    assert Rng(b"seed", "a").bytes(8) != Rng(b"seeda").bytes(8)


@given(st.binary(max_size=8), st.integers(1, 2**56 - 1))
def test_below_stays_below(seed: bytes, limit: int) -> None:
    rng = Rng(seed)
    assert all(0 <= rng.below(limit) < limit for _ in range(5))
    assert all(0.0 <= rng.uniform() < 1.0 for _ in range(5))


def test_every_value_is_drawn() -> None:
    rng = Rng(b"values")
    counts = [0] * 6
    for _ in range(6_000):
        counts[rng.below(6)] += 1
    assert all(850 < count < 1_150 for count in counts)


def test_waiting_times_have_their_mean() -> None:
    rng = Rng(b"waits")
    waits = [rng.exponential_us(1_000_000) for _ in range(4_000)]
    assert min(waits) >= 0
    assert 950_000 < sum(waits) / len(waits) < 1_050_000


@given(st.lists(st.integers(), max_size=20), st.integers(0, 25))
def test_shuffles_and_samples_lose_nothing(items: list[int], count: int) -> None:
    rng = Rng(b"items")
    shuffled = list(items)
    rng.shuffle(shuffled)
    assert sorted(shuffled) == sorted(items)
    sampled = rng.sample(items, count)
    assert len(sampled) == min(count, len(items))
    assert not any(sampled.count(item) > items.count(item) for item in sampled)
    if items:
        assert rng.choice(items) in items
