"""People and mean rating per item with PipelineDP's local backend: private keys, at most KEYS items of a person, one row each.

    python peers_pipelinedp.py FILE
"""

import operator
import sys

import pipeline_dp
import pyarrow.parquet

KEYS = 8

columns = pyarrow.parquet.read_table(sys.argv[1])
rows = list(zip(*(columns[name].to_pylist() for name in ("user", "item", "rating")), strict=True))
budget = pipeline_dp.NaiveBudgetAccountant(total_epsilon=1.0, total_delta=1e-6)
engine = pipeline_dp.DPEngine(budget, pipeline_dp.LocalBackend())
params = pipeline_dp.AggregateParams(
    noise_kind=pipeline_dp.NoiseKind.LAPLACE,
    metrics=[pipeline_dp.Metrics.PRIVACY_ID_COUNT, pipeline_dp.Metrics.MEAN],
    max_partitions_contributed=KEYS,
    max_contributions_per_partition=1,
    min_value=0.0,
    max_value=10.0,
)
extractors = pipeline_dp.DataExtractors(
    privacy_id_extractor=operator.itemgetter(0),
    partition_extractor=operator.itemgetter(1),
    value_extractor=operator.itemgetter(2),
)
table = engine.aggregate(rows, params, extractors)
budget.compute_budgets()
print(f"{len(list(table))} items")
