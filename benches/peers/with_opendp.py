"""OpenDP, by its Polars interface: truncated number of keys, counts and sums with noise of one scale, thresholded keys."""

import secrets
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
    names = data.select("key").unique().collect()["key"]
    for _ in range(question["runs"]):
        # Which keys of a person count goes by the order of "key": a random order is a hash with a fresh seed.
        seed = secrets.randbits(63)
        order = dict(zip(names.hash(seed).cast(pl.String), names))
        shuffled = data.with_columns(pl.col("key").hash(seed).cast(pl.String).alias("key"))
        released = measure(shuffled).collect()
        yield {order[key]: people for key, people in zip(released["key"], released["people"])}


def measurement(data, question, loss):
    context = dp.Context.compositor(
        data=data,
        privacy_unit=dp.unit_of(contributions=1, identifier=pl.col("person")),
        privacy_loss=loss,
        split_evenly_over=1,
        margins=[dp.polars.Margin(by=["key"], max_length=1_000_000, max_groups=1_000_000)],
    )
    # `truncate_num_groups` keeps one group fewer than it is asked for, ranks being counted from 1, and its sampling fails
    # on one column ("multiple fields with name"): so its filter, written out.
    kept = pl.struct("key").rank("dense").over("person") <= question["keys"]
    total = pl.col("value").fill_null(0.0).fill_nan(0.0).dp.sum((question["low"], question["high"]))
    query = context.query().truncate_per_group(1, by=["key"]).filter(kept)
    return query.group_by("key").agg(dp.len().alias("people"), total.alias("sum")).resolve()


if __name__ == "__main__":
    serve(answer, ["opendp", "polars"])
