//! What fuzzing begins with: the repository's fixtures, as the functions take them.

use std::fs;
use std::path::{Path, PathBuf};

use super::guest::seed;
use super::journal::header;
#[cfg(feature = "plugin-signing")]
use super::signature::GENUINE;
use super::smf::file;
use crate::midi::{Channel, Dropped, Message, Smf, SystemMessage};

/// Longest file that is taken into the corpus.
const MOST: usize = 8 << 10;

/// Target, name and bytes of each seed.
pub(super) fn all() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for path in under("fixtures/configs/broken", "toml") {
        seeds.push(("config", named(&path), fs::read(&path).expect("a configuration")));
    }
    for path in under("fixtures/configs", "toml").into_iter().chain(under("fixtures/demo", "toml")) {
        seeds.push(("config", named(&path), fs::read(&path).expect("a configuration")));
    }
    for path in under("fixtures/hostile", "wat") {
        seeds.push(("module", named(&path), wat::parse_file(&path).expect("a module")));
    }
    seeds.extend(guests().map(|(name, bytes)| ("guest", name.to_owned(), bytes)));
    seeds.extend(journals().map(|(name, bytes)| ("journal", name.to_owned(), bytes)));
    seeds.extend(midi().map(|(name, bytes)| ("midi", name.to_owned(), bytes)));
    seeds.extend(files().map(|(name, bytes)| ("smf", name.to_owned(), bytes)));
    #[cfg(feature = "plugin-signing")]
    seeds.extend(signatures().map(|(name, bytes)| ("signature", name.to_owned(), bytes)));
    seeds.retain(|(_, _, bytes)| bytes.len() <= MOST);
    seeds
}

/// The files of a directory that end so, by name.
fn under(directory: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)).expect("fixtures");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}

fn named(path: &Path) -> String {
    path.file_stem().expect("a name").to_str().expect("text").to_owned()
}

fn guests() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    // 0x00 to 0x7f: a text and its length; 0x90: a number below 256, as four bytes.
    let head = r#"{"url":"https://example.com/x","method":"POST","headers":[["a","{{secret:token}}"]],"timeout_ms":9}"#;
    [
        ("log", seed(&[("log", &[0x90, 3, 0, 0, 0, 0])], &["hello\u{1b}[2J"])),
        ("output", seed(&[("output_set", &[0]), ("output_set", &[1])], &[r#"{"a":[1,2.5,"\u00fc"]}"#, "[["])),
        ("config", seed(&[("config_get", &[0, 0xd0, 0, 0x80, 0, 0, 0x90, 9, 0, 0, 0])], &["key"])),
        ("secret", seed(&[("config_get", &[0, 0xd0, 0, 0x80, 0, 0, 0x90, 99, 0, 0, 0])], &["token"])),
        (
            "error",
            seed(&[("config_get", &[0, 0]), ("last_error", &[0xd0, 0, 0x80, 0, 0, 0x80])], &["no such \u{7} key"]),
        ),
        ("midi", seed(&[("midi_send", &[0, 1]), ("midi_send", &[2, 1])], &["out", "\u{40}\u{40}", "elsewhere"])),
        ("http", seed(&[("http_request", &[0, 1]), ("response_read", &[0xd0, 0, 0x80, 0, 0, 0x80])], &[head, "body"])),
        (
            "socket",
            seed(
                &[
                    ("ws_open", &[0]),
                    ("ws_send", &[0x80, 0x90, 0, 0, 0, 0, 1]),
                    ("ws_recv", &[0x90, 0, 0, 0, 0, 0x90, 9, 0, 0, 0]),
                    ("response_read", &[0xd0, 0, 0x80, 0, 0, 0x80]),
                    ("ws_close", &[0x90, 0, 0, 0, 0]),
                ],
                &[r#"{"url":"ws://localhost:80/","headers":[]}"#, "text"],
            ),
        ),
        (
            "audio",
            seed(
                &[("audio_control", &[0, 0x90, 50, 0, 0, 0]), ("audio_control", &[1, 0xc0, 31, 0, 0, 0])],
                &["set", "up"],
            ),
        ),
        (
            "exec",
            seed(
                &[("exec", &[0, 1]), ("response_read", &[0xd0, 0, 0x80, 0, 0, 0x80])],
                &[r#"{"program":"echo","arguments":["a"]}"#, "in"],
            ),
        ),
        (
            "system",
            seed(
                &[("system_control", &[0]), ("system_control", &[1]), ("system_control", &[2])],
                &[
                    r#"{"operation":"notify","title":"a","body":"\u0007"}"#,
                    r#"{"operation":"lock"}"#,
                    r#"{"operation":"brightness","percent":50}"#,
                    r#"{"operation":"brightness","change":-10}"#,
                ],
            ),
        ),
        (
            "keys",
            seed(
                &[("keys_send", &[0]), ("keys_send", &[1])],
                &[r#"{"keys":"c","modifiers":["ctrl"]}"#, r#"{"text":"typed"}"#],
            ),
        ),
        ("outside", seed(&[("log", &[0x90, 1, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0])], &[])),
    ]
    .into_iter()
}

fn journals() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let header = serde_json::to_string(&header()).expect("JSON");
    let end = r#"{"k":"end","t":9000}"#;
    [
        ("empty", String::new()),
        ("whole", format!("{header}\n{{\"k\":\"in\",\"t\":5,\"device\":0,\"bytes\":\"903c64\"}}\n{end}\n")),
        ("header", header.replace("wasmi 2.0.0", "wasmi 1.0.0")),
        ("version", header.replace("\"conductor_journal\":2", "\"conductor_journal\":1")),
        ("input", format!("{{\"k\":\"in\",\"t\":5,\"device\":0,\"bytes\":\"f0010203f7\"}}\n{{\"k\":\"lost\",\"t\":7,\"device\":0}}\n{end}\n")),
        ("backwards", "{\"k\":\"lost\",\"t\":7,\"device\":0}\n{\"k\":\"lost\",\"t\":6,\"device\":0}\n".to_owned()),
        ("fact", format!("{{\"k\":\"fact\",\"ask\":\"app_running\",\"about\":\"x\",\"value\":1}}\n{{\"k\":\"fact\",\"ask\":\"weekday\",\"about\":null,\"value\":300}}\n{end}\n")),
        ("effect", format!("{{\"k\":\"effect\",\"plugin\":\"p\",\"tenant\":\"default\",\"what\":\"type \\\"x\\\"\",\"error\":{{\"kind\":\"busy\",\"text\":\"\\u001b\"}}}}\n{end}\n")),
        ("answer", format!("{{\"k\":\"answer\",\"plugin\":\"p\",\"tenant\":\"t\",\"what\":\"GET\",\"waited_ns\":5,\"result\":{{\"http\":{{\"status\":200,\"headers\":[[\"a\",\"b\"]],\"body\":{{\"hex\":\"00ff\"}}}}}}}}\n{end}\n")),
        ("message", "{\"k\":\"answer\",\"plugin\":\"p\",\"tenant\":\"t\",\"what\":\"receive\",\"waited_ns\":5,\"result\":{\"message\":{\"binary\":{\"text\":\"x\"}}}}\n".to_owned()),
        ("grant", "{\"k\":\"grant\",\"plugin\":\"p\",\"tenant\":\"t\",\"run\":1,\"approved\":{\"capabilities\":[\"Midi\"],\"hosts\":[],\"commands\":[],\"ports\":[\"out\"]}}\n".to_owned()),
        ("rejected", format!("{{\"k\":\"rejected\",\"call\":1,\"reason\":\"queue_full\"}}\n{end}\n")),
        ("deadline", "{\"k\":\"deadline\",\"call\":2,\"starting\":true,\"fuel\":7,\"host_calls\":3,\"ceiling\":true}\n".to_owned()),
        ("shutdown", "{\"k\":\"deadline\",\"call\":null,\"starting\":false,\"fuel\":7,\"host_calls\":3,\"shutdown\":{\"plugin\":\"p\",\"tenant\":\"t\",\"generation\":1}}\n".to_owned()),
        ("revoked", format!("{{\"k\":\"revoked\",\"t\":3,\"plugin\":\"p\",\"tenant\":\"t\",\"what\":\"x\",\"capability\":\"Midi\"}}\n{end}\n")),
        ("memory", "{\"k\":\"memory\",\"plugin\":\"p\",\"tenant\":\"t\",\"generation\":0,\"growth\":1,\"held\":65536}\n".to_owned()),
        ("cut", "{\"k\":\"end\",\"t\":90".to_owned()),
    ]
    .map(|(name, text)| (name, text.into_bytes()))
    .into_iter()
}

fn midi() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let streams: [(&str, &[u8]); 11] = [
        ("notes", &[0x90, 0x3c, 0x64, 0x80, 0x3c, 0x40]),
        ("running", &[0x90, 0x3c, 0x64, 0x3c, 0, 0x3e, 0x64]),
        ("real_time", &[0x90, 0xf8, 0x3c, 0xfe, 0x64, 0xfa, 0xfb, 0xfc, 0xff]),
        ("sysex", &[0xf0, 0x7e, 0x7f, 6, 1, 0xf8, 0xf7]),
        ("sysex_long", &[0xf0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xf7, 0x90, 1, 2]),
        ("sysex_cut", &[0xf0, 1, 2, 0x90, 0x3c, 0x64]),
        ("common", &[0xf1, 0x11, 0xf2, 1, 2, 0xf3, 3, 0xf6, 4]),
        ("undefined", &[0xf4, 0xf5, 0xf9, 0xfd, 0xf7]),
        ("bend", &[0xe0, 0, 0x40, 0xd1, 5, 0xc2, 6, 0xa3, 7, 8, 0xb4, 9, 10]),
        ("stray", &[1, 2, 3, 0x90, 1]),
        ("cut", &[0x90, 0x3c, 0x80, 0x3c, 0x40, 0xb0]),
    ];
    streams.into_iter().map(|(name, stream)| (name, [&[2], stream].concat()))
}

fn files() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let channel = Channel::from_status(3);
    let note = Message::NoteOn { channel, note: 60, velocity: 100 };
    let bend = Message::PitchBend { channel, value: 0x1234 };
    let sysex = Message::SysEx([1, 2, 3].into());
    let clock = Message::System(SystemMessage::TimingClock);
    let all = vec![(0, note.clone()), (5, bend), (5, sysex.clone()), (1 << 29, clock.clone()), (1 << 30, note.clone())];
    let made =
        |messages: Vec<_>, length| file(&Smf { messages, length, dropped: Dropped::default(), remarks: Vec::new() });
    let header = |format: u8, tracks: u8, division: [u8; 2]| {
        [b"MThd\0\0\0\x06\0".as_slice(), &[format, 0, tracks], &division].concat()
    };
    let track = |events: &[u8]| [b"MTrk\0\0\0", [events.len() as u8].as_slice(), events].concat();
    let note_track = track(&[0, 0x90, 60, 100, 0x60, 60, 0, 0, 0xff, 0x2f, 0]);
    let tempo_track = track(&[0, 0xff, 0x51, 3, 7, 0xa1, 0x20, 0x83, 0x60, 0xff, 0x51, 3, 1, 0, 0, 0, 0xff, 0x2f, 0]);
    [
        ("all", made(all, 1 << 31)),
        ("note", made(vec![(9, note)], 10)),
        ("sysex", made(vec![(0, sysex), (0, clock)], 0)),
        ("silence", made(Vec::new(), 1 << 31)),
        ("two_tracks", [header(1, 2, [0, 96]), tempo_track.clone(), note_track.clone()].concat()),
        ("sequences", [header(2, 2, [0, 96]), note_track.clone(), note_track.clone()].concat()),
        ("film", [header(0, 1, [0xe3, 40]), note_track.clone()].concat()),
        ("no_ticks", [header(0, 1, [0, 0]), note_track.clone()].concat()),
        ("missing", [header(1, 3, [0, 96]), tempo_track].concat()),
        (
            "foreign_chunk",
            [header(0, 1, [0, 96]), b"XFIH\0\0\0\x02ab".to_vec(), note_track.clone(), b"tail".to_vec()].concat(),
        ),
        (
            "split_sysex",
            [header(0, 1, [0, 96]), track(&[0, 0xf0, 2, 1, 2, 9, 0xf7, 2, 3, 0xf7, 0, 0xff, 0x2f, 0])].concat(),
        ),
        ("cut", note_track[..9].to_vec()),
        ("damaged", [header(0, 1, [0, 96]), track(&[0, 60, 100])].concat()),
    ]
    .into_iter()
}

#[cfg(feature = "plugin-signing")]
fn signatures() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let genuine = GENUINE.to_json();
    let json: serde_json::Value = serde_json::from_str(&genuine).expect("JSON");
    let changed = |change: fn(&mut serde_json::Value)| {
        let mut changed = json.clone();
        change(&mut changed);
        changed.to_string()
    };
    [
        ("genuine", genuine),
        (
            "plain",
            changed(|file| {
                let file = file.as_object_mut().expect("an object");
                file.remove("statement");
                file.remove("cosignatures");
            }),
        ),
        ("no_cosignature", changed(|file| file["cosignatures"] = serde_json::json!([]))),
        ("forged", changed(|file| file["statement"]["plugin"] = "darks".into())),
        ("cut", changed(|file| drop(file.as_object_mut().expect("an object").remove("cosignatures")))),
        (
            "twice",
            changed(|file| {
                file["cosignatures"] = serde_json::json!([file["cosignatures"][0], file["cosignatures"][0]]);
            }),
        ),
        ("expired", changed(|file| file["statement"]["expires_at"] = "1970-01-01T00:00:00Z".into())),
        (
            "open",
            changed(|file| {
                for key in ["expires_at", "version"] {
                    file["statement"][key] = serde_json::Value::Null;
                }
            }),
        ),
        ("another_plugin", changed(|file| file["plugin_size"] = 9.into())),
        ("version_2", changed(|file| file["version"] = 2.into())),
        ("algorithm", changed(|file| file["algorithm"] = "RSA\u{1b}".into())),
        ("hidden", changed(|file| file["developer"]["name"] = "Ada\u{202e}".into())),
        ("deep", "[".repeat(300)),
    ]
    .map(|(name, text)| (name, text.into_bytes()))
    .into_iter()
}
