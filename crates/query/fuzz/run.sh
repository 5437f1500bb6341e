#!/usr/bin/env bash
# Every fuzz target for a bounded time: run.sh [SECONDS of each target, 60 by default].
# With cargo-fuzz and a nightly compiler it searches by coverage; without them the same targets run on mutated seeds.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-60}
targets=(policy job job_json expression settings target csv parquet consent private_table release ledger releases)
if command -v cargo-fuzz >/dev/null && cargo +nightly --version >/dev/null 2>&1; then
  for target in "${targets[@]}"; do
    cargo +nightly fuzz run "$target" -- -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096
  done
else
  echo "cargo-fuzz or a nightly compiler is missing: mutated seeds instead (cargo install cargo-fuzz)"
  cd ../../..
  FUZZ_SECONDS=$seconds cargo test -p flockwise-query --test corpus fuzz -- --nocapture
fi
