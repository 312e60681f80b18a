#!/usr/bin/env bash
# fuzz/differential/run.sh [MINUTES] [SEED]: asks wasmtime and this project's sandbox the same, on both dispatches of the engine, for so
# many minutes (10). A difference is left in fuzz/differential/differences/, and the exit code is 1.
set -euo pipefail
cd "$(dirname "$0")"
minutes=${1:-10} seed=${2:-$(date +%s)}
# Two builds of one package: the engine's feature decides the dispatch.
cargo build --locked --release --features loop-dispatch --target-dir target/loop --quiet
cargo build --locked --release --quiet
echo "seed $seed, $minutes minutes"
target/release/differential $((minutes * 60)) --seed "$seed" --worker target/loop/release/differential
