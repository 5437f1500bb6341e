#!/usr/bin/env python3
"""The whole-process benchmark: people and mean rating per item, privately, without privacy, and by other engines.

    benches/scale/run.py [ROWS …]            1e6 and 1e7 unless told; writes docs/performance.md
    benches/scale/run.py 1e8 --keep          measures 10^8 and keeps what was measured before
    benches/scale/run.py 1e9 --only-make     only makes the data

Builds the program in release, makes seeded ratings in a folder outside the tree, and runs every contender in turn, round
after round, each a process of its own: wall time and peak resident memory as the kernel counted them. Other engines run
where the Python given by --peers has them:

    python3 -m venv DIR && DIR/bin/pip install -r benches/scale/requirements.txt
    benches/scale/run.py --peers DIR/bin/python

Needs a Rust toolchain, a C compiler, and Python's standard library.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import measure  # noqa: E402
from measure import Failed, Flockwise, count, measured, median, seconds

PAGE = measure.ROOT / "docs" / "performance.md"

# Each with the module that it needs, and the most rows that are worth the wait.
PEERS = {
    "OpenDP on Polars": ("opendp", "opendp", "peers_opendp.py", 10**8),
    "PyDP, bounded by hand": ("pydp", "python-dp", "peers_pydp.py", 10**8),
    "PipelineDP, local": ("pipeline_dp", "pipeline-dp", "peers_pipelinedp.py", 10**6),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", type=lambda text: int(float(text)), help="numbers of rows")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender runs")
    parser.add_argument("--folder", type=pathlib.Path, help="where the data lie; outside the tree")
    parser.add_argument("--peers", action="append", default=[], metavar="PYTHON", help="a Python that has other engines")
    parser.add_argument("--peer-rounds", type=int, default=1, help="how often each other engine runs")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds after which a process is stopped")
    parser.add_argument("--profile", choices=["release", "test"], default="release")
    parser.add_argument("--keep", action="store_true", help="keep earlier measurements of other numbers of rows")
    parser.add_argument("--links", action="store_true", help="also measure popularity and co_occurrence")
    parser.add_argument("--only-make", action="store_true", help="make the data and stop")
    parser.add_argument("--no-page", action="store_true", help="print the table and write nothing into the tree")
    given = parser.parse_args()
    given.rows = given.rows or [10**6, 10**7]
    given.folder = (given.folder or pathlib.Path(tempfile.gettempdir()) / "flockwise-scale").resolve()
    if given.folder.is_relative_to(measure.ROOT):
        parser.error("--folder is outside the tree")
    return given


def peers(pythons):
    """The other engines that are installed: name with version, Python, script, most rows."""
    found = {}
    for name, (module, package, script, most) in PEERS.items():
        for python in pythons:
            ask = f"import {module}, importlib.metadata as m; print(m.version('{package}'))"
            told = subprocess.run([python, "-W", "ignore", "-c", ask], capture_output=True, text=True, check=False)
            if told.returncode == 0:
                found[f"{name} {told.stdout.strip().splitlines()[-1]}"] = (python, script, most)
                break
        else:
            print(f"skipped: {name} is not installed (--peers PYTHON)", file=sys.stderr)
    return found


class Contest:
    """One number of rows: who runs, and what was measured."""

    def __init__(self, rows, given, scale, program, others):
        self.rows, self.given = rows, given
        self.file = measure.generate(scale, given.folder, rows)
        folder = given.folder / f"run-{rows}"
        self.flockwise = Flockwise(program, self.file, folder)
        runs = {
            "flockwise": self.flockwise.run,
            "Polars, no privacy": lambda limit: measured([scale, "polars", self.file], limit=limit),
            "Polars streaming, no privacy": lambda limit: measured([scale, "polars", self.file, "--streaming"], limit=limit),
        }
        if given.links:
            for name, release in (("popularity", measure.POPULARITY), ("co_occurrence", measure.CO_OCCURRENCE)):
                runs[f"flockwise, {name}"] = Flockwise(program, self.file, given.folder / f"{name}-{rows}", release).run
        self.rounds = [(name, run, given.rounds) for name, run in runs.items()]
        for name, (python, script, most) in others.items():
            if rows <= most:
                run = lambda limit, command=(python, "-W", "ignore", measure.HERE / script, self.file): measured(command, limit=limit)
                self.rounds.append((name, run, given.peer_rounds))
        self.measured, self.failed = {}, {}

    def run(self):
        for turn in range(max(rounds for _, _, rounds in self.rounds)):
            # Every second round backwards, so that nobody always runs after the same one.
            for name, run, rounds in self.rounds[:: -1 if turn % 2 else 1]:
                if turn >= rounds or name in self.failed:
                    continue
                try:
                    figures = run(self.given.limit)
                except Failed as failure:
                    self.failed[name] = str(failure)
                    print(f"{self.rows:>12,}  {name}: {failure}", file=sys.stderr)
                    continue
                self.measured.setdefault(name, []).append(figures)
                print(f"{self.rows:>12,}  {name}: {figures['seconds']:.3f} s, {figures['mb']:,.0f} MB", file=sys.stderr)

    def result(self):
        return {
            "rows": self.rows, "bytes": self.file.stat().st_size, "measured": self.measured, "failed": self.failed,
            "keys": self.flockwise.keys() if "flockwise" in self.measured else None,
            "commit": measure.commit(), "machine": measure.machine(), "profile": self.given.profile,
        }


def pair(ours, theirs, what):
    """The median over rounds of one figure against the other in the same round."""
    return median([one[what] / other[what] for one, other in zip(ours, theirs, strict=False)])


def table(results):
    lines = ["| rows | who | seconds | peak memory, MB | time ÷ Polars | memory ÷ Polars | rounds |", "|---|---|---|---|---|---|---|"]
    for result in results:
        runs, plain = result["measured"], result["measured"].get("Polars, no privacy")
        for name, rounds in runs.items():
            middle = {what: median([one[what] for one in rounds]) for what in ("seconds", "mb")}
            ratios = [f"{pair(rounds, plain, what):.2f}" if plain else "" for what in ("seconds", "mb")]
            cells = [count(result["rows"]), name, seconds(middle["seconds"]), f"{middle['mb']:,.0f}", *ratios, str(len(rounds))]
            lines.append(f"| {' | '.join(cells)} |")
        for name, why in result["failed"].items():
            lines.append(f"| {count(result['rows'])} | {name} | {why} | | | | |")
    return "\n".join(lines)


def page(results):
    last = results[-1]
    data = "; ".join(
        f"{count(r['rows'])} rows, {r['bytes'] / 1e6:,.0f} MB of Parquet, {r['keys'] or 0:,} items released" for r in results
    )
    machines = sorted({f"{r['machine']}, commit {r['commit']}" for r in results})
    versions = f"flockwise {measure.version('flockwise')}, Polars {measure.version('polars')} (both as Rust programs)"
    built = "" if last["profile"] == "release" else " Not optimized: a look at whether it runs, no measurement."
    return f"{table(results)}\n\n{versions}. Data: {data}. Machine: {'; '.join(machines)}.{built}"


def main():
    given = arguments()
    scale, program = measure.build(given.profile)
    if given.only_make:
        for rows in given.rows:
            print(measure.generate(scale, given.folder, rows))
        return
    others = peers(given.peers)
    given.folder.mkdir(parents=True, exist_ok=True)
    store = given.folder / "results.json"
    results = {r["rows"]: r for r in json.loads(store.read_text())} if given.keep and store.exists() else {}
    for rows in given.rows:
        contest = Contest(rows, given, scale, program, others)
        contest.run()
        results[rows] = contest.result()
        store.write_text(json.dumps([results[rows] for rows in sorted(results)], indent=1))
    text = page([results[rows] for rows in sorted(results)])
    print(text)
    if not given.no_page:
        measure.write_between(PAGE, "scale", text)


if __name__ == "__main__":
    main()
