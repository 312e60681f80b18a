# Conductor's own ports are never its inputs, and what comes back is cut. Sourced by scenario.sh; the card is plugged in, and no
# Conductor runs.

light=/tmp/light.log
lights=/tmp/light.jsonl
round=/tmp/round.log
rounds=/tmp/round.jsonl

# pressed NUMBER NOTE: presses the note on the card's port of this number.
pressed() { amidi -p "hw:0,$1" -S "90 $2 64 80 $2 00"; }
# lit NUMBER NOTE: the pad of this note on that port is lit by pressing it.
lit() {
  rm -f /tmp/lamp
  amidi -p "hw:0,$1" -t 2 -d > /tmp/lamp &
  lamp=$!
  sleep 0.5
  pressed "$1" "$2"
  wait $lamp
  grep -q "90${2}05" /tmp/lamp
}
# number_of FILE TEXT: how many lines hold TEXT.
number_of() { grep -cF -- "$2" "$1" 2>/dev/null; }

# --- the controller is absent at the start ----------------------------------------------------------------------------
unplug
./conductor run --config light.toml --json > $lights 2> $light &
lighter=$!
promise "own ports: the program starts without its controller" within 20 port Keyboard
promise "own ports: and offers the port to light it" within 10 port "VirMIDI 0-2"
sleep 1
heard_itself() { grep -q "reading Conductor Out" $light; }
promise "own ports: which it does not take for the controller" within 1 has $light "VirMIDI 0-2\" is not there"
plug
within 10 has $light "reading Virtual Raw MIDI 0-2"
promise "own ports: the controller is found when it comes" within 10 has $light "reading Virtual Raw MIDI 0-2"
promise "own ports: a press lights its pad" within 1 lit 2 24
promise "own ports: and so it does where the beginning of a name is given" within 1 lit 0 25
for round_trip in 1 2; do
  unplug
  within 10 gone
  sleep 1
  plug
  within 10 port "VirMIDI 0-2"
  promise "own ports: unplugged and plugged in again, $round_trip" within 1 lit 2 24
done
promise "own ports: none of them was ever read" not heard_itself
press Keyboard 38
promise "own ports: what is sent to the name of a port of ours does not come back" within 10 has $lights '"mapping":"to nobody"'
sleep 1
promise "own ports: and is not heard" count $lights '"mapping":"to nobody"' 1
./conductor monitor --input "Conductor Out" > /tmp/own 2> /tmp/own.err
promise "own ports: another Conductor does not read them either" has /tmp/own.err "is a port that Conductor sends from"
./conductor ports > /tmp/own.ports
promise "own ports: they are not listed" not has /tmp/own.ports "Conductor Out"
kill $lighter; wait $lighter 2>/dev/null

# --- a loop -------------------------------------------------------------------------------------------------------------
./conductor run --config loop.toml --json --record /tmp/round.journal.jsonl --transcript /tmp/round.transcript.jsonl > $rounds 2> $round &
looper=$!
within 20 port Pads
within 10 port Round
aconnect "$(address Round)" "$(address Pads)"
press Pads 70
promise "loop: through a connection of two ports, it is noticed and said" within 10 has $round 'MIDI loop: what goes out at port "virtual:Round" comes back from "virtual:Pads"'
sleep 1
storm=$(number_of $rounds '"mapping":"round"')
promise "loop: after few turns ($storm)" [ "$storm" -lt 40 ]
press Pads 70
within 5 count $rounds '"mapping":"round"' $((storm + 1))
sleep 1
promise "loop: then a press fires once, though the connection is still there" count $rounds '"mapping":"round"' $((storm + 1))
promise "loop: it was said once" count $round "MIDI loop: what" 1
aconnect -d "$(address Round)" "$(address Pads)"
./conductor run --config other.toml > /tmp/other.out 2> /tmp/other.log &
other=$!
within 20 port Elsewhere
press Pads 71
# Either of the two may be the one that cuts it.
cut() { has $round 'MIDI loop: what goes out at port "Else" comes back' || has /tmp/other.log 'MIDI loop: what goes out at port "Pads" comes back'; }
promise "loop: through another program, it is noticed and said" within 20 cut
sleep 1
storm=$(number_of $rounds '"mapping":"round through another program"')
sleep 2
promise "loop: and after $storm turns it goes round no more" count $rounds '"mapping":"round through another program"' "$storm"
kill $other; wait $other 2>/dev/null
kill -TERM $looper
within 10 ended $looper
promise "loop: at the end it is said how many messages were left out" has $round "messages of MIDI loops left out in all"
promise "loop: its recording replays to the same transcript" ./conductor replay /tmp/round.journal.jsonl --expect /tmp/round.transcript.jsonl
