#!/usr/bin/env python3
"""How cost grows with rows, people, keys, and keys per person: one thing changes at a time. Writes docs/scale.md.

    benches/scale/curves.py [--folder DIR] [--rounds 3] [--rows 3e6] [--no-page]

The question and the data are those of benches/scale/run.py: people and mean rating per item, keys from the data, the bound
bought.
"""

import argparse
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True

import measure  # noqa: E402
from measure import Flockwise, count, measured, median, seconds  # noqa: E402

PAGE = measure.ROOT / "docs" / "scale.md"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=3 * 10**6, help="rows where others change")
    parser.add_argument("--profile", choices=["release", "test"], default="release")
    parser.add_argument("--no-page", action="store_true")
    given = parser.parse_args()
    given.folder = (given.folder or pathlib.Path(tempfile.gettempdir()) / "flockwise-scale").resolve()
    return given


def curves(rows):
    """What changes, and the settings in which it does."""
    people, items = rows // 10, rows // 100
    fixed = {"people": people, "items": items}
    grown = [rows // 30, rows // 10, rows // 3, rows, 3 * rows]
    yield "rows", [(n, {"people": n // 10, "items": n // 100}) for n in grown]
    yield "people, so fewer keys each", [(rows, {**fixed, "people": n}) for n in (people // 30, people // 3, people, 3 * people, 10 * people)]
    yield "items", [(rows, {**fixed, "items": n}) for n in (items // 30, items, 10 * items, 30 * items)]
    yield "how unevenly people act", [(rows, {**fixed, "activity": s}) for s in (0.0, 0.7, 0.9, 1.1)]


def main():
    given = arguments()
    scale, program = measure.build(given.profile)
    lines = [
        "| what changes | rows | people | items | rows a person, activity | seconds | ns a row | peak memory, MB | Polars, no privacy: seconds, MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for what, settings in curves(given.rows):
        for rows, options in settings:
            file = measure.generate(scale, given.folder, rows, **options)
            flockwise = Flockwise(program, file, given.folder / "curve")
            ours, plain = [], []
            for _ in range(given.rounds):
                ours.append(flockwise.run())
                plain.append(measured([scale, "polars", file]))
            middle = lambda runs, figure: median([run[figure] for run in runs])
            time = middle(ours, "seconds")
            cells = [
                what, count(rows), count(options["people"]), count(options["items"]),
                f"{rows / options['people']:g}, {options.get('activity', 0.7)}", seconds(time), f"{time / rows * 1e9:,.0f}",
                f"{middle(ours, 'mb'):,.0f}", f"{seconds(middle(plain, 'seconds'))}, {middle(plain, 'mb'):,.0f}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
            print(lines[-1], file=sys.stderr)
    text = "\n".join(lines) + f"\n\nMedians of {given.rounds}. Machine: {measure.machine()}; commit {measure.commit()}."
    if given.no_page:
        print(text)
    else:
        measure.write_between(PAGE, "curves", text)


if __name__ == "__main__":
    main()
