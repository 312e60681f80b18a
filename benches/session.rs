//! The whole way: message bytes in, plugin returned; a process from its start to its first verified call; a daemon at rest.
//! Prints the tables of `BENCHMARKS.md`.

mod bare;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bare::{Bare, JSON, probe};
use conductor::internals::config::{Config, Environment};
use conductor::internals::gesture::DeviceId;
use conductor::internals::journal::SessionInput;
use conductor::internals::midi::Parser;
use conductor::internals::os::Conditions;
use conductor::internals::os::DryRun;
use conductor::internals::package::{Policy, admit};
use conductor::internals::plugins::PluginSet;
use conductor::internals::run::{Playing, play};
use conductor::internals::sandbox::{Services, on_guest_stack};
use conductor::internals::time::{FILE_EPOCH_US, VirtualClock};
use sha2::Digest as _;

/// Presses behind each percentile.
const PRESSES: usize = 200_000;

/// Starts of each program.
const STARTS: usize = 60;

/// The argument that makes this program the bare one.
const BARE: &str = "--bare-start";

/// The argument that makes this program one that verifies the plugin in the directory that follows, and is bare otherwise.
const VERIFIED: &str = "--verified-start";

fn config_text(signed: bool, directory: &Path) -> String {
    let trust = if signed { "require_signature = true\ntrusted_keys_path = \"trusted_keys.toml\"\n" } else { "" };
    let params = JSON.replace("\":", "\" = ");
    format!(
        "[wasm]\n{trust}[plugins.probe]\npath = \"{}\"\n[[modes]]\nname = \"Default\"\n[[modes.mappings]]\ntrigger = {{ Note = {{ note = 60 }} }}\n\
         action = {{ WasmPlugin = {{ plugin = \"probe\", params = {params} }} }}\n",
        directory.join("probe.wasm").display()
    )
}

fn percentiles(mut times: Vec<u64>) -> [f64; 3] {
    times.sort_unstable();
    // Per mille; a duration in nanoseconds is far below 2^32.
    [500, 990, 999].map(|q| f64::from(u32::try_from(times[times.len() * q / 1000]).unwrap_or(u32::MAX)) / 1000.0)
}

/// Bytes of a press go in; the time until its plugin has returned and its account is there.
fn pipeline(directory: &Path) -> Vec<u64> {
    let text = config_text(false, directory);
    let config = Config::from_text(&text, "bench.toml", directory, &Environment::of_process()).expect("valid").config;
    let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
    let world = Conditions::played(Arc::clone(&clock));
    let mut plugins = PluginSet::default();
    for (name, settings) in &config.plugins {
        let admitted = admit(&settings.path, &Policy { name: name.clone(), ..Policy::default() }).expect("admitted");
        plugins.plugins.push(PluginSet::load_granted(&admitted, settings, None).expect("loaded"));
    }
    let services = Arc::new(Services::new(Arc::<VirtualClock>::clone(&clock), Arc::<DryRun>::default(), [0; 32]));
    let config = Arc::new(config);
    let playing =
        Playing { config, plugins, clock, services, dry_run: None, recorder: None, calendar: None, replayed: None };
    let (base, began) = (Instant::now(), AtomicU64::new(0));
    let now = || u64::try_from(base.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let mut parser = Parser::new();
    let presses = (0..PRESSES as u64 + 1000).map(|number| {
        began.store(now(), Ordering::Relaxed);
        let mut message = None;
        parser.push(&[0x90, 60, 100], |parsed| message = Some(parsed));
        SessionInput::message(number * 1000, DeviceId(0), message.expect("a press"))
    });
    let mut times = Vec::with_capacity(PRESSES + 1000);
    play(playing, presses, &world, |_| {
        times.push(now() - began.load(Ordering::Relaxed));
        true
    })
    .expect("a thread");
    times.drain(..1000);
    times
}

fn bare_calls(fuel: bool) -> Vec<u64> {
    let mut bare = Bare::new(fuel);
    for _ in 0..1000 {
        assert_eq!(bare.call(), 0);
    }
    let time = |_| {
        let start = Instant::now();
        std::hint::black_box(bare.call());
        u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    };
    (0..PRESSES).map(time).collect()
}

fn latency(out: &mut String, directory: &Path) {
    let (alone, metered, whole) = on_guest_stack(|| {
        (percentiles(bare_calls(false)), percentiles(bare_calls(true)), percentiles(pipeline(directory)))
    })
    .expect("a thread");
    out.push_str("| message bytes → plugin returned | p50 µs | p99 µs | p99.9 µs | p50 against the engine |\n|---|---|---|---|---|\n");
    for (what, [p50, p99, p999]) in [
        ("the engine alone, request in place, no fuel", alone),
        ("the engine alone, with fuel", metered),
        ("bytes → message → gesture → mapping → plugin → account", whole),
    ] {
        writeln!(out, "| {what} | {p50:.2} | {p99:.2} | {p999:.2} | {:.2} |", p50 / alone[0]).expect("a string");
    }
}

/// The bare program, after it has held the plugin's bytes against its digest and the one signature that everybody reads.
fn verified_start(directory: &Path) {
    let wasm = std::fs::read(directory.join("probe.wasm")).expect("the plugin");
    let file = std::fs::read(directory.join("probe.wasm.sig")).expect("its signature");
    let file: serde_json::Value = serde_json::from_slice(&file).expect("JSON");
    let bytes = |key: &str| {
        let text = file[key].as_str().expect("a text");
        let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
        (0..text.len()).step_by(2).map(digit).collect::<Vec<u8>>()
    };
    let digest = sha2::Sha256::digest(&wasm);
    assert_eq!(digest.as_slice(), bytes("plugin_hash"));
    let key = ed25519_compact::PublicKey::from_slice(&bytes("public_key")).expect("a key");
    let signature = ed25519_compact::Signature::from_slice(&bytes("signature")).expect("a signature");
    key.verify(digest, &signature).expect("it holds");
    assert_eq!(Bare::of(&wasm, true).call(), 0);
}

/// Runs each of `commands` to its end, in turns, [`STARTS`] times; milliseconds it took, sorted.
fn start_times<const N: usize>(commands: [&dyn Fn() -> Command; N]) -> [Vec<f64>; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..STARTS {
        for (command, times) in commands.iter().zip(&mut times) {
            let start = Instant::now();
            let status = command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
            assert!(status.expect("started").success());
            times.push(start.elapsed().as_secs_f64() * 1000.0);
        }
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    times
}

fn starts(out: &mut String, directory: &Path) {
    let this = std::env::current_exe().expect("this program");
    let bare = || {
        let mut command = Command::new(&this);
        command.arg(BARE);
        command
    };
    let verified = || {
        let mut command = Command::new(&this);
        command.arg(VERIFIED).arg(directory);
        command
    };
    let config = directory.join("config.toml");
    let session = directory.join("session.raw");
    let conductor = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conductor"));
        command.args(["run", "--dry-run", "--config"]).arg(&config).arg("--input").arg(&session).env("HOME", directory);
        command
    };
    let times = start_times([&bare, &verified, &conductor]);
    let [best, median] = [0, STARTS / 2].map(|at| times.each_ref().map(|times| times[at]));
    out.push_str("\n| process start → first call done → exit | best ms | median ms | against the engine | against the one that verifies |\n|---|---|---|---|---|\n");
    for (number, what) in [
        "a bare program of the engine, unverified",
        "the same, after a SHA-256 and one Ed25519 verification",
        "`conductor run`: configuration, signature, trust, session",
    ]
    .into_iter()
    .enumerate()
    {
        let ratio = |to: usize| format!("{:.2} (median {:.2})", best[number] / best[to], median[number] / median[to]);
        writeln!(out, "| {what} | {:.2} | {:.2} | {} | {} |", best[number], median[number], ratio(0), ratio(1))
            .expect("a string");
    }
}

/// Resident memory of a daemon that has called its plugin and waits, in KB.
fn daemon(out: &mut String, directory: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conductor"));
    command
        .args(["run", "--dry-run", "--json", "--input", "-", "--config"])
        .arg(directory.join("config.toml"))
        .env("HOME", directory);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a daemon");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(&[0x90, 60, 100, 60, 0]).expect("bytes");
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().expect("its output")), &mut line)
        .expect("an event");
    assert!(line.contains("\"status\":\"ok\""), "{line}");
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", child.id())).unwrap_or_default();
    let figure = |key: &str| {
        rollup
            .lines()
            .find_map(|line| line.strip_prefix(key)?.split_whitespace().next()?.parse::<u64>().ok())
            .unwrap_or(0)
    };
    drop(input);
    child.wait().expect("the daemon ends");
    out.push_str("\n| memory of a daemon with one plugin that was called | KB |\n|---|---|\n");
    writeln!(out, "| resident | {} |", figure("Rss:")).expect("a string");
    writeln!(
        out,
        "| of it pages of files: the program and its libraries | {} |",
        figure("Rss:") - figure("Anonymous:")
    )
    .expect("a string");
    writeln!(out, "| of it its own | {} |", figure("Anonymous:")).expect("a string");
}

/// A directory with the plugin, signed by a key that is trusted there.
fn prepare() -> PathBuf {
    let directory = std::env::temp_dir().join(format!("conductor-bench-session-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    std::fs::copy(probe(), directory.join("probe.wasm")).expect("the plugin");
    std::fs::write(directory.join("config.toml"), config_text(true, &directory)).expect("the configuration");
    std::fs::write(directory.join("session.raw"), [0x90, 60, 100]).expect("the session");
    let sign = |arguments: &[&str]| {
        let status = Command::new(env!("CARGO_BIN_EXE_conductor-sign"))
            .args(arguments)
            .current_dir(&directory)
            .env("HOME", &directory)
            .env("XDG_CONFIG_HOME", &directory)
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("conductor-sign").success(), "{arguments:?}");
    };
    sign(&["generate-key", "key"]);
    sign(&["sign", "probe.wasm", "key", "--name", "Bench", "--email", "bench@example.com"]);
    let key = std::fs::read_to_string(directory.join("key.public")).expect("the public key");
    sign(&["trust", "add", &key, "Bench"]);
    let store = directory.join("conductor/trusted_keys.toml");
    std::fs::copy(store, directory.join("trusted_keys.toml")).expect("the trust store");
    directory
}

fn main() {
    if std::env::args().any(|argument| argument == BARE) {
        assert_eq!(Bare::new(true).call(), 0);
        return;
    }
    let mut arguments = std::env::args().skip_while(|argument| argument != VERIFIED);
    if let (Some(_), Some(directory)) = (arguments.next(), arguments.next()) {
        verified_start(Path::new(&directory));
        return;
    }
    if std::env::args().any(|argument| argument == "--test") {
        return; // `cargo test --benches` only wants to know that it builds
    }
    let directory = prepare();
    let mut out = String::new();
    latency(&mut out, &directory);
    starts(&mut out, &directory);
    daemon(&mut out, &directory);
    println!("{out}");
    // A leftover would be temporary files like any others.
    let _ = std::fs::remove_dir_all(directory);
}
