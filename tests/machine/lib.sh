# What a scenario in the machine is written with. Sourced; POSIX sh, as busybox has it.

passed=0
failed=0

# promise TEXT COMMAND...: holds COMMAND, which may be a function, to success.
promise() {
  text=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok    $text"
  else
    failed=$((failed + 1))
    echo "FAIL  $text"
  fi
}

# within SECONDS COMMAND...: tries COMMAND until it succeeds. The machine is emulated: seconds here are generous.
within() {
  tries=$(($1 * 10))
  shift
  while ! "$@"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 0.1
  done
}

# not COMMAND...: COMMAND fails.
not() { ! "$@"; }

# has FILE TEXT: FILE holds a line with TEXT (fixed, not a pattern).
has() { grep -qF -- "$2" "$1" 2>/dev/null; }

# count FILE TEXT NUMBER: that many lines hold TEXT.
count() { [ "$(grep -cF -- "$2" "$1" 2>/dev/null)" = "$3" ]; }

# in_order FILE TEXT...: lines with each TEXT stand in FILE in this order.
in_order() {
  file=$1
  shift
  printf '%s\n' "$@" > /tmp/wanted
  awk 'NR == FNR { wanted[count++] = $0; next } met < count && index($0, wanted[met + 0]) { met++ } END { exit (met < count) }' \
    /tmp/wanted "$file" 2>/dev/null
}

# midi_file FILE NOTE VELOCITY: a Standard MIDI File of one note on channel 1.
midi_file() {
  {
    printf 'MThd\000\000\000\006\000\000\000\001\000\140'
    printf 'MTrk\000\000\000\014'
    printf "\\000\\220\\$(printf %03o "$2")\\$(printf %03o "$3")\\030\\200\\$(printf %03o "$2")\\100\\000\\377\\057\\000"
  } > "$1"
}

# port NAME: the sequencer has a port of this name.
port() { aconnect -l | grep -q "^ *[0-9]* '$1 *'"; }

# address NAME: client and port number of the port of this name.
address() { aconnect -l | awk -v name="$1" -F"'" '/^client/ { split($0, part, /[ :]/); client = part[2] }
  /^ / { port = $1; gsub(/ /, "", port); gsub(/ *$/, "", $2); if ($2 == name) { print client ":" port; exit } }'; }

# press PORT NOTE [VELOCITY]: aplaymidi plays the note into the port.
press() {
  midi_file /tmp/press.mid "$2" "${3:-100}"
  aplaymidi -d 0 -p "$(address "$1")" /tmp/press.mid
}

# input_device NAME: the event device of the input device of this name.
input_device() {
  sed -n "/^N: Name=\"$1\"/,/^\$/s/^H: Handlers=.*\\(event[0-9]*\\).*/\\/dev\\/input\\/\\1/p" /proc/bus/input/devices
}

# ended PID: the process is gone.
ended() { ! kill -0 "$1" 2>/dev/null; }

# finish: prints the sum and fails when a promise did.
finish() {
  echo "$passed passed, $failed failed"
  [ $failed = 0 ]
}
