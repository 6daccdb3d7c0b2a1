"""The numpy twins of draws: the same words and, operation for operation, the same floats for whole arrays of keys."""

from collections.abc import Callable
from typing import cast

import numpy as np
import numpy.typing as npt

from minicoin.sim import draws

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]
Keys = npt.NDArray[np.int64] | npt.NDArray[np.int32] | npt.NDArray[np.uint64] | int


# Sums and products of one number there; arrays of numbers go the same way. They are not typed for both, so that who
# checks a scenario need not load numpy.
_Elementwise = Callable[[Floats], Floats]
_ln_of_mantissa = cast(_Elementwise, draws.ln_of_mantissa)
_exp_of_rest = cast(_Elementwise, draws.exp_of_rest)
_normal_centre = cast(_Elementwise, draws.normal_centre)
_normal_shoulder = cast(_Elementwise, draws.normal_shoulder)
_normal_tail = cast(_Elementwise, draws.normal_tail)


def words(key: int, a: Keys = 0, b: Keys = 0, c: Keys = 0) -> Words:
    """64 random bits for each (key, a, b, c); arrays broadcast, the result has at least one dimension."""
    with np.errstate(over="ignore"):
        z = np.uint64(key) + _step(a, draws.STEP_A) + _step(b, draws.STEP_B) + _step(c, draws.STEP_C)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(draws.MIX_1)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(draws.MIX_2)
        return z ^ (z >> np.uint64(31))


def _step(counter: Keys, step: int) -> Words:
    return np.atleast_1d(np.asarray(counter)).astype(np.uint64) * np.uint64(step)


def uniforms(bits: Words) -> Floats:
    """Floats in the open interval (0, 1)."""
    return ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def below(bits: Words, limit: int) -> npt.NDArray[np.int64]:
    """Integers in [0, limit) for a limit below 2**32."""
    return (((bits >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32)).astype(np.int64)


def pareto(u: Floats, shape: Floats | float, scale: Floats | float) -> Floats:
    """As draws.pareto."""
    return scale * exp(-ln(u) / shape)


def exponential(u: Floats, mean: Floats | float) -> Floats:
    """As draws.exponential."""
    return -ln(u) * mean


def lognormal(u: Floats, median: Floats | float, sigma: Floats | float) -> Floats:
    """As draws.lognormal."""
    return median * exp(sigma * normal(u))


def ln(x: Floats) -> Floats:
    """As draws.ln."""
    mantissa, exponent = np.frexp(x)
    return exponent * draws.LN2_HIGH + (_ln_of_mantissa(mantissa) + exponent * draws.LN2_LOW)


def exp(x: Floats) -> Floats:
    """As draws.exp."""
    power = np.floor(x * draws.LOG2_E + 0.5)
    rest = _exp_of_rest((x - power * draws.LN2_HIGH) - power * draws.LN2_LOW)
    return np.ldexp(rest, power.astype(np.int32))


def normal(u: Floats) -> Floats:
    """As draws.normal."""
    q = u - 0.5
    r = np.sqrt(-ln(np.where(q < 0.0, u, 1.0 - u)))
    tail = np.where(r <= 5.0, _normal_shoulder(r - 1.6), _normal_tail(r - 5.0))
    return np.where(np.abs(q) <= 0.425, _normal_centre(q), np.where(q < 0.0, -tail, tail))
