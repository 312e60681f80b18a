//! What Home Assistant is told: one retained message for each thing of this box that it can show or use.

use serde_json::{Value, json};

use crate::settings::Settings;

/// What a pad can do, as Home Assistant calls it, and as its topic says it.
const GESTURES: [(&str, &str); 4] = [
    ("button_short_press", "press"),
    ("button_short_release", "release"),
    ("button_long_press", "long_press"),
    ("button_double_press", "double_tap"),
];

/// Topics and what stands there; none where Home Assistant is not to know of it.
pub(crate) fn messages(settings: &Settings) -> Vec<(String, String)> {
    let Some(discovery) = &settings.discovery else { return Vec::new() };
    let (client, prefix, controls) = (&settings.client, &settings.prefix, &settings.controls);
    let mut all = Vec::new();
    let mut tell = |component: &str, object: &str, what: Value| {
        let mut whole = json!({
            "device": {
                "identifiers": [format!("conductor_{client}")],
                "name": settings.name,
                "manufacturer": "Conductor",
                "model": settings.model,
            },
        });
        if let (Value::Object(whole), Value::Object(what)) = (&mut whole, what) {
            whole.extend(what);
        }
        all.push((format!("{discovery}/{component}/{client}/{object}/config"), whole.to_string()));
    };
    for pad in &controls.pads {
        for (kind, payload) in GESTURES {
            tell(
                "device_automation",
                &format!("{pad}-{payload}"),
                json!({
                    "automation_type": "trigger",
                    "type": kind,
                    "subtype": pad,
                    "topic": format!("{prefix}/pad/{pad}"),
                    "payload": payload,
                }),
            );
        }
    }
    // What every entity has.
    let entity = |kind: &str, name: &str, more: Value| {
        let mut whole = json!({
            "name": name,
            "unique_id": format!("conductor_{client}_{kind}_{name}"),
            "state_topic": format!("{prefix}/{kind}/{name}"),
            "availability_topic": format!("{prefix}/status"),
        });
        if let (Value::Object(whole), Value::Object(more)) = (&mut whole, more) {
            whole.extend(more);
        }
        whole
    };
    for name in controls.faders.difference(&controls.motors) {
        tell("sensor", name, entity("fader", name, json!({"state_class": "measurement"})));
    }
    for name in &controls.motors {
        let command = format!("{prefix}/fader/{name}/set");
        tell("number", name, entity("fader", name, json!({"command_topic": command, "min": 0, "max": 127, "step": 1})));
    }
    for name in &controls.lamps {
        let command = format!("{prefix}/lamp/{name}/set");
        tell("switch", name, entity("lamp", name, json!({"command_topic": command})));
    }
    for name in &controls.lights {
        let topic = format!("{prefix}/light/{name}");
        let more = json!({
            "command_topic": format!("{topic}/set"),
            "brightness_state_topic": format!("{topic}/brightness"),
            "brightness_command_topic": format!("{topic}/brightness/set"),
            "brightness_scale": 127,
            "on_command_type": "brightness",
        });
        tell("light", name, entity("light", name, more));
    }
    all
}

/// The filter of all that this box has ever told.
pub(crate) fn filter(settings: &Settings) -> Option<String> {
    settings.discovery.as_ref().map(|discovery| format!("{discovery}/+/{}/+/config", settings.client))
}
