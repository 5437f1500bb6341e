"""Time and peak memory of whole processes, what they ran on, and pages that are written between markers."""

import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "benches" / "scale"


class Failed(Exception):
    """A process that was measured ended badly."""


def measured(command, folder=None, limit=None):
    """Runs a command; its wall time in seconds and its peak resident memory in MB, as the kernel counted it."""
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
        if limit:
            signal.signal(signal.SIGALRM, lambda *_: child.kill())
            signal.setitimer(signal.ITIMER_REAL, limit)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        signal.setitimer(signal.ITIMER_REAL, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        last = said.read().decode(errors="replace").strip().splitlines()[-1:]
    if limit and child.returncode == -signal.SIGKILL and seconds >= limit:
        raise Failed(f"stopped after {limit:.0f} s")
    if child.returncode == -signal.SIGKILL:
        raise Failed("killed: out of memory")
    if child.returncode != 0:
        raise Failed(f"ended with {child.returncode}: {' '.join(last)}"[:200])
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return {"seconds": seconds, "mb": usage.ru_maxrss * unit / 1e6, "processor": usage.ru_utime + usage.ru_stime}


def build(profile):
    """Builds the program and the benchmark's own part; where each is."""
    verb = {"release": ["bench"], "test": ["test", "--workspace"]}[profile]
    command = ["cargo", *verb, "--bench", "scale", "--no-run", "--message-format=json-render-diagnostics"]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    messages = map(json.loads, told.splitlines())
    made = [message for message in messages if message.get("reason") == "compiler-artifact"]
    scale = next(message["executable"] for message in made if message["target"]["name"] == "scale")
    flockwise = subprocess.run([scale, "flockwise"], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    return scale, flockwise


def machine():
    """What a reader needs to compare with another machine."""
    model, memory = platform.processor() or platform.machine(), ""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
        kilobytes = int(pathlib.Path("/proc/meminfo").read_text().split()[1])
        memory = f", {kilobytes / 2**20:.0f} GiB of memory"
    except (OSError, StopIteration):
        pass
    return f"{model}, {len(os.sched_getaffinity(0))} cores{memory}, {platform.system()} {platform.release().split('-')[0]}"


def version(crate):
    """The version of a crate in the lock file."""
    lines = (ROOT / "Cargo.lock").read_text().splitlines()
    return lines[lines.index(f'name = "{crate}"') + 1].split('"')[1]


def commit():
    """The commit that was measured, and whether there was anything beside it."""
    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False).stdout.strip()

    name = git("rev-parse", "--short=10", "HEAD") or "unknown"
    return name + (" with changes" if git("status", "--porcelain", "--", "crates", "Cargo.lock") else "")


def median(values):
    return statistics.median(values)


def seconds(value):
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def count(number):
    """10000000 as 10^7, and 2 · 10^5."""
    exponent = len(str(number)) - 1
    lead = number / 10**exponent
    if exponent < 4:
        return f"{number:,}"
    power = "10" + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(exponent))
    return power if lead == 1 else f"{lead:g} · {power}"


def write_between(page, name, text):
    """Puts text between the markers of that name in a page, and leaves all else as it is."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    whole = page.read_text()
    if begin not in whole or end not in whole:
        raise SystemExit(f"{page} has no place for it: {begin} … {end}")
    before, rest = whole.split(begin, 1)
    page.write_text(f"{before}{begin}\n{text.strip()}\n{end}{rest.split(end, 1)[1]}")


POLICY = """version = 1
[data]
name = "ratings"
source = "{source}"
privacy_unit = "user"
[budget]
epsilon = 4.0
delta = 1e-6
ledger = "ratings.ledger"
releases = "ratings.releases"
[columns]
item = {{ type = "int" }}
rating = {{ type = "float", bounds = [0, 10] }}
"""

SUMMARY = """statistic = "summary"
by = ["item"]
column = "rating"
aggregates = ["people", "mean"]
contribution = "auto"
"""

POPULARITY = """statistic = "popularity"
by = ["item"]
contribution = "auto"
"""

CO_OCCURRENCE = """statistic = "co_occurrence"
item = "item"
contribution = "auto"
"""


class Flockwise:
    """The program, run as anybody runs it: a policy, a job, and a ledger of its own for each run."""

    def __init__(self, program, file, folder, release=SUMMARY):
        self.program, self.folder = program, folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "policy.toml").write_text(POLICY.format(source=file))
        job = f'version = 1\ndata = "ratings"\n[job]\nepsilon = 1.0\n[[release]]\nname = "liked"\n{release}'
        (folder / "job.toml").write_text(job)

    def run(self, limit=None):
        """One release, everything included: plan, charge, scan, all stages, noise, storing, writing the table."""
        for name in self.folder.glob("ratings.*"):
            name.unlink()
        subprocess.run([self.program, "init", "policy.toml", "--quiet"], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        command = [self.program, "run", "job.toml", "--policy", "policy.toml", "--format", "json", "--quiet"]
        return measured(command, self.folder, limit)

    def keys(self):
        """How many keys the last run released: asked after the measurement, from what is stored."""
        command = [self.program, "run", "job.toml", "--policy", "policy.toml", "--format", "json", "--quiet"]
        told = subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.PIPE).stdout
        return len(json.loads(told.splitlines()[0])["rows"])


def generate(scale, folder, rows, **options):
    """The made-up data of these figures, made once."""
    name = "-".join([f"w-{rows}", *(f"{key}-{value}" for key, value in sorted(options.items()))])
    file = folder / f"{name}.parquet"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        print(f"making {file}", file=sys.stderr)
        flags = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        subprocess.run([scale, "generate", file, "--rows", str(rows), *flags], check=True)
    # Into the page cache, as far as it fits: the disk is not what is measured.
    with open(file, "rb") as whole:
        while whole.read(1 << 24):
            pass
    return file
