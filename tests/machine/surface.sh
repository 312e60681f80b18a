# What a control surface does beyond pressing pads: keys that are held, faders, transport, long messages, bursts; and how long a
# message takes. Sourced by scenario.sh; the card is plugged in, and no Conductor runs.

surface=/tmp/surface.log
surfaces=/tmp/surface.jsonl
sound=/tmp/sound

# A system exclusive message of 4,096 bytes: bytes, and text for the configuration.
awk 'BEGIN { printf "f0"; for (i = 0; i < 4094; i++) printf " %02x", (i * 7) % 128; printf " f7" }' > /tmp/long.txt
for byte in $(cat /tmp/long.txt); do printf "\\x$byte"; done > /tmp/long.syx
{
  cat surface.toml
  echo '[[global_mappings]]'
  echo 'description = "long"'
  echo "trigger = { SysEx = { prefix = \"$(sed 's/ f7$//' /tmp/long.txt)\" } }"
  echo "action = { SendMidi = { port = \"VirMIDI 0-2\", message_type = \"SysEx\", data = \"$(cat /tmp/long.txt)\" } }"
} > surface_long.toml

promise "surface: the configuration with a message of 4 KB is accepted" ./conductor check surface_long.toml
./conductor run --config surface_long.toml --json > $surfaces 2> $surface &
player=$!
within 20 port Surface
within 10 port Sound
within 20 has $surface "reading Virtual Raw MIDI 0-1"
aseqdump -p "$(address Sound)" > $sound &
hearing=$!
connected() { aconnect -l | grep -A2 "'Sound " | grep -q "Connecting To"; }
within 10 connected

# --- push to talk -----------------------------------------------------------------------------------------------------
evtest "$(input_device 'Conductor keyboard')" > /tmp/talk 2>&1 &
talk=$!
evtest "$(input_device 'Conductor pointer')" > /tmp/button 2>&1 &
button=$!
within 10 has /tmp/talk "Testing"
within 10 has /tmp/button "Testing"
amidi -p hw:0,1 -S '90 28 64'
promise "push to talk: the key goes down with the pad" within 20 has /tmp/talk "(KEY_F13), value 1"
sleep 1
promise "push to talk: and stays down as long as the pad" not has /tmp/talk "(KEY_F13), value 0"
amidi -p hw:0,1 -S '80 28 00'
promise "push to talk: the key goes up with the pad" within 20 has /tmp/talk "(KEY_F13), value 0"
amidi -p hw:0,1 -S '90 29 64'
promise "push to talk: so does a mouse button, down" within 20 has /tmp/button "(BTN_LEFT), value 1"
unplug
promise "push to talk: and up when the device is pulled out" within 20 has /tmp/button "(BTN_LEFT), value 0"
plug
kill $talk $button
within 20 count $surface "reading Virtual Raw MIDI 0-1" 2

# --- faders and transport ---------------------------------------------------------------------------------------------
amidi -p hw:0,1 -S 'b0 07 10 07 70 07 71'
promise "fader: what comes into its range goes out on another port, in 14 bits" within 20 in_order $sound \
  "Control change          2, controller 11, value 64" "Control change          2, controller 43, value 1" \
  "Control change          2, controller 11, value 64" "Control change          2, controller 43, value 1"
promise "fader: and nothing else does" count $sound "controller 11," 2
amidi -p hw:0,1 -S 'b0 08 00 08 10 08 70 08 7f'
promise "fader: another one with another number, on another channel, in another range" within 20 in_order $sound \
  "Control change          2, controller 74, value 0" "Control change          2, controller 74, value 5" \
  "Control change          2, controller 74, value 35" "Control change          2, controller 74, value 40"
promise "fader: once for each of its messages" count $sound "controller 74," 4
aplay_transport() { ./machine-ports transport "$(address Surface)"; }
promise "transport: a start is sent" aplay_transport
promise "transport: and answered with a position, a continue, and a parameter that is let go of" within 20 in_order $sound \
  "Song position pointer" "Continue" "controller 99, value 9" "controller 98, value 82" "controller 6, value 0" \
  "controller 38, value 5" "controller 101, value 127" "controller 100, value 127"

# --- long messages ----------------------------------------------------------------------------------------------------
amidi -p hw:0,2 -t 20 -r /tmp/came.syx > /dev/null &
taker=$!
sleep 1
amidi -p hw:0,1 -s /tmp/long.syx
promise "sysex: all of a message of 4 KB comes in through the sequencer" within 20 has $surfaces '"mapping":"long"'
same() { cmp -s /tmp/long.syx /tmp/came.syx; }
wait $taker
promise "sysex: and all of one goes out" same

# --- a burst ----------------------------------------------------------------------------------------------------------
./conductor monitor --input virtual:Burst --json > /tmp/burst.jsonl 2> /tmp/burst.err &
watcher=$!
within 20 port Burst
for burst in 1 2 3; do
  promise "burst: 2,000 messages at one moment, $burst" ./machine-ports burst "$(address Burst)" 2000
  promise "burst: and none is lost, $burst" within 20 count /tmp/burst.jsonl '"controller":20' $((burst * 2000))
done
kill $watcher
promise "burst: 2,000 at one moment for a mapping" ./machine-ports burst "$(address Surface)" 2000
promise "burst: and it fires for each" within 20 count $surfaces '"mapping":"burst"' 2000
promise "burst: nothing was said to be lost" not has $surface "before they could be read"

# --- another program's library ---------------------------------------------------------------------------------------
promise "midir: what a program that speaks with it sends through a route comes back to it, byte for byte" \
  timeout 120 ./machine-ports mirror Through Passed

# --- latency ----------------------------------------------------------------------------------------------------------
./machine-ports relay "Relay in" "Relay out" &
relay=$!
within 10 port "Relay in"
within 10 port "Relay out"
promise "latency: a note through a connection, a relay, a route and a mapping" timeout 300 ./machine-ports latency 300 \
  "a relay" "Relay in" "Relay out" "a route" Through Passed "a mapping" Surface Sound
kill $relay

kill -TERM $player
within 10 ended $player
kill $hearing
