#!/usr/bin/env python3
"""One question, one file, one budget, every engine: writes the tables of docs/benchmarks.md.

    cargo build --release && python3 benches/peers/run.py

Makes one virtual environment for each engine under --work, outside the tree, and keeps the scores there, so that a run
that was stopped goes on where it stopped. An engine that cannot be installed, or a data set that is not there, is
skipped with a line that says so. `--only time` measures seconds and memory of one answer each, and needs an idle machine;
`--only accuracy`, `--only hindsight` and `--only table` do one of the other parts.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import tables
from question import score
from with_flockwise import COLUMNS, JOB, OPEN_POLICY

HERE = pathlib.Path(__file__).resolve().parent
EPSILONS = [0.1, 1.0, 4.0]

# What it is called, its script, its environment, its variant.
ENGINES = {
    "flockwise, auto": ("with_flockwise.py", "pydp", "auto"),
    "flockwise, keep": ("with_flockwise.py", "pydp", "keep"),
    "OpenDP, Gaussian": ("with_opendp.py", "opendp", "gaussian"),
    "OpenDP, Laplace": ("with_opendp.py", "opendp", "laplace"),
    "PipelineDP, tuned": ("with_pipelinedp.py", "pipelinedp", "tuned"),
    "PipelineDP": ("with_pipelinedp.py", "pipelinedp", "default"),
    "PyDP": ("with_pydp.py", "pydp", "laplace"),
    "SmartNoise SQL": ("with_smartnoise.py", "smartnoise", "default"),
    "Tumult Analytics": ("with_tumult.py", "tumult", "laplace"),
}
SLOW = {"Tumult Analytics"}
NORMS = "1,2,4,8,12,16,24,32,64,96,128"


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
            "    if (out / f'{q.name}.json').exists(): continue\n"
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
    """The answers of one cell, as lines of JSON, with seconds and mebibytes; nothing where the engine is not there."""
    script, environment, variant = ENGINES[engine]
    python = prepare(environment, args.work)
    if python is None:
        return None
    question = {"file": str(args.work / "questions" / f"{about['name']}.parquet"), "epsilon": epsilon, "delta": 1e-8,
                "keys": keys, "low": about["low"], "high": about["high"], "runs": runs, "variant": variant}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "question.json").write_text(json.dumps(question))
        begin = time.perf_counter()
        with open(folder / "out", "w") as out, open(folder / "complaint", "w") as complaint:
            child = subprocess.Popen([python, HERE / script, "question.json"], stdout=out, stderr=complaint, cwd=folder,
                                     env={**os.environ, "FLOCKWISE": str(args.flockwise.resolve())})
            _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begin
        if status:
            said = (folder / "complaint").read_text().strip().splitlines()[-1:]
            print(f"SKIPPED: {engine}, {about['name']}: {said}", file=sys.stderr)
            return None
        lines = [json.loads(line) for line in (folder / "out").read_text().splitlines()]
    # Linux counts the largest of the process and of those it waited for, in kibibytes.
    return {"versions": lines[0]["versions"], "answers": lines[1:], "seconds": seconds, "memory": usage.ru_maxrss / 1024}


def cells(abouts, args):
    """Every cell: the engine, the data set, epsilon, and keys a person: the same for all, and what its user would guess."""
    for about in abouts:
        for engine in ENGINES:
            if args.engine and engine not in args.engine:
                continue
            bounds = [0] if engine == "flockwise, auto" else sorted({8, about["guess"]})
            yield from ((engine, about, epsilon, keys) for keys in bounds for epsilon in args.epsilon)


def accuracy(abouts, args):
    """Asks every cell until it has the runs that are wanted, and keeps the scores."""
    for cell in cells(abouts, args):
        place = answers_of(cell, args)
        had = len(json.loads(place.read_text())["scores"]) if place.exists() else 0
        wanted = (args.slow_runs if cell[0] in SLOW else args.runs) - had
        asked = ask(*cell, wanted, args) if wanted > 0 else None
        if asked is not None:
            keep(cell, asked, args)


def answers_of(cell, args):
    engine, about, epsilon, keys = cell
    return args.work / "answers" / f"{about['name']}, {engine}, {epsilon}, {keys}.json"


def keep(cell, asked, args):
    """Adds the scores of answers to those of their cell."""
    engine, about, epsilon, keys = cell
    place = answers_of(cell, args)
    kept = json.loads(place.read_text()) if place.exists() else {"scores": [], "how": []}
    kept["scores"] += [score(answer["people"], about["truth"]) for answer in asked["answers"]]
    kept["how"] += [answer["how"] for answer in asked["answers"] if "how" in answer]
    kept |= {"engine": engine, "data": about["name"], "epsilon": epsilon, "keys_a_person": keys,
             "versions": asked["versions"]}
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(kept))
    print(f"{place.stem}: {len(kept['scores'])} runs, the last {kept['scores'][-1]}", file=sys.stderr)


def timing(abouts, args):
    """Seconds and memory of one answer, start and reading included, at epsilon 1 and eight keys a person."""
    for about in abouts:
        for engine in ENGINES:
            place = args.work / "times" / f"{about['name']}, {engine}.json"
            if (args.engine and engine not in args.engine) or place.exists():
                continue
            cell = (engine, about, 1.0, 0 if engine == "flockwise, auto" else 8)
            asked = ask(*cell, 1, args)
            if asked is None:
                continue
            keep(cell, asked, args)
            kept = {"engine": engine, "data": about["name"], "seconds": asked["seconds"], "memory": asked["memory"]}
            place.parent.mkdir(exist_ok=True)
            place.write_text(json.dumps(kept))
            print(f"{place.stem}: {kept['seconds']:.1f} s, {kept['memory']:.0f} MiB", file=sys.stderr)


def hindsight(abouts, args):
    """Flockwise against itself: the bound that it bought, the one of all engines, and others that it might have been given."""
    for about in abouts:
        place = args.work / "hindsight" / f"{about['name']}.json"
        if place.exists():
            continue
        place.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            asked = {**about, "file": args.work / "questions" / f"{about['name']}.parquet", "delta": 1e-8, "epsilon": 1}
            (folder / "policy.toml").write_text((OPEN_POLICY + COLUMNS).format(**asked))
            (folder / "job.toml").write_text(JOB.format(**asked))
            epsilons = ",".join(map(str, args.epsilon))
            command = [args.flockwise.resolve(), "bench", "job.toml", "--policy", "policy.toml", "--epsilon", epsilons,
                       "--trials", str(args.runs), "--sweep", f"contribution=auto,keep:8,norm:{NORMS}", "--format", "json"]
            place.write_text(subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout)
        print(f"{place.stem}: bounds in hindsight", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = HERE.parents[1]
    parser.add_argument("--flockwise", type=pathlib.Path, default=root / "target" / "release" / "flockwise")
    parser.add_argument("--data", type=pathlib.Path, default=root.parent / "shared" / "data")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "flockwise-peers")
    parser.add_argument("--page", type=pathlib.Path, default=root / "docs" / "benchmarks.md")
    parser.add_argument("--engine", nargs="+", choices=list(ENGINES), help="these alone")
    parser.add_argument("--epsilon", type=float, nargs="+", default=EPSILONS)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--slow-runs", type=int, default=3, help="of engines that take more than ten seconds")
    parser.add_argument("--only", choices=["accuracy", "time", "hindsight", "table"])
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    python = prepare("pydp", args.work)
    if python is None:
        raise SystemExit("nothing can be prepared without Pandas")
    abouts = questions(python, args)
    for name, part in {"accuracy": accuracy, "hindsight": hindsight, "time": timing}.items():
        if args.only in (None, name):
            part(abouts, args)
    tables.write(args.page, abouts, args.work)


if __name__ == "__main__":
    main()
