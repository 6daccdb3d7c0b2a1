"""Chance by key instead of by order: a draw is a pure function of (seed, purpose, a, b, c), so that the full-node
world, the numpy model and the numba kernel meet the same latency on the same link whatever order they ask in.

The word is splitmix64's finaliser over a linear mix of the key. Logarithm and exponential are spelled out in plain
IEEE additions and multiplications, since libm and numpy round theirs differently; draws_arrays holds the numpy twins.
"""

import math
from enum import IntEnum
from typing import Final

from minicoin.core.rng import Rng

MASK: Final = 0xFFFF_FFFF_FFFF_FFFF
STEP_A: Final = 0x9E37_79B9_7F4A_7C15
STEP_B: Final = 0xD1B5_4A32_D192_ED03
STEP_C: Final = 0xAEF1_7502_108E_F2D9
MIX_1: Final = 0xBF58_476D_1CE4_E5B9
MIX_2: Final = 0x94D0_49BB_1331_11EB

LOG2_E: Final = 1.4426950408889634
LN2_HIGH: Final = 0.693147180369123816490
LN2_LOW: Final = 1.90821492927058770002e-10


class Purpose(IntEnum):
    """What a draw is for. floats are part of every result's digest: append, never renumber."""

    REGION = 1
    BANDWIDTH_DOWN = 2
    BANDWIDTH_UP = 3
    LATENCY = 4
    TOPOLOGY = 5
    DEGREE = 6
    MINER = 7
    INTERVAL = 8
    RELAY = 9
    GOSSIP = 10
    LINK_LOSS = 11


def seed64(rng: Rng) -> int:
    """The seed of all keyed draws of a run; asking does not advance `rng`."""
    return int.from_bytes(rng.stream("keyed draws").bytes(8), "little")


def draw_key(seed: int, purpose: int) -> int:
    """What `word` wants first: the seed of one purpose. Take it once, not per draw."""
    return word(seed & MASK, purpose, 1)


def word(key: int, a: int = 0, b: int = 0, c: int = 0) -> int:
    """64 random bits for (key, a, b, c)."""
    z = (key + a * STEP_A + b * STEP_B + c * STEP_C) & MASK
    z = ((z ^ (z >> 30)) * MIX_1) & MASK
    z = ((z ^ (z >> 27)) * MIX_2) & MASK
    return z ^ (z >> 31)


def uniform(bits: int) -> float:
    """A float in the open interval (0, 1) from the upper 52 bits."""
    return ((bits >> 12) + 0.5) * 2.0**-52


def below(bits: int, limit: int) -> int:
    """An integer in [0, limit) for a limit below 2**32; the bias is at most limit / 2**32."""
    return ((bits >> 32) * limit) >> 32


def pareto(u: float, shape: float, scale: float) -> float:
    """The value with chance u to be exceeded: at least `scale`, tail exponent `shape`."""
    return scale * exp(-ln(u) / shape)


def exponential(u: float, mean: float) -> float:
    """A waiting time of the given mean."""
    return -ln(u) * mean


def lognormal(u: float, median: float, sigma: float) -> float:
    """A lognormal value by its inverse distribution function."""
    return median * exp(sigma * normal(u))


def ln(x: float) -> float:
    """Natural logarithm of a positive x, equal to the last bit on every engine."""
    mantissa, exponent = math.frexp(x)
    return exponent * LN2_HIGH + (ln_of_mantissa(mantissa) + exponent * LN2_LOW)


def exp(x: float) -> float:
    """The exponential function for |x| < 700, equal to the last bit on every engine."""
    power = math.floor(x * LOG2_E + 0.5)
    return math.ldexp(exp_of_rest((x - power * LN2_HIGH) - power * LN2_LOW), power)


def normal(u: float) -> float:
    """The normal quantile after Wichura's algorithm AS 241 (7 digits)."""
    q = u - 0.5
    if abs(q) <= 0.425:
        return normal_centre(q)
    r = math.sqrt(-ln(u if q < 0.0 else 1.0 - u))
    tail = normal_shoulder(r - 1.6) if r <= 5.0 else normal_tail(r - 5.0)
    return -tail if q < 0.0 else tail


def ln_of_mantissa(m: float) -> float:
    """2 artanh((m - 1) / (m + 1)) for m in [0.5, 1]: the series ends below 1e-17."""
    s = (m - 1.0) / (m + 1.0)
    y = s * s
    p = y * (1.0 / 33.0) + 1.0 / 31.0
    p = p * y + 1.0 / 29.0
    p = p * y + 1.0 / 27.0
    p = p * y + 1.0 / 25.0
    p = p * y + 1.0 / 23.0
    p = p * y + 1.0 / 21.0
    p = p * y + 1.0 / 19.0
    p = p * y + 1.0 / 17.0
    p = p * y + 1.0 / 15.0
    p = p * y + 1.0 / 13.0
    p = p * y + 1.0 / 11.0
    p = p * y + 1.0 / 9.0
    p = p * y + 1.0 / 7.0
    p = p * y + 1.0 / 5.0
    p = p * y + 1.0 / 3.0
    return (p * y + 1.0) * s * 2.0


def exp_of_rest(r: float) -> float:
    """Taylor's series of the exponential for |r| <= ln(2) / 2."""
    p = r * (1.0 / 87178291200.0) + 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    return p * r + 1.0


def normal_centre(q: float) -> float:
    """AS 241 for |q| <= 0.425."""
    r = 0.180625 - q * q
    above = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
    return q * above / (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0)


def normal_shoulder(r: float) -> float:
    """AS 241 beyond the centre, up to a chance of about 1e-11."""
    above = ((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
    return above / ((0.12021132975 * r + 0.73700164250) * r + 1.0)


def normal_tail(r: float) -> float:
    """AS 241 in the far tail."""
    above = ((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150
    return above / ((0.012258202635 * r + 0.24197894225) * r + 1.0)
