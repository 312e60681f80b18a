//! Plays, pauses and steers Spotify through its Web API. The host has the token; here is only its placeholder. `README.md` beside it has
//! mappings.

mod account;
mod api;
mod clock;
mod player;
mod resident;
mod steady;

use conductor_plugin::{Action, Capability, Failure, Metadata, Request, metadata, plugin};
use serde::{Deserialize, Serialize};

use account::{Account, Offset, Playable};
use player::{Device, Player, Repeat};

plugin!(
    Metadata {
        capabilities: &[Capability::Network],
        actions: &[
            Action {
                name: "play",
                description: "Plays on, or a context or uri, from offset or position",
                parameters: &[]
            },
            Action { name: "pause", description: "Pauses", parameters: &[] },
            Action { name: "toggle", description: "Plays what is paused, pauses what plays", parameters: &[] },
            Action { name: "next", description: "To the next track", parameters: &[] },
            Action { name: "previous", description: "To the track before", parameters: &[] },
            Action { name: "seek", description: "To position, or by change, in seconds", parameters: &[] },
            Action { name: "volume", description: "To percent, or by change", parameters: &[] },
            Action { name: "shuffle", description: "To state: on, off, toggle (default)", parameters: &[] },
            Action { name: "repeat", description: "To mode: off, track, all, next (default)", parameters: &[] },
            Action { name: "transfer", description: "To the device of that name", parameters: &[] },
        ],
        params_schema: include_str!("params.json"),
        ..metadata!()
    },
    spotify,
    on_event = resident::hear
);

/// What a mapping may write beside `action`; `params.json` says the same to the host.
#[derive(Default, Deserialize)]
struct Params {
    device: Option<String>,
    context: Option<String>,
    uri: Option<String>,
    uris: Option<Vec<String>>,
    offset: Option<Offset>,
    position: Option<u32>,
    percent: Option<u8>,
    change: Option<i32>,
    state: Option<String>,
    mode: Option<String>,
    play: Option<bool>,
}

/// What a call answers: what was set. The same are named values, so that a lamp that shows one need not wait for the next look.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    playing: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shuffle: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
}

impl Answer {
    fn playing(playing: bool) -> Self {
        player::set("playing", Some(playing));
        Self { playing: Some(playing), ..Self::default() }
    }
}

fn spotify(request: &Request) -> Result<Answer, Failure> {
    let params: Params = request.params()?;
    let account = Account::of_this_call()?;
    let done = carry_out(&account, &request.action, &params);
    resident::look_soon(done.is_ok());
    done
}

fn carry_out(account: &Account, action: &str, params: &Params) -> Result<Answer, Failure> {
    let device = match (&params.device, action) {
        (Some(name), _) => Some(account.device_called(name)?),
        (None, "transfer") => {
            return Err(bad("transfer needs a device: { action = \"transfer\", device = \"Kitchen\" }"));
        }
        (None, _) => None,
    };
    match action {
        "play" => {
            account.play(device.as_ref(), &what_to_play(params)?)?;
            Ok(Answer::playing(true))
        }
        "pause" => {
            account.pause(device.as_ref())?;
            Ok(Answer::playing(false))
        }
        "toggle" => {
            let playing = account.player()?.is_some_and(|player| player.is_playing);
            if playing {
                account.pause(device.as_ref())?;
            } else {
                account.play(device.as_ref(), &Playable::default())?;
            }
            Ok(Answer::playing(!playing))
        }
        "next" | "previous" => {
            account.skip(action, device.as_ref())?;
            Ok(Answer::default())
        }
        "seek" => {
            let seconds = match (params.position, params.change) {
                (Some(to), None) => i64::from(to) * 1000,
                (None, Some(by)) => {
                    let at = account.playing()?.progress_ms.unwrap_or_default();
                    at.saturating_add(i64::from(by) * 1000).max(0)
                }
                _ => {
                    return Err(bad(
                        "seek needs either position or change, in seconds: { action = \"seek\", change = -10 }",
                    ));
                }
            };
            account.seek(seconds, device.as_ref())?;
            Ok(Answer::default())
        }
        "volume" => {
            let level = match (params.percent, params.change) {
                (Some(level), None) => i64::from(level),
                (None, Some(by)) => louder(account, device.as_ref(), by)?,
                _ => {
                    return Err(bad(
                        "volume needs either percent = 0 to 100 or change: { action = \"volume\", change = 5 }",
                    ));
                }
            };
            steady::volume(account, level, device)?;
            player::set("volume", Some(level));
            Ok(Answer { volume: Some(level), ..Answer::default() })
        }
        "shuffle" => {
            let on = match params.state.as_deref().unwrap_or("toggle") {
                "on" => true,
                "off" => false,
                "toggle" => !account.playing()?.shuffle_state.unwrap_or_default(),
                _ => return Err(bad("state is on, off or toggle")),
            };
            account.shuffle(on, device.as_ref())?;
            player::set("shuffle", Some(on));
            Ok(Answer { shuffle: Some(on), ..Answer::default() })
        }
        "repeat" => {
            let repeat = match params.mode.as_deref().unwrap_or("next") {
                "next" => account.playing()?.repeat().next(),
                mode => Repeat::of(mode).ok_or_else(|| bad("mode is off, track, all or next"))?,
            };
            account.repeat(repeat, device.as_ref())?;
            player::set("repeat", Some(repeat.name()));
            Ok(Answer { repeat: Some(repeat.name()), ..Answer::default() })
        }
        "transfer" => {
            let device = device.ok_or_else(|| bad("transfer needs a device"))?;
            account.transfer(&device, params.play)?;
            player::set_text("device", Some(&device.name));
            Ok(Answer { device: Some(device.name), ..Answer::default() })
        }
        other => {
            let known = "play, pause, toggle, next, previous, seek, volume, shuffle, repeat and transfer";
            Err(bad(&format!("unknown action {other:?}; it knows {known}")))
        }
    }
}

/// The body of a command to play; nothing for going on.
fn what_to_play(params: &Params) -> Result<Playable, Failure> {
    let Params { context, uri, uris, offset, position, .. } = params;
    let uris = match (context, uri, uris) {
        (_, None, None) => None,
        (None, Some(uri), None) => Some(vec![uri.clone()]),
        (None, None, Some(uris)) if !uris.is_empty() => Some(uris.clone()),
        _ => {
            return Err(bad(
                "play takes one of context, uri and uris: { action = \"play\", context = \"spotify:album:…\" }",
            ));
        }
    };
    if offset.is_some() && (uri.is_some() || context.is_none() && uris.is_none()) {
        return Err(bad("offset says where in a context, or in uris, to begin; there is neither"));
    }
    let position_ms = position.map(|seconds| u64::from(seconds) * 1000);
    Ok(Playable { context_uri: context.clone(), uris, offset: offset.clone(), position_ms })
}

/// The level that is `by` per cent louder than what is heard now.
fn louder(account: &Account, device: Option<&Device>, by: i32) -> Result<i64, Failure> {
    let level = match (steady::level(device), device) {
        (Some(level), _) => level,
        (None, Some(device)) => device.level()?,
        (None, None) => account.playing()?.device.unwrap_or_default().level()?,
    };
    Ok(level.saturating_add(by.into()).clamp(0, 100))
}

fn bad(text: &str) -> Failure {
    Failure::new(text).with_code(Failure::BAD_REQUEST)
}

/// Nothing plays, and something that plays is needed.
fn nothing_plays() -> Failure {
    Failure::new("nothing plays on any device of the account")
}

impl Player {
    /// What it repeats.
    fn repeat(&self) -> Repeat {
        self.repeat_state.as_deref().and_then(Repeat::of).unwrap_or(Repeat::Off)
    }
}

#[cfg(test)]
mod tests;
