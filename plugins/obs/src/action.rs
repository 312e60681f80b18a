//! What each action asks of OBS.

use conductor_plugin::Failure;
use serde::Deserialize;

use crate::frame::Data;

/// What a mapping may write beside `action`; `params.json` says the same to the host.
#[derive(Deserialize)]
pub(crate) struct Params {
    scene: Option<String>,
    source: Option<String>,
    input: Option<String>,
    filter: Option<String>,
    name: Option<String>,
    state: Option<String>,
    command: Option<String>,
    db: Option<f64>,
    linear: Option<f64>,
    change: Option<f64>,
    position: Option<f64>,
    release: Option<bool>,
    duration: Option<u32>,
}

/// A request, and what becomes of its answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ask {
    pub(crate) kind: &'static str,
    pub(crate) data: Data,
    pub(crate) then: Then,
}

impl Ask {
    pub(crate) fn new(kind: &'static str, data: Data) -> Self {
        Self { kind, data, then: Then::Done }
    }

    pub(crate) fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

/// What follows an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Then {
    /// Nothing.
    Done,
    /// The scene on program is known: find an item in it, and go on as below.
    InProgram(String, Option<bool>),
    /// The number of an item is known: make it visible or not, or turn it over where there is no word.
    Item(String, Option<bool>),
    /// Whether an item is visible: turn it over.
    TurnItem(String, u64),
    /// Whether a filter is on: turn it over.
    TurnFilter(String, String),
    /// Whether studio mode is on: turn it over.
    TurnStudio,
    /// What a medium does: play it, or pause it.
    TurnMedia(String),
    /// How loud an input is: make it louder by this, in dB.
    Louder(String, f64),
    /// Another request, as when a transition has a name and a duration.
    And(Box<Ask>),
}

/// What a person may write as `state`, once it is known which words there are.
enum Switch {
    On,
    Off,
    Turn,
}

fn switch(state: Option<&str>, on: &str, off: &str) -> Result<Switch, Failure> {
    match state.unwrap_or("toggle") {
        "toggle" => Ok(Switch::Turn),
        word if word == on => Ok(Switch::On),
        word if word == off => Ok(Switch::Off),
        other => Err(bad(&format!("state is {on}, {off} or toggle here, not {other}"))),
    }
}

/// The request that `action` begins with.
pub(crate) fn ask(action: &str, params: Params) -> Result<Ask, Failure> {
    let Params { scene, source, input, filter, name, state, command, .. } = params;
    let Params { db, linear, change, position, release, duration, .. } = params;
    let (state, data) = (state.as_deref(), Data::default());
    let kinds = |start, stop, toggle| {
        let kind = match switch(state, "start", "stop")? {
            Switch::On => start,
            Switch::Off => stop,
            Switch::Turn => toggle,
        };
        Ok::<_, Failure>(Ask::new(kind, Data::default()))
    };
    Ok(match action {
        "scene" => Ask::new("SetCurrentProgramScene", Data { scene_name: Some(need(scene, action, "scene")?), ..data }),
        "preview" => {
            Ask::new("SetCurrentPreviewScene", Data { scene_name: Some(need(scene, action, "scene")?), ..data })
        }
        "record" => match state {
            Some("pause") => Ask::new("PauseRecord", data),
            Some("resume") => Ask::new("ResumeRecord", data),
            Some("toggle_pause") => Ask::new("ToggleRecordPause", data),
            Some("split") => Ask::new("SplitRecordFile", data),
            None | Some("start" | "stop" | "toggle") => kinds("StartRecord", "StopRecord", "ToggleRecord")?,
            Some(other) => {
                let words = "start, stop, toggle, pause, resume, toggle_pause or split";
                return Err(bad(&format!("state is {words} here, not {other}")));
            }
        },
        "stream" => kinds("StartStream", "StopStream", "ToggleStream")?,
        "replay" if state == Some("save") => Ask::new("SaveReplayBuffer", data),
        "replay" => kinds("StartReplayBuffer", "StopReplayBuffer", "ToggleReplayBuffer")?,
        "camera" => kinds("StartVirtualCam", "StopVirtualCam", "ToggleVirtualCam")?,
        "mute" => {
            let input_name = Some(need(input, action, "input")?);
            match turned(state)? {
                None => Ask::new("ToggleInputMute", Data { input_name, ..data }),
                input_muted => Ask::new("SetInputMute", Data { input_name, input_muted, ..data }),
            }
        }
        "volume" => volume(need(input, action, "input")?, db, linear, change)?,
        "studio" => match turned(state)? {
            None => Ask::new("GetStudioModeEnabled", data).then(Then::TurnStudio),
            studio_mode_enabled => Ask::new("SetStudioModeEnabled", Data { studio_mode_enabled, ..data }),
        },
        "take" => Ask::new("TriggerStudioModeTransition", data),
        "tbar" => {
            let Some(at) = position else {
                return Err(bad("tbar needs position = 0 to 1: { action = \"tbar\", position = 0.5 }"));
            };
            // Between the ends a hand is still on it.
            let release = Some(release.unwrap_or(at <= 0.0 || at >= 1.0));
            Ask::new("SetTBarPosition", Data { position, release, ..data })
        }
        "transition" => transition(name, duration)?,
        "visible" => {
            let (source, to) = (need(source, action, "source")?, turned(state)?);
            match scene {
                Some(scene) => find_item(scene, source, to),
                // What the last event said of it may be older than what was asked for since.
                None => Ask::new("GetCurrentProgramScene", data).then(Then::InProgram(source, to)),
            }
        }
        "filter" => {
            let (source, filter) = (need(source, action, "source")?, need(filter, action, "filter")?);
            if let Some(on) = turned(state)? {
                set_filter(&source, &filter, on)
            } else {
                let data = Data { source_name: Some(source.clone()), filter_name: Some(filter.clone()), ..data };
                Ask::new("GetSourceFilter", data).then(Then::TurnFilter(source, filter))
            }
        }
        "hotkey" => Ask::new("TriggerHotkeyByName", Data { hotkey_name: Some(need(name, action, "name")?), ..data }),
        "media" => steer(need(input, action, "input")?, command.as_deref().unwrap_or("toggle"))?,
        other => {
            let known = "scene, preview, record, stream, replay, camera, mute, volume, studio, take, tbar, transition, visible, filter, \
                         hotkey, media and connect";
            return Err(bad(&format!("unknown action {other:?}; it knows {known}")));
        }
    })
}

fn volume(input: String, db: Option<f64>, linear: Option<f64>, change: Option<f64>) -> Result<Ask, Failure> {
    let data = Data { input_name: Some(input.clone()), ..Data::default() };
    Ok(match (db, linear, change) {
        (Some(_), None, None) => Ask::new("SetInputVolume", Data { input_volume_db: db, ..data }),
        (None, Some(_), None) => Ask::new("SetInputVolume", Data { input_volume_mul: linear, ..data }),
        (None, None, Some(by)) => Ask::new("GetInputVolume", data).then(Then::Louder(input, by)),
        _ => {
            return Err(bad(
                "volume needs one of db = -100 to 26, linear = 0 to 20 and change, in dB: { action = \"volume\", input = \"Mic/Aux\", db = -6 }",
            ));
        }
    })
}

fn transition(name: Option<String>, duration: Option<u32>) -> Result<Ask, Failure> {
    let data = Data::default();
    let named = name.map(|name| Data { transition_name: Some(name), ..Data::default() });
    let named = named.map(|data| Ask::new("SetCurrentSceneTransition", data));
    let timed = duration.map(|_| Data { transition_duration: duration, ..data });
    let timed = timed.map(|data| Ask::new("SetCurrentSceneTransitionDuration", data));
    match (named, timed) {
        (Some(named), Some(timed)) => Ok(named.then(Then::And(Box::new(timed)))),
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (None, None) => Err(bad(
            "transition needs name, duration in ms, or both: { action = \"transition\", name = \"Fade\", duration = 300 }",
        )),
    }
}

/// What a medium is told.
fn steer(input: String, command: &str) -> Result<Ask, Failure> {
    Ok(match command {
        "toggle" => {
            let data = Data { input_name: Some(input.clone()), ..Data::default() };
            Ask::new("GetMediaInputStatus", data).then(Then::TurnMedia(input))
        }
        "play" => media(&input, "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_PLAY"),
        "pause" => media(&input, "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_PAUSE"),
        "stop" => media(&input, "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_STOP"),
        "restart" => media(&input, "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_RESTART"),
        "next" => media(&input, "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_NEXT"),
        "previous" => media(&input, "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_PREVIOUS"),
        _ => return Err(bad("command is play, pause, toggle, stop, restart, next or previous")),
    })
}

/// Whether something is to be on; none where it is to be turned over.
fn turned(state: Option<&str>) -> Result<Option<bool>, Failure> {
    Ok(match switch(state, "on", "off")? {
        Switch::On => Some(true),
        Switch::Off => Some(false),
        Switch::Turn => None,
    })
}

pub(crate) fn set_filter(source: &str, filter: &str, on: bool) -> Ask {
    let (source_name, filter_name) = (Some(source.to_owned()), Some(filter.to_owned()));
    Ask::new("SetSourceFilterEnabled", Data { source_name, filter_name, filter_enabled: Some(on), ..Data::default() })
}

/// Finds the number of an item of a scene, to make it visible or not.
pub(crate) fn find_item(scene: String, source: String, to: Option<bool>) -> Ask {
    let data = Data { scene_name: Some(scene.clone()), source_name: Some(source), ..Data::default() };
    Ask::new("GetSceneItemId", data).then(Then::Item(scene, to))
}

pub(crate) fn set_item(scene: &str, id: u64, on: bool) -> Ask {
    let (scene_name, scene_item_id) = (Some(scene.to_owned()), Some(id));
    let data = Data { scene_name, scene_item_id, scene_item_enabled: Some(on), ..Data::default() };
    Ask::new("SetSceneItemEnabled", data)
}

pub(crate) fn media(input: &str, action: &'static str) -> Ask {
    let data = Data { input_name: Some(input.to_owned()), media_action: Some(action), ..Data::default() };
    Ask::new("TriggerMediaInputAction", data)
}

fn need(value: Option<String>, action: &str, key: &str) -> Result<String, Failure> {
    value.ok_or_else(|| bad(&format!("{action} needs {key}: {{ action = \"{action}\", {key} = \"…\" }}")))
}

fn bad(text: &str) -> Failure {
    Failure::new(text).with_code(Failure::BAD_REQUEST)
}
