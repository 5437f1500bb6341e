"""People and mean rating per item with PyDP (Google's C++ library): bounding by hand with Polars, noise by PyDP.

    python peers_pydp.py FILE

At most KEYS items of a person, one row each, at random; keys by PyDP's pre-aggregation selection; Laplace noise. This is
what its users write: the library itself knows no persons.
"""

import sys

import polars as pl
import pydp as dp
from pydp.algorithms.numerical_mechanisms import LaplaceMechanism
from pydp.algorithms.partition_selection import create_partition_strategy

KEYS = 8
EPSILON, DELTA = 1.0 / 3, 1e-6

rows = pl.scan_parquet(sys.argv[1]).collect().sample(fraction=1.0, shuffle=True)
bounded = rows.unique(["user", "item"], keep="first").with_columns(
    pl.int_range(pl.len()).over("user").alias("place")
).filter(pl.col("place") < KEYS)
exact = bounded.group_by("item").agg(pl.len().alias("people"), (pl.col("rating").clip(0, 10) - 5).sum().alias("sum"))
keys = create_partition_strategy("truncated_geometric", EPSILON, DELTA, KEYS)
people_noise = LaplaceMechanism(epsilon=EPSILON, sensitivity=KEYS)
sum_noise = LaplaceMechanism(epsilon=EPSILON, sensitivity=5 * KEYS)
table = []
for item, people, total in exact.iter_rows():
    if keys.should_keep(people):
        noisy = people_noise.add_noise(people)
        table.append((item, noisy, 5 + sum_noise.add_noise(float(total)) / max(noisy, 1)))
print(f"{len(table)} items")
