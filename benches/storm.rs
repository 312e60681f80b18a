//! What a busy MQTT broker costs a box: processor time of a lamp that follows a topic, and how long presses take while 10,000 messages a
//! second come in, against the same presses without. Prints the table of `BENCHMARKS.md` and fails beyond its bounds. Needs mosquitto.

#[path = "../tests/support/broker.rs"]
mod broker;
#[path = "../tests/support/conditions.rs"]
mod conditions;
#[path = "../tests/support/desk.rs"]
mod desk;

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use broker::{Broker, PACKAGES, is_there};
use desk::Desk;
use rustix::time::{ClockId, clock_gettime};

/// Presses of a phase, and how far they are from each other.
const PRESSES: usize = 1_000;
const APART: Duration = Duration::from_millis(4);

/// Phases with and without a storm, by turns.
const PHASES: usize = 6;

/// Topics of the storm, each of which a lamp follows.
const TOPICS: usize = 16;

/// Most that presses may take longer in a storm, at p99.
const MOST: f64 = 1.5;

/// Most processor time of a change, in milliseconds.
const MOST_MS: f64 = 1.0;

fn main() {
    // What `cargo test --benches` wants of it is that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    if !is_there() {
        eprintln!("storm: NOT MEASURED: it needs {PACKAGES}");
        std::process::exit(2);
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("storm-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let good = measure(&directory);
    std::fs::remove_dir_all(&directory).expect("removable");
    if !good {
        std::process::exit(1);
    }
}

fn text(broker: &Broker) -> String {
    let port = broker.websocket;
    let plugin = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plugins/conductor_wasm_mqtt.wasm");
    let mut text = format!(
        "[[device]]\nname = \"PIPE\"\nalias = \"pads\"\nauto_reconnect = false\n[device.feedback]\noutput = \"Pads\"\n\
         [plugins.mqtt]\npath = \"{}\"\nresident = true\ngranted_capabilities = [\"Network\"]\nallowed_hosts = [\"ws://127.0.0.1:{port}\"]\n\
         [plugins.mqtt.config]\nbroker = \"ws://127.0.0.1:{port}/mqtt\"\nclient = \"desk\"\nsubscribe = \"storm/+\"\n\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 60 }} }}\n\
         action = {{ SendMidi = {{ port = \"Synth\", message_type = \"NoteOn\", channel = 1, note = 60, velocity = 100 }} }}\n\
         [[feedback]]\nnote = 40\nwhen = {{ State = {{ key = \"plugin.mqtt.connected\", equals = true }} }}\n",
        plugin.display()
    );
    for topic in 0..TOPICS {
        let _ = writeln!(text, "[[feedback]]\ncc = {topic}\nfrom = \"plugin.mqtt.storm.t{topic}\"");
    }
    text
}

/// Whether everything is within its bounds.
fn measure(directory: &Path) -> bool {
    let broker = Broker::start(directory);
    let mut desk = Desk::start_unrecorded(directory, &text(&broker));
    desk.shows("feedback pads: 90 28 7f");

    // A thousand changes a second, for five seconds, and then as long without any.
    let begun = desk.told.count();
    let (busy, sender) = spent(|| storm(broker.tcp, 1_000, &|from| from.elapsed() < Duration::from_secs(5)).1);
    let changes = desk.told.count() - begun;
    let (idle, _) = spent(|| {
        std::thread::sleep(Duration::from_secs(5));
        Duration::ZERO
    });
    let each = busy.saturating_sub(sender + idle).as_secs_f64() * 1e3 / as_f64(changes);
    println!("| a lamp follows a topic | |\n|---|---|");
    println!("| changes shown | {changes} |\n| processor time of each, ms | {each:.3} |\n");

    let (mut quiet, mut stormy, mut sent) = (Vec::new(), Vec::new(), 0);
    let (mut taken, mut published, mut lasted) = (0, 0, Duration::ZERO);
    for phase in 0..PHASES {
        let stop = Arc::new(AtomicBool::new(false));
        let publisher = (phase % 2 == 1).then(|| {
            let (stop, port) = (Arc::clone(&stop), broker.tcp);
            std::thread::spawn(move || storm(port, 10_000, &|_| !stop.load(Ordering::Relaxed)).0)
        });
        // Until it blows, or is calm again.
        std::thread::sleep(Duration::from_secs(1));
        let (begun, from) = (desk.told.count(), Instant::now());
        for _ in 0..PRESSES {
            std::thread::sleep(APART);
            let pressed = Instant::now();
            desk.plays(&[0x90, 60, 100, 0x80, 60, 0]);
            sent += 1;
            let took = desk.told.sent(sent) - pressed;
            if publisher.is_some() { stormy.push(took) } else { quiet.push(took) }
        }
        if let Some(publisher) = publisher {
            (taken, lasted) = (taken + desk.told.count() - begun, lasted + from.elapsed());
            stop.store(true, Ordering::Relaxed);
            published += publisher.join().expect("no panic");
        }
    }
    let (without, with) = (percentiles(quiet), percentiles(stormy));
    println!("| a press, until its message is sent | p50 µs | p99 µs | p99.9 µs |\n|---|---|---|---|");
    println!("| without | {:.0} | {:.0} | {:.0} |", without[0], without[1], without[2]);
    println!("| in a storm | {:.0} | {:.0} | {:.0} |", with[0], with[1], with[2]);
    let ratio = with[1] / without[1];
    println!("| ratio | {:.2} | {ratio:.2} | {:.2} |\n", with[0] / without[0], with[2] / without[2]);
    println!(
        "{published} messages were published; {:.0} changes a second were shown.",
        as_f64(taken) / lasted.as_secs_f64()
    );
    desk.ends();
    if each >= MOST_MS {
        eprintln!("a change takes {each:.3} ms of processor time; at most {MOST_MS}");
    }
    if ratio > MOST {
        eprintln!("in a storm presses take {ratio:.2} times as long at p99; at most {MOST}");
    }
    each < MOST_MS && ratio <= MOST
}

/// Publishes `rate` messages a second while `go` says so; how many, and the processor time of that.
fn storm(port: u16, rate: usize, go: &dyn Fn(Instant) -> bool) -> (usize, Duration) {
    let mut broker = TcpStream::connect(("127.0.0.1", port)).expect("a broker");
    // A clean session of the client `storm`, without keep-alive.
    broker.write_all(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05storm").expect("sent");
    let (from, mut sent, mut bytes) = (Instant::now(), 0, Vec::new());
    while go(from) {
        let due = usize::try_from(from.elapsed().as_micros()).expect("short") * rate / 1_000_000;
        bytes.clear();
        while sent < due {
            let (topic, payload) = (format!("storm/t{}", sent % TOPICS), (sent / TOPICS % 128).to_string());
            let length = u8::try_from(2 + topic.len() + payload.len()).expect("short");
            let of_topic = u8::try_from(topic.len()).expect("short");
            bytes.extend([0x30, length, 0, of_topic]);
            bytes.extend(topic.bytes().chain(payload.bytes()));
            sent += 1;
        }
        broker.write_all(&bytes).expect("sent");
        std::thread::sleep(Duration::from_millis(1));
    }
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    (sent, Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or(0)))
}

/// Processor time of the process while `what` goes on, and what comes of that.
fn spent(what: impl FnOnce() -> Duration + Send) -> (Duration, Duration) {
    let now = || {
        let spent = clock_gettime(ClockId::ProcessCPUTime);
        Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or(0))
    };
    let before = now();
    // On a thread of its own, whose time is then its own.
    let came = std::thread::scope(|scope| scope.spawn(what).join().expect("no panic"));
    (now().saturating_sub(before), came)
}

/// p50, p99 and p99.9, in microseconds.
fn percentiles(mut times: Vec<Duration>) -> [f64; 3] {
    times.sort_unstable();
    [500, 990, 999].map(|q| times[times.len() * q / 1000].as_secs_f64() * 1e6)
}

fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
