"""OpenDP, by its Polars interface: truncated number of keys, counts and sums with noise of one scale, thresholded keys."""

import warnings

import opendp.prelude as dp
import polars as pl

from budget import rho
from engine import serve


def answer(question):
    warnings.simplefilter("ignore")
    dp.enable_features("contrib", "honest-but-curious")
    epsilon, delta = question["epsilon"], question["delta"]
    if question["variant"] == "gaussian":
        # The guarantee is zero-concentrated: half of delta pays for its conversion, half for the threshold.
        loss = dp.loss_of(rho=rho(epsilon, delta / 2), delta=delta / 2)
    else:
        loss = dp.loss_of(epsilon=epsilon, delta=delta)
    data = pl.scan_parquet(question["file"])
    measure = measurement(data, question, loss)
    for _ in range(question["runs"]):
        released = measure(bounded(data, question["keys"])).collect()
        yield dict(zip(released["key"], released["people"]))


def bounded(data, keys):
    """Of each person one row in each of at most `keys` keys, at random, each person's keys drawn for themselves.

    What OpenDP enforces afterwards then has nothing left to cut: its own truncation keeps the same keys of everybody, the
    first in one order, which has more error.
    """
    rows = data.collect().sample(fraction=1.0, shuffle=True).unique(["person", "key"], keep="first", maintain_order=True)
    return rows.filter(pl.int_range(pl.len()).over("person") < keys).lazy()


def measurement(data, question, loss):
    context = dp.Context.compositor(
        data=data,
        privacy_unit=dp.unit_of(contributions=1, identifier=pl.col("person")),
        privacy_loss=loss,
        split_evenly_over=1,
        margins=[dp.polars.Margin(by=["key"], max_length=1_000_000, max_groups=1_000_000)],
    )
    # `truncate_num_groups` keeps one group fewer than it is asked for, ranks being counted from 1, and its sampling fails
    # on one column ("multiple fields with name"): so its filter is written out.
    kept = pl.struct("key").rank("dense").over("person") <= question["keys"]
    total = pl.col("value").fill_null(0.0).fill_nan(0.0).dp.sum((question["low"], question["high"]))
    query = context.query().truncate_per_group(1, by=["key"]).filter(kept)
    return query.group_by("key").agg(dp.len().alias("people"), total.alias("sum")).resolve()


if __name__ == "__main__":
    serve(answer, ["opendp", "polars"])
