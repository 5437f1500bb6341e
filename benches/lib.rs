//! Benchmarks of the mechanisms: `cargo bench -p flockwise-benches`. Whole processes are measured by `scale/run.py`.
