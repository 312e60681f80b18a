//! What this box has of its own: pads, faders, lamps and lights, and what it shares. What they are is a retained message
//! each, sent again after every connection, so that whoever asks the broker finds it.

use conductor_plugin::Failure;
use serde_json::{Value, json};

use crate::client::Client;
use crate::discovery;
use crate::settings::Settings;

/// The brightest a light can be.
const FULL: f64 = 127.0;

impl Client {
    /// Says what was done to a pad.
    pub(crate) fn pad(&mut self, name: &str, gesture: &str) -> Result<(), Failure> {
        let topic = format!("{}/pad/{name}", self.settings()?.prefix);
        self.publish(&topic, gesture, false, false)
    }

    /// A fader stands at `value`.
    pub(crate) fn fader(&mut self, name: &str, value: f64) -> Result<(), Failure> {
        let topic = format!("{}/fader/{name}", self.settings()?.prefix);
        let value = number(value);
        self.keep(topic, value.to_string());
        self.values.set(&format!("fader.{name}"), value);
        Ok(())
    }

    /// A lamp is on, off, or the other of the two.
    pub(crate) fn lamp(&mut self, name: &str, on: Option<bool>) -> Result<(), Failure> {
        let topic = format!("{}/lamp/{name}", self.settings()?.prefix);
        let key = format!("lamp.{name}");
        let on = on.unwrap_or_else(|| self.values.get(&key) != Some(&Value::Bool(true)));
        self.keep(topic, on_or_off(on).to_owned());
        self.values.set(&key, Value::Bool(on));
        Ok(())
    }

    /// A light is as bright as this; 0 is off.
    pub(crate) fn light(&mut self, name: &str, level: f64) -> Result<(), Failure> {
        let topic = format!("{}/light/{name}", self.settings()?.prefix);
        let level = level.clamp(0.0, FULL).round();
        if level > 0.0 {
            // What it was last when it was on is kept while it is off.
            self.keep(format!("{topic}/brightness"), number(level).to_string());
        }
        self.keep(topic, on_or_off(level > 0.0).to_owned());
        self.values.set(&format!("light.{name}"), number(level));
        Ok(())
    }

    /// A light is on as bright as it was, off, or the other of the two.
    pub(crate) fn light_switched(&mut self, name: &str, on: Option<bool>) -> Result<(), Failure> {
        let topic = format!("{}/light/{name}/brightness", self.settings()?.prefix);
        let lit = self.values.get(&format!("light.{name}")).and_then(Value::as_f64).is_some_and(|level| level > 0.0);
        let last = self.kept(&topic).and_then(|level| level.parse().ok()).unwrap_or(FULL);
        self.light(name, if on.unwrap_or(!lit) { last } else { 0.0 })
    }

    /// Named values of the session have changed that are shared.
    pub(crate) fn shared(&mut self, key: &str, value: &Value) -> Result<(), Failure> {
        let topic = format!("{}/state/{}", self.settings()?.prefix, levels(key));
        let payload = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.keep(topic, payload);
        Ok(())
    }

    /// What a message on one of this box's own topics asks for, or brings back from before; whether it was one.
    pub(crate) fn commanded(&mut self, topic: &str, payload: &[u8], retained: bool) -> Result<bool, Failure> {
        let settings = self.settings()?;
        let Some(rest) = topic.strip_prefix(&settings.prefix).and_then(|rest| rest.strip_prefix('/')) else {
            return Ok(false);
        };
        let parts: Vec<&str> = rest.split('/').collect();
        let controls = &settings.controls;
        let (kind, name, command) = match *parts.as_slice() {
            [kind, name] => (kind, name, ""),
            [kind, name, command] => (kind, name, command),
            ["light", name, "brightness", "set"] => ("light", name, "brightness/set"),
            _ => return Ok(false),
        };
        let listed = match kind {
            "lamp" => controls.lamps.contains(name),
            "light" => controls.lights.contains(name),
            "fader" => controls.motors.contains(name) || (command.is_empty() && controls.faders.contains(name)),
            _ => return Ok(false),
        };
        if !listed {
            return Ok(false);
        }
        let text = std::str::from_utf8(payload).unwrap_or_default().trim().to_owned();
        let switched = match text.to_ascii_uppercase().as_str() {
            "ON" | "TRUE" | "1" => Some(Some(true)),
            "OFF" | "FALSE" | "0" => Some(Some(false)),
            "TOGGLE" => Some(None),
            _ => None,
        };
        let level = text.parse().ok().filter(|level| (0.0..=FULL).contains(level));
        let name = name.to_owned();
        // From before this box was started, where nothing has been said of it since.
        let old = || retained && !text.is_empty();
        match (kind, command) {
            ("lamp", "set") => self.understood(topic, switched, |client, on| client.lamp(&name, on))?,
            ("light", "set") => self.understood(topic, switched, |client, on| client.light_switched(&name, on))?,
            ("light", "brightness/set") => self.understood(topic, level, |client, to| client.light(&name, to))?,
            ("fader", "set") => self.understood(topic, level, |client, to| client.fader(&name, to))?,
            ("lamp", "") if old() && self.kept(topic).is_none() => {
                if let Some(on) = switched {
                    self.lamp(&name, on)?;
                }
            }
            ("fader", "") if old() && self.kept(topic).is_none() => {
                if let Some(level) = level {
                    self.fader(&name, level)?;
                }
            }
            ("light", "") if old() && self.kept(topic).is_none() && switched == Some(Some(false)) => {
                self.light(&name, 0.0)?;
            }
            ("light", "brightness") if old() && self.kept(topic).is_none() => {
                let off = self.values.get(&format!("light.{name}")).is_some();
                match level {
                    // It is off, and this is what it was when it was on.
                    Some(_) if off => self.restore(topic, &text),
                    Some(level) => self.light(&name, level)?,
                    None => {}
                }
            }
            _ => {}
        }
        Ok(true)
    }

    fn understood<T>(
        &mut self,
        topic: &str,
        what: Option<T>,
        then: impl FnOnce(&mut Self, T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if let Some(what) = what {
            return then(self, what);
        }
        self.values.say(&format!("{topic} takes ON, OFF or TOGGLE, and of faders and brightness 0 to 127"));
        Ok(())
    }
}

/// The filters of what this box can be told.
pub(crate) fn commands(settings: &Settings) -> Vec<String> {
    let (prefix, controls) = (&settings.prefix, &settings.controls);
    let mut all = Vec::new();
    if !controls.lamps.is_empty() {
        all.push(format!("{prefix}/lamp/+/set"));
    }
    if !controls.lights.is_empty() {
        all.extend([format!("{prefix}/light/+/set"), format!("{prefix}/light/+/brightness/set")]);
    }
    if !controls.motors.is_empty() {
        all.push(format!("{prefix}/fader/+/set"));
    }
    all
}

/// The filters of what the broker may have from before this box was started.
pub(crate) fn memories(settings: &Settings) -> Vec<String> {
    let (prefix, controls) = (&settings.prefix, &settings.controls);
    let mut all = Vec::new();
    if !controls.lamps.is_empty() {
        all.push(format!("{prefix}/lamp/+"));
    }
    if !controls.lights.is_empty() {
        all.extend([format!("{prefix}/light/+"), format!("{prefix}/light/+/brightness")]);
    }
    if !controls.faders.is_empty() || !controls.motors.is_empty() {
        all.push(format!("{prefix}/fader/+"));
    }
    all.extend(discovery::filter(settings));
    all
}

fn on_or_off(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

/// Whole numbers without a fraction.
fn number(value: f64) -> Value {
    #[allow(clippy::cast_possible_truncation)] // whole, and in its range
    if value.fract() == 0.0 && value.abs() < 1e9 { json!(value as i64) } else { json!(value) }
}

/// The levels of a topic that the parts of `key` become. What a topic cannot have becomes `_`.
fn levels(key: &str) -> String {
    let (mut out, mut quoted, mut escaped) = (String::new(), false, false);
    for letter in key.chars() {
        match letter {
            _ if escaped => {
                out.push(letter);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '.' if !quoted => out.push('/'),
            '/' | '+' | '#' | '\0' => out.push('_'),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_parts_are_levels_of_a_topic() {
        for (key, wanted) in [
            ("toggle.mic", "toggle/mic"),
            ("plugin.obs.muted.\"Mic/Aux 1.5\"", "plugin/obs/muted/Mic_Aux 1.5"),
            ("mode", "mode"),
        ] {
            assert_eq!(levels(key), wanted);
        }
    }
}
