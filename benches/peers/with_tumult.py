"""Tumult Analytics on a local Spark: keys first, then people and the average over the keys that were found."""

import os
import sys

os.environ["PYSPARK_PYTHON"] = sys.executable

from pyspark.sql import SparkSession
from tmlt.analytics import AddRowsWithID, ApproxDPBudget, KeySet, MaxGroupsPerID, MaxRowsPerGroupPerID, QueryBuilder
from tmlt.analytics import Session

from engine import serve


def answer(question):
    settings = {"spark.driver.memory": "3g", "spark.sql.shuffle.partitions": "2", "spark.ui.enabled": "false"}
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    data = spark.read.parquet(question["file"])
    for _ in range(question["runs"]):
        yield release(data, question)


def release(data, question):
    whole, part = ApproxDPBudget(question["epsilon"], question["delta"]), question["epsilon"] / 3
    session = Session.from_dataframe(privacy_budget=whole, source_id="answers", dataframe=data,
                                     protected_change=AddRowsWithID("person"))
    base = QueryBuilder("answers").enforce(MaxGroupsPerID("key", question["keys"]))
    base = base.enforce(MaxRowsPerGroupPerID("key", 1))
    found = session.evaluate(base.get_groups(["key"]), ApproxDPBudget(part, question["delta"])).cache()
    if not found.count():
        return {}
    grouped = base.groupby(KeySet.from_dataframe(found))
    people = grouped.count_distinct(["person"], name="people")
    people = session.evaluate(people, ApproxDPBudget(part, 0)).collect()
    mean = grouped.average("value", question["low"], question["high"], name="mean")
    session.evaluate(mean, ApproxDPBudget(part, 0)).collect()
    return {row["key"]: row["people"] for row in people}


if __name__ == "__main__":
    serve(answer, ["tmlt.analytics", "tmlt.core", "pyspark"])
