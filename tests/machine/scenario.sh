# Conductor on real ports and devices, driven by programs nobody here wrote. Run by run.sh inside the machine.

. ./lib.sh
./conductor version || exit 1
log=/tmp/conductor.log          # what Conductor says
events=/tmp/events.jsonl        # its account, a line of JSON for each event
heard=/tmp/heard                # what aseqdump heard
notes=/root/.local/share/conductor/plugin-data/note-logger/default/notes.log
card=/sys/bus/platform/drivers/snd_virmidi

# listen: aseqdump hears what Conductor sends to whoever listens.
listen() {
  aseqdump -p "$(address Out)" >> $heard &
  listener=$!
  within 10 subscribed
}
subscribed() { aconnect -l | grep -A2 "'Out " | grep -q "Connecting To"; }

unplug() { echo snd_virmidi.0 > $card/unbind; }
plug() { echo snd_virmidi.0 > $card/bind; }
card_pad() { amidi -p hw:0,1 -S '90 24 64 80 24 00'; }   # note 36 from the card

# --- what there is --------------------------------------------------------------------------------------------------
./conductor ports > /tmp/ports
promise "ports: lists a card's port as input and output" count /tmp/ports "VirMIDI 0-1" 2
./conductor ports --json > /tmp/ports.json
promise "ports --json: gives the same to programs" has /tmp/ports.json '"port":"VirMIDI 0-1"'
promise "check: accepts the configuration" ./conductor check config.toml

# --- monitor --------------------------------------------------------------------------------------------------------
./conductor monitor --input virtual:Watch --count 1 > /tmp/monitor 2> /tmp/monitor.err &
monitor=$!
promise "monitor: offers a port of its own" within 20 port Watch
press Watch 60 99
promise "monitor: ends after the messages asked for" within 20 ended $monitor
promise "monitor: prints what aplaymidi played" has /tmp/monitor "note 60, velocity 99"
promise "monitor: prints the lines that would map it" has /tmp/monitor "trigger ="

# --- start, with one device missing ---------------------------------------------------------------------------------
unplug
CONDUCTOR_SCREEN=640x480 ./conductor run --config config.toml --json > $events 2> $log &
conductor=$!
promise "run: offers its port though another device is missing" within 20 port Pads
port Pads || { cat $log; finish; exit 1; }   # nothing below can work
promise "run: makes its output port before it is used" within 10 port Out
listen

# --- the plugin -----------------------------------------------------------------------------------------------------
press Pads 60 100
promise "plugin: runs on what aplaymidi plays into the port" within 20 has $notes "note=60 velocity=100 take one"
promise "plugin: its answer is in the account" within 10 has $events '"plugin":"note-logger"'
press Pads 60 77
promise "plugin: keeps its instance and its file across calls" within 20 in_order $notes "velocity=100" "velocity=77"
promise "plugin: counts two lines" within 10 has $events '"output":{"count":2}'

# --- MIDI out -------------------------------------------------------------------------------------------------------
press Pads 61
promise "midi out: aseqdump hears every kind of message, in order" within 20 in_order $heard \
  "Note on                 2, note 70, velocity 101" \
  "Control change          2, controller 7, value 99" \
  "Program change          2, program 12" \
  "Pitch bend              2, value -8192" \
  "Channel aftertouch      2, value 55" \
  "Note off                2, note 70"
press Pads 62
within 10 has $heard "note 80"
press Pads 63
promise "delay: what is played meanwhile is not held up" within 20 in_order $heard "note 80" "note 81" "note 82"

# --- a program that is played to comes and goes -----------------------------------------------------------------------
kill $listener; wait $listener 2>/dev/null   # it has the same name
aseqdump > /tmp/first &
first=$!
within 10 has /tmp/first "Waiting for data"
press Pads 64
promise "midi out: a program is found by its name" within 10 has /tmp/first "controller 20, value 1"
kill $first; wait $first 2>/dev/null
press Pads 64                        # nobody there
aseqdump > /tmp/second &
second=$!
within 10 has /tmp/second "Waiting for data"
sleep 1
press Pads 64
promise "midi out: and found again when it is back" within 10 has /tmp/second "controller 20, value 1"
kill $second; wait $second 2>/dev/null
listen

# --- keys and mouse ---------------------------------------------------------------------------------------------------
keyboard=$(input_device "Conductor keyboard")
pointer=$(input_device "Conductor pointer")
promise "keys: the keyboard is there before the first key" [ -n "$keyboard" ]
promise "click: so is the pointer" [ -n "$pointer" ]
evtest "$keyboard" > /tmp/keys 2>&1 &
keys=$!
evtest "$pointer" > /tmp/clicks 2>&1 &
clicks=$!
within 10 has /tmp/keys "Testing"
within 10 has /tmp/clicks "Testing"
press Pads 65
promise "keys: evtest sees Ctrl+C, pressed and let go in order" within 10 in_order /tmp/keys \
  "(KEY_LEFTCTRL), value 1" "(KEY_C), value 1" "(KEY_C), value 0" "(KEY_LEFTCTRL), value 0"
press Pads 66
promise "text: evtest sees it typed, with Shift where it belongs" within 20 in_order /tmp/keys \
  "(KEY_LEFTSHIFT), value 1" "(KEY_H), value 1" "(KEY_LEFTSHIFT), value 0" "(KEY_I), value 1" "(KEY_COMMA), value 1" \
  "(KEY_SPACE), value 1" "(KEY_Y), value 1" "(KEY_O), value 1" "(KEY_U), value 1" \
  "(KEY_LEFTSHIFT), value 1" "(KEY_1), value 1" "(KEY_LEFTSHIFT), value 0" "(KEY_SPACE), value 1" \
  "(KEY_LEFTSHIFT), value 1" "(KEY_LEFTBRACE), value 1" "(KEY_LEFTSHIFT), value 0" "(KEY_4), value 1" "(KEY_2), value 1" \
  "(KEY_LEFTSHIFT), value 1" "(KEY_RIGHTBRACE), value 1" "(KEY_RIGHTBRACE), value 0" "(KEY_LEFTSHIFT), value 0"
press Pads 67
promise "click: evtest sees the pointer go there, then the button" within 10 in_order /tmp/clicks \
  "(ABS_Y), value 50" "(ABS_X), value 100" "(BTN_RIGHT), value 1" "(BTN_RIGHT), value 0"
kill $keys $clicks

# --- programs ---------------------------------------------------------------------------------------------------------
press Pads 68
promise "shell: the line is run" within 10 has /tmp/shell "from a pad"
press Pads 69
promise "launch: the program is started, quotes and all" within 10 [ -e "/tmp/launched here" ]
no_zombie() { ! ps -o stat= | grep -q '^Z'; }
promise "programs that ended leave nothing behind" within 10 no_zombie

# --- the card comes, goes and comes again -----------------------------------------------------------------------------
plug
within 10 port "VirMIDI 0-1"
pad_works() { before=$(grep -cF "note 90" $heard); card_pad; sleep 0.5; [ "$(grep -cF "note 90" $heard)" -gt "$before" ]; }
promise "hot-plug: a device missing at the start is found when it comes" within 20 pad_works
unplug
gone() { ! port "VirMIDI 0-1"; }
promise "hot-plug: the card can be pulled out while Conductor listens" within 10 gone
press Pads 63
promise "hot-plug: the other device plays on" within 10 in_order $heard "note 81" "note 90" "note 81"
plug
within 10 port "VirMIDI 0-1"
promise "hot-plug: and it is found again when it is back" within 20 pad_works

# --- the end ----------------------------------------------------------------------------------------------------------
promise "run: nothing has ended it so far" kill -0 $conductor
kill -TERM $conductor
promise "run: SIGTERM ends it" within 10 ended $conductor
wait $conductor
promise "run: and its exit code is 0" [ $? = 0 ]
promise "run: its keyboard is gone with it" [ -z "$(input_device 'Conductor keyboard')" ]
kill $listener

. ./own_ports.sh
. ./surface.sh
. ./lamps.sh

# --- without permission -----------------------------------------------------------------------------------------------
chmod 0666 /dev/snd/*
printf 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/tmp:/bin/sh\n' > /etc/passwd
su nobody -c 'cd /data && exec ./conductor run --config config.toml' > /tmp/nobody.out 2> /tmp/nobody.log &
nobody=$!
promise "keys: where they are not permitted, the udev rule is told" within 20 has /tmp/nobody.log 'KERNEL=="uinput", GROUP="input"'
kill $nobody

if [ $failed != 0 ]; then
  for file in $log $events $heard /tmp/monitor /tmp/monitor.err /tmp/keys /tmp/clicks /tmp/nobody.log \
    /tmp/light.log /tmp/light.jsonl /tmp/round.log /tmp/round.jsonl /tmp/other.log /tmp/own.err /tmp/surface.log /tmp/lamps.log /tmp/lamps.1 /tmp/lamps.2 /tmp/burst.err /tmp/sound /tmp/talk /tmp/button; do
    echo "--- $file"; tail -n 40 $file
  done
fi
finish
