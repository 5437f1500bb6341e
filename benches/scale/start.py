#!/usr/bin/env python3
"""How long a process takes that has little to do: --help, plan, and a release on 10^5 rows. Writes docs/performance.md.

    benches/scale/start.py [--folder DIR] [--rounds 41] [--no-page]
"""

import argparse
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True

import measure  # noqa: E402
from measure import Flockwise, measured, median  # noqa: E402

PAGE = measure.ROOT / "docs" / "performance.md"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--profile", choices=["release", "test"], default="release")
    parser.add_argument("--no-page", action="store_true")
    given = parser.parse_args()
    folder = (given.folder or pathlib.Path(tempfile.gettempdir()) / "flockwise-scale").resolve()
    scale, program = measure.build(given.profile)
    flockwise = Flockwise(program, measure.generate(scale, folder, 10**5), folder / "start")
    flockwise.run()
    plan = [program, "plan", "job.toml", "--policy", "policy.toml"]
    runs = {
        "`flockwise --help`": lambda: measured([program, "--help"]),
        "`flockwise plan`": lambda: measured(plan, flockwise.folder),
        "`flockwise run`, 10⁵ rows": flockwise.run,
    }
    figures = {name: [] for name in runs}
    for _ in range(given.rounds):
        for name, run in runs.items():
            figures[name].append(run())
    lines = ["| command | median, ms | fastest, ms | processor, ms | peak memory, MB |", "|---|---|---|---|---|"]
    for name, all_of_it in figures.items():
        of = lambda figure, pick: pick([one[figure] for one in all_of_it])
        cells = [
            name, f"{of('seconds', median) * 1e3:.1f}", f"{of('seconds', min) * 1e3:.1f}",
            f"{of('processor', median) * 1e3:.1f}", f"{of('mb', median):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    text = "\n".join(lines) + f"\n\n{given.rounds} rounds. Machine: {measure.machine()}; commit {measure.commit()}."
    print(text)
    if not given.no_page:
        measure.write_between(PAGE, "start", text)


if __name__ == "__main__":
    main()
