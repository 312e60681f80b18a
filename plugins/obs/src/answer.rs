//! What follows an answer of OBS: nothing, the next request of an action, or words of what went wrong.

use conductor_plugin::Failure;

use crate::action::{Ask, Then, find_item, media, set_filter, set_item};
use crate::frame::{Data, Facts, Status};

/// The code of an answer that lacks what it is for: OBS's own for whatever else goes wrong.
const MISSING: u16 = 205;

/// What comes after an answer; or the code of a failure.
pub(crate) fn follows(ask: &Ask, status: &Status, facts: &Facts) -> Result<Option<Ask>, u16> {
    if !status.result {
        return match (ask.kind, status.code) {
            // Before 5.5 there is only the hotkey.
            ("SplitRecordFile", 204) => {
                let hotkey_name = Some("OBSBasic.SplitFile".to_owned());
                Ok(Some(Ask::new("TriggerHotkeyByName", Data { hotkey_name, ..Data::default() })))
            }
            (kind, code) if is_so_already(kind, code) => Ok(None),
            (_, code) => Err(code),
        };
    }
    Ok(match &ask.then {
        Then::Done => None,
        Then::And(next) => Some((**next).clone()),
        Then::InProgram(source, to) => match &facts.current_program_scene_name {
            Some(scene) => Some(find_item(scene.clone(), source.clone(), *to)),
            None => return Err(MISSING),
        },
        Then::Item(scene, to) => match (facts.scene_item_id, to) {
            (None, _) => return Err(MISSING),
            (Some(id), Some(on)) => Some(set_item(scene, id, *on)),
            (Some(id), None) => {
                let data = Data { scene_name: Some(scene.clone()), scene_item_id: Some(id), ..Data::default() };
                Some(Ask::new("GetSceneItemEnabled", data).then(Then::TurnItem(scene.clone(), id)))
            }
        },
        Then::TurnItem(scene, id) => Some(set_item(scene, *id, !facts.scene_item_enabled.unwrap_or_default())),
        Then::TurnFilter(source, filter) => Some(set_filter(source, filter, !facts.filter_enabled.unwrap_or_default())),
        Then::TurnStudio => {
            let on = !facts.studio_mode_enabled.unwrap_or_default();
            Some(Ask::new("SetStudioModeEnabled", Data { studio_mode_enabled: Some(on), ..Data::default() }))
        }
        Then::TurnMedia(input) => Some(media(
            input,
            match facts.media_state.as_deref() {
                Some("OBS_MEDIA_STATE_PLAYING") => "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_PAUSE",
                Some("OBS_MEDIA_STATE_PAUSED") => "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_PLAY",
                _ => "OBS_WEBSOCKET_MEDIA_INPUT_ACTION_RESTART",
            },
        )),
        Then::Louder(input, by) => {
            let Some(now) = facts.input_volume_db else { return Err(MISSING) };
            // Up begins at −60 dB where it is silent, and ends at 0 unless it is above that already.
            let from = if *by > 0.0 { now.max(-60.0) } else { now };
            let level = (from + by).clamp(-100.0, now.max(0.0));
            let data = Data { input_name: Some(input.clone()), input_volume_db: Some(level), ..Data::default() };
            Some(Ask::new("SetInputVolume", data))
        }
    })
}

/// Whether OBS refuses because what is asked for is so already.
fn is_so_already(kind: &str, code: u16) -> bool {
    match code {
        500 => kind.starts_with("Start"),
        501 => kind.starts_with("Stop"),
        502 => kind == "PauseRecord",
        503 => kind == "ResumeRecord",
        505 | 506 => kind == "SetStudioModeEnabled",
        _ => false,
    }
}

/// What went wrong, for the person who pressed the pad.
pub(crate) fn explained(kind: &str, code: u16, comment: Option<String>, version: &str) -> Failure {
    Failure::new(match (kind, code) {
        (_, 204) => format!("OBS has no {kind}; its obs-websocket is {version}: get a newer OBS"),
        ("PauseRecord" | "ResumeRecord" | "ToggleRecordPause" | "SplitRecordFile", 501) => {
            "nothing is being recorded".to_owned()
        }
        ("SplitRecordFile", _) => {
            "OBS does not split: turn on Settings, Output, Recording, Automatic File Splitting".to_owned()
        }
        ("SaveReplayBuffer", 501) => "the replay buffer is not running: start it first".to_owned(),
        (_, 506) => "studio mode is off: turn it on first".to_owned(),
        (_, 604) if kind.ends_with("ReplayBuffer") => {
            "OBS has no replay buffer: turn it on in Settings, Output, Replay Buffer".to_owned()
        }
        (_, 604) if kind.ends_with("VirtualCam") => "OBS has no virtual camera here".to_owned(),
        _ => match comment {
            Some(comment) => format!("OBS, asked for {kind}: {comment} ({code})"),
            None => format!("OBS refuses {kind}, with code {code}"),
        },
    })
}
