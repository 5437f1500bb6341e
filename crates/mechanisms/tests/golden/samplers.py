"""Writes samplers.json: what the samplers must make of a stream of words, and tails, spreads and intervals of the noise,
to 60 digits by mpmath.

Nothing is shared with the code under test but the definition of each draw as a function of fair bits:

    word     sign (first bit) and the first 63 binary digits of U; E = -ln U
    laplace  floor(s E) with the sign; again for minus zero
    gaussian laplace of scale t = max(1, floor sqrt floor sigma^2) by one word, accepted when the E of the next exceeds
             (|y| - sigma^2/t)^2 / (2 sigma^2)
    normal   two words: W and E; accepted when E exceeds (W - 1)^2/2; round(sigma W) with the sign of the first

The words are SplitMix64 from a state of zero. python samplers.py > samplers.json  (mpmath 1.x)
"""

import functools
import json
from fractions import Fraction
from math import isqrt

import mpmath

mpmath.mp.dps = 60
MASK = (1 << 64) - 1


def words():
    state = 0
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def real(q):
    return mpmath.mpf(q.numerator) / q.denominator


def exponential(word):
    """-ln U in the middle of what 63 digits say; the scales below are small enough for that."""
    return -mpmath.log((2 * (word & (MASK >> 1)) + 1) / mpmath.mpf(2) ** 64)


def laplace(stream, scale):
    while True:
        word = next(stream)
        magnitude = int(mpmath.floor(real(scale) * exponential(word)))
        if word >> 63 == 0 or magnitude:
            return -magnitude if word >> 63 else magnitude


def gaussian(stream, square):
    t = max(1, isqrt(square.numerator // square.denominator))
    while True:
        y = laplace(stream, Fraction(t))
        gamma = (abs(y) - square / t) ** 2 / (2 * square)
        if exponential(next(stream)) > real(gamma):
            return y


def normal(stream, sigma):
    while True:
        word, other = next(stream), next(stream)
        w = exponential(word)
        if exponential(other) > (w - 1) ** 2 / 2:
            magnitude = int(mpmath.floor(real(sigma) * w + mpmath.mpf(1) / 2))
            return -magnitude if word >> 63 else magnitude


def survival(family, parameter, m):
    """Pr[noise >= m], m >= 1."""
    q = real(parameter)
    if family == "discrete_laplace":
        p = mpmath.exp(-1 / q)
        return p**m / (1 + p)
    if family == "rounded_normal":
        return mpmath.erfc((m - mpmath.mpf(1) / 2) / (q * mpmath.sqrt(2))) / 2
    beyond = gaussian_sums(parameter)
    return beyond[min(m, len(beyond) - 1)] / (1 + 2 * beyond[1])


@functools.cache
def gaussian_sums(square):
    """Unnormalized tail sums from 0, 1, 2, ... on."""
    q = real(square)
    reach = int(20 * mpmath.sqrt(q)) + 20
    sums = [mpmath.mpf(0)]
    for x in range(reach, -1, -1):
        sums.append(sums[-1] + mpmath.exp(-mpmath.mpf(x) ** 2 / (2 * q)))
    return sums[::-1]


def standard_deviation(family, parameter):
    q = real(parameter)
    if family == "discrete_laplace":
        p = mpmath.exp(-1 / q)
        return mpmath.sqrt(2 * p) / (1 - p)
    if family == "rounded_normal" and q > 100:
        return mpmath.sqrt(q**2 + mpmath.mpf(1) / 12)
    reach = 20 * int(q if family == "rounded_normal" else mpmath.sqrt(q)) + 20
    return mpmath.sqrt(2 * mpmath.fsum((2 * k - 1) * survival(family, parameter, k) for k in range(1, reach)))


def half_width(family, parameter, coverage):
    """The least w with Pr[|noise| <= w] >= coverage."""
    inside = lambda w: 1 - 2 * survival(family, parameter, w + 1) >= coverage
    low, high = -1, 1
    while not inside(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if inside(middle) else (middle, high)
    return high


PARAMETERS = [Fraction(1, 1000), Fraction(1, 3), Fraction(1), Fraction(5, 2), Fraction(1_000_003, 1000),
              Fraction(123_456_789_012_345_678, 98_765_432_109_876_543), Fraction(1_000_000)]
DRAWS = {"discrete_laplace": laplace, "discrete_gaussian": gaussian, "rounded_normal": normal}

COVERAGES = ["0.5", "0.9", "0.95", "0.999", "0.999999"]

rows = []
for family, draw in DRAWS.items():
    for parameter in PARAMETERS:
        stream = words()
        draws = [draw(stream, parameter) for _ in range(100)]
        sd = real(parameter) if family != "discrete_gaussian" else mpmath.sqrt(real(parameter))
        points = sorted({1, 2, max(1, int(sd)), max(1, int(3 * sd)), max(1, int(8 * sd))})
        tails = [[m, mpmath.nstr(survival(family, parameter, m), 17, min_fixed=0, max_fixed=0)] for m in points]
        rows.append({"family": family, "parameter": [parameter.numerator, parameter.denominator],
                     "draws": draws, "tails": tails,
                     "standard_deviation": mpmath.nstr(standard_deviation(family, parameter), 17),
                     "half_widths": [[c, half_width(family, parameter, mpmath.mpf(c))] for c in COVERAGES]})
print("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]")
