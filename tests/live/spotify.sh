#!/usr/bin/env bash
# tests/live/spotify.sh CLIENT_ID [DEVICE]: holds the plugin for Spotify to a real account, by a person who watches. Needs Premium, an app at
# developer.spotify.com with the redirect URI http://127.0.0.1/callback, curl and jq, and Spotify playing something longer than a minute.
#
# Logs in, does each action, and reads back from Spotify what came of it. Volume, shuffle and repeat are put back at the end; what plays is
# not. With DEVICE it also moves to the device of that name. The login is kept in a directory of its own and forgotten at the end; the
# app stays allowed until it is taken back on the account's page "Manage apps". CONDUCTOR names another program than the built one.
set -euo pipefail
umask 077
cd "$(dirname "$0")/../.."

[ $# -ge 1 ] || { sed -n '2,8s/^# //p' "$0" >&2; exit 2; }
client=$1 device=${2:-}
conductor=${CONDUCTOR:-target/debug/conductor}
# For trying this script against something else.
api=${SPOTIFY_API:-https://api.spotify.com/v1} accounts=${SPOTIFY_ACCOUNTS:-https://accounts.spotify.com}
for program in curl jq; do command -v "$program" >/dev/null || { echo "spotify.sh: install $program" >&2; exit 2; }; done
[ -x "$conductor" ] || { echo "spotify.sh: no $conductor; build it with: cargo build" >&2; exit 2; }

home=$(mktemp -d)
export XDG_STATE_HOME=$home/state
host=${api%/v1}
cat >"$home/config.toml" <<TOML
[plugins.spotify]
path = "$PWD/fixtures/plugins/conductor_wasm_spotify.wasm"
granted_capabilities = ["Network"]
allowed_hosts = ["$host"]
config = { api = "$api" }

[plugins.spotify.oauth]
client_id = "$client"
authorize_url = "$accounts/authorize"
token_url = "$accounts/api/token"
scopes = ["user-read-playback-state", "user-modify-playback-state"]
hosts = ["$host"]
TOML

failed=0 before=''
finish() {
  if [ -n "$before" ]; then
    echo 'putting back volume, shuffle and repeat'
    local volume
    volume=$(jq -r '.device.volume_percent // empty' <<<"$before")
    [ -z "$volume" ] || press "{\"action\":\"volume\",\"percent\":$volume}" >/dev/null || true
    press "{\"action\":\"shuffle\",\"state\":\"$(jq -r 'if .shuffle_state then "on" else "off" end' <<<"$before")\"}" >/dev/null || true
    press "{\"action\":\"repeat\",\"mode\":\"$(jq -r '.repeat_state | sub("context"; "all")' <<<"$before")\"}" >/dev/null || true
  fi
  "$conductor" plugin logout spotify >/dev/null 2>&1 || true
  rm -rf "$home"
}
trap finish EXIT

# press JSON: one call of the plugin.
press() {
  "$conductor" plugin run --perform --config "$home/config.toml" spotify --params "$1" 2>&1
}

# What Spotify says of its player, asked past Conductor. The token is on no command line.
player() {
  curl -sS --fail --config <(jq -r '"header = \"authorization: Bearer \(.access_token)\""' "$XDG_STATE_HOME/conductor/tokens/spotify/token.json") "$api/me/player"
}

# expect JSON FILTER: after this call the filter holds of the player, within five seconds: Spotify carries commands out later.
expect() {
  local said
  if ! said=$(press "$1"); then
    printf 'FAIL  %s\n%s\n' "$1" "$said"
    failed=1
    return
  fi
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    if player | jq -e "$2" >/dev/null 2>&1; then
      printf 'ok    %s\n' "$1"
      return
    fi
    sleep 0.5
  done
  printf 'FAIL  %s: not %s\n' "$1" "$2"
  failed=1
}

"$conductor" plugin login spotify --config "$home/config.toml"
before=$(player)
[ -n "$before" ] || { echo 'spotify.sh: play something first, so that there is something to steer' >&2; exit 2; }

expect '{"action":"pause"}' '.is_playing | not'
expect '{"action":"pause"}' '.is_playing | not' # what is so already is done
expect '{"action":"play"}' '.is_playing'
expect '{"action":"toggle"}' '.is_playing | not'
expect '{"action":"toggle"}' '.is_playing'
expect '{"action":"seek","position":30}' '.progress_ms >= 30000 and .progress_ms < 40000'
expect '{"action":"seek","change":-10}' '.progress_ms >= 15000 and .progress_ms < 32000'
expect '{"action":"shuffle","state":"on"}' '.shuffle_state'
expect '{"action":"shuffle"}' '.shuffle_state | not'
expect '{"action":"repeat","mode":"track"}' '.repeat_state == "track"'
expect '{"action":"repeat"}' '.repeat_state == "off"'
expect '{"action":"repeat"}' '.repeat_state == "context"'
if jq -e '.device.supports_volume' <<<"$before" >/dev/null; then
  expect '{"action":"volume","percent":30}' '.device.volume_percent == 30'
  expect '{"action":"volume","change":5}' '.device.volume_percent == 35'
else
  echo 'left out: the volume, which this device does not let be set'
fi
expect '{"action":"play","context":"spotify:album:5ht7ItJgpBH7W6vJ5BqpPr","offset":1}' '.is_playing and .context.uri == "spotify:album:5ht7ItJgpBH7W6vJ5BqpPr" and .item.track_number == 2'
expect '{"action":"next"}' '.item.track_number == 3'
expect '{"action":"previous"}' '.item.track_number == 2'
if [ -n "$device" ]; then
  expect "$(jq -nc --arg device "$device" '{action: "transfer", device: $device, play: true}')" ".device.name == $(jq -n --arg device "$device" '$device')"
fi

# A token that is over is renewed.
file=$XDG_STATE_HOME/conductor/tokens/spotify/token.json
old=$(jq -r .access_token "$file")
jq -c '.expires_at = 1' "$file" >"$file.new" && mv "$file.new" "$file"
expect '{"action":"pause"}' '.is_playing | not'
if [ "$(jq -r .access_token "$file")" != "$old" ]; then
  echo 'ok    the token was renewed'
else
  echo 'FAIL  the token was not renewed'
  failed=1
fi
exit $failed
