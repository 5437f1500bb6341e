"""What every engine's script has in common: a question comes as a JSON file, answers go out as JSON lines."""

import importlib.metadata
import json
import sys
import time


def rows(question):
    """The rows of the question as (person, key, value)."""
    import pyarrow.parquet as parquet

    table = parquet.read_table(question["file"]).to_pydict()
    return list(zip(table["person"], table["key"], table["value"]))


def serve(answer, packages):
    """Runs `answer(question)`, which yields for each run the people per released key, and prints them with the time."""
    with open(sys.argv[1]) as file:
        question = json.load(file)
    # stdout is for answers alone, whatever the engine says.
    out, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps({"versions": {name: importlib.metadata.version(name) for name in packages}}), file=out, flush=True)
    begin = time.perf_counter()
    for people in answer(question):
        seconds, begin = time.perf_counter() - begin, time.perf_counter()
        released = {str(key): float(count) for key, count in people.items()}
        print(json.dumps({"seconds": seconds, "people": released}), file=out, flush=True)
