//! What can be wrong with a configuration.

use std::fmt;

use super::source::Place;
use crate::text::Escape as _;

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
    /// A call of a plugin that the plugin would not take.
    PluginParams {
        /// The plugin.
        plugin: String,
        /// What it would not take.
        what: String,
        /// What to write.
        help: Option<String>,
    },
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
}
