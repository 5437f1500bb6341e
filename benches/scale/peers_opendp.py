"""People and mean rating per item with OpenDP's Polars API: private keys, at most KEYS items of a person, one row each.

    python peers_opendp.py FILE
"""

import sys

import opendp.prelude as dp
import polars as pl

KEYS = 8

dp.enable_features("contrib")
context = dp.Context.compositor(
    data=pl.scan_parquet(sys.argv[1]),
    privacy_unit=dp.unit_of(contributions=1, identifier="user"),
    privacy_loss=dp.loss_of(epsilon=1.0, delta=1e-6),
    split_evenly_over=1,
    # Bounds that its floating-point sums ask for: no item has as many rows, and there are no more items.
    margins=[dp.polars.Margin(by=["item"], max_length=10**9, max_groups=10**6)],
)
query = (
    context.query()
    # Of a person's items the smallest: its random choice fails on a single column (0.16).
    .truncate_num_groups(KEYS, by=["item"], keep="first")
    .truncate_per_group(1, by=["item"])
    .group_by("item")
    .agg(dp.len(), pl.col("rating").cast(float).fill_nan(0.0).fill_null(0.0).dp.sum((0.0, 10.0)))
)
table = query.release().collect()
print(f"{table.height} items")
