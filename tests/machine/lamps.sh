# A controller shows what is so, byte for byte. Sourced by scenario.sh; no Conductor runs.

lamps=/tmp/lamps.log
mkfifo /tmp/hand.1 /tmp/hand.2

# controller NUMBER: a controller is plugged in, played through /tmp/hand.NUMBER; what its lamps are told goes to /tmp/lamps.NUMBER.
controller() {
  ./machine-ports controller Lamps < /tmp/hand.$1 > /tmp/lamps.$1 2>> $lamps &
  controller=$!
}

# told NUMBER LINE...: these, and nothing else, is what the controller was told.
told() {
  file=/tmp/lamps.$1
  shift
  printf '%s\n' "$@" > /tmp/told
  cmp -s /tmp/told $file
}

greeting="f0 00 20 29 02 0d 0e 01 f7"
farewell="f0 00 20 29 02 0d 0e 00 f7"
orange="f0 00 20 29 02 0d 03 03 26 7f 44 00 f7"

controller 1
exec 8> /tmp/hand.1
within 10 has /proc/asound/seq/clients '"Lamps"'
./conductor run --config lamps.toml 2>> $lamps > /dev/null 8>&- &
shower=$!
set -- "$greeting" "90 24 15" "90 25 00" "$orange"
promise "lamps: at the start a controller is greeted and told everything, on the port of its own client" within 20 told 1 "$@"
echo "90 24 64" >&8
echo "80 24 00" >&8
set -- "$@" "90 24 05"
promise "lamps: a change is told alone" within 10 told 1 "$@"
echo "90 25 64" >&8
echo "80 25 00" >&8
set -- "$@" "91 25 05" "90 26 00"
promise "lamps: and so is what differs in another mode" within 10 told 1 "$@"
exec 8>&-
promise "lamps: the controller is pulled out" within 10 ended $controller
promise "lamps: which is said" within 10 has $lamps "pads: its port vanished"
controller 2
exec 8> /tmp/hand.2
set -- "$greeting" "90 24 05" "91 25 05" "90 26 00"
promise "lamps: and told everything when it is back, as it is by then" within 20 told 2 "$@"
kill -TERM $shower
promise "lamps: at the end it is taken leave of" within 10 told 2 "$@" "$farewell"
wait $shower
exec 8>&-
