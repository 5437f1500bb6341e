"""The tables of docs/benchmarks.md, from the scores that were kept."""

import json
import math
import os
import pathlib
import statistics

OURS = "flockwise, auto"


def averages(kept):
    """Of one cell: mean keys, mean RMSE over the runs that released anything, mean recall, runs."""
    scores = kept["scores"]
    errors = [each["rmse"] for each in scores if each["rmse"] is not None]
    return {"keys": statistics.mean(each["keys"] for each in scores), "runs": len(scores), "answered": len(errors),
            "rmse": statistics.mean(errors) if errors else None,
            "recall": statistics.mean(each["recall"] for each in scores)}


def figure(cell):
    """Keys, RMSE and recall of a cell in words."""
    if cell is None:
        return "–"
    if cell["rmse"] is None:
        return "nothing"
    recall = "" if cell["recall"] is None else f", {cell['recall']:.2f}"
    some = "" if cell["answered"] == cell["runs"] else f" ({cell['answered']} of {cell['runs']} runs)"
    return f"{cell['keys']:.1f} keys, **{number(cell['rmse'])}**{recall}{some}"


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def load(work):
    """Scores by data set, engine, epsilon and keys a person; and the versions that were seen."""
    cells, versions = {}, {}
    for path in sorted((work / "answers").glob("*.json")):
        kept = json.loads(path.read_text())
        cells[kept["data"], kept["engine"], kept["epsilon"], kept["keys_a_person"]] = averages(kept)
        versions |= kept["versions"]
    for path in sorted((work / "hindsight").glob("*.json")):
        for point in json.loads(path.read_text())["releases"][0]["points"]:
            # The same trials as of a run, over one reading of the rows: more of them in the same time.
            named = {"auto": (OURS, 0), "keep:8": ("flockwise, keep", 8)}.get(point["setting"]["contribution"])
            if named is None:
                continue
            cell = (path.stem, named[0], point["epsilon"], named[1])
            if cells.get(cell, {"runs": 0})["runs"] < trials(point):
                cells[cell] = measured(point, cells.get(cell))
    return cells, versions


def trials(point):
    return point["keys"]["rows"]["trials"]


def measured(point, ran):
    """A cell from a point of a benchmark; recall of the leading 50 is known from runs alone."""
    people = next(column for column in point["columns"] if column["column"] == "people")
    rmse = people.get("rmse") or {"mean": None, "trials": 0}
    return {"keys": point["keys"]["rows"]["mean"], "runs": trials(point), "answered": rmse["trials"],
            "rmse": rmse["mean"], "recall": ran["recall"] if ran else None}


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def same_bounds(about, cells, epsilons):
    engines = sorted({engine for data, engine, _, keys in cells if data == about["name"] and keys == 8}, key=str.lower)
    runs = lambda engine: [cells[cell]["runs"] for cell in cells if cell[0] == about["name"] and cell[1] == engine]
    rows = [[engine, *(figure(cells.get((about["name"], engine, epsilon, 8))) for epsilon in epsilons),
             str(min(runs(engine)))] for engine in engines]
    return table(["engine", *(f"ε = {epsilon:g}" for epsilon in epsilons), "runs"], rows)


def best_of_peers(about, cells, epsilon):
    """The least RMSE and the most keys of any other engine at any bound that was tried, each with its engine."""
    peers = [(engine, keys, cell) for (data, engine, at, keys), cell in cells.items()
             if data == about["name"] and at == epsilon and not engine.startswith("flockwise")]
    answered = [peer for peer in peers if peer[2]["rmse"] is not None]
    closest = min(answered, key=lambda peer: peer[2]["rmse"], default=None)
    return closest, max(answered, key=lambda peer: peer[2]["keys"], default=None)


def own_bounds(abouts, cells, epsilons):
    rows = []
    for about in abouts:
        for epsilon in epsilons:
            ours = cells.get((about["name"], OURS, epsilon, 0))
            closest, most = best_of_peers(about, cells, epsilon)
            if ours is None:
                continue
            named = lambda peer: f"{peer[0]}, {peer[1]} keys a person: {figure(peer[2])}" if peer else "nothing"
            error = f"{closest[2]['rmse'] / ours['rmse']:.1f}×" if closest and ours["rmse"] else "–"
            found = f"{ours['keys'] / most[2]['keys']:.2f}×" if most else ("–" if not ours["keys"] else "∞")
            rows.append([about["name"], f"{epsilon:g}", figure(ours), named(closest), named(most), error, found])
    head = ["data", "ε", OURS, "the peer of least RMSE", "the peer of most keys", "less RMSE", "more keys"]
    return table(head, rows)


def hindsight(abouts, work):
    rows = []
    for about in abouts:
        place = work / "hindsight" / f"{about['name']}.json"
        if not place.exists():
            continue
        for epsilon, points in sorted(settings(json.loads(place.read_text())).items()):
            bought = points.pop("auto", None)
            given = {name: point for name, point in points.items() if point[0] is not None}
            if not bought or bought[0] is None or not given:
                rows.append([about["name"], f"{epsilon:g}", "nothing", "nothing", "–"])
                continue
            best = min(given, key=lambda name: given[name][0])
            ratio = f"{bought[0] / given[best][0]:.2f}"
            rows.append([about["name"], f"{epsilon:g}", f"{number(bought[0])} ({bought[1]})",
                         f"{number(given[best][0])} ({best})", ratio])
    return table(["data", "ε", "bought: RMSE (bounds)", "best of all given: RMSE (bound)", "ratio"], rows)


def settings(report):
    """For each epsilon and setting of the contribution: RMSE of people, and the norms that there were."""
    found = {}
    for point in report["releases"][0]["points"]:
        people = next(column for column in point["columns"] if column["column"] == "people")
        rmse = people["rmse"]["mean"] if people.get("rmse") else None
        if point["setting"]["contribution"].startswith("keep"):
            continue
        bounds = [used["contribution"]["norm"] for used in point["how"]["bounds"]]
        said = str(bounds[0]) if len(set(bounds)) == 1 else f"{min(bounds)} to {max(bounds)}" if bounds else ""
        found.setdefault(point["epsilon"], {})[point["setting"]["contribution"]] = (rmse, said)
    return found


def times(abouts, work):
    kept = [json.loads(path.read_text()) for path in sorted((work / "times").glob("*.json"))]
    cell = {(each["engine"], each["data"]): f"{each['seconds']:.1f} s, {each['memory']:,.0f} MiB" for each in kept}
    engines = sorted({each["engine"] for each in kept}, key=str.lower)
    rows = [[engine, *(cell.get((engine, about["name"]), "–") for about in abouts)] for engine in engines]
    return table(["engine", *(about["name"] for about in abouts)], rows)


def machine():
    model = [line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    memory = math.ceil(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    return f"{os.cpu_count()} cores ({model[0] if model else 'of an unknown make'}), {memory} GiB"


def write(page, abouts, work):
    """Puts each table between its markers."""
    cells, versions = load(work)
    epsilons = sorted({epsilon for _, _, epsilon, _ in cells})
    text = page.read_text()
    parts = {f"same {about['name']}": same_bounds(about, cells, epsilons) for about in abouts}
    named = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    parts |= {"own": own_bounds(abouts, cells, epsilons), "hindsight": hindsight(abouts, work),
              "times": times(abouts, work), "versions": f"{named}. Machine: {machine()}."}
    for name, part in parts.items():
        begin, end = f"<!-- {name}: written by benches/peers/run.py -->", f"<!-- end of {name} -->"
        if begin not in text or end not in text:
            raise SystemExit(f"{page} has no place for {name}")
        before, after = text.split(begin)[0], text.split(end)[1]
        text = f"{before}{begin}\n{part}\n{end}{after}"
    page.write_text(text)
