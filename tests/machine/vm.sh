#!/bin/bash
# tests/machine/vm.sh [-f FILE_OR_DIR]... SCRIPT: runs SCRIPT (sh, as root) in a small virtual machine that has what a container
# lacks: an ALSA sequencer, a virtual raw MIDI card that can be unplugged, and /dev/uinput with evdev. Exits with SCRIPT's
# status, or 125 when the machine did not finish. Emulation only, no KVM needed; some ten seconds on top of what SCRIPT takes.
#
# FILEs are copied to /data, where SCRIPT starts; busybox, aplaymidi, aseqdump, aconnect, amidi and evtest are on PATH, with
# the shared libraries that they and the programs among FILEs need. Installs what is missing with apt-get on first use.
#
#   MIDI_VM      directory the kernel is unpacked to, kept between runs (default: target/tools/midi-vm)
#   VM_TIMEOUT   seconds the machine may run (default: 600)
#   VM_CPUS      processors it has (default: 2)
set -euo pipefail

kernel=$(realpath -m "${MIDI_VM:-target/tools/midi-vm}")
files=()
while getopts f: option; do
  case $option in
    f) files+=("$OPTARG") ;;
    *) sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
  esac
done
shift $((OPTIND - 1))
script=${1:?which script?}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

install_tools() {
  local tool missing=()
  for tool in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio aseqdump:alsa-utils evtest:evtest xz:xz-utils; do
    command -v "${tool%%:*}" >/dev/null || missing+=("${tool#*:}")
  done
  [ ${#missing[@]} = 0 ] && return
  as_root apt-get update -qq
  DEBIAN_FRONTEND=noninteractive as_root apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# Debian's own kernel, unpacked and never installed here. Unpacked beside its place and moved there, so that two runs at once
# cannot see half of it.
unpack_kernel() {
  ls "$kernel"/boot/vmlinuz-* >/dev/null 2>&1 && return
  local candidate package unpacked
  candidate=$(apt-cache policy linux-image-amd64 | grep Candidate || true)
  [ -n "$candidate" ] || as_root apt-get update -qq
  package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*amd64\)$/\1/p' | head -1)
  mkdir -p "$(dirname "$kernel")"
  unpacked=$(mktemp -d "$kernel.XXXXXX")
  (cd "$unpacked" && apt-get download -qq -o APT::Sandbox::User=root "$package" && dpkg -x linux-image-*.deb . && rm -f ./*.deb)
  rm -rf "$kernel"
  mv "$unpacked" "$kernel"
}

# Shared libraries of every program in the root file system, from this machine.
copy_libraries() {
  local root=$1 program library
  find "$root/bin" "$root/data" -type f | while read -r program; do
    if [ "$(head -c4 "$program" | tr -d '\0')" = $'\x7fELF' ]; then ldd "$program" 2>/dev/null | grep -o '/[^ )]*' || true; fi
  done | sort -u | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done
}

copy_modules() {
  local root=$1 name found
  for name in sound/soundcore sound/core/snd sound/core/snd-timer sound/core/snd-seq-device sound/core/seq/snd-seq \
    sound/core/snd-rawmidi sound/core/seq/snd-seq-midi-event sound/core/seq/snd-seq-midi sound/core/seq/snd-seq-virmidi \
    sound/drivers/snd-virmidi drivers/input/evdev drivers/input/misc/uinput; do
    for found in "$kernel"/lib/modules/*/kernel/"$name".ko*; do
      case $found in
        *.ko.xz) xz -dc "$found" > "$root/modules/$(basename "$name").ko" ;;
        *.ko) cp "$found" "$root/modules/" ;;
      esac
    done
  done
}

build_root() {
  local root=$1 applet program file
  mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp,lib64,data,usr/share,usr/lib,modules,run,root}
  ln -s usr/lib "$root/lib"
  cp "$(command -v busybox)" "$root/bin/busybox"
  for applet in $("$root/bin/busybox" --list | grep -vx busybox); do ln -sf busybox "$root/bin/$applet"; done
  for program in aplaymidi aseqdump aconnect amidi evtest; do cp "$(command -v "$program")" "$root/bin/"; done
  for file in "${files[@]}"; do cp -rL "$file" "$root/data/"; done
  cp "$script" "$root/data/.script"
  cp -r /usr/share/alsa "$root/usr/share/"
  copy_libraries "$root"
  copy_modules "$root"
  cat > "$root/init" <<'INIT'
#!/bin/sh
export PATH=/bin HOME=/root
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mkdir -p /dev/shm; ifconfig lo 127.0.0.1 up
for module in soundcore snd snd-timer snd-seq-device snd-seq snd-rawmidi snd-seq-midi-event snd-seq-midi snd-seq-virmidi \
  snd-virmidi evdev uinput; do
  [ ! -e /modules/$module.ko ] || insmod /modules/$module.ko
done
cd /data; echo "=== start"; sh /data/.script; echo "=== status=$?"
poweroff -f
INIT
  chmod +x "$root/init"
}

install_tools
unpack_kernel
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build_root "$work/root"
(cd "$work/root" && find . | cpio -o -H newc --quiet | gzip -1) > "$work/initrd.gz"
images=("$kernel"/boot/vmlinuz-*)
timeout "${VM_TIMEOUT:-600}" qemu-system-x86_64 -M q35 -cpu max -smp "${VM_CPUS:-2}" -m 1024 -nographic -no-reboot -nic none \
  -kernel "${images[0]}" -initrd "$work/initrd.gz" -append "console=ttyS0 quiet panic=-1 tsc=reliable clocksource=tsc" </dev/null 2>&1 |
  tr -d '\r' | tee "$work/console" | sed -un 's/.*=== start/=== start/; /=== start/,/=== status/p' | grep -v --line-buffered '^=== ' || true
status=$(sed -n 's/.*=== status=\([0-9]*\).*/\1/p' "$work/console")
if [ -z "$status" ]; then
  echo "the machine did not finish; its console ended with:" >&2
  tail -20 "$work/console" >&2
  exit 125
fi
exit "$status"
