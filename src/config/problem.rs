//! What can be wrong with a configuration.

use std::fmt;

use super::source::Place;
use crate::text::Escape as _;
use crate::text::literal;

/// Something wrong, or worth knowing, at a place in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, line and columns it is about.
    pub place: Place,
    /// What is wrong there, with what is needed to say how to write it instead.
    pub problem: Problem,
}

/// A line `file:line:column: what`, the source line, carets, and what to do about it.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, column, .. } = &self.place;
        let severity = if self.problem.is_warning() { "warning" } else { "error" };
        let (file, problem) = (file.escaped(), self.problem.to_string());
        write!(f, "{file}:{line}:{column}: {severity}: {}\n{}", problem.escaped(), self.place.pointed())?;
        if let Some(help) = self.problem.help() {
            let margin = " ".repeat(line.to_string().len());
            for line in help.lines() {
                write!(f, "\n  {margin} = {line}")?;
            }
        }
        Ok(())
    }
}

/// Everything that can be wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Not TOML.
    Syntax {
        /// What the parser expected.
        what: String,
        /// The line as it was probably meant.
        corrected: Option<String>,
    },
    /// JSON's `"key": value` where TOML has `key = value`.
    JsonColon {
        /// The line as it should be.
        corrected: String,
    },
    /// A key that means nothing there.
    UnknownKey {
        /// The key as the file spells it.
        key: String,
        /// The table it stands in.
        within: String,
        /// The known key it most likely means.
        nearest: Option<String>,
        /// All known keys.
        known: Vec<&'static str>,
    },
    /// A key that belongs somewhere else.
    MisplacedKey {
        /// The key as the file spells it.
        key: String,
        /// The table it stands in.
        within: String,
        /// What to do.
        remedy: String,
    },
    /// A key that must be there.
    MissingKey {
        /// The key that has to be added.
        key: &'static str,
        /// The table it is missing from.
        within: String,
    },
    /// A key and its alias, both given.
    SaidTwice {
        /// The key by its first name, the one the documentation uses.
        key: &'static str,
        /// The other name under which it was given a second time.
        alias: &'static str,
    },
    /// A value of another type.
    WrongType {
        /// The key whose value it is, as the file spells it.
        key: String,
        /// What it takes, for example "a string".
        expected: &'static str,
        /// What it is, for example "an integer".
        found: &'static str,
        /// How it was probably meant.
        corrected: Option<String>,
    },
    /// A number outside its range.
    OutOfRange {
        /// The key whose value it is, as the file spells it.
        key: String,
        /// The number as written.
        found: String,
        /// Least allowed.
        least: i64,
        /// Greatest allowed.
        most: i64,
    },
    /// A channel is 0 in a file that does not say that it counts from 0.
    ChannelZero {
        /// How many more are.
        more: usize,
    },
    /// A range that ends before it starts.
    Inverted {
        /// Key of the lower end.
        least: &'static str,
        /// Key of the upper end.
        most: &'static str,
        /// The lower end.
        from: i64,
        /// The upper end.
        to: i64,
    },
    /// A name from a closed or defined set that is not in it.
    UnknownName {
        /// What it should name, for example "trigger" or "mode".
        kind: &'static str,
        /// The name as it is written there.
        name: String,
        /// The known name it most likely means.
        nearest: Option<String>,
        /// All known names, when they are few.
        known: Vec<String>,
    },
    /// A table that names no variant, or several.
    NoVariant {
        /// What it should be, for example "trigger".
        kind: &'static str,
        /// An example of how it is written.
        example: &'static str,
    },
    /// A name given twice.
    Duplicate {
        /// What it names.
        kind: &'static str,
        /// The name both have.
        name: String,
        /// The line that had it first.
        line: u32,
    },
    /// A device given twice, with nothing that tells the two apart.
    SameDevice {
        /// The name both devices have.
        name: String,
        /// The line that had it first.
        line: u32,
    },
    /// A value that may not be empty.
    Empty {
        /// The key whose value is empty, as the file spells it.
        key: String,
        /// What it should hold.
        wanted: &'static str,
    },
    /// A list that is too short.
    TooFew {
        /// The key whose value is the list.
        key: &'static str,
        /// How many elements it has.
        found: usize,
        /// How many it must have.
        least: usize,
    },
    /// A text that is not of the form wanted.
    Malformed {
        /// The key whose value it is, as the file spells it.
        key: String,
        /// The text.
        found: String,
        /// The form wanted, with an example.
        wanted: &'static str,
    },
    /// A secret that is not the name of an environment variable. What stands there may be the secret itself, put in the
    /// wrong place, and is not shown.
    SecretItself {
        /// The secret's name.
        key: String,
    },
    /// More of something than is allowed.
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: u64,
        /// How much there may be.
        most: u64,
    },
    /// Several keys in one text.
    KeyCombination {
        /// The text.
        found: String,
        /// How it is written here.
        corrected: String,
    },
    /// A plugin's file whose name cannot be the plugin's name.
    NoName {
        /// The file's name without its extension.
        stem: String,
        /// The path as written.
        path: String,
    },
    /// Two keys of which exactly one is wanted.
    OneOf {
        /// The two keys, in the order in which a message names them.
        keys: [&'static str; 2],
        /// The table they stand in, or should.
        within: String,
        /// Whether both were given; else none was.
        both: bool,
    },
    /// A plugin that is to be kept has an instance for each call.
    ResidentForACall {
        /// The table it stands in.
        within: String,
    },
    /// A path uses a variable that is not set.
    UnsetVariable {
        /// The variable.
        name: String,
    },
    /// A path names the home directory of somebody else.
    ForeignHome,
    /// Two plugin files would get the same name.
    SameStem {
        /// The file name without its extension, by which both plugins would be called.
        name: String,
        /// The file that has it, as it is written.
        first: String,
        /// The file that wants it, as it is written.
        second: String,
    },
    /// A section of a plugin that has no file, and that nothing uses; it is left out.
    NoFile {
        /// The plugin.
        name: String,
    },
    /// A mapping whose trigger this version does not have; it is left out.
    UnsupportedTrigger {
        /// The trigger.
        name: String,
    },
    /// The key Fn, which no program can press; it is left out.
    FnKey {
        /// Whether it is the key itself and no modifier, so that nothing is left of the keystroke.
        alone: bool,
    },
    /// A range in which nothing ever lies.
    NeverFires {
        /// The key of the range's upper end.
        key: String,
        /// Why nothing lies in it, as the end of a sentence.
        why: &'static str,
        /// The least with which something does.
        least: i64,
    },
    /// A release, or something that lasts until then, of a trigger whose gesture has no end.
    NeverReleased,
    /// An action of a release that lasts until the release.
    HeldRelease,
    /// A number that the event never has.
    NeverThere {
        /// The number's name.
        name: &'static str,
        /// Whether the event is the end of what the trigger waits for.
        release: bool,
        /// Whether it stands in braces in a text.
        text: bool,
        /// What the event has.
        known: Vec<&'static str>,
    },
    /// A profile that cannot be read.
    ProfileUnreadable {
        /// Its file, or what the configuration calls it.
        path: String,
        /// The reason, as the end of a sentence.
        reason: String,
    },
    /// A control of a profile that sends what another sends.
    SameControl {
        /// What both send, for example "controller 48".
        sends: String,
        /// The line of the first.
        line: u32,
    },
    /// `control`, where no profile gives names to controls.
    NoProfile {
        /// The device that is meant; none where the trigger names none.
        device: Option<String>,
        /// Whether several devices have profiles.
        several: bool,
    },
    /// A control that sends something else than is waited for.
    WrongControl {
        /// The control.
        name: String,
        /// What it sends, for example "controller 48".
        is: String,
        /// What is waited for, for example "a note".
        wanted: &'static str,
    },
    /// Controls of one list that send on different channels.
    ControlsApart {
        /// The first that is on another channel than the first of the list.
        name: String,
        /// The channel of the first, as the file counts; every one where there is none.
        one: Option<u8>,
        /// That of the other.
        other: Option<u8>,
    },
    /// Two triggers that say different things about how one encoder writes its turns; the first is believed.
    EncoderModes {
        /// Controller number.
        cc: u8,
        /// The line of the first.
        line: u32,
    },
    /// A device has nothing to show something with.
    DeviceLacks {
        /// What triggers call the device.
        device: String,
        /// What it does not have.
        what: &'static str,
        /// The line that gives it one.
        add: &'static str,
    },
    /// What a trigger waits for has no lamp of its own.
    NoLamp,
    /// A lamp that is to follow something the session is not told of when it changes.
    LampOfWorld {
        /// The condition.
        name: &'static str,
    },
    /// Something else shows something at the same lamp, and comes first.
    SecondOwner {
        /// The lamp.
        lamp: String,
        /// The line of the first.
        line: u32,
    },
    /// Something to be picked up that does not move, or that has no value to stand at.
    PickupOfNothing {
        /// Whether it moves.
        moves: bool,
    },
    /// A URL that cannot be asked for.
    BadUrl {
        /// The URL as written.
        found: String,
        /// What is wrong with it.
        why: String,
    },
    /// A body for a method that has none.
    NoBody {
        /// The method.
        method: &'static str,
    },
    /// A placeholder of a secret where secrets are not filled in.
    SecretInBody,
    /// A key of a route that none of the messages it passes has anything to do with.
    RouteKeyIdle {
        /// The key.
        key: &'static str,
        /// What none of them has.
        of: &'static str,
    },
    /// A route that passes, to the same port and in the same way, what another one passes.
    RoutedTwice {
        /// The line of the other.
        line: u32,
    },
    /// A route that never passes anything.
    RouteIdle {
        /// Why not.
        why: &'static str,
    },
    /// A mapping that never fires, because one before it takes everything it waits for.
    Shadowed {
        /// The line of the mapping that takes it.
        by: u32,
    },
}

impl Problem {
    /// Whether the configuration can be used nevertheless.
    pub fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::NoFile { .. }
                | Self::UnsupportedTrigger { .. }
                | Self::FnKey { .. }
                | Self::NeverFires { .. }
                | Self::EncoderModes { .. }
                | Self::Shadowed { .. }
                | Self::SecondOwner { .. }
                | Self::RouteKeyIdle { .. }
                | Self::RoutedTwice { .. }
                | Self::RouteIdle { .. }
        )
    }

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
            Self::LampOfWorld { .. } => "have a mode entered by it ([[modes]] when = …), and ask for the mode here: when = { ModeIs = { mode = \"…\" } }".to_owned(),
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
            Self::LampOfWorld { name } => {
                write!(f, "a lamp cannot follow {name}: nobody tells when that changes")
            }
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
