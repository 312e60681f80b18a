#!/usr/bin/env bash
# plugins/build.sh [--check] [--own]: builds the guest modules that are committed, from their sources.
#
#   --check  build into a scratch directory and compare with what is committed, byte for byte; writes nothing, exit 1 on any
#            difference
#   --own    use the installed `cargo` and its wasm32-wasip1 target (rustup target add wasm32-wasip1) instead of the pinned
#            compiler; good for trying a change, but other compilers give other bytes
#
# Without --own the compiler is the one that toolchain.sh unpacks, on any Debian machine the same. The result does not depend
# on where the checkout or cargo's home lie: paths are remapped.
set -euo pipefail
shopt -s inherit_errexit nullglob

root=$(cd "$(dirname "$0")/.." && pwd)
check=0 own=0
for argument in "$@"; do
  case $argument in
    --check) check=1 ;;
    --own) own=1 ;;
    *)
      echo "usage: plugins/build.sh [--check] [--own]" >&2
      exit 2
      ;;
  esac
done

unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER RUSTC CARGO
target=wasm32-wasip1
if [ "$own" = 1 ]; then
  cargo=cargo sysroot=$(rustc --print sysroot)
  export CARGO_TARGET_DIR=$root/target/guests-own
  if [ ! -d "$sysroot/lib/rustlib/$target" ]; then
    echo "build.sh: this compiler has no $target library; run: rustup target add $target (or leave --own out)" >&2
    exit 2
  fi
else
  tools=$root/target/tools/guest-toolchain
  "$root/plugins/toolchain.sh" "$tools"
  cargo=$tools/bin/cargo sysroot=$tools/usr
  export RUSTC=$tools/bin/rustc CARGO_TARGET_DIR=$root/target/guests CARGO_TARGET_WASM32_WASIP1_LINKER=$tools/bin/wasm-ld
  # For what the crates bring along in C.
  export CC_wasm32_wasip1=$tools/bin/wasm-cc AR_wasm32_wasip1=$tools/bin/wasm-ar
fi

out=$root
if [ "$check" = 1 ]; then
  out=$root/target/guests-check
  rm -rf "$out"
fi

# remapped WORKSPACE: the compiler flags that keep this machine's paths out of the modules.
remapped() {
  local flags="--remap-path-prefix=$1=/guest" registry
  for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do flags+=" --remap-path-prefix=$registry=/crates"; done
  printf %s "$flags"
}

# rust WORKSPACE TARGET DESTINATION [LINKER ARGUMENT…]: one module of a cargo workspace: the library or program called TARGET.
rust() {
  local workspace=$1 name=$2 destination=$3 link=() argument what
  shift 3
  what=(--package "$name")
  [ ! -e "$workspace/src/bin/$name.rs" ] || what=(--bin "$name")
  for argument in "$@"; do link+=("-Clink-arg=$argument"); done
  "$cargo" fetch --quiet --locked --target "$target" --manifest-path "$workspace/Cargo.toml"
  CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS=$(remapped "$workspace") "$cargo" rustc --quiet --locked --release --target "$target" \
    --manifest-path "$workspace/Cargo.toml" "${what[@]}" -- ${link[@]+"${link[@]}"}
  install -D -m 644 "$CARGO_TARGET_DIR/$target/release/$(basename "$destination")" "$out/$destination"
}

# c DESTINATION [COMPILER ARGUMENT…]: one program in C. Only with the pinned compiler.
c() {
  local destination=$1
  shift
  [ "$own" = 1 ] && return
  mkdir -p "$(dirname "$out/$destination")"
  "$tools/bin/wasm-cc" -Os -Wall -Wextra -Werror -s -ffile-prefix-map="$root"=/guest -o "$out/$destination" "$@"
  chmod 644 "$out/$destination"
}

# A reactor has its constructors run once, by `_initialize`; without, every export is wrapped to run them at each call. 64 KiB
# of stack instead of 1 MiB: linear memory is zero-filled when an instance is made, so what is not reserved is not paid for.
reactor=("$sysroot/lib/rustlib/$target/lib/self-contained/crt1-reactor.o" --export=_initialize -zstack-size=65536)
rust "$root/plugins" note-logger fixtures/plugins/note_logger.wasm "${reactor[@]}"
rust "$root/plugins" json-probe fixtures/plugins/json_probe.wasm "${reactor[@]}"
rust "$root/plugins" conductor-wasm-media fixtures/plugins/conductor_wasm_media.wasm "${reactor[@]}"
rust "$root/plugins" conductor-wasm-system-utils fixtures/plugins/conductor_wasm_system_utils.wasm "${reactor[@]}"
rust "$root/plugins" conductor-wasm-spotify fixtures/plugins/conductor_wasm_spotify.wasm "${reactor[@]}"
rust "$root/plugins" resident-probe fixtures/plugins/resident_probe.wasm "${reactor[@]}"
# As the documentation has it: plain `cargo build`.
rust "$root/plugins" plain-example fixtures/plugins/plain_example.wasm
# In C. The linker takes `fflush` in only when it is told to: with it Conductor has what was printed written when a call ends.
c fixtures/plugins/printer.wasm -mexec-model=reactor -Wl,--export=fflush "$root/plugins/printer/printer.c"

# What tests the WASI host from the inside. A command, so it is linked as one.
guests=$root/wasi-shim/tests/guests
rust "$guests" conformance wasi-shim/tests/guests/wasm/conformance.wasm
c wasi-shim/tests/guests/wasm/libc.wasm "$guests/c/libc.c"
for program in walk squeeze database; do
  rust "$guests/real" "$program" "wasi-shim/tests/guests/wasm/$program.wasm"
done

if [ "$check" = 1 ]; then
  wrong=0
  while IFS= read -r module; do
    if ! cmp -s "$out/$module" "$root/$module"; then
      echo "$module differs from what its source gives: $(sha256sum <"$out/$module" | cut -c1-16)…" >&2
      wrong=1
    fi
  done < <(cd "$out" && find . -name '*.wasm' -printf '%P\n' | sort)
  if [ "$wrong" = 1 ]; then
    echo "build.sh: run plugins/build.sh and commit the result; built with $("${RUSTC:-rustc}" -V)" >&2
    exit 1
  fi
  echo "every guest module is what its source gives ($(find "$out" -name '*.wasm' | wc -l) modules)"
fi
