//! A profile's text → [`Profile`], and the profiles that devices name.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::channel::Channels;
use super::feedback::feedback;
use super::report::{Found, Report};
use super::syntax::Scan;
use super::table::{Table, shortened};
use super::value::Value;
use crate::config::environment::Environment;
use crate::config::feedback::FeedbackConfig;
use crate::config::model::FirstChannel;
use crate::config::problem::Problem;
use crate::config::profile::places::{ProfileSource, ProfileTexts, find};
use crate::config::profile::{ControlAddress, ControlNumber, Profile, ProfileControl};
use crate::config::source::Source;
use crate::text::is_unsafe;

/// Most controls of a controller.
const MAX_CONTROLS: usize = 1_024;
/// Longest name of a control, in bytes.
const MAX_CONTROL: usize = 64;
/// Longest name of a controller, in bytes.
const MAX_NAME: usize = 255;
/// Longest name or path of a profile, in bytes.
const MAX_PATH: usize = 4_096;

/// A profile as it was read, with what its file says of channels.
pub(in crate::config) struct ReadProfile {
    pub(in crate::config) profile: Profile,
    pub(in crate::config) first: FirstChannel,
}

/// Profiles as far as the configuration has named them.
pub(super) struct Profiles<'a> {
    texts: ProfileTexts<'a>,
    directory: &'a Path,
    environment: &'a Environment,
    /// Those read so far. One that is wrong is told of once.
    read: BTreeMap<String, Option<Arc<Profile>>>,
    /// Their texts.
    pub(super) sources: Vec<ProfileSource>,
}

impl<'a> Profiles<'a> {
    pub(super) fn new(texts: ProfileTexts<'a>, directory: &'a Path, environment: &'a Environment) -> Self {
        Self { texts, directory, environment, read: BTreeMap::new(), sources: Vec::new() }
    }

    /// Whether a profile that was named is not there, or wrong.
    pub(super) fn is_any_missing(&self) -> bool {
        self.read.values().any(Option::is_none)
    }

    /// The profile that `value` names. What is wrong with it is told with its own places.
    pub(super) fn named(&mut self, value: &Value<'_>) -> Option<Arc<Profile>> {
        let written = value.text("a profile's name or a path", MAX_PATH)?;
        if let Some(read) = self.read.get(written) {
            return read.clone();
        }
        let profile = match find(written, self.texts, self.directory, self.environment) {
            Ok(source) => {
                let (read, found) = profile(&source);
                let bad = !found.errors.is_empty();
                value.report().adopt(value.span(), found);
                self.sources.push(ProfileSource { written: written.to_owned(), source });
                read.filter(|_| !bad).map(|read| Arc::new(read.profile))
            }
            Err(problem) => {
                value.wrong(problem);
                None
            }
        };
        self.read.insert(written.to_owned(), profile.clone());
        profile
    }
}

/// Reads the whole of `source`.
pub(in crate::config) fn profile(source: &Source) -> (Option<ReadProfile>, Found) {
    let report = Report::new(source.clone());
    let mut mended = String::new();
    let table = Scan::of(source.text()).parse(source.text(), &mut mended, &report);
    let profile = table.map(|table| {
        let mut root = Table::new(&table, 0..0, "the profile".to_owned(), &report);
        let name = root.need(&["name"]).and_then(|value| value.text("the controller's name", MAX_NAME));
        let mut channels = Channels::read(root.take(&["channels_from"]));
        let controls = root.take(&["controls"]).map(|value| controls(&value, &mut channels)).unwrap_or_default();
        let feedback = root
            .take(&["feedback"])
            .map_or_else(FeedbackConfig::default, |value| feedback(&value, "[feedback]", &mut channels));
        root.finish();
        channels.tell_zeros(&report);
        let profile = Profile { name: name.unwrap_or_default().to_owned(), controls, feedback };
        ReadProfile { profile, first: channels.first() }
    });
    (profile, report.finish())
}

fn controls(value: &Value<'_>, channels: &mut Channels) -> BTreeMap<String, ProfileControl> {
    let mut controls = BTreeMap::new();
    let Some(table) = value.table("[controls]") else { return controls };
    let entries = table.entries();
    if entries.len() > MAX_CONTROLS {
        let (found, most) = (entries.len() as u64, MAX_CONTROLS as u64);
        value.wrong(Problem::TooMuch { what: "controls", found, most });
        return controls;
    }
    // The name and line of the first control at each address.
    let mut taken: BTreeMap<ControlNumber, Vec<(ControlAddress, u32)>> = BTreeMap::new();
    for (span, entry) in entries {
        let name = entry.key;
        if name.is_empty() || name.len() > MAX_CONTROL || name.contains(is_unsafe) {
            let (key, wanted) = ("controls".to_owned(), "names of 1 to 64 bytes without control characters");
            value.report().add(span.clone(), Problem::Malformed { key, found: shortened(name), wanted });
        }
        let Some(control) = control(&entry, channels) else { continue };
        let same = taken.entry(control.input.number).or_default();
        if let Some((_, line)) = same.iter().find(|(address, _)| address.meets(&control.input)) {
            let sends = control.input.number.to_string();
            value.report().add(span.clone(), Problem::SameControl { sends, line: *line });
        }
        same.push((control.input, value.report().line(span.start)));
        controls.insert(name.to_owned(), control);
    }
    controls
}

fn control(value: &Value<'_>, channels: &mut Channels) -> Option<ProfileControl> {
    let mut table = value.table(format!("the control {}", shortened(value.key)))?;
    // `[controls.pad.1]` is a table in a table.
    if let [(span, inner), ..] = table.entries().as_slice()
        && inner.toml.is_table()
        && !["note", "cc", "channel", "feedback"].contains(&inner.key)
    {
        let (outer, key) = (shortened(value.key), shortened(inner.key));
        let remedy = format!("a name with a dot has quotes: [controls.\"{outer}.{key}\"]");
        value.report().add(span.clone(), Problem::MisplacedKey { key, within: table.within.clone(), remedy });
        return None;
    }
    let input = address(&mut table, channels);
    let lamp = table.take(&["feedback"]).map(|value| {
        let mut table = value.table("`feedback` of a control")?;
        let lamp = address(&mut table, channels);
        table.finish();
        lamp
    });
    table.finish();
    let input = input?;
    let lamp = match lamp {
        Some(lamp) => lamp?,
        None => input,
    };
    Some(ProfileControl { input, lamp: ControlAddress { channel: lamp.channel.or(input.channel), ..lamp } })
}

/// `note` or `cc`, and `channel`.
fn address(table: &mut Table<'_>, channels: &mut Channels) -> Option<ControlAddress> {
    let (note, cc) = (table.take(&["note"]), table.take(&["cc"]));
    let channel = table.take(&["channel"]).and_then(|value| channels.channel_of(&value));
    let seven = |value: Value<'_>| value.integer(0..=127).and_then(|number| u8::try_from(number).ok());
    let number = match (note, cc) {
        (Some(note), None) => ControlNumber::Note(seven(note)?),
        (None, Some(cc)) => ControlNumber::Cc(seven(cc)?),
        (note, _) => {
            let (keys, within, both) = (["note", "cc"], table.within.clone(), note.is_some());
            table.report.add(table.span(), Problem::OneOf { keys, within, both });
            return None;
        }
    };
    Some(ControlAddress { number, channel })
}
