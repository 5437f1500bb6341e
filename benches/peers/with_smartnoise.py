"""SmartNoise SQL over a Pandas frame: distinct people and the average, grouped by a key that is not declared."""

import pandas as pd
import snsql

from engine import serve

QUERY = "SELECT key, COUNT(DISTINCT person) AS people, AVG(value) AS mean FROM answers GROUP BY key"


def answer(question):
    frame = pd.read_parquet(question["file"])
    table = {"rows": len(frame), "max_ids": question["keys"], "censor_dims": True, "clamp_counts": False,
             "person": {"type": "int", "private_id": True}, "key": {"type": "string"},
             "value": {"type": "float", "lower": question["low"], "upper": question["high"]}}
    metadata = {"": {"": {"answers": table}}}
    # It spends its budget on every column: what the query costs in all is asked first, and scaled to the question's.
    asked = snsql.Privacy(epsilon=question["epsilon"], delta=question["delta"])
    epsilon, delta = snsql.from_df(frame, privacy=asked, metadata=metadata).get_privacy_cost(QUERY)
    scaled = snsql.Privacy(epsilon=question["epsilon"] ** 2 / float(epsilon), delta=question["delta"] ** 2 / float(delta))
    for _ in range(question["runs"]):
        result = snsql.from_df(frame, privacy=scaled, metadata=metadata).execute(QUERY)
        yield {row[0]: row[1] for row in result[1:]}


if __name__ == "__main__":
    serve(answer, ["smartnoise-sql", "opendp", "pandas"])
