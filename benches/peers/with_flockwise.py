"""Flockwise: a policy with one job's budget and a fresh ledger for each run, by the binary that is named in FLOCKWISE."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

COLUMNS = """[columns]
key = {{ type = "string" }}
value = {{ type = "float", bounds = [{low}, {high}] }}
[purposes]
benchmark = "To compare engines"
"""

POLICY = """version = 1
[data]
name = "answers"
source = "{file}"
privacy_unit = "person"
[budget]
epsilon = {epsilon}
delta = {delta}
accounting = "gdp"
ledger = "answers.ledger"
releases = "answers.releases"
"""

# The same for data that may be looked at, where the bounds are compared.
OPEN_POLICY = """version = 1
no_privacy = "published data sets, used to compare engines"
[data]
name = "answers"
source = "{file}"
privacy_unit = "person"
[budget]
delta = {delta}
accounting = "gdp"
"""

JOB = """version = 1
data = "answers"
purpose = "benchmark"
[job]
epsilon = {epsilon}
[[release]]
name = "answers"
statistic = "summary"
by = ["key"]
column = "value"
aggregates = ["people", "mean"]
"""


def release(question, binary):
    """One run: people per key, and what was found of the bound."""
    keys, variant = question["keys"], question["variant"]
    contribution = '"auto"' if variant == "auto" else f"{{ {variant} = {keys} }}"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "policy.toml").write_text((POLICY + COLUMNS).format(**question))
        (folder / "job.toml").write_text(JOB.format(**question) + f"contribution = {contribution}\n")
        run = lambda *arguments: subprocess.run([binary, *arguments], cwd=folder, check=True, capture_output=True, text=True)
        run("init", "policy.toml")
        answer = json.loads(run("run", "job.toml", "--policy", "policy.toml", "--format", "json", "--quiet").stdout)
    columns = [column["name"] for column in answer["columns"]]
    key, people = columns.index("key"), columns.index("people")
    return {row[key]: row[people] for row in answer["rows"]}, answer["how"]


def main():
    with open(sys.argv[1]) as file:
        question = json.load(file)
    binary = os.environ["FLOCKWISE"]
    version = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    print(json.dumps({"versions": {"flockwise": version}}), flush=True)
    for _ in range(question["runs"]):
        begin = time.perf_counter()
        people, how = release(question, binary)
        print(json.dumps({"seconds": time.perf_counter() - begin, "people": people, "how": how}), flush=True)


if __name__ == "__main__":
    main()
