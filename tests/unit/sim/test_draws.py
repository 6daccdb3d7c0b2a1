"""Keyed draws: the numpy twins give the same bits, and the distributions are what they are called."""

import math
import statistics

import numpy as np
import pytest

from minicoin.core.rng import Rng
from minicoin.sim import draws, draws_arrays
from minicoin.sim.draws import Purpose

KEY = draws.draw_key(7, Purpose.LATENCY)
NUMBERS = np.arange(20_000)
WORDS = draws_arrays.words(KEY, NUMBERS, 11, 13)
UNIFORMS = draws_arrays.uniforms(WORDS)


def test_words_agree_bit_for_bit_with_the_scalar_ones() -> None:
    assert WORDS.tolist() == [draws.word(KEY, number, 11, 13) for number in NUMBERS.tolist()]


def test_a_key_of_the_largest_numbers_stays_a_word() -> None:
    big = 2**63 - 1
    assert draws_arrays.words(draws.MASK, big, big, big).tolist() == [draws.word(draws.MASK, big, big, big)]
    assert draws.word(draws.MASK, big, big, big) <= draws.MASK


@pytest.mark.parametrize("name", ["uniform", "ln", "exp", "normal", "pareto", "exponential", "lognormal"])
def test_floats_agree_bit_for_bit_with_the_scalar_ones(name: str) -> None:
    scalar, arrays = {
        "uniform": (lambda u: draws.uniform(int(u * 2**63)), lambda u: draws_arrays.uniforms((u * 2**63).astype("u8"))),
        "ln": (draws.ln, draws_arrays.ln),
        "exp": (lambda u: draws.exp(40 * u - 20), lambda u: draws_arrays.exp(40 * u - 20)),
        "normal": (draws.normal, draws_arrays.normal),
        "pareto": (lambda u: draws.pareto(u, 2.4, 7.0), lambda u: draws_arrays.pareto(u, 2.4, 7.0)),
        "exponential": (lambda u: draws.exponential(u, 600.0), lambda u: draws_arrays.exponential(u, 600.0)),
        "lognormal": (lambda u: draws.lognormal(u, 3.2, 1.6), lambda u: draws_arrays.lognormal(u, 3.2, 1.6)),
    }[name]
    assert arrays(UNIFORMS).tolist() == [scalar(u) for u in UNIFORMS.tolist()]


def test_below_agrees_and_covers_its_range() -> None:
    drawn = draws_arrays.below(WORDS, 10).tolist()
    assert drawn == [draws.below(word, 10) for word in WORDS.tolist()]
    assert all(abs(drawn.count(value) - 2_000) < 200 for value in range(10))


def test_logarithm_and_exponential_are_right() -> None:
    for x in (1e-300, 2.0**-53, 0.1, 0.5, 0.999999, 1.0, 1.5, 3e10):
        assert draws.ln(x) == pytest.approx(math.log(x), rel=1e-14, abs=1e-15)
    for x in (-600.0, -1.0, -1e-9, 0.0, 0.3, 7.0, 600.0):
        assert draws.exp(x) == pytest.approx(math.exp(x), rel=1e-14)


def test_normal_quantile_is_right_to_the_tails() -> None:
    exact = statistics.NormalDist()
    for u in (1e-15, 1e-11, 1e-5, 0.04, 0.074, 0.08, 0.5, 0.925, 0.99, 1 - 1e-12):
        assert draws.normal(u) == pytest.approx(exact.inv_cdf(u), abs=5e-6, rel=1e-6)


def test_distributions_have_their_means() -> None:
    assert UNIFORMS.mean() == pytest.approx(0.5, abs=0.01)
    assert UNIFORMS.min() > 0.0 and UNIFORMS.max() < 1.0
    assert draws_arrays.exponential(UNIFORMS, 600.0).mean() == pytest.approx(600.0, rel=0.03)
    assert draws_arrays.pareto(UNIFORMS, 4.0, 3.0).mean() == pytest.approx(4.0, rel=0.02)
    assert draws_arrays.pareto(UNIFORMS, 4.0, 3.0).min() >= 3.0
    assert np.median(draws_arrays.lognormal(UNIFORMS, 9.4, 1.55)) == pytest.approx(9.4, rel=0.05)


def test_seeds_purposes_and_places_are_independent() -> None:
    keys = [draws.draw_key(seed, purpose) for seed in range(50) for purpose in Purpose]
    assert len(set(keys)) == len(keys)
    grid = {draws.word(KEY, a, b, c) for a in range(20) for b in range(20) for c in range(20)}
    assert len(grid) == 8_000


def test_the_seed_is_a_stream_of_the_rng() -> None:
    rng = Rng(b"seed")
    assert draws.seed64(rng) == draws.seed64(Rng(b"seed")) != draws.seed64(Rng(b"other"))
    assert rng.bytes(4) == Rng(b"seed").bytes(4)


def test_words_never_change() -> None:
    """Results of earlier runs are replayed by seed: these values are part of the format."""
    assert draws.draw_key(1, Purpose.LATENCY) == 0x322C_5E07_9A6E_D5E2
    assert draws.word(1, 2, 3, 4) == 0x52B7_B3D7_8499_83C4
