//! TOML → [`Config`]. Readers report what is wrong and read on with a stand-in, so that one run tells everything; whether
//! anything was wrong is asked once, at the end.

mod action;
mod channel;
mod condition;
mod control;
mod feedback;
mod number;
mod numbers;
mod plugins;
mod profile;
mod report;
mod route;
mod settings;
mod shadow;
mod state;
mod syntax;
mod table;
mod trigger;
mod value;
mod variant;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::channel::Channels;
use self::feedback::lamp;
use self::number::Event;
use self::plugins::Plugins;
use self::profile::Profiles;
pub(super) use self::profile::profile;
pub(super) use self::report::Found;
use self::report::Report;
use self::syntax::Scan;
use self::table::{Table, shortened};
use self::value::Value;
use super::call_places::{WrittenCall, WrittenCalls};
use super::environment::Environment;
use super::error::Invalid;
use super::expand::expand;
use super::load::Loaded;
use super::model::{Advanced, Config, Mapping, Mode};
use super::problem::Problem;
use super::profile::Profile;
use super::profile::places::ProfileTexts;
use super::source::Source;
use super::wasm::WasmConfig;
use crate::gesture::{SessionPoint, Trigger, TriggerSpec};
use crate::text::nearest;

/// Most modes.
const MAX_MODES: usize = 256;
/// Most mappings of one mode.
const MAX_MAPPINGS: usize = 4_096;
/// Longest path, in bytes, as the system has it.
const MAX_PATH: usize = 4_096;
/// Longest name, colour or description, in bytes.
const MAX_LABEL: usize = 255;
/// The mode of a configuration that names none.
const DEFAULT_MODE: &str = "Default";

/// What readers know while they read: what the configuration defines, and where it is.
struct Reader<'a> {
    report: &'a Report,
    environment: &'a Environment,
    /// The configuration's directory; relative paths start there.
    directory: &'a Path,
    advanced: Advanced,
    wasm: WasmConfig,
    /// Names of the devices.
    devices: Vec<String>,
    /// The profile of each.
    profiles: Vec<Option<Arc<Profile>>>,
    /// Whether a device names a profile that there is not, or that is wrong.
    profile_missing: bool,
    /// Names of the modes.
    modes: Vec<String>,
    plugins: Plugins,
    channels: Channels,
    /// Triggers on encoders that agree with each other, with their lines.
    encoders: Vec<(TriggerSpec, u32)>,
    /// Where the action being read has a part that lasts until its trigger ends.
    held: Option<std::ops::Range<usize>>,
    /// Names of the secrets for requests.
    secrets: BTreeSet<String>,
    /// Triggers of time so far.
    timers: u32,
    /// Named values.
    state: state::Names,
    /// What sets off the action being read.
    event: Event,
    /// Whether the trigger read last says itself whether it repeats.
    repeat_said: bool,
    /// What controls of devices show.
    lamps: lamp::Lamps,
    /// Calls of plugins so far.
    calls: Vec<WrittenCall>,
}

/// Reads the whole of `source`.
pub(super) fn read(
    source: &Source,
    directory: &Path,
    environment: &Environment,
    texts: ProfileTexts<'_>,
) -> Result<Loaded, Invalid> {
    let report = Report::new(source.clone());
    let mut mended = String::new();
    let mut profiles = Profiles::new(texts, directory, environment);
    let config = Scan::of(source.text())
        .parse(source.text(), &mut mended, &report)
        .map(|table| config(&table, &report, directory, environment, &mut profiles));
    let Found { errors, warnings, more } = report.finish();
    match config {
        Some((config, calls)) if errors.is_empty() => {
            Ok(Loaded { config, source: source.clone(), profiles: profiles.sources, calls, warnings })
        }
        _ => Err(Invalid { errors, warnings, more }),
    }
}

fn config<'a>(
    table: &'a toml::de::DeTable<'a>,
    report: &'a Report,
    directory: &'a Path,
    environment: &'a Environment,
    profiles: &mut Profiles<'_>,
) -> (Config, WrittenCalls) {
    let mut root = Table::new(table, 0..0, "the configuration".to_owned(), report);
    let mut reader = Reader {
        report,
        environment,
        directory,
        advanced: settings::advanced(root.take(&["advanced_settings"])),
        wasm: WasmConfig::default(),
        devices: Vec::new(),
        profiles: Vec::new(),
        profile_missing: false,
        modes: Vec::new(),
        plugins: Plugins::default(),
        channels: Channels::read(root.take(&["channels_from"])),
        encoders: Vec::new(),
        held: None,
        secrets: BTreeSet::new(),
        timers: 0,
        state: state::Names::default(),
        event: Event::default(),
        repeat_said: false,
        lamps: lamp::Lamps::default(),
        calls: Vec::new(),
    };
    let (devices, of_devices) = settings::devices(root.take(&["device"]), &mut reader.channels, profiles);
    reader.lamps.devices = devices.iter().map(lamp::Device::of).collect();
    reader.devices = devices.iter().map(|device| device.called().to_owned()).collect();
    reader.profiles = devices.iter().map(|device| device.profile.clone()).collect();
    reader.profile_missing = profiles.is_any_missing();
    let secrets = plugins::secret::for_http(root.take(&["secrets"]));
    reader.secrets = secrets.keys().cloned().collect();
    let logging = reader.logging(root.take(&["logging"]));
    reader.wasm = reader.wasm(root.take(&["wasm"]));
    reader.plugins = reader.plugins(root.take(&["plugins"]));

    // All names first, because a mapping may go to a mode that is defined below it.
    let mut tables =
        root.take(&["modes"]).map(|modes| settings::tables(modes, MAX_MODES, "[modes]")).unwrap_or_default();
    reader.modes = mode_names(&mut tables);
    let mut hooks = reader.session_hooks(root.take(&["on"]));
    for (point, value) in of_devices {
        hooks.extend(reader.hook(point, value));
    }
    let modes: Vec<Mode> =
        tables.into_iter().enumerate().map(|(index, table)| reader.mode_table(table, index, &mut hooks)).collect();
    let modes = if modes.is_empty() {
        vec![Mode { name: DEFAULT_MODE.to_owned(), color: None, when: None, mappings: Vec::new() }]
    } else {
        modes
    };
    let global_mappings = root.take(&["global_mappings"]).map(|value| reader.mappings(value)).unwrap_or_default();
    if let Some(value) = root.take(&["feedback"]) {
        reader.free_feedback(value);
    }
    let feedback = reader.settle_lamps();
    let routes = reader.routes(root.take(&["route"]));
    root.finish();
    let of_modes: Vec<&[Mapping]> = modes.iter().map(|mode| &*mode.mappings).collect();
    route::warn_of_idle(&routes, &of_modes, &global_mappings, report);
    reader.tell_zero_channels();
    let plugins = reader.settled_plugins();
    let state_keys = reader.settle_state(&plugins);
    let calls = WrittenCalls { calls: reader.calls, hidden: report.hidden() };
    let config = Config {
        channels_from: reader.channels.first(),
        feedback,
        state_keys,
        plugins,
        devices,
        modes,
        global_mappings,
        routes: routes.into_iter().map(|(route, _)| route).collect(),
        secrets,
        hooks,
        logging,
        advanced: reader.advanced,
        wasm: reader.wasm,
    };
    (config, calls)
}

/// The names of the modes. `[[modes.mappings]]` without a `[[modes]]` before it makes one mode that needs no name.
fn mode_names(tables: &mut [Table<'_>]) -> Vec<String> {
    let mut names: Vec<(String, u32)> = Vec::new();
    for table in tables {
        let value = if table.within == "[modes]" { table.take(&["name"]) } else { table.need(&["name"]) };
        let name = match value {
            Some(value) => value.text("the mode's name", MAX_LABEL).unwrap_or_default(),
            None => DEFAULT_MODE,
        };
        if let Some(value) = value
            && let Some((_, line)) = names.iter().find(|(known, _)| known == name)
        {
            value.wrong(Problem::Duplicate { kind: "mode", name: shortened(name), line: *line });
        }
        names.push((name.to_owned(), value.map_or(0, |value| value.line())));
    }
    if names.is_empty() {
        names.push((DEFAULT_MODE.to_owned(), 0));
    }
    names.into_iter().map(|(name, _)| name).collect()
}

impl Reader<'_> {
    /// What is to be done at the start and at the end: `[on]`.
    fn session_hooks(&mut self, value: Option<Value<'_>>) -> Vec<Mapping> {
        let Some(mut table) = value.and_then(|value| value.table("[on]")) else { return Vec::new() };
        let points = [("start", SessionPoint::Start), ("stop", SessionPoint::Stop)];
        let values = points.map(|(key, point)| (point, table.take(&[key])));
        table.finish();
        values.into_iter().filter_map(|(point, value)| self.hook(point, value?)).collect()
    }

    /// What is to be done at a point of the session.
    fn hook(&mut self, point: SessionPoint, value: Value<'_>) -> Option<Mapping> {
        self.held = None;
        // Its numbers are nobody's.
        self.event = Event { trigger: Some(Trigger::Session(point)), ..Event::default() };
        let action = self.action(value);
        if let Some(held) = self.held.take() {
            self.report.add(held, Problem::NeverReleased);
        }
        let trigger =
            TriggerSpec { trigger: Trigger::Session(point), channels: crate::midi::Channels::ANY, device: None };
        let action = Arc::new(action?);
        Some(Mapping {
            trigger,
            action,
            release: None,
            when: None,
            pickup: None,
            description: None,
            line: value.line(),
        })
    }

    fn mode_table(&mut self, mut table: Table<'_>, index: usize, hooks: &mut Vec<Mapping>) -> Mode {
        // One name for each table; see `mode_names`.
        let name = self.modes[index].clone();
        let color = table.take(&["color"]).and_then(|value| value.text("a colour", MAX_LABEL).map(str::to_owned));
        let when = table.take(&["when"]).and_then(|value| self.condition(value, 0));
        for (key, point) in
            [("on_enter", SessionPoint::ModeEntered(index)), ("on_leave", SessionPoint::ModeLeft(index))]
        {
            hooks.extend(table.take(&[key]).and_then(|value| self.hook(point, value)));
        }
        self.lamps.mode = Some(index);
        let mappings = table.take(&["mappings"]).map(|value| self.mappings(value)).unwrap_or_default();
        self.lamps.mode = None;
        table.finish();
        Mode { name, color, when, mappings }
    }

    fn mappings(&mut self, value: Value<'_>) -> Vec<Mapping> {
        let items = value.list(MAX_MAPPINGS).unwrap_or_default();
        let wrong = |reader: &Self| reader.report.errors() + reader.channels.zeros();
        let before = wrong(self);
        let mappings: Vec<_> = items.into_iter().filter_map(|item| Some((self.mapping(item)?, item.span()))).collect();
        // Where something was wrong, stand-ins would be compared.
        if wrong(self) == before {
            shadow::warn(&mappings, self.report);
        }
        mappings.into_iter().map(|(mapping, _)| mapping).collect()
    }

    fn mapping(&mut self, value: Value<'_>) -> Option<Mapping> {
        let mut table = value.table("this mapping")?;
        // Both are read before either may end this, so that the errors of both are told.
        let mut trigger = table.need(&["trigger"]).and_then(|value| self.trigger(value));
        self.held = None;
        self.event = Event { trigger: trigger.as_ref().map(|spec| spec.trigger.clone()), ..Event::default() };
        let action = table.need(&["action"]).and_then(|value| self.action(value));
        let held = self.held.take();
        let release = table.take(&["release"]);
        let release_span = release.map(|value| value.span());
        self.event.release = true;
        let release = release.and_then(|value| self.action(value)).map(Arc::new);
        if let Some(spec) = trigger.as_mut().filter(|_| self.event.used) {
            self.repeat_where_left_out(&mut spec.trigger);
        }
        if let Some(again) = self.held.take() {
            self.report.add(again, Problem::HeldRelease);
        }
        if let Some(place) = release_span.or(held)
            && trigger.as_ref().is_some_and(|spec| !spec.trigger.can_be_held())
        {
            self.report.add(place, Problem::NeverReleased);
        }
        let when = table.take(&["when"]).and_then(|value| self.condition(value, 0));
        let pickup = self.mapping_feedback(&mut table, trigger.as_ref(), value.line());
        let description = table.take(&["description"]).and_then(|value| value.string()).map(str::to_owned);
        table.finish();
        let (action, line) = (Arc::new(action?), value.line());
        Some(Mapping { trigger: trigger?, action, release, when, pickup, description, line })
    }

    /// The index of the mode that `value` names or numbers.
    fn mode(&self, value: &Value<'_>) -> Option<usize> {
        if value.toml.is_integer() {
            let last = i64::try_from(self.modes.len()).unwrap_or(i64::MAX) - 1;
            return value.integer(0..=last).and_then(|index| usize::try_from(index).ok());
        }
        self.defined(value, "mode", value.string()?, &self.modes)
    }

    /// The index of `name` in `known`, the names of this `kind` that the configuration defines.
    fn defined(&self, value: &Value<'_>, kind: &'static str, name: &str, known: &[String]) -> Option<usize> {
        let index = known.iter().position(|known| known == name);
        if index.is_none() {
            let nearest = nearest(name, known.iter().map(String::as_str)).map(shortened);
            // A long list is no help.
            let known = known.iter().take(12).map(|name| shortened(name)).collect();
            self.report.add(value.span(), Problem::UnknownName { kind, name: shortened(name), nearest, known });
        }
        index
    }

    /// A path, expanded and joined to the configuration's directory.
    fn path(&self, value: &Value<'_>) -> Option<PathBuf> {
        let text = value.text("a path", MAX_PATH)?;
        match expand(text, self.environment) {
            Ok(path) => Some(self.directory.join(path)),
            Err(problem) => {
                value.wrong(problem);
                None
            }
        }
    }
}
