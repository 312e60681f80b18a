//! How long it takes from a press to what it does at OBS, beside a client that only sends the request; and what Conductor takes of the
//! machine with the official plugins loaded. Printed, for BENCHMARKS.md.

use std::fmt::Write as _;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::studio::{PASSWORD, PATIENCE, Studio, pad, section};
use crate::support::live::Live;
use crate::support::{Scratch, repository};

/// Presses of each kind.
const ROUNDS: usize = 500;

/// Between two of them: a person is slower.
const PAUSE: Duration = Duration::from_millis(10);

/// Tells when OBS says that the clip is muted, or not.
fn observed(mut client: Client) -> Receiver<(bool, Instant)> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for round in 0..3 * ROUNDS {
            let muted = round % 2 == 0;
            client.event("InputMuteStateChanged", "inputMuted", &json!(muted));
            if sender.send((muted, Instant::now())).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Mutes and unmutes by `act`; how long it takes each time, sorted.
fn timed(seen: &Receiver<(bool, Instant)>, mut act: impl FnMut(bool)) -> Vec<Duration> {
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        let muted = round % 2 == 0;
        std::thread::sleep(PAUSE);
        let from = Instant::now();
        act(muted);
        let (now, at) = seen.recv_timeout(PATIENCE).expect("OBS does it");
        assert_eq!(now, muted);
        all.push(at - from);
    }
    all.sort();
    all
}

fn row(name: &str, times: &[Duration], base: &[Duration]) {
    let at = |times: &[Duration], share: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        times[((times.len() as f64 * share) as usize).min(times.len() - 1)]
    };
    let us = |share| at(times, share).as_secs_f64() * 1e6;
    let more = (at(times, 0.5).as_secs_f64() - at(base, 0.5).as_secs_f64()) * 1e6;
    println!("| {name} | {:.0} | {:.0} | {more:+.0} |", us(0.5), us(0.99));
}

/// Processor time of a process so far, and its resident memory in KB.
fn taken(id: u32) -> (Duration, u64) {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("a process");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("ticks")).sum();
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("its memory");
    let memory = line.split_whitespace().nth(1).expect("a number").parse().expect("a number");
    (Duration::from_millis(ticks * 10), memory) // the kernel counts in hundredths
}

#[test]
#[ignore = "needs OBS Studio, and prints figures: .ci/run obs"]
fn press_to_effect() {
    let scratch = Scratch::new();
    let studio = Studio::start(Some(PASSWORD));
    let mut text = section(studio.port);
    for (note, state) in [(36, "on"), (37, "off")] {
        text += &pad(note, &format!("action = \"mute\", input = \"Clip\", state = \"{state}\""));
    }
    let mut loaded = 1;
    for (name, file, grant, action) in [
        ("media", "media", "granted_capabilities = [\"Subprocess\"]\nallowed_commands = [\"playerctl\"]", "play"),
        ("system", "system_utils", "granted_capabilities = [\"SystemControl\"]", "lock"),
        ("spotify", "spotify", "granted_capabilities = [\"Network\"]\nallowed_hosts = [\"api.spotify.com\"]", "play"),
    ] {
        let path = repository(&format!("fixtures/plugins/conductor_wasm_{file}.wasm"));
        if path.exists() {
            loaded += 1;
            let _ = write!(text, "[plugins.{name}]\npath = \"{}\"\n{grant}\n", path.display());
            // Called once, so that there is an instance; what comes of it is another test's matter.
            text += &pad(38 + loaded, &format!("action = \"{action}\"")).replace("\"obs\"", &format!("\"{name}\""));
        }
    }
    let mut live = Live::run(scratch.path(), &text, &[("OBS_PASSWORD", PASSWORD)]);
    live.says("connected to OBS");
    for note in 40..=38 + loaded {
        live.press(note);
        live.says("\"action\":\"WasmPlugin\"");
    }
    let seen = observed(studio.client());
    let mut bare = studio.client();
    let mut ask = |muted: bool| bare.ask("SetInputMute", &json!({"inputName": "Clip", "inputMuted": muted}));
    let before = timed(&seen, &mut ask);
    let (busy, from) = (taken(live.id()).0, Instant::now());
    let pressed = timed(&seen, |muted| live.send(&[0x90, if muted { 36 } else { 37 }, 100]));
    let (busy, pressing) = (taken(live.id()).0.saturating_sub(busy), from.elapsed());
    let after = timed(&seen, &mut ask);
    let (idle, resting) = (taken(live.id()).0, Duration::from_secs(20));
    std::thread::sleep(resting);
    let (now, memory) = taken(live.id());
    println!("\n| {ROUNDS} of each | p50 µs | p99 µs | p50 more than the bare client, µs |\n|---|---|---|---|");
    row("a bare client, before", &before, &before);
    row("a press, by Conductor and the plugin", &pressed, &before);
    row("a bare client, after", &after, &before);
    let share = |time: Duration, of: Duration| 100.0 * time.as_secs_f64() / of.as_secs_f64();
    println!("\n| with {loaded} official plugins | |\n|---|---|");
    println!("| resident memory | {:.1} MB |", f64::from(u32::try_from(memory).expect("small")) / 1024.0);
    println!(
        "| processor time, at rest for {} s | {:.2} % of a core |",
        resting.as_secs(),
        share(now.saturating_sub(idle), resting)
    );
    println!(
        "| processor time, {:.0} presses a second | {:.1} % of a core |",
        f64::from(u32::try_from(ROUNDS).expect("few")) / pressing.as_secs_f64(),
        share(busy, pressing)
    );
}
