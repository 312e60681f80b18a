//! Frames of obs-websocket 5: what is sent, and what comes.

use conductor_plugin::{Failure, Piece};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of the requests that this plugin speaks.
pub(crate) const RPC_VERSION: u32 = 1;

/// The secret in the plugin's section.
pub(crate) const SECRET: &str = "password";

/// Events that are wanted: general, configuration, scenes, inputs, transitions, filters, outputs, items of scenes, media, windows.
pub(crate) const EVENTS: u32 = 1 | 2 | 4 | 8 | 16 | 32 | 64 | 128 | 256 | 1024;

/// A frame that came.
pub(crate) enum Frame {
    /// What OBS sends first.
    Hello(Hello),
    /// It knows us.
    Identified,
    Event(Happened),
    Answer(Answer),
    /// One of another kind.
    Other,
}

impl Frame {
    /// Reads a frame; none where it is none of obs-websocket 5.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Any<'a> {
            op: u8,
            #[serde(borrow)]
            d: &'a RawValue,
        }
        let Any { op, d } = serde_json::from_slice(body).ok()?;
        Some(match op {
            0 => Self::Hello(serde_json::from_str(d.get()).ok()?),
            2 => Self::Identified,
            5 => Self::Event(serde_json::from_str(d.get()).ok()?),
            7 => Self::Answer(serde_json::from_str(d.get()).ok()?),
            _ => Self::Other,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hello {
    pub(crate) obs_web_socket_version: String,
    pub(crate) rpc_version: u32,
    pub(crate) authentication: Option<Challenge>,
}

#[derive(Deserialize)]
pub(crate) struct Challenge {
    pub(crate) challenge: String,
    pub(crate) salt: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Happened {
    pub(crate) event_type: String,
    #[serde(default)]
    pub(crate) event_data: Option<Facts>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    pub(crate) request_id: String,
    pub(crate) request_status: Status,
    #[serde(default)]
    pub(crate) response_data: Option<Facts>,
}

#[derive(Deserialize)]
pub(crate) struct Status {
    pub(crate) result: bool,
    pub(crate) code: u16,
    #[serde(default)]
    pub(crate) comment: Option<String>,
}

/// What events and answers tell, as far as it is of use here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Facts {
    pub(crate) scene_name: Option<String>,
    pub(crate) current_program_scene_name: Option<String>,
    pub(crate) current_preview_scene_name: Option<String>,
    pub(crate) scenes: Option<Vec<Named>>,
    pub(crate) inputs: Option<Vec<Named>>,
    pub(crate) scene_items: Option<Vec<Item>>,
    pub(crate) filters: Option<Vec<Filter>>,
    pub(crate) input_name: Option<String>,
    pub(crate) input_muted: Option<bool>,
    pub(crate) input_volume_db: Option<f64>,
    pub(crate) output_active: Option<bool>,
    pub(crate) output_paused: Option<bool>,
    pub(crate) output_reconnecting: Option<bool>,
    pub(crate) output_state: Option<String>,
    pub(crate) studio_mode_enabled: Option<bool>,
    pub(crate) transition_name: Option<String>,
    pub(crate) transition_duration: Option<f64>,
    pub(crate) scene_item_id: Option<u64>,
    pub(crate) scene_item_enabled: Option<bool>,
    pub(crate) source_name: Option<String>,
    pub(crate) filter_name: Option<String>,
    pub(crate) filter_enabled: Option<bool>,
    pub(crate) media_state: Option<String>,
}

/// A scene or an input in a list.
#[derive(Deserialize)]
pub(crate) struct Named {
    #[serde(alias = "sceneName", alias = "inputName", default)]
    pub(crate) name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(crate) struct Item {
    pub(crate) scene_item_id: u64,
    pub(crate) source_name: Option<String>,
    pub(crate) scene_item_enabled: Option<bool>,
    pub(crate) is_group: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(crate) struct Filter {
    pub(crate) filter_name: String,
    pub(crate) filter_enabled: bool,
}

/// What goes with a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Data {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scene_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scene_item_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scene_item_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filter_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filter_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input_muted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input_volume_db: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input_volume_mul: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) studio_mode_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) position: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) transition_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) transition_duration: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hotkey_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) media_action: Option<&'static str>,
}

/// The frame of a request, as text.
pub(crate) fn request(id: u32, kind: &str, data: &Data) -> Result<String, Failure> {
    let data = serde_json::to_string(data)?;
    // `kind` is one of the protocol's own words.
    Ok(if data == "{}" {
        format!(r#"{{"op":6,"d":{{"requestType":"{kind}","requestId":"{id}"}}}}"#)
    } else {
        format!(r#"{{"op":6,"d":{{"requestType":"{kind}","requestId":"{id}","requestData":{data}}}}}"#)
    })
}

/// What both frames that say who we are begin with.
fn head() -> String {
    format!(r#"{{"op":1,"d":{{"rpcVersion":{RPC_VERSION},"eventSubscriptions":{EVENTS}"#)
}

/// The frame that says who we are, where OBS wants no password.
pub(crate) fn identify() -> String {
    head() + "}}"
}

/// The frame that logs in, in pieces: the password is put in on its way out.
pub(crate) fn login(challenge: Challenge) -> Vec<Piece> {
    let hashed = Piece::Sha256(vec![Piece::Secret(SECRET.to_owned()), Piece::Text(challenge.salt)]);
    let answer = Piece::Sha256(vec![Piece::Base64(vec![hashed]), Piece::Text(challenge.challenge)]);
    vec![Piece::Text(head() + r#","authentication":""#), Piece::Base64(vec![answer]), Piece::Text(r#""}}"#.to_owned())]
}
