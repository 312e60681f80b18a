#!/usr/bin/env bash
# tests/arm/toolchain.sh [PREFIX]: unpacks what it takes to build for 64- and 32-bit ARM, and to run the result here, into
# PREFIX (default target/tools/cross). Then: `. PREFIX/env.sh; cargo build --target aarch64-unknown-linux-gnu`.
#
# C compilers and libraries from Debian 12 (glibc 2.36, ALSA), so that the programs run on Debian 12 and anything newer; Rust
# from Debian 13, because there the standard libraries of all three machines are one version; from there qemu's user emulation too:
# under that of Debian 12 (7.2) a child forked from a program with several threads now and then waits for ever. Nothing is installed: apt works on a state directory of its own and the packages are only unpacked. 1.1 GB and two minutes, once.
set -euo pipefail
shopt -s inherit_errexit

root=$(cd "$(dirname "$0")/../.." && pwd)
prefix=$(realpath -m "${1:-$root/target/tools/cross}")
stamp=$prefix/.complete
[ -e "$stamp" ] && exit 0

say() { printf '%s\n' "$*" >&2; }
if [ "$(dpkg --print-architecture 2>/dev/null)" != amd64 ]; then
  say "toolchain.sh: needs a Debian machine on x86_64; on a Raspberry Pi just build there"
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
mkdir -p "$prefix/bin"
trap 'rm -rf "$apt"' EXIT

# suite NAME: an apt of its own for Debian's release NAME, with the packages of all three machines.
suite() {
  local state=$apt/$1
  mkdir -p "$state"/{lists/partial,cache/archives/partial,packages}
  : >"$state/status"
  echo "deb [arch=amd64,arm64,armhf signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $1 main" >"$state/sources.list"
  cat >"$state/apt.conf" <<CONFIG
Dir::Etc::SourceList "$state/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$state";
Dir::State::Lists "$state/lists";
Dir::State::status "$state/status";
Dir::Cache "$state/cache";
APT::Architecture "amd64";
APT::Architectures { "amd64"; "arm64"; "armhf"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
CONFIG
  APT_CONFIG=$state/apt.conf apt-get update -qq
}

# unpack SUITE DIRECTORY PACKAGE…
unpack() {
  local state=$apt/$1 destination=$2 package
  shift 2
  mkdir -p "$destination"
  (cd "$state/packages" && APT_CONFIG=$state/apt.conf apt-get download -qq "$@")
  for package in "$state"/packages/*.deb; do dpkg -x "$package" "$destination"; done
  rm -f "$state"/packages/*.deb
}

# dependency PACKAGE PATTERN: what PACKAGE of Debian 13 depends on by a name that changes with every version.
dependency() {
  APT_CONFIG=$apt/trixie/apt.conf apt-cache depends "$1" | sed -n "s/.*Depends: \($2\)\$/\1/p" | head -1
}

suite trixie
suite bookworm

# `rustc-web` is the recent compiler that Debian keeps for browsers.
library=$(dependency libstd-rust-web-dev 'libstd-rust-web-[0-9.]*')
llvm=$(dependency "$library" 'libllvm[0-9]*')
unpack trixie "$prefix/host" rustc-web libstd-rust-web-dev "$library" "$llvm" \
  libc6 libgcc-s1 libstdc++6 zlib1g libzstd1 libxml2 libedit2 libffi8 libtinfo6 liblzma5 libz3-4 libbsd0 libmd0 libgmp10
for machine in arm64 armhf; do
  # Nothing but the standard library below usr/lib/rustlib.
  unpack trixie "$prefix/host" "libstd-rust-web-dev:$machine"
  unpack bookworm "$prefix/$machine" {libc6,libc6-dev,linux-libc-dev,libcrypt1,libgcc-s1,libstdc++6}:$machine libasound2-data \
    {libasound2,libasound2-dev,libjack-jackd2-0,libjack-jackd2-dev,libdb5.3,libsamplerate0}:$machine
  # One directory of libraries, as on a Debian system. The emulator translates no path in `statx`, so the 32-bit loader, which asks
  # with that whether a directory in which it missed one library is there at all, would not look into it again.
  cp -a "$prefix/$machine/lib/." "$prefix/$machine/usr/lib/"
  rm -rf "$prefix/$machine/lib"
  ln -s usr/lib "$prefix/$machine/lib"
done
unpack trixie "$prefix/gcc" qemu-user
unpack bookworm "$prefix/gcc" \
  {gcc,cpp}-12-aarch64-linux-gnu binutils-aarch64-linux-gnu libgcc-12-dev-arm64-cross libgcc-s1-arm64-cross \
  {gcc,cpp}-12-arm-linux-gnueabihf binutils-arm-linux-gnueabihf libgcc-12-dev-armhf-cross libgcc-s1-armhf-cross \
  binutils-common libbinutils libctf0 libgprofng0 libjansson4 libisl23 libmpc3 libmpfr6
find "$prefix/gcc/usr/bin" -name 'qemu-*' ! -name qemu-aarch64 ! -name qemu-arm -delete
rm -rf "$prefix"/*/usr/share/{doc,man,locale,info,lintian,bug}

# Every program runs with the loader and the libraries it was built against; PREFIX is found at run time, not written down.
# wrap NAME LINE…: a script in PREFIX/bin that knows PREFIX as $p. In bash, because others drop variables like CARGO_BIN_EXE_conductor-sign.
wrap() {
  local name=$1
  shift
  printf '%s\n' '#!/bin/bash' 'p=$(cd "$(dirname "$0")/.." && pwd)' "$@" >"$prefix/bin/$name"
}
wrap rustc 'l=$p/host/usr/lib/x86_64-linux-gnu' 'exec "$l/ld-linux-x86-64.so.2" --library-path "$l" "$p/host/usr/bin/rustc" "$@"'
libraries='export LD_LIBRARY_PATH="$p/gcc/usr/lib/x86_64-linux-gnu"'
for pair in arm64:aarch64-linux-gnu armhf:arm-linux-gnueabihf; do
  machine=${pair%%:*} name=${pair#*:}
  wrap "$name-gcc" "$libraries" "exec \"\$p/gcc/usr/bin/$name-gcc-12\" --sysroot=\"\$p/$machine\" \"\$@\""
  wrap "$name-ar" "$libraries" "exec \"\$p/gcc/usr/bin/$name-ar\" \"\$@\""
done
chmod +x "$prefix"/bin/*

# settings RUST-TARGET C-NAME MACHINE QEMU: where cargo, the `cc` crate, pkg-config and the tests find their tools.
settings() {
  local target=${1//-/_} name=$2 machine=$3 qemu=$4
  cat <<SETTINGS
export CARGO_TARGET_${target^^}_LINKER=\$p/bin/$name-gcc CC_$target=\$p/bin/$name-gcc AR_$target=\$p/bin/$name-ar
export CARGO_TARGET_${target^^}_RUNNER="\$p/gcc/usr/bin/$qemu -L \$p/$machine"
export PKG_CONFIG_SYSROOT_DIR_$target=\$p/$machine PKG_CONFIG_LIBDIR_$target=\$p/$machine/usr/lib/$name/pkgconfig
SETTINGS
}
{
  echo '# . env.sh, from bash: cargo builds for aarch64-unknown-linux-gnu and armv7-unknown-linux-gnueabihf, and runs the tests.'
  echo 'p=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)'
  echo 'export RUSTC=$p/bin/rustc PKG_CONFIG_ALLOW_CROSS=1'
  settings aarch64-unknown-linux-gnu aarch64-linux-gnu arm64 qemu-aarch64
  settings armv7-unknown-linux-gnueabihf arm-linux-gnueabihf armhf qemu-arm
} >"$prefix/env.sh"

"$prefix/bin/rustc" -V >&2
"$prefix/bin/aarch64-linux-gnu-gcc" --version | head -1 >&2
"$prefix/gcc/usr/bin/qemu-aarch64" --version | head -1 >&2
touch "$stamp"
