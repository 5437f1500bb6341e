"""Draws per second of OpenDP's exact integer noise, and of numpy's inexact floats, on one core of this machine.

    python -m venv /tmp/peers && /tmp/peers/bin/pip install -r benches/peers/requirements.txt
    /tmp/peers/bin/python benches/peers/opendp_samplers.py

Says "skipped" for what is not installed. Compare with `cargo bench -p flockwise-benches --bench samplers`.
"""

import time

SCALES = [1, 1_000, 1_000_000]
ROUNDS = 5


def rate(draw, count):
    """Median over rounds of count / processor seconds, in millions; the first round warms up."""
    rates = []
    for _ in range(ROUNDS + 1):
        start = time.process_time()
        draw(count)
        rates.append(count / (time.process_time() - start) / 1e6)
    return sorted(rates[1:])[ROUNDS // 2]


def report(what, scale, millions):
    print(f"{what:32} scale {scale:>9,}  {millions:8.3f} million draws/s")


def opendp():
    try:
        import opendp
        import opendp.prelude as dp
    except ImportError:
        print("opendp: skipped, not installed")
        return
    from importlib.metadata import version

    print(f"opendp {version('opendp')}")
    dp.enable_features("contrib")
    domain = dp.vector_domain(dp.atom_domain(T="i64"))
    for scale in SCALES:
        laplace = dp.m.make_laplace(domain, dp.l1_distance(T="i64"), scale=float(scale))
        report("opendp discrete laplace", scale, rate(lambda n: laplace([0] * n), 20_000))
    for scale in SCALES:
        gaussian = dp.m.make_gaussian(domain, dp.l2_distance(T="i64"), scale=float(scale))
        report("opendp discrete gaussian", scale, rate(lambda n: gaussian([0] * n), 20_000))


def numpy():
    try:
        import numpy
    except ImportError:
        print("numpy: skipped, not installed")
        return
    print(f"numpy {numpy.__version__} (inexact, not private)")
    generator = numpy.random.default_rng()
    for scale in SCALES:
        report("numpy laplace", scale, rate(lambda n: generator.laplace(0, scale, n), 2_000_000))
        report("numpy normal", scale, rate(lambda n: generator.normal(0, scale, n), 2_000_000))


if __name__ == "__main__":
    opendp()
    numpy()
