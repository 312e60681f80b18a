//! Publishes to an MQTT broker, holds topics as named values, and shows a box's pads, faders and lamps to Home Assistant. MQTT 3.1.1
//! over WebSocket. `README.md` beside it has mappings.

mod client;
mod controls;
mod discovery;
mod settings;
mod topic;
mod values;
mod wire;

use std::cell::RefCell;

use conductor_plugin::{Action, Capability, Event, Failure, Metadata, Request, metadata, plugin};
use serde::Deserialize;

use client::Client;

plugin!(
    Metadata {
        capabilities: &[Capability::Network],
        actions: &[
            Action { name: "publish", description: "Sends payload to topic; with qos, retain", parameters: &[] },
            Action { name: "pad", description: "Says what was done to the pad called name", parameters: &[] },
            Action { name: "fader", description: "Says where the fader called name stands", parameters: &[] },
            Action {
                name: "lamp",
                description: "Sets the lamp called name to state: on, off, toggle (default)",
                parameters: &[]
            },
            Action {
                name: "light",
                description: "Sets the light called name to value, 0 to 127, or to state",
                parameters: &[]
            },
            Action { name: "connect", description: "Tries the broker now", parameters: &[] },
        ],
        params_schema: include_str!("params.json"),
        ..metadata!()
    },
    mqtt,
    on_event = hear,
);

/// What a mapping may write beside `action`; `params.json` says the same to the host.
#[derive(Default, Deserialize)]
struct Params {
    topic: Option<String>,
    payload: Option<String>,
    value: Option<serde_json::Number>,
    #[serde(default)]
    qos: u8,
    #[serde(default)]
    retain: bool,
    name: Option<String>,
    state: Option<String>,
}

thread_local! {
    /// One, as long as the instance lives: a resident plugin has one for its calls and what it is told.
    static CLIENT: RefCell<Client> = RefCell::default();
}

fn hear(event: &Event) -> Result<(), Failure> {
    CLIENT.with_borrow_mut(|client| client.hear(event))
}

fn mqtt(request: &Request) -> Result<(), Failure> {
    let params: Params = request.params()?;
    CLIENT.with_borrow_mut(|client| {
        client.is_started()?;
        let name = |params: &Params| -> Result<String, Failure> {
            let name = params.name.clone().ok_or_else(|| bad(&format!("{} needs name", request.action)))?;
            settings::name(&name).map_err(|why| bad(&format!("name = \"{name}\": {why}")))?;
            Ok(name)
        };
        let value = params.value.as_ref().map(ToString::to_string);
        let done = match request.action.as_str() {
            "publish" => {
                let wanted = params.topic.as_deref().ok_or_else(|| bad("publish needs topic"))?;
                let fill = |text: &str| {
                    topic::fill(text, &request.context, value.as_deref())
                        .map_err(|why| bad(&format!("{text:?}: {why}")))
                };
                let topic = fill(wanted)?;
                let payload = fill(params.payload.as_deref().unwrap_or("{value}"))?;
                client.publish(&topic, &payload, params.qos == 1, params.retain)
            }
            "pad" => client.pad(&name(&params)?, request.context.gesture.as_deref().unwrap_or("press")),
            "fader" => {
                let value = value.or_else(|| topic::own(&request.context));
                let value = value.and_then(|value| value.parse().ok());
                client.fader(&name(&params)?, value.ok_or_else(|| bad("fader needs value where the event has none"))?)
            }
            "lamp" => client.lamp(&name(&params)?, switched(params.state.as_deref())?),
            "light" => match value.and_then(|value| value.parse().ok()) {
                Some(level) => client.light(&name(&params)?, level),
                None => client.light_switched(&name(&params)?, switched(params.state.as_deref())?),
            },
            "connect" => client.connect(),
            other => {
                Err(bad(&format!("unknown action {other:?}; it knows publish, pad, fader, lamp, light and connect")))
            }
        };
        client.flush();
        done
    })
}

/// On, off, or none for the other of the two.
fn switched(state: Option<&str>) -> Result<Option<bool>, Failure> {
    match state.unwrap_or("toggle") {
        "on" => Ok(Some(true)),
        "off" => Ok(Some(false)),
        "toggle" => Ok(None),
        _ => Err(bad("state is on, off or toggle")),
    }
}

fn bad(text: &str) -> Failure {
    Failure::new(text).with_code(Failure::BAD_REQUEST)
}

#[cfg(test)]
mod tests;
