//! `[device]`, `[logging]`, `[advanced_settings]`.

use super::Reader;
use super::channel::Channels;
use super::feedback;
use super::profile::Profiles;
use super::table::{Table, shortened};
use super::value::Value;
use crate::config::model::{Advanced, DeviceConfig, Logging};
use crate::config::problem::Problem;
use crate::gesture::{DeviceId, SessionPoint};

/// Most devices: far more than one machine has sockets for.
const MAX_DEVICES: usize = 64;
/// Largest log file, in bytes: a tebibyte, for who never wants a new one.
const MAX_LOG_FILE: i64 = 1 << 40;
/// Longest name of a device, in bytes.
const MAX_NAME: usize = 255;

/// The devices of `[device]` or `[[device]]`, and what is to be done at points of theirs, which is read when all names are known.
pub(super) fn devices<'v>(
    value: Option<Value<'v>>,
    channels: &mut Channels,
    profiles: &mut Profiles<'_>,
) -> (Vec<DeviceConfig>, Vec<(SessionPoint, Value<'v>)>) {
    let mut devices: Vec<(DeviceConfig, u32)> = Vec::new();
    let mut hooks = Vec::new();
    for mut table in value.map(|value| tables(value, MAX_DEVICES, "[device]")).unwrap_or_default() {
        let name = table.need(&["name"]);
        let text = name.and_then(|name| name.text("the device's name or the beginning of it", MAX_NAME));
        let mut text_of = |key: &'static str, wanted: &'static str| {
            table.take(&[key]).and_then(|value| Some((value.text(wanted, MAX_NAME)?.to_owned(), value)))
        };
        let alias = text_of("alias", "what triggers call the device");
        let serial = text_of("serial", "the device's serial number, which `conductor ports` shows");
        let usb = text_of("usb", "where the device is plugged in, which `conductor ports` shows, as in \"1-1.2\"");
        let profile = table.take(&["profile"]).and_then(|value| profiles.named(&value));
        let told = table.take(&["feedback"]).map(|value| feedback::feedback(&value, "[device.feedback]", channels));
        let device = DeviceConfig {
            name: text.unwrap_or_default().to_owned(),
            alias: alias.as_ref().map(|(alias, _)| alias.clone()),
            serial: serial.map(|(serial, _)| serial),
            usb: usb.map(|(usb, _)| usb),
            auto_connect: table.flag("auto_connect", true),
            auto_reconnect: table.flag("auto_reconnect", true),
            port: table.optional_number(&["port"], 0..=255),
            feedback: match &profile {
                Some(profile) => told.unwrap_or_default().or(&profile.feedback),
                None => told.unwrap_or_default(),
            },
            profile,
        };
        let points = [table.take(&["on_connect"]), table.take(&["on_disconnect"])];
        table.finish();
        let Some(name) = name.filter(|_| text.is_some()) else { continue };
        if let Some((_, line)) = devices.iter().find(|(known, _)| is_the_same(known, &device)) {
            name.wrong(Problem::SameDevice { name: shortened(&device.name), line: *line });
        } else if let (Some((_, line)), Some((text, value))) =
            (devices.iter().find(|(known, _)| Some(known.called()) == device.alias.as_deref()), alias.as_ref())
        {
            value.wrong(Problem::Duplicate { kind: "device", name: shortened(text), line: *line });
        } else {
            let id = DeviceId(u16::try_from(devices.len()).unwrap_or(u16::MAX)); // there are fewer
            let [connect, disconnect] = points;
            hooks.extend(connect.map(|value| (SessionPoint::Connected(id), value)));
            hooks.extend(disconnect.map(|value| (SessionPoint::Disconnected(id), value)));
            devices.push((device, name.line()));
        }
    }
    (devices.into_iter().map(|(device, _)| device).collect(), hooks)
}

/// Whether nothing tells two devices of one name apart.
fn is_the_same(one: &DeviceConfig, other: &DeviceConfig) -> bool {
    one.name == other.name && one.serial == other.serial && one.usb == other.usb
}

impl Reader<'_> {
    pub(super) fn logging(&self, value: Option<Value<'_>>) -> Logging {
        let mut logging = Logging::default();
        let Some(mut table) = value.and_then(|value| value.table("[logging]")) else { return logging };
        if let Some(value) = table.take(&["level"]) {
            let words = [
                ("off", log::LevelFilter::Off),
                ("error", log::LevelFilter::Error),
                ("warn", log::LevelFilter::Warn),
                ("info", log::LevelFilter::Info),
                ("debug", log::LevelFilter::Debug),
                ("trace", log::LevelFilter::Trace),
            ];
            logging.level = super::variant::choice(&value, "level", &words).unwrap_or(logging.level);
        }
        logging.file = table.take(&["file"]).and_then(|value| self.path(&value));
        logging.max_file_bytes = table.number(&["max_file_bytes"], 4_096..=MAX_LOG_FILE, logging.max_file_bytes);
        logging.keep_files = table.number(&["keep_files"], 0..=100, logging.keep_files);
        logging.plugin_bytes_per_minute =
            table.number(&["plugin_bytes_per_minute"], 0..=1_073_741_824, logging.plugin_bytes_per_minute);
        table.finish();
        logging
    }
}

/// `[advanced_settings]`, each between a millisecond and a minute.
pub(super) fn advanced(value: Option<Value<'_>>) -> Advanced {
    let defaults = Advanced::default();
    let Some(mut table) = value.and_then(|value| value.table("[advanced_settings]")) else { return defaults };
    let advanced = Advanced {
        chord_timeout_ms: table.number(&["chord_timeout_ms"], 1..=60_000, defaults.chord_timeout_ms),
        double_tap_timeout_ms: table.number(&["double_tap_timeout_ms"], 1..=60_000, defaults.double_tap_timeout_ms),
        hold_threshold_ms: table.number(&["hold_threshold_ms"], 1..=60_000, defaults.hold_threshold_ms),
    };
    table.finish();
    advanced
}

/// One table or a list of at most `most`: `[within]` and `[[within]]`.
pub(super) fn tables<'a>(value: Value<'a>, most: usize, within: &str) -> Vec<Table<'a>> {
    if value.toml.is_array() {
        let items = value.list(most).unwrap_or_default();
        items.into_iter().filter_map(|item| item.table(format!("[{within}]"))).collect()
    } else {
        value.table(within).into_iter().collect()
    }
}
