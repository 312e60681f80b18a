#!/usr/bin/env bash
# fuzz/run.sh [SECONDS [TARGET…]]: looks for inputs that break what must hold, for so many seconds (60) with each target (all).
# fuzz/run.sh minimise [TARGET…]: puts into fuzz/corpus what reached something new, without what reaches nothing of its own.
# What is found is left in fuzz/artifacts/TARGET/, and the exit code is 1.
set -euo pipefail
cd "$(dirname "$0")"

# What cargo-fuzz sets without a sanitizer, which a stable compiler takes: coverage for libFuzzer, and `cfg(fuzzing)`.
flags=(--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1
  -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares)
host=$(rustc -vV | sed -n 's/^host: //p')
# With a target named, build scripts and macros are built without the flags.
RUSTFLAGS="${flags[*]}" cargo build --locked --release --quiet --target "$host"
programs=target/$host/release

all=(config guest journal midi module signature smf wasi)
# Longest input: what is longer takes time and reaches nothing new.
options=(-max_len=8192 -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 -verbosity=0 -use_value_profile=0)

if [ "${1:-}" = minimise ]; then
  shift
  for target in "${@:-${all[@]}}"; do
    rm -rf "target/minimised/$target"
    mkdir -p "target/found/$target" "target/minimised/$target"
    # The seeds come first and keep their names; only what they do not reach is taken from what was found.
    find "corpus/$target" -regextype egrep -regex '.*/[0-9a-f]{40}' -exec mv -t "target/found/$target" {} +
    find "corpus/$target" -type f -exec cp -t "target/minimised/$target" {} +
    # By edges alone, not how often: a tenth of the files.
    "$programs/$target" -set_cover_merge=1 -use_counters=0 -max_len=512 "target/minimised/$target" "target/found/$target" >"target/minimised/$target.log" 2>&1
    cp "target/minimised/$target"/* "corpus/$target/"
    echo "$target: $(find "corpus/$target" -type f | wc -l) files, $(du -bcs "corpus/$target" | tail -1 | cut -f1) bytes"
  done
  exit
fi

seconds=${1:-60}
[ $# -eq 0 ] || shift
failed=()
for target in "${@:-${all[@]}}"; do
  mkdir -p "target/found/$target" "artifacts/$target"
  began=$SECONDS
  if "$programs/$target" "${options[@]}" -max_total_time="$seconds" -artifact_prefix="artifacts/$target/" \
    "target/found/$target" "corpus/$target" >"target/$target.log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "target/$target.log")
    printf '%-10s %s runs in %d s\n' "$target" "$runs" $((SECONDS - began))
  else
    failed+=("$target")
    grep -v '^#' "target/$target.log" | tail -40
    printf '%-10s FAILED\n' "$target"
  fi
done
[ ${#failed[@]} -eq 0 ]
