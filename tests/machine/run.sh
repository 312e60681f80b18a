#!/bin/bash
# tests/machine/run.sh [BINARY]: drives the release binary on real MIDI ports and input devices, in a virtual machine, with
# programs nobody here wrote. Prints a line for each promise and ends with `N passed, M failed`; exits 1 when one failed.
# BINARY is target/release/conductor unless given; it is built when it is not there.
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=${1:-target/release/conductor}
[ -x "$binary" ] || cargo build --locked --release --bin conductor
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp "$binary" "$stage/conductor"
cargo build --locked --quiet --release --example machine-ports
cp target/release/examples/machine-ports "$stage/"
tests/machine/vm.sh -f "$stage/conductor" -f "$stage/machine-ports" -f fixtures/plugins/note_logger.wasm -f tests/machine/config.toml \
  -f tests/machine/lib.sh -f tests/machine/own_ports.sh -f tests/machine/light.toml -f tests/machine/loop.toml \
  -f tests/machine/other.toml -f tests/machine/lamps.toml -f tests/machine/lamps.sh -f tests/machine/surface.toml -f tests/machine/surface.sh tests/machine/scenario.sh
