"""The three questions: one file each, with a person, a key and a value in every row, and the truth about it.

Every engine reads the same file. What it answers with is compared with the truth before any bounding: distinct people per
key.
"""

import dataclasses
import math

TOP = 50


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of one data set, and the clamp range of its values."""

    name: str
    asks: str
    low: float
    high: float


QUESTIONS = [
    Question("movietweetings", "people and mean rating per film", 0.0, 10.0),
    Question("online_retail", "people and mean revenue of a line per stock code", 0.0, 100.0),
    Question("oulad", "people and mean score per assessment", 0.0, 100.0),
]


def frame(name, data):
    """The rows of one question: person, key, value; None where the data are not there."""
    import pandas as pd

    if name == "movietweetings":
        path, person, key = data / name / "ratings.parquet", "user_id", "movie_id"
    elif name == "online_retail":
        path, person, key = data / name / "invoices.parquet", "CustomerID", "StockCode"
    else:
        path, person, key = data / name / "student_assessment.parquet", "id_student", "id_assessment"
    if not path.exists():
        return None
    rows = pd.read_parquet(path)
    if name == "online_retail":
        rows = rows[(rows["Quantity"] > 0) & rows["CustomerID"].notna()].copy()
        rows["value"], rows["StockCode"] = rows["Quantity"] * rows["UnitPrice"], rows["StockCode"].str.strip()
    else:
        rows = rows.rename(columns={"rating": "value", "score": "value"})
        rows = rows[rows["value"].notna()]
    rows = rows.rename(columns={person: "person", key: "key"})[["person", "key", "value"]]
    return rows.astype({"person": "int64", "key": "string", "value": "float64"})


def truth(rows):
    """Distinct people per key."""
    return rows.drop_duplicates(["person", "key"]).groupby("key").size().to_dict()


def guessed_keys(rows):
    """What a user might guess of the bound: the mean number of keys a person, up to the next power of two."""
    mean = len(rows.drop_duplicates(["person", "key"])) / rows["person"].nunique()
    return 1 << math.ceil(math.log2(mean))


def score(released, true):
    """Of one answer: keys released, root mean squared error over them, and how many of the true leading ones it has."""
    leading = sorted(true, key=lambda key: (-true[key], key))[:TOP]
    recall = sum(key in released for key in leading) / len(leading)
    if not released:
        return {"keys": 0, "rmse": None, "recall": recall}
    squares = [(people - true.get(key, 0)) ** 2 for key, people in released.items()]
    return {"keys": len(released), "rmse": math.sqrt(sum(squares) / len(squares)), "recall": recall}
