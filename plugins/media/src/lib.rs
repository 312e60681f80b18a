//! Plays, pauses and steers every player that speaks MPRIS, through `playerctl`. `README.md` beside it has mappings.

mod player;

use conductor_plugin::{Action, Capability, Failure, Metadata, Request, metadata, plugin};
use serde::{Deserialize, Serialize};

use player::Player;

plugin!(
    Metadata {
        capabilities: &[Capability::Subprocess],
        actions: &[
            Action { name: "play", description: "Plays on", parameters: &[] },
            Action { name: "pause", description: "Pauses", parameters: &[] },
            Action { name: "toggle", description: "Plays what is paused, pauses what plays", parameters: &[] },
            Action { name: "next", description: "To the next track", parameters: &[] },
            Action { name: "previous", description: "To the track before", parameters: &[] },
            Action { name: "stop", description: "Stops", parameters: &[] },
            Action { name: "seek", description: "To position, or by change, in seconds", parameters: &[] },
            Action { name: "volume", description: "To percent, or by change", parameters: &[] },
            Action { name: "shuffle", description: "To state: on, off, toggle (default)", parameters: &[] },
            Action { name: "repeat", description: "To mode: off, track, all, next (default)", parameters: &[] },
        ],
        params_schema: include_str!("params.json"),
        ..metadata!()
    },
    media
);

/// What a mapping may write beside `action`; `params.json` says the same to the host.
#[derive(Deserialize)]
struct Params {
    player: Option<String>,
    position: Option<u32>,
    percent: Option<u8>,
    change: Option<i32>,
    state: Option<String>,
    mode: Option<String>,
}

/// What a call answers: what was set, where the player does not decide it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    volume: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shuffle: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat: Option<&'static str>,
}

fn media(request: &Request) -> Result<Answer, Failure> {
    let Params { player, position, percent, change, state, mode } = request.params()?;
    let player = Player(player.as_deref());
    let none = Answer::default();
    match request.action.as_str() {
        "play" => player.unless(&["Playing"], "play")?,
        "pause" => player.unless(&["Paused", "Stopped"], "pause")?,
        "stop" => player.unless(&["Stopped"], "stop")?,
        "toggle" => player.told(&["play-pause"])?,
        "next" => player.told(&["next"])?,
        "previous" => player.told(&["previous"])?,
        "seek" => match (position, change) {
            (Some(to), None) => player.told(&["position", &to.to_string()])?,
            (None, Some(0)) => {}
            (None, Some(by)) => {
                let sign = if by < 0 { '-' } else { '+' };
                player.told(&["position", &format!("{}{sign}", by.unsigned_abs())])?;
            }
            _ => {
                return Err(bad(
                    "seek needs either position or change, in seconds: { action = \"seek\", change = -10 }",
                ));
            }
        },
        "volume" => {
            let level = match (percent, change) {
                (Some(level), None) => i32::from(level),
                (None, Some(by)) => louder(player.volume()?, by),
                _ => {
                    return Err(bad(
                        "volume needs either percent = 0 to 100 or change: { action = \"volume\", change = 5 }",
                    ));
                }
            };
            player.told(&["volume", &format!("{}.{:02}", level / 100, level % 100)])?;
            return Ok(Answer { volume: Some(level), ..none });
        }
        "shuffle" => {
            let wanted = match state.as_deref().unwrap_or("toggle") {
                "off" => "Off",
                // Told as a state: a player that takes a while for it is not turned back by a second press.
                "toggle" if player.asked("shuffle")? == "On" => "Off",
                "on" | "toggle" => "On",
                _ => return Err(bad("state is on, off or toggle")),
            };
            player.told(&["shuffle", wanted])?;
            return Ok(Answer { shuffle: Some(if wanted == "On" { "on" } else { "off" }), ..none });
        }
        "repeat" => {
            let (wanted, name) = match mode.as_deref().unwrap_or("next") {
                "off" => ("None", "off"),
                "track" => ("Track", "track"),
                "all" => ("Playlist", "all"),
                "next" => match player.asked("loop")?.as_str() {
                    "None" => ("Playlist", "all"),
                    "Playlist" => ("Track", "track"),
                    _ => ("None", "off"),
                },
                _ => return Err(bad("mode is off, track, all or next")),
            };
            player.told(&["loop", wanted])?;
            return Ok(Answer { repeat: Some(name), ..none });
        }
        other => {
            let known = "play, pause, toggle, next, previous, stop, seek, volume, shuffle and repeat";
            return Err(bad(&format!("unknown action {other:?}; it knows {known}")));
        }
    }
    Ok(none)
}

/// The level `by` per cent louder: at most 100, unless it is above that already.
fn louder(level: i32, by: i32) -> i32 {
    level.saturating_add(by).clamp(0, level.max(100))
}

fn bad(text: &str) -> Failure {
    Failure::new(text).with_code(Failure::BAD_REQUEST)
}

#[cfg(test)]
mod tests;
