#!/usr/bin/env bash
# tests/arm/run.sh [aarch64|armv7]…: builds for 64- and 32-bit ARM (both unless named) and runs the tests there, in qemu's user
# emulation. Most of them hold results to the golden files that x86_64 is held to: transcripts, fuel, outputs and messages are
# the same bytes on all three machines, or the test fails. Last, sessions recorded live on each machine come back on each.
#
# The compiler and the emulator come from toolchain.sh. Prints what it used, how long each part took, and the programs' sizes.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET BLESS
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0

# Of both crates the unit tests, and of the guarantees those that results depend on. Whole files:
suites=(
  hostile                                     # attacks, told in the golden words (conductor), or survived (shim)
  determinism limits offsets readdir times    # the shim: nothing of the host shows
)
# Modules of files:
files=(midi sandbox run journal signing)
modules=(
  session:: replay::                                    # whole sessions against golden files
  gestures:: mapping:: actions:: files:: parser::       # from bytes to actions
  calls:: host:: limits:: guests::                      # the engine, its limits and what plugins are answered
  known_answers::                                       # the RFC's vectors
)
# Left out:
#   midi's cli, devices            ALSA's sequencer, which the emulator does not pass on
#   effects, network, live, poll, race, pool
#                                  threads, servers and real time: promises of the code, kept on x86_64; nothing in a result
#   sandbox_memory, sandbox_steady, midi_allocations
#                                  what the process takes, which here is the emulator's
#   architecture, config, grant, package, the rest of signing, conformance, wasi_command, guests, symlinks, rights, …
#                                  no arithmetic on sizes, time or floating point that the unit tests of the same modules do not do
#   fuzz, model                    random inputs, at a tenth of the speed

machines=("$@")
[ $# -gt 0 ] || machines=(aarch64 armv7)
declare -A triples=([aarch64]=aarch64-unknown-linux-gnu [armv7]=armv7-unknown-linux-gnueabihf)
for machine in "${machines[@]}"; do
  if [ -z "${triples[$machine]:-}" ]; then
    echo "usage: tests/arm/run.sh [aarch64|armv7]…" >&2
    exit 2
  fi
done

# This machine's own, before the other compiler takes over.
cargo build --locked --quiet --bin conductor
tests/arm/toolchain.sh target/tools/cross
. target/tools/cross/env.sh
# Nobody looks at these in a debugger, and without it linking takes a fraction of the time.
export CARGO_PROFILE_DEV_DEBUG=false CARGO_PROFILE_TEST_DEBUG=false

tests=(--lib)
for suite in "${suites[@]}"; do tests+=(--test "$suite"); done
picked=()
for file in "${files[@]}"; do picked+=(--test "$file"); done
targets=()
for machine in "${machines[@]}"; do targets+=(--target "${triples[$machine]}"); done

took='' began=$SECONDS
lap() { # lap WHAT
  took+=$(printf '  %-18s %2d:%02d' "$1" $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60)))$'\n'
  began=$SECONDS
}

# emulator MACHINE: its command, and what stands before a program.
emulator() {
  local name=CARGO_TARGET_${triples[$1]^^}_RUNNER
  name=${name//-/_}
  printf %s "${!name}"
}

# conductor MACHINE ARGUMENT…: the program as it ships; for comparison, this machine's own.
conductor() {
  local machine=$1
  shift
  if [ "$machine" = x86_64 ]; then
    target/debug/conductor "$@"
  else
    $(emulator "$machine") "target/${triples[$machine]}/release/conductor" "$@" # words, not one name
  fi
}

cargo test --locked --workspace --quiet --no-run "${targets[@]}" "${tests[@]}" "${picked[@]}"
lap 'build of the tests'
# Under link-time optimisation the engine is another program than in the tests. Linking it takes one core, and the tests leave
# room for that.
nice cargo build --locked --release --quiet --bin conductor "${targets[@]}" &
release=$!
trap 'kill "$release" 2>/dev/null || true' EXIT
for machine in "${machines[@]}"; do
  runner=$(emulator "$machine")
  printf '\n--- %s: %s\n' "$machine" "$(${runner%% *} --version | head -1)"
  # None takes a minute. Whatever hangs is told from what is only slow, and told here.
  CONDUCTOR_TEST_RUNNER=$runner timeout -k 10 900 \
    cargo test --locked --workspace --quiet --no-fail-fast --target "${triples[$machine]}" "${tests[@]}"
  CONDUCTOR_TEST_RUNNER=$runner timeout -k 10 900 \
    cargo test --locked --quiet --no-fail-fast --target "${triples[$machine]}" "${picked[@]}" -- "${modules[@]}"
  lap "tests on $machine"
done

wait "$release"
trap - EXIT
lap 'rest of the release build'

printf '\n--- sessions from fixtures, by what ships\n'
for machine in "${machines[@]}"; do
  for directory in fixtures/sessions/*/; do
    expected=$directory/session.transcript.jsonl
    [ -e "$expected" ] || continue # plugins that several of them use
    # What was answered from outside is in the journal alone.
    session=("$directory/session.journal.jsonl" --plugins "$directory/$(dirname "$(sed -n 's/^path = "\(.*\)"/\1/p' "$directory/config.toml" | head -1)")")
    [ -e "${session[0]}" ] || session=("$directory/session.mid" --config "$directory/config.toml")
    printf '%-8s %-18s' "$machine" "$(basename "$directory")"
    conductor "$machine" replay "${session[@]}" --expect "$expected"
  done
done

printf '\n--- live sessions: what one machine recorded, on the others\n'
scratch=target/arm-sessions
rm -rf "$scratch"
mkdir -p "$scratch"
for recorder in x86_64 "${machines[@]}"; do
  # Sixty presses through the workers, as fast as they come. Which call waits, which finds the queue full and where the clock stops
  # one is different in every recording.
  for _ in {1..20}; do printf '\220\044\144\044\0\220\045\144\045\0\220\046\144\046\0'; done |
    conductor "$recorder" record "$scratch/$recorder.journal.jsonl" --input - --dry-run --json --config tests/arm/live.toml \
      --data "$scratch/$recorder" --transcript "$scratch/$recorder.transcript.jsonl" >"$scratch/$recorder.out" 2>"$scratch/$recorder.err" || {
    cat "$scratch/$recorder.err" >&2
    exit 1
  }
  for player in x86_64 "${machines[@]}"; do
    printf '%-8s on %-8s ' "$recorder" "$player"
    conductor "$player" replay "$scratch/$recorder.journal.jsonl" --expect "$scratch/$recorder.transcript.jsonl"
  done
done
lap sessions

printf '\n--- the program, in bytes\n'
for machine in "${machines[@]}"; do
  printf '%-8s %9d\n' "$machine" "$(stat -c %s "target/${triples[$machine]}/release/conductor")"
done
printf '\n--- time taken\n%s' "$took"
