//! Mistakes of a configuration as text: what is wrong, and what to do about it.

use std::fmt;

use super::problem::Problem;
use crate::text::Escape as _;
use crate::text::literal;

impl Problem {
    /// What to do about it, one or more lines.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("did you mean `{}`?", nearest.escaped()),
            Self::UnknownKey { known, .. } if !known.is_empty() => {
                format!("known keys: {}", known.join(", ").escaped())
            }
            Self::MisplacedKey { remedy, .. } => remedy.clone(),
            Self::ResidentForACall { .. } => {
                "a resident plugin is one instance that stays: leave out `resident`, or write isolation = \"tenant\"".to_owned()
            }
            Self::UnknownName { nearest: Some(nearest), .. } => format!("did you mean \"{}\"?", nearest.escaped()),
            Self::UnknownName { known, .. } if !known.is_empty() => format!("known: {}", known.join(", ").escaped()),
            Self::UnknownName { kind, .. } => format!("this configuration defines no {kind}"),
            Self::NoVariant { example, .. } => format!("write it like {example}"),
            Self::Inverted { least, most, from, to } => format!("write: {least} = {to}, {most} = {from}"),
            Self::SecretItself { key } => {
                format!(
                    "write the secret into the environment, and its variable here: {key} = \"MY_{}\"",
                    key.to_uppercase().escaped()
                )
            }
            Self::NoName { path, .. } => {
                format!("give it one: [plugins.NAME] path = {}, and plugin = \"NAME\" here", literal::shown(path))
            }
            Self::SaidTwice { alias, .. } => format!("leave out `{alias}`"),
            Self::MissingKey { key, .. } => format!("add: {key} = {}", example(key)),
            Self::OutOfRange { key, least, most, found } => {
                let below = found.starts_with('-') || found.parse().is_ok_and(|number: i64| number < *least);
                format!("the nearest allowed: {key} = {}", if below { least } else { most })
            }
            Self::ChannelZero { .. } => "add as the first line of the file: channels_from = 0\n\
                 it holds for every `channel` of the file; without it channels count from 1 to 16"
                .to_owned(),
            Self::JsonColon { corrected }
            | Self::KeyCombination { corrected, .. }
            | Self::WrongType { corrected: Some(corrected), .. }
            | Self::Syntax { corrected: Some(corrected), .. } => format!("write: {corrected}"),
            Self::Duplicate { kind, .. } => format!("each {kind} is given once"),
            Self::SameDevice { .. } => "each device is given once; where there are two of one name, say which with a line that `conductor ports` shows: \
                 serial = \"A1B2\" or usb = \"1-1.2\""
                .to_owned(),
            Self::UnsetVariable { name } => format!("set {name}, or write the path out"),
            Self::ForeignHome => "only `~/` is known; write the path out".to_owned(),
            Self::SameStem { second, .. } => {
                format!(
                    "give one a name of its own: [plugins.NAME] path = {}, and plugin = \"NAME\" here",
                    literal::shown(second)
                )
            }
            Self::PluginParams { help, .. } => return help.clone(),
            Self::NoFile { .. } => "give it a path".to_owned(),
            Self::UnsupportedTrigger { .. } => "the mapping is left out; the rest of the file is used".to_owned(),
            Self::FnKey { alone: true } => "nothing is left of the keystroke; choose another key".to_owned(),
            Self::FnKey { alone: false } => "it is left out; the keystroke is sent without it".to_owned(),
            Self::NeverFires { key, least, .. } => format!("leave it out, or write: {key} = {least}"),
            Self::NeverReleased => "Note, VelocityRange, LongPress and NoteChord end when a note is let go; CC, PitchBend and Aftertouch when \
                                    they leave a range that is not the whole scale"
                .to_owned(),
            Self::HeldRelease => "leave out `hold` or `while_held` here, or put the action under `action`".to_owned(),
            Self::NeverThere { name, text, known, .. } => {
                let has = if known.is_empty() { "it has no numbers".to_owned() } else { format!("it has: {}", known.join(", ")) };
                let other = if *text { format!("; for the word in braces write {{{{{name}}}}}") } else { String::new() };
                has + &other
            }
            Self::ProfileUnreadable { .. } => {
                "look at the path; `conductor monitor --profile NAME` writes a profile, docs/profiles.md says where they are looked for".to_owned()
            }
            Self::SameControl { .. } => {
                "leave one out; where each sends on a channel of its own, give both their `channel`".to_owned()
            }
            Self::NoProfile { several: true, .. } => "say which device has it: device = \"…\"".to_owned(),
            Self::NoProfile { .. } => {
                "give the device one: profile = \"launchpad-mini-mk3\" below its name, or write `note` or `cc` here".to_owned()
            }
            Self::WrongControl { wanted, .. } if wanted.ends_with("note") => {
                "use a trigger for controllers, for example { CC = { control = \"…\" } }".to_owned()
            }
            Self::WrongControl { .. } => "use a trigger for notes, for example { Note = { control = \"…\" } }".to_owned(),
            Self::ControlsApart { .. } => "write a mapping for the controls of each channel".to_owned(),
            Self::DeviceLacks { add, .. } => format!("add below its [[device]]:\n[device.feedback]\n{add}"),
            Self::NoLamp => "name one beside it: note = 36 or cc = 7; `channel` and `device` may be named, too".to_owned(),
            Self::SecondOwner { .. } => "leave one of them out".to_owned(),
            Self::PickupOfNothing { moves: true } => {
                "add: feedback = { from = \"var.level\", in = [0, 100], to = [0, 127] }, which says where the fader should stand".to_owned()
            }
            Self::PickupOfNothing { moves: false } => "it is for CC, CC14, PitchBend and Aftertouch; leave it out here".to_owned(),
            Self::EncoderModes { .. } => "give both the same `mode`".to_owned(),
            Self::NoBody { .. } => "leave out `body`, or write: method = \"POST\"".to_owned(),
            Self::SecretInBody => "put it into a header: headers = { Authorization = \"Bearer {{secret:NAME}}\" }".to_owned(),
            Self::RouteKeyIdle { key, of } => format!("leave out `{key}`, or put a kind of message that has {of} into `only`"),
            Self::RoutedTwice { .. } => "what both pass is sent twice; give each its own `channels`, `notes` or `only`".to_owned(),
            Self::RouteIdle { .. } => {
                "pass = \"all\" passes what mappings name too; `transpose` is in semitones, 12 for an octave".to_owned()
            }
            Self::Shadowed { .. } => {
                "the first mapping that matches is taken; make that one narrower or put this one before it".to_owned()
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { what, .. } => write!(f, "not TOML: {what}"),
            Self::JsonColon { .. } => f.write_str("not TOML: a key and its value are joined by `=`, not `:`"),
            Self::UnknownKey { key, within, .. } => write!(f, "unknown key `{key}` in {within}"),
            Self::MisplacedKey { key, within, .. } => write!(f, "`{key}` does not belong in {within}"),
            Self::MissingKey { key, within } => write!(f, "missing key `{key}` in {within}"),
            Self::SaidTwice { key, alias } => write!(f, "`{alias}` means the same as `{key}`, which is given as well"),
            Self::WrongType { key, expected, found, .. } => write!(f, "`{key}` takes {expected}, not {found}"),
            Self::OutOfRange { key, found, least, most } => {
                write!(f, "`{key}` is {found}, which is not from {least} to {most}")
            }
            Self::ChannelZero { more } => {
                f.write_str("`channel` is 0")?;
                match more {
                    0 => {}
                    1 => f.write_str(", here and in another place")?,
                    more => write!(f, ", here and in {more} other places")?,
                }
                f.write_str(": this file counts channels from 0, and does not say so")
            }
            Self::Inverted { least, most, from, to } => {
                write!(f, "`{least}` ({from}) is greater than `{most}` ({to})")
            }
            Self::UnknownName { kind, name, .. } => write!(f, "unknown {kind} \"{name}\""),
            Self::NoVariant { kind, .. } => write!(f, "this names no {kind}"),
            Self::SameDevice { name, line } => {
                write!(f, "a second device \"{name}\"; the first is on line {line}")
            }
            Self::Duplicate { kind, name, line } => {
                write!(f, "a second {kind} \"{name}\"; the first is on line {line}")
            }
            Self::Empty { key, wanted } => write!(f, "`{key}` is empty; it takes {wanted}"),
            Self::TooFew { key, found, least } => write!(f, "`{key}` has {found}, and at least {least} are needed"),
            Self::Malformed { key, found, wanted } => write!(f, "`{key}` is \"{found}\"; it takes {wanted}"),
            Self::SecretItself { key } => {
                write!(f, "the secret `{key}` takes the name of an environment variable that holds it")
            }
            Self::TooMuch { what, found, most } => write!(f, "{found} {what}, and at most {most} are allowed"),
            Self::OneOf { keys: [a, b], within, both: true } => {
                write!(f, "both `{a}` and `{b}` in {within}; give one of them")
            }
            Self::OneOf { keys: [a, b], within, both: false } => {
                write!(f, "neither `{a}` nor `{b}` in {within}; give one of them")
            }
            Self::ResidentForACall { within } => {
                write!(f, "{within} is resident, and has an instance for each call (isolation = \"call\")")
            }
            Self::KeyCombination { found, .. } => write!(f, "`keys` is \"{found}\", and takes one key"),
            Self::NoName { stem, .. } => write!(f, "the file's name \"{stem}\" cannot be the plugin's name"),
            Self::UnsetVariable { name } => write!(f, "the path uses ${name}, which is not set"),
            Self::ForeignHome => f.write_str("the path begins with another user's home directory"),
            Self::SameStem { name, first, second } => {
                write!(f, "two plugins would be called \"{name}\": {first} and {second}")
            }
            Self::NoFile { name } => {
                write!(f, "[plugins.{name}] has no path, and no mapping names a file {name}.wasm")
            }
            Self::UnsupportedTrigger { name } => write!(f, "the trigger {name} is not supported yet"),
            Self::FnKey { .. } => f.write_str("no program can press the key Fn: the keyboard keeps it to itself"),
            Self::NeverFires { key, why, .. } => {
                write!(f, "with `{}` at 0 this trigger never fires: {why}", key.escaped())
            }
            Self::NeverReleased => f.write_str("what this trigger waits for has no end, so nothing is ever let go"),
            Self::HeldRelease => f.write_str("an action of `release` has no end to last until"),
            Self::NeverThere { name, release: false, .. } => {
                write!(f, "what this trigger waits for has no `{name}`")
            }
            Self::NeverThere { name, release: true, .. } => {
                write!(f, "the end of what this trigger waits for has no `{name}`")
            }
            Self::ProfileUnreadable { path, reason } => {
                write!(f, "the profile {} cannot be read: {}", path.escaped(), reason.escaped())
            }
            Self::SameControl { sends, line } => {
                write!(f, "a second control sends {sends}; the first is on line {line}")
            }
            Self::NoProfile { several: true, .. } => {
                f.write_str("`control` is a name of a device's profile, and several devices have one")
            }
            Self::NoProfile { device: Some(device), .. } => {
                write!(f, "`control` is a name of a device's profile, and the device \"{device}\" has none")
            }
            Self::NoProfile { device: None, .. } => {
                f.write_str("`control` is a name of a device's profile, and no device has one")
            }
            Self::WrongControl { name, is, wanted } => {
                write!(f, "the control \"{name}\" sends {is}, and this trigger waits for {wanted}")
            }
            Self::ControlsApart { name, one, other } => {
                let on = |channel: &Option<u8>| {
                    channel.map_or("every channel".to_owned(), |channel| format!("channel {channel}"))
                };
                write!(f, "\"{name}\" is on {}, and the first of the list on {}", on(other), on(one))
            }
            Self::EncoderModes { cc, line } => {
                write!(
                    f,
                    "the trigger on line {line} reads the turns of controller {cc} in another `mode`, and is believed"
                )
            }
            Self::DeviceLacks { device, what, .. } => write!(f, "the device \"{device}\" has no {what}"),
            Self::NoLamp => f.write_str("what this trigger waits for has no lamp of its own"),
            Self::SecondOwner { lamp, line } => {
                write!(f, "line {line} shows something at {lamp} already, and is believed")
            }
            Self::PickupOfNothing { moves: true } => {
                f.write_str("nothing says where this fader should stand, so nothing can be picked up")
            }
            Self::PickupOfNothing { moves: false } => {
                f.write_str("what this trigger waits for does not stand anywhere, so it cannot be picked up")
            }
            Self::BadUrl { found, why } => write!(f, "`url` is \"{found}\": {why}"),
            Self::NoBody { method } => write!(f, "a {method} request has no body"),
            Self::SecretInBody => f.write_str("secrets are filled into headers only"),
            Self::PluginParams { plugin, what, .. } => write!(f, "plugin {plugin}: {what}"),
            Self::RouteKeyIdle { key, of } => {
                write!(f, "`{key}` means nothing here: no message that this route passes has {of}")
            }
            Self::RoutedTwice { line } => {
                write!(f, "this route sends what the one on line {line} sends: the same messages to the same port")
            }
            Self::RouteIdle { why } => write!(f, "this route never passes anything: {why}"),
            Self::Shadowed { by } => {
                write!(f, "this mapping never fires: the one on line {by} matches all it waits for")
            }
        }
    }
}

/// What a key that must be there may hold.
fn example(key: &str) -> &'static str {
    match key {
        "trigger" => "{ Note = { note = 60 } }",
        "action" | "then_action" => "{ Shell = { command = \"…\" } }",
        "actions" => "[{ Delay = { ms = 100 } }]",
        "condition" => "\"Always\"",
        "conditions" => "[\"Always\"]",
        "note" | "controller" | "value" | "program" | "pressure" | "cc" | "seconds" => "60",
        "notes" => "[60, 64, 67]",
        "in" => "[0, 100]",
        "channel" | "count" | "x" | "y" => "1",
        "ms" => "100",
        "pitch" => "0",
        "days" => "[1, 2, 3, 4, 5]",
        "start" | "time" => "\"09:00\"",
        "key" => "\"var.take\"",
        "end" => "\"17:00\"",
        "hosts" => "[\"api.example.com\"]",
        "message_type" => "\"NoteOn\"",
        "button" => "\"Left\"",
        "operation" => "\"Up\"",
        "keys" => "\"space\"",
        _ => "\"…\"",
    }
}
