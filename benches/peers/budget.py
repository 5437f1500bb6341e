"""Conversions of a budget that an engine leaves to its user."""

import math


def rho(epsilon, delta):
    """The largest rho whose zero-concentrated guarantee is (epsilon, delta) (Canonne, Kamath, Steinke 2020, proposition 12)."""

    def converted(rho):
        def at(log_excess):
            excess = math.exp(log_excess)
            order = 1 + excess
            return rho * order + math.log(excess / order) + (math.log(1 / delta) - math.log(order)) / excess

        return min(at(step / 200) for step in range(-1400, 2800))

    low, high = 0.0, epsilon
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if converted(middle) <= epsilon else (low, middle)
    return low
