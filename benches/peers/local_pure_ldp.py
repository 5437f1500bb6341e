"""Local privacy beside pure-ldp: mean squared error on the same people, and reports per second.

    python -m venv /tmp/peers && /tmp/peers/bin/pip install pure-ldp pyarrow scikit-learn statsmodels 'xxhash<4'
    /tmp/peers/bin/python benches/peers/local_pure_ldp.py --flockwise target/release/flockwise

Two crowds: each person of movietweetings with the genre that most of their ratings carry, and a made-up one of 1,000
items held in proportion to 1/rank. Errors are of counts, against the true count, averaged over all items and trials.
Real randomness: figures move by about the standard error that is printed beside them.
"""

import argparse
import collections
import json
import math
import pathlib
import subprocess
import tempfile
import time

import numpy as np
from pure_ldp.frequency_oracles.direct_encoding import DEClient, DEServer
from pure_ldp.frequency_oracles.hadamard_response import HadamardResponseClient, HadamardResponseServer
from pure_ldp.frequency_oracles.local_hashing import LHClient, LHServer
from pure_ldp.frequency_oracles.unary_encoding import UEClient, UEServer

DATA = pathlib.Path(__file__).resolve().parents[2].parent / "shared" / "data" / "movietweetings"


def genres(data):
    """Each person's most frequent genre; ties go to the first in the alphabet."""
    import pyarrow.parquet as parquet

    films = parquet.read_table(data / "movies.parquet").to_pydict()
    of_film = {film: (names or "").split("|") for film, names in zip(films["movie_id"], films["genres"])}
    seen = collections.defaultdict(collections.Counter)
    ratings = parquet.read_table(data / "ratings.parquet", columns=["user_id", "movie_id"]).to_pydict()
    for person, film in zip(ratings["user_id"], ratings["movie_id"]):
        seen[person].update(name for name in of_film.get(film, []) if name)
    best = [min(counts, key=lambda name: (-counts[name], name)) for counts in seen.values() if counts]
    names = sorted(set(best))
    index = {name: at for at, name in enumerate(names)}
    return np.array([index[name] for name in best]), len(names)


def zipf(people, items):
    edges = np.cumsum(1 / np.arange(1, items + 1))
    return np.searchsorted(edges / edges[-1], (np.arange(people) + 0.5) / people), items


def peers(epsilon, items):
    """Name, and a pair of client and server that take items 0..items."""

    def same(item):
        return item

    hadamard = HadamardResponseServer(epsilon, items, index_mapper=same)
    functions = hadamard.get_hash_funcs()
    return {
        "k-ary": (DEClient(epsilon, items, index_mapper=same), DEServer(epsilon, items, index_mapper=same)),
        "unary": (UEClient(epsilon, items, use_oue=True, index_mapper=same),
                  UEServer(epsilon, items, use_oue=True, index_mapper=same)),
        "local-hashing": (LHClient(epsilon, items, use_olh=True, index_mapper=same),
                          LHServer(epsilon, items, use_olh=True, index_mapper=same)),
        "hadamard": (HadamardResponseClient(epsilon, items, functions, index_mapper=same), hadamard),
    }


def run_peer(client, server, values, truth, trials):
    errors, drawn, counted = [], 0.0, 0.0
    for _ in range(trials):
        server.reset()
        begin = time.perf_counter()
        reports = [client.privatise(int(value)) for value in values]
        middle = time.perf_counter()
        for report in reports:
            server.aggregate(report)
        estimates = np.array([server.estimate(item, suppress_warnings=True) for item in range(len(truth))])
        drawn, counted = drawn + middle - begin, counted + time.perf_counter() - middle
        errors.append(float(np.mean((estimates - truth) ** 2)))
    people = len(values) * trials
    return errors, people / drawn, people / counted


SCHEMES = ["k-ary", "unary", "local-hashing", "hadamard"]


def run_ours(binary, values, epsilon, trials):
    """Each scheme's errors by its name, and the name of the chosen one."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(map(str, values)))
        file.flush()
        command = [binary, "local", "simulate", "--values", file.name, "--epsilon", str(epsilon), "--trials",
                   str(trials), "--format", "json", "--scheme"]
        runs = [json.loads(subprocess.run([*command, scheme], check=True, capture_output=True, text=True).stdout)
                for scheme in SCHEMES]
    return {scheme: run["schemes"][0] for scheme, run in zip(SCHEMES, runs)}, runs[0]["chosen"].split(" for ")[0]


def central(truth, epsilon, trials=2000):
    """The same counts with discrete Laplace noise of one person's weight: what a trusted curator would add."""
    keep = 1 - math.exp(-epsilon)
    noise = np.random.default_rng().geometric(keep, (2, trials, len(truth)))
    return float(np.mean((noise[0] - noise[1]) ** 2.0))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flockwise", default="target/release/flockwise")
    parser.add_argument("--data", type=pathlib.Path, default=DATA)
    parser.add_argument("--epsilon", type=float, nargs="+", default=[0.5, 1.0, 2.0, 4.0])
    parser.add_argument("--trials", type=int, default=4, help="of pure-ldp; flockwise runs ten times as many")
    args = parser.parse_args()
    crowds = {"1,000 items": zipf(20_000, 1000)}
    if (args.data / "ratings.parquet").exists():
        crowds = {"movietweetings genres": genres(args.data), **crowds}
    else:
        print("SKIPPED: no movietweetings beside the project; only the made-up crowd")
    for name, (values, items) in crowds.items():
        truth = np.bincount(values, minlength=items)
        values = values[np.argsort(values, kind="stable")]
        # Few items say little about a mean squared error: more trials for them.
        trials = args.trials * max(1, 200 // items)
        print(f"\n{name}: {len(values)} people, {items} items, {trials} trials of pure-ldp")
        head = ("epsilon", "scheme", "theory", "flockwise", "pure-ldp", "±", "reports/s", "collected/s")
        print("{:>7}  {:<14}{:>10}{:>11}{:>10}{:>8}{:>12}{:>12}   (root mean squared errors, in people)".format(*head))
        for epsilon in args.epsilon:
            found, chosen = run_ours(args.flockwise, values, epsilon, 10 * trials)
            least, least_peer = min(scheme["predicted_rmse"] for scheme in found.values()), math.inf
            for scheme, (client, server) in peers(epsilon, items).items():
                errors, drawn, counted = run_peer(client, server, values, truth, trials)
                peer = math.sqrt(np.mean(errors))
                least_peer = min(least_peer, peer)
                # The mean of `items` squared normals a trial has this relative standard error; half of it for its root.
                spread = peer * math.sqrt(2 / (items * trials)) / 2
                row = (epsilon, scheme, found[scheme]["predicted_rmse"], found[scheme]["measured_rmse"], peer, spread)
                print("{:>7}  {:<14}{:>10.1f}{:>11.1f}{:>10.1f}{:>8.1f}{:>12,.0f}{:>12,.0f}".format(*row, drawn, counted),
                      flush=True)
            measured = found[chosen]["measured_rmse"]
            print(f"         chosen: {chosen}; its squared error is {(measured / least) ** 2:.3f} of the best theory, "
                  f"{(measured / least_peer) ** 2:.3f} of the best of pure-ldp; a trusted curator's would be "
                  f"{math.sqrt(central(truth, epsilon)):.2f} people, {measured / math.sqrt(central(truth, epsilon)):.0f} "
                  "times less")


if __name__ == "__main__":
    main()
