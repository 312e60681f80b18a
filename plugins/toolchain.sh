#!/usr/bin/env bash
# plugins/toolchain.sh [PREFIX]: unpacks a compiler for wasm32-wasip1 into PREFIX (default target/tools/guest-toolchain).
#
# Rust with its wasm32 standard library, and clang with wasi-libc, all from Debian 13, so that the committed modules can be
# rebuilt byte for byte wherever Debian's mirror is reachable. Nothing is installed: apt works on a state directory of its
# own and the packages are only unpacked. About 250 MB of packages and half a minute, once.
#
# Plugin authors do not need it: `rustup target add wasm32-wasip1` does the same job for them.
set -euo pipefail
shopt -s inherit_errexit

root=$(cd "$(dirname "$0")/.." && pwd)
prefix=$(realpath -m "${1:-$root/target/tools/guest-toolchain}")
suite=trixie
stamp=$prefix/.complete
[ -e "$stamp" ] && exit 0

say() { printf '%s\n' "$*" >&2; }
if [ "$(dpkg --print-architecture 2>/dev/null)" != amd64 ]; then
  say "toolchain.sh: needs a Debian machine on x86_64; elsewhere use: rustup target add wasm32-wasip1"
  exit 2
fi

# The mirror this machine already uses.
mirror() {
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages' 'Origin: Debian' |
    awk '$2 == "bookworm" || $2 == "trixie" { print $1; exit }'
}
uri=$(mirror)
if [ -z "$uri" ]; then
  apt-get update -qq
  uri=$(mirror)
fi
if [ -z "$uri" ]; then
  say "toolchain.sh: apt knows no Debian mirror; see /etc/apt/sources.list"
  exit 2
fi

apt=$prefix.apt
rm -rf "$prefix" "$apt"
mkdir -p "$prefix/bin" "$apt"/{lists/partial,cache/archives/partial,packages}
trap 'rm -rf "$apt"' EXIT
: >"$apt/status"
echo "deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" >"$apt/sources.list"
cat >"$apt/apt.conf" <<CONFIG
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$apt";
Dir::State::Lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
CONFIG
export APT_CONFIG=$apt/apt.conf
apt-get update -qq

# The compilers and the libraries they load; the host's own linker and headers serve build scripts and macros.
wanted=(cargo rustc libstd-rust-dev-wasm32 lld-19 clang-19 llvm-19 wasi-libc libclang-rt-19-dev-wasm32)
skipped='^(gcc|g\+\+|cpp|binutils|libgcc-[0-9]+-dev|libstdc\+\+-[0-9]+-dev|libobjc|libc6-dev|libc-dev|linux-libc|libc6-i386|lib32|libx32'
skipped+='|lib(a|l|t|ub|hwa)san|libgprofng|libctf|manpages|python3|libpython|media-types|tzdata|llvm-19-dev|llvm-19-tools|libclang1-19|libclang-19)'
apt-get -s install --no-install-recommends "${wanted[@]}" | awk '/^Inst/ { print $2 }' | grep -Ev "$skipped" >"$apt/list"
(cd "$apt/packages" && xargs apt-get download -qq <"$apt/list")
for package in "$apt"/packages/*.deb; do dpkg -x "$package" "$prefix"; done
rm -rf "$prefix"/usr/share/{doc,man,locale,info,lintian,bug} "$prefix"/usr/lib/rustlib/wasm32-{wasip2,unknown-unknown}

# Every program runs with the loader and the libraries it was built against; PREFIX is found at run time, not written down.
wrap() { # wrap NAME PROGRAM
  cat >"$prefix/bin/$1" <<WRAPPER
#!/bin/sh
p=\$(cd "\$(dirname "\$0")/.." && pwd)
l=\$p/usr/lib/x86_64-linux-gnu
exec "\$l/ld-linux-x86-64.so.2" --library-path "\$l:\$p/usr/lib/llvm-19/lib" --argv0 "\$p/bin/$1" "\$p/$2" "\$@"
WRAPPER
}
wrap cargo usr/bin/cargo
wrap rustc usr/bin/rustc
wrap wasm-ld usr/lib/llvm-19/bin/lld
ln -s wasm-ld "$prefix/bin/wasm-ld-19" # the name Debian's clang asks for
wrap wasm-ar usr/lib/llvm-19/bin/llvm-ar
wrap clang usr/lib/llvm-19/bin/clang
# -no-canonical-prefixes: clang starts itself again, and must find the wrapper, not the loader.
cat >"$prefix/bin/wasm-cc" <<'WRAPPER'
#!/bin/sh
p=$(cd "$(dirname "$0")/.." && pwd)
exec "$p/bin/clang" --target=wasm32-wasi --sysroot="$p/usr" -resource-dir "$p/usr/lib/llvm-19/lib/clang/19" -B"$p/bin" \
  -no-canonical-prefixes "$@"
WRAPPER
chmod +x "$prefix"/bin/*

"$prefix/bin/cargo" -V >&2
"$prefix/bin/rustc" -V >&2
"$prefix/bin/wasm-cc" --version | head -1 >&2
touch "$stamp"
