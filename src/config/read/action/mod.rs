//! Actions.

pub(in crate::config::read) mod midi_out;
pub(in crate::config::read) mod network_action;
pub(in crate::config::read) mod params;

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::config::action::number::Number;
use crate::config::action::number::ranges::{DELAY_MS, NOTCHES, PIXELS, ROUNDS, VOLUME};
use crate::config::action::template::Template;
use crate::config::action::{Action, ModeTarget, PluginCall};
use crate::config::call_places::WrittenCall;
use crate::config::keys;
use crate::config::problem::Problem;
use crate::config::read::Reader;
use crate::config::read::table::{Table, shortened};
use crate::config::read::value::Value;
use crate::config::read::variant::{Family, choice};
use crate::effect::{KeyModifier, Keystroke, MouseButton, Stroke, Variables, VolumeOperation};
use crate::state::StateKey;
use crate::text::nearest;

const ACTIONS: Family = Family {
    kind: "action",
    names: &[
        "WasmPlugin",
        "Keystroke",
        "Text",
        "Launch",
        "Shell",
        "Sequence",
        "Delay",
        "MouseClick",
        "MouseScroll",
        "MouseMove",
        "VolumeControl",
        "ModeChange",
        "Repeat",
        "Conditional",
        "Toggle",
        "Cycle",
        "Set",
        "Http",
        "Osc",
        "SendMidi",
    ],
    unlisted: &[],
    example: "{ Shell = { command = \"…\" } } or type = \"Shell\" with command = \"…\" beside it",
};

/// How deep actions may nest; beyond this nobody can read one.
const MAX_DEPTH: u64 = 16;
/// Most actions in one sequence.
const MAX_SEQUENCE: usize = 256;
/// Most steps of one mapping, repeats multiplied out: nested repeats would otherwise multiply to more than a session has
/// time for, from a few bytes of text.
const MAX_STEPS: u64 = 10_000;
/// Longest text to type, in bytes.
const MAX_TEXT: usize = 4_096;
/// Longest command line, in bytes; the system's own limit is far above.
const MAX_COMMAND: usize = 65_536;

impl Reader<'_> {
    /// The action of a mapping.
    pub(in crate::config::read) fn action(&mut self, value: Value<'_>) -> Option<Action> {
        let action = self.nested_action(value, 0)?;
        let steps = steps(&action);
        if steps > MAX_STEPS {
            value.wrong(Problem::TooMuch { what: "steps, repeats multiplied out", found: steps, most: MAX_STEPS });
        }
        Some(action)
    }

    fn nested_action(&mut self, value: Value<'_>, depth: u64) -> Option<Action> {
        if depth >= MAX_DEPTH {
            value.wrong(Problem::TooMuch { what: "actions inside each other", found: depth + 1, most: MAX_DEPTH });
            return None;
        }
        let variant = ACTIONS.read(value)?;
        let mut fields = variant.fields;
        let action = match variant.name {
            "WasmPlugin" => self.plugin_call(&mut fields),
            "Keystroke" => {
                let hold = self.hold(&mut fields, "hold");
                keystroke(&mut fields, hold)
            }
            "Text" => self.template(&mut fields, "text", "the text to type", MAX_TEXT).map(Action::Text),
            "Launch" => self.line(&mut fields, "app", "the program to start").map(Action::Launch),
            "Shell" => self.line(&mut fields, "command", "a line for /bin/sh").map(Action::Shell),
            "Sequence" => self.sequence(&mut fields, depth),
            "Delay" => Some(Action::Delay(self.need_value(&mut fields, &["ms"], DELAY_MS))),
            "MouseClick" => {
                let hold = self.hold(&mut fields, "hold");
                self.mouse_click(&mut fields, hold)
            }
            "MouseScroll" => {
                let (x, y) = self.motion(&mut fields, NOTCHES);
                Some(Action::MouseScroll { x, y })
            }
            "MouseMove" => {
                let (x, y) = self.motion(&mut fields, PIXELS);
                Some(Action::MouseMove { x, y })
            }
            "VolumeControl" => self.volume(&mut fields),
            "ModeChange" => {
                let while_held = self.hold(&mut fields, "while_held");
                let to = fields.need(&["mode"]).and_then(|value| self.mode_target(&value));
                to.map(|to| Action::ModeChange { to, while_held })
            }
            "Repeat" => self.repeat(&mut fields, depth),
            "Conditional" => self.conditional(&mut fields, depth),
            "Toggle" => self.toggle(&mut fields, depth),
            "Cycle" => self.cycle(&mut fields, depth),
            "Set" => self.set_value(&mut fields).map(|(key, value)| Action::Set { key, value }),
            "Http" => self.http(&mut fields),
            "Osc" => self.osc(&mut fields),
            // "SendMidi": the family has no other name.
            _ => midi_out::read(self, &mut fields),
        };
        fields.finish();
        action
    }

    /// Whether the flag `key` is set, by which an action lasts until its trigger ends.
    pub(in crate::config::read) fn hold(&mut self, fields: &mut Table<'_>, key: &'static str) -> bool {
        let Some(value) = fields.take(&[key]) else { return false };
        let hold = value.boolean().unwrap_or(false);
        if hold {
            self.held.get_or_insert(value.span());
        }
        hold
    }

    /// The mode that `value` names, numbers, or describes. A mode that is called like a word is meant by it.
    fn mode_target(&mut self, value: &Value<'_>) -> Option<ModeTarget> {
        let words = [("Next", ModeTarget::Next), ("Previous", ModeTarget::Previous), ("Last", ModeTarget::Last)];
        let word = value.toml.as_str().filter(|name| !self.modes.iter().any(|mode| mode == name));
        let target = word.and_then(|word| words.iter().find(|(known, _)| *known == word));
        target.map(|(_, target)| *target).or_else(|| self.mode(value).map(ModeTarget::Index))
    }

    fn sequence(&mut self, fields: &mut Table<'_>, depth: u64) -> Option<Action> {
        let value = fields.need(&["actions"])?;
        let items = value.list(MAX_SEQUENCE)?;
        if items.is_empty() {
            value.wrong(Problem::Empty { key: "actions".into(), wanted: "one action or more" });
        }
        Some(Action::Sequence(items.into_iter().filter_map(|item| self.nested_action(item, depth + 1)).collect()))
    }

    fn repeat(&mut self, fields: &mut Table<'_>, depth: u64) -> Option<Action> {
        let count = self.need_value(fields, &["count"], ROUNDS);
        let delay_ms = self.optional_value(fields, &["delay_ms", "delay_between_ms"], DELAY_MS);
        let delay_ms = delay_ms.unwrap_or(Number::Fixed(0));
        let action = fields.need(&["action"]).and_then(|value| self.nested_action(value, depth + 1))?;
        Some(Action::Repeat { action: Box::new(action), count, delay_ms })
    }

    fn conditional(&mut self, fields: &mut Table<'_>, depth: u64) -> Option<Action> {
        let condition = fields.need(&["condition"]).and_then(|value| self.condition(value, 0));
        let then_action = fields.need(&["then_action"]).and_then(|value| self.nested_action(value, depth + 1));
        let else_action = match fields.take(&["else_action"]) {
            Some(value) => Some(Box::new(self.nested_action(value, depth + 1)?)),
            None => None,
        };
        Some(Action::Conditional { condition: condition?, then_action: Box::new(then_action?), else_action })
    }

    fn toggle(&mut self, fields: &mut Table<'_>, depth: u64) -> Option<Action> {
        let key = self.state_name(fields, StateKey::Toggle);
        let mut branch = |name: &'static str| match fields.take(&[name]) {
            Some(value) => self.nested_action(value, depth + 1).map(|action| Some(Box::new(action))),
            None => Some(None),
        };
        let (on, off) = (branch("on"), branch("off"));
        Some(Action::Toggle { key: key?, on: on?, off: off? })
    }

    fn cycle(&mut self, fields: &mut Table<'_>, depth: u64) -> Option<Action> {
        let key = self.state_name(fields, StateKey::Cycle);
        let Action::Sequence(actions) = self.sequence(fields, depth)? else { return None };
        Some(Action::Cycle { key: key?, actions })
    }

    fn plugin_call(&mut self, fields: &mut Table<'_>) -> Option<Action> {
        let (path, name) = (fields.take(&["path"]), fields.take(&["plugin"]));
        let mut written = WrittenCall::at(fields.span());
        let (params, values) = self.params(fields, &mut written);
        let tenant = match fields.take(&["tenant"]) {
            Some(value) => value.string().and_then(|tenant| crate::config::read::plugins::name(&value, tenant)),
            None => Some("default".to_owned()),
        };
        self.state.tenants.extend(tenant.clone());
        let plugin = match (path, name) {
            (Some(path), None) => self.plugin_at(&path),
            (None, Some(name)) => self.plugin_called(&name),
            (path, _) => {
                let problem =
                    Problem::OneOf { keys: ["path", "plugin"], within: fields.within.clone(), both: path.is_some() };
                fields.report.add(fields.span(), problem);
                None
            }
        };
        let call = PluginCall { plugin: plugin?, tenant: tenant?, params: params? };
        written.plugin.clone_from(&call.plugin);
        written.params.clone_from(&call.params.json);
        self.calls.push(written);
        Some(Action::WasmPlugin { call: Arc::new(call), values })
    }
}

/// Steps `action` expands to. Depth is bounded by [`MAX_DEPTH`], so sums saturate long before they matter.
fn steps(action: &Action) -> u64 {
    match action {
        Action::Sequence(actions) => actions.iter().map(steps).fold(1, u64::saturating_add),
        Action::Cycle { actions, .. } => actions.iter().map(steps).max().unwrap_or(0).saturating_add(1),
        Action::Toggle { on, off, .. } => {
            let of = |action: &Option<Box<Action>>| action.as_deref().map_or(0, steps);
            of(on).max(of(off)).saturating_add(1)
        }
        Action::Repeat { action, count, .. } => {
            let count = u64::try_from(count.most(*ROUNDS.end())).unwrap_or(1);
            steps(action).saturating_add(1).saturating_mul(count)
        }
        Action::Conditional { then_action, else_action, .. } => {
            let other = else_action.as_deref().map_or(0, steps);
            steps(then_action).max(other).saturating_add(1)
        }
        _ => 1,
    }
}

fn text(fields: &mut Table<'_>, key: &'static str, wanted: &'static str, most: usize) -> Option<String> {
    Some(fields.need(&[key])?.text(wanted, most)?.to_owned())
}

/// Keys to press. Where the key is Fn nothing is left to do; the mapping stays, so that its trigger fires no other.
fn keystroke(fields: &mut Table<'_>, hold: bool) -> Option<Action> {
    let mut is_fn = false;
    let key = fields.need(&["keys", "key"]).and_then(|value| {
        let written = value.string()?;
        if keys::is_fn(written) {
            value.wrong(Problem::FnKey { alone: true });
            is_fn = true;
            return None;
        }
        let key = keys::key(written);
        if key.is_none()
            && let Some(corrected) = combination(written)
        {
            value.wrong(Problem::KeyCombination { found: shortened(written), corrected });
        } else if key.is_none() {
            let nearest = nearest(written, keys::spellings()).map(str::to_owned);
            let known = vec!["letters, digits, f1 to f24, and names such as space, enter, up, minus".to_owned()];
            value.wrong(Problem::UnknownName { kind: "key", name: shortened(written), nearest, known });
        }
        key
    });
    let mut modifiers = Vec::new();
    if let Some(items) = fields.take(&["modifiers"]).and_then(|value| value.list(MAX_SEQUENCE)) {
        for item in items {
            let Some(modifier) = modifier(&item) else { continue };
            if !modifiers.contains(&modifier) {
                modifiers.push(modifier);
            }
        }
    }
    if is_fn {
        return Some(Action::Sequence(Vec::new()));
    }
    let keystroke = Keystroke { keys: key?.to_owned(), modifiers, stroke: Stroke::Tap };
    Some(Action::Keystroke { keystroke, hold })
}

/// The modifier `value` names, in any spelling its key has. `fn` is left out with a word.
fn modifier(value: &Value<'_>) -> Option<KeyModifier> {
    let written = value.string()?;
    if keys::is_fn(written) {
        value.wrong(Problem::FnKey { alone: false });
        return None;
    }
    let found = modifier_named(written);
    if found.is_none() {
        // The four names themselves are enough of a hint.
        let words: Vec<_> = KeyModifier::ALL[..4].iter().map(|modifier| (modifier.key(), *modifier)).collect();
        return choice(value, "modifier", &words);
    }
    found
}

fn modifier_named(written: &str) -> Option<KeyModifier> {
    let key = keys::key(written)?;
    KeyModifier::ALL.into_iter().find(|modifier| modifier.key() == key)
}

/// How `"ctrl+shift+c"` is written here, when it is that.
fn combination(written: &str) -> Option<String> {
    let (held, key) = written.rsplit_once('+')?;
    let key = keys::key(key.trim())?;
    let names: Option<Vec<&str>> = held
        .split('+')
        .map(str::trim)
        .filter(|held| !keys::is_fn(held)) // it would only be left out
        .map(|held| modifier_named(held).map(KeyModifier::key))
        .collect();
    Some(format!("keys = \"{key}\", modifiers = {:?}", names?))
}

impl Reader<'_> {
    /// Text in which numbers of the event stand in braces.
    fn template(
        &mut self,
        fields: &mut Table<'_>,
        key: &'static str,
        wanted: &'static str,
        most: usize,
    ) -> Option<Template> {
        let value = fields.need(&[key])?;
        self.template_of(&value, wanted, most)
    }

    /// The text that is `value`, in which numbers of the event stand in braces.
    pub(in crate::config::read) fn template_of(
        &mut self,
        value: &Value<'_>,
        wanted: &'static str,
        most: usize,
    ) -> Option<Template> {
        let template = Template::read(value.text(wanted, most)?);
        for number in template.numbers() {
            self.scale_of(number, value, true);
        }
        Some(template)
    }

    /// A line that is run. One that names a variable uses the event's numbers.
    fn line(&mut self, fields: &mut Table<'_>, key: &'static str, wanted: &'static str) -> Option<String> {
        let line = text(fields, key, wanted, MAX_COMMAND)?;
        self.event.used |= Variables::NAMES.iter().any(|name| line.contains(name));
        Some(line)
    }

    fn mouse_click(&mut self, fields: &mut Table<'_>, hold: bool) -> Option<Action> {
        let words = [("Left", MouseButton::Left), ("Right", MouseButton::Right), ("Middle", MouseButton::Middle)];
        let button = fields.need(&["button"]).and_then(|value| {
            let written = value.toml.as_str().unwrap_or("");
            let any_case = |(word, _): &&(&str, MouseButton)| word.eq_ignore_ascii_case(written);
            let button = words.iter().find(any_case).map(|(_, button)| *button);
            button.or_else(|| choice(&value, "mouse button", &words))
        });
        let x = self.optional_value(fields, &["x"], PIXELS);
        let y = self.optional_value(fields, &["y"], PIXELS);
        Some(Action::MouseClick { button: button?, x, y, hold })
    }

    /// A motion; at least one way is given.
    fn motion(&mut self, fields: &mut Table<'_>, range: RangeInclusive<i64>) -> (Number, Number) {
        if !fields.has("x") {
            return (Number::Fixed(0), self.need_value(fields, &["y"], range));
        }
        let mut way =
            |key: &'static str| self.optional_value(fields, &[key], range.clone()).unwrap_or(Number::Fixed(0));
        (way("x"), way("y"))
    }

    fn volume(&mut self, fields: &mut Table<'_>) -> Option<Action> {
        let words = [
            ("Up", VolumeOperation::Up),
            ("Down", VolumeOperation::Down),
            ("Mute", VolumeOperation::Mute),
            ("Unmute", VolumeOperation::Unmute),
            ("Toggle", VolumeOperation::Toggle),
            ("Set", VolumeOperation::Set),
        ];
        let operation =
            fields.need(&["operation", "action"]).and_then(|value| choice(&value, "volume operation", &words));
        let value = if operation == Some(VolumeOperation::Set) {
            fields.within.push_str(" with operation Set");
            Some(self.need_value(fields, &["value"], VOLUME))
        } else {
            self.optional_value(fields, &["value"], VOLUME)
        };
        Some(Action::VolumeControl { operation: operation?, value })
    }
}
