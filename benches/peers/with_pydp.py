"""PyDP: one algorithm a key. Bounding what a person contributes is left to its user, and is done here."""

import collections
import random

from pydp.algorithms.laplacian import BoundedMean, Count
from pydp.algorithms.partition_selection import create_truncated_geometric_partition_strategy

from engine import rows, serve


def answer(question):
    data, draw = rows(question), random.SystemRandom()
    for _ in range(question["runs"]):
        yield release(bounded(data, question["keys"], draw), question)


def bounded(data, keys, draw):
    """Of each person one row in each of at most `keys` keys, at random: values by key."""
    of_person = collections.defaultdict(lambda: collections.defaultdict(list))
    for person, key, value in data:
        of_person[person][key].append(value)
    by_key = collections.defaultdict(list)
    for had in of_person.values():
        for key in draw.sample(list(had), min(keys, len(had))):
            by_key[key].append(draw.choice(had[key]))
    return by_key


def release(by_key, question):
    epsilon, keys = question["epsilon"] / 3, question["keys"]
    chooser = create_truncated_geometric_partition_strategy(epsilon, question["delta"], keys)
    people = {}
    for key, values in by_key.items():
        if not chooser.should_keep(len(values)):
            continue
        people[key] = Count(epsilon, l0_sensitivity=keys, linf_sensitivity=1, dtype="float").quick_result(values)
        BoundedMean(epsilon, lower_bound=question["low"], upper_bound=question["high"], l0_sensitivity=keys,
                    linf_sensitivity=1, dtype="float").quick_result(values)
    return people


if __name__ == "__main__":
    serve(answer, ["python-dp"])
