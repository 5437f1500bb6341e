#!/usr/bin/env python3
"""One question, one file, one budget, every engine: writes the tables of docs/benchmarks.md.

    cargo build --release && python3 benches/peers/run.py

Makes one virtual environment for each engine under --work, outside the tree, and keeps every answer there, so that a run
that was stopped goes on where it stopped. An engine that cannot be installed, or a data set that is not there, is
skipped with a line that says so. `--time` measures seconds and memory of one answer each and needs an idle machine.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
EPSILONS = [0.1, 1.0, 4.0]

# Name, script, environment, variant, runs a cell.
ENGINES = {
    "flockwise, auto": ("with_flockwise.py", "pydp", "auto"),
    "flockwise, keep": ("with_flockwise.py", "pydp", "keep"),
    "flockwise, norm": ("with_flockwise.py", "pydp", "norm"),
    "OpenDP, Gaussian": ("with_opendp.py", "opendp", "gaussian"),
    "OpenDP, Laplace": ("with_opendp.py", "opendp", "laplace"),
    "PipelineDP, tuned": ("with_pipelinedp.py", "pipelinedp", "tuned"),
    "PipelineDP": ("with_pipelinedp.py", "pipelinedp", "default"),
    "PyDP": ("with_pydp.py", "pydp", "laplace"),
    "SmartNoise SQL": ("with_smartnoise.py", "smartnoise", "default"),
    "Tumult Analytics": ("with_tumult.py", "tumult", "laplace"),
}
SLOW = {"Tumult Analytics"}


def prepare(name, folder):
    """The environment of that name: its Python, or nothing where its requirements cannot be met."""
    place = folder / "environments" / name
    python, ready = place / "bin" / "python", place / "ready"
    if ready.exists():
        return python
    print(f"making the environment {name}", file=sys.stderr)
    made = subprocess.run([sys.executable, "-m", "venv", place]).returncode == 0
    wanted = ["-q", "--disable-pip-version-check", "-r", HERE / "requirements" / f"{name}.txt"]
    if not made or subprocess.run([python, "-m", "pip", "install", *wanted]).returncode:
        print(f"SKIPPED: {name} cannot be installed here", file=sys.stderr)
        return None
    ready.touch()
    return python


def questions(python, args):
    """The prepared files: made once, by the Python that has Pandas."""
    code = ("import json, sys, pathlib; from question import *\n"
            "data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])\n"
            "for q in QUESTIONS:\n"
            "    rows = frame(q.name, data)\n"
            "    if rows is None: print(f'SKIPPED: no {q.name} beside the project', file=sys.stderr); continue\n"
            "    rows.to_parquet(out / f'{q.name}.parquet', index=False)\n"
            "    about = {'name': q.name, 'asks': q.asks, 'low': q.low, 'high': q.high, 'guess': guessed_keys(rows),\n"
            "             'people': int(rows['person'].nunique()), 'rows': len(rows),\n"
            "             'truth': {str(k): int(n) for k, n in truth(rows).items()}}\n"
            "    (out / f'{q.name}.json').write_text(json.dumps(about))\n")
    folder = args.work / "questions"
    folder.mkdir(exist_ok=True)
    subprocess.run([python, "-c", code, args.data, folder], check=True, cwd=HERE)
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def ask(engine, about, epsilon, keys, runs, args):
    """The answers of one cell, as lines of JSON; nothing where the engine is not there or fails."""
    script, environment, variant = ENGINES[engine]
    python = prepare(environment, args.work)
    if python is None:
        return None, None
    question = {"file": str(args.work / "questions" / f"{about['name']}.parquet"), "epsilon": epsilon, "delta": 1e-8,
                "keys": keys, "low": about["low"], "high": about["high"], "runs": runs, "variant": variant}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file, tempfile.TemporaryDirectory() as folder:
        json.dump(question, file)
        file.flush()
        begin = time.perf_counter()
        child = subprocess.Popen([python, HERE / script, file.name], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, cwd=folder, env={**os.environ, "FLOCKWISE": str(args.flockwise)})
        out, complaint = child.communicate()
        seconds = time.perf_counter() - begin
    if child.returncode:
        print(f"SKIPPED: {engine} failed: {complaint.strip().splitlines()[-1:]}", file=sys.stderr)
        return None, None
    return [json.loads(line) for line in out.splitlines()], seconds


def cells(abouts, args):
    """Every cell: the engine, the data set, epsilon, keys a person, and for which table."""
    for about in abouts:
        for engine in ENGINES:
            if args.engine and engine not in args.engine:
                continue
            # Once with the same bound for all, once with the bound that the engine or its user would choose.
            bounds = {"auto": [0], "norm": [1 << power for power in range(9)] + [12, 24, 48, 96, 192]}
            default = sorted({8, about["guess"]})
            for keys in bounds.get(ENGINES[engine][2], default):
                yield from ((engine, about, epsilon, keys) for epsilon in args.epsilon)


def measure(abouts, args):
    """Asks every cell until it has the runs that are wanted, and keeps the scores."""
    sys.path.insert(0, str(HERE))
    from question import score

    for engine, about, epsilon, keys in cells(abouts, args):
        place = args.work / "answers" / f"{about['name']}, {engine}, {epsilon}, {keys}.json"
        kept = json.loads(place.read_text()) if place.exists() else {"scores": [], "how": []}
        wanted = (args.slow_runs if engine in SLOW else args.runs) - len(kept["scores"])
        answers, _ = ask(engine, about, epsilon, keys, wanted, args) if wanted > 0 else (None, None)
        if not answers:
            continue
        kept["scores"] += [score(answer["people"], about["truth"]) for answer in answers[1:]]
        kept["how"] += [answer["how"] for answer in answers[1:] if "how" in answer]
        kept |= {"engine": engine, "data": about["name"], "epsilon": epsilon, "keys_a_person": keys, **answers[0]}
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps(kept))
        print(f"{engine}, {about['name']}, {epsilon}, {keys}: {len(kept['scores'])} runs, the last {kept['scores'][-1]}", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit("in the making")
