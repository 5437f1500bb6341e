"""Reference values for the numerical accountant, from Google's dp-accounting (PyPI).

Usage: pip install dp-accounting==0.6.0 mpmath; python accounting.py > accounting.json

For each composition: the reference's epsilon from its pessimistic estimate (`upper`, by connecting the dots where it
can) and from its optimistic estimate (`lower`, by rounding losses down). Its spacing is chosen so that a composition
takes at most a few seconds. Gaussians and Laplaces are in units of the sensitivity.
"""

import json
import math
import sys

import mpmath
from dp_accounting.pld import privacy_loss_distribution as pld

DELTAS = [1e-5, 1e-6, 1e-9, 1e-12]


def build(kind, value, spacing, upper):
    options = {"pessimistic_estimate": upper, "value_discretization_interval": spacing}
    if kind == "gaussian":
        return pld.from_gaussian_mechanism(value, use_connect_dots=upper, log_mass_truncation_bound=-80, **options)
    if kind == "laplace":
        return pld.from_laplace_mechanism(1 / value, use_connect_dots=upper, **options)
    if kind == "discrete_laplace":
        return pld.from_discrete_laplace_mechanism(value, use_connect_dots=upper, **options)
    if kind == "discrete_gaussian":
        bound = math.ceil(14 * value) + 2
        return pld.from_discrete_gaussian_mechanism(value, truncation_bound=bound, use_connect_dots=upper, **options)
    if kind == "randomized_response":
        epsilon, k = value
        return pld.from_randomized_response(k / (math.exp(epsilon) + k - 1), k, **options)
    raise ValueError(kind)


def size(kind, value):
    if kind in ("gaussian", "discrete_gaussian"):
        return 1 / value
    return value[0] if kind == "randomized_response" else value


def compose(events, spacing, upper):
    total = None
    for kind, value, count in events:
        part = build(kind, value, spacing, upper).self_compose(count)
        total = part if total is None else total.compose(part)
    return total


CASES = [
    [("gaussian", 50.0, 1000)],
    [("laplace", 0.01, 10000)],
    [("gaussian", 50.0, 1000), ("laplace", 0.01, 10000)],
    [("gaussian", 0.3, 1)],
    [("gaussian", 1.0, 1)],
    [("gaussian", 1000.0, 1)],
    [("gaussian", 1000.0, 1000000)],
    [("laplace", 0.1, 1)],
    [("laplace", 1.0, 2)],
    [("laplace", 10.0, 3)],
    [("laplace", 0.005, 30000)],
    [("discrete_laplace", 0.5, 1)],
    [("discrete_laplace", 0.05, 500)],
    [("discrete_gaussian", 0.5, 1)],
    [("discrete_gaussian", 3.0, 10)],
    [("discrete_gaussian", 20.0, 1000)],
    [("discrete_gaussian", 100.0, 10000)],
    [("randomized_response", (1.0, 2), 1)],
    [("randomized_response", (0.5, 10), 20)],
    [("randomized_response", (0.02, 3), 10000)],
    [("gaussian", 2.0, 3), ("laplace", 0.3, 7)],
    [("gaussian", 30.0, 50), ("discrete_laplace", 0.03, 300), ("randomized_response", (0.1, 4), 30)],
    [("gaussian", 100.0, 1000), ("laplace", 0.013, 1000), ("discrete_gaussian", 70.0, 300),
     ("randomized_response", (0.1, 4), 77), ("discrete_laplace", 0.23, 5)],
    [("gaussian", 0.7, 1), ("laplace", 0.01, 1000)],
]


EXACT = [(0.5, 1), (0.1, 100), (0.01, 1000), (0.03, 10000), (0.001, 100000), (0.005, 1000000)]


def exact(epsilon, count, delta):
    """Binary randomized response by its binomial distribution: the reference loses such a delta to round-off."""
    rise = 1 / (1 + math.exp(-epsilon))
    # j of count reports are true: the loss is (2j - count) epsilon.
    mean, width = count * rise, 40 * math.sqrt(count) + 10
    first, last = max(0, math.floor(mean - width)), min(count, math.ceil(mean + width))
    with mpmath.workdps(40):
        log = (mpmath.loggamma(count + 1) - mpmath.loggamma(first + 1) - mpmath.loggamma(count - first + 1)
               + first * mpmath.log(rise) + (count - first) * mpmath.log(1 - mpmath.mpf(rise)))
    masses, log = [], float(log)
    for j in range(first, last + 1):
        masses.append(((2 * j - count) * epsilon, math.exp(log)))
        if j < count:
            log += math.log((count - j) / (j + 1)) + epsilon
    low, high = 0.0, count * epsilon
    for _ in range(60):
        middle = (low + high) / 2
        if math.fsum(-mass * math.expm1(middle - loss) for loss, mass in masses if loss > middle) > delta:
            low = middle
        else:
            high = middle
    return high


def main():
    golden, binomial = [], []
    for epsilon, count in EXACT:
        for delta in DELTAS:
            binomial.append({"epsilon_each": epsilon, "count": count, "delta": delta, "epsilon": exact(epsilon, count, delta)})
    for events in CASES:
        count = sum(count for _, _, count in events)
        total = math.sqrt(sum(count * size(kind, value) ** 2 for kind, value, count in events))
        # Pessimistic error is of second order in the spacing, optimistic of first and grows with the count.
        fine = max(total / 2**14 / max(1, math.sqrt(count) / 128), total / 2**16)
        upper, lower = compose(events, fine, True), compose(events, fine, False)
        for delta in DELTAS:
            # Its transform's round-off is absolute, near 1e-12: where that shows, there is no reference value.
            if lower.get_epsilon_for_delta(delta) > upper.get_epsilon_for_delta(delta):
                continue
            golden.append({
                "events": [{"kind": kind, "value": value, "count": count} for kind, value, count in events],
                "delta": delta,
                "upper": upper.get_epsilon_for_delta(delta),
                "lower": max(0.0, lower.get_epsilon_for_delta(delta)),
            })
            print(events, delta, golden[-1]["lower"], golden[-1]["upper"], file=sys.stderr, flush=True)
    print(json.dumps({"generator": "accounting.py, dp-accounting 0.6.0", "cases": golden, "binomial": binomial}, indent=1))


main()
