//! What the machine test asks of the sequencer and no program there does: messages all at one moment, and the time that one takes.
//!
//! ```text
//! machine-ports burst CLIENT:PORT COUNT           COUNT control changes at once to the port
//! machine-ports transport CLIENT:PORT             a start to the port
//! machine-ports controller NAME                   a controller whose lamps are lines on standard output
//! machine-ports latency CLIENT:PORT NAME COUNT    COUNT notes to the port, which come back from the port NAME
//! ```
//!
//! The times are those between sending a note and having it back, both here. Every other note goes from one port of this program to
//! another through a connection as `aconnect` makes it, so that both ways are measured in the same minute.

use std::error::Error;
use std::ffi::{CStr, CString};
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, Instant};

use alsa::seq::{
    Addr, ClientIter, EvCtrl, EvNote, EvQueueControl, Event, EventType, MidiEvent, PortCap, PortIter, PortSubscribe,
    PortType, Seq,
};

/// Between two notes. A player who waits for the answer to each note, and then plays at once, is a feedback loop; this one leaves it time
/// to see that he is not.
const PAUSE: Duration = Duration::from_millis(30);

/// Notes that are not counted: the first ones find everything cold.
const WARM_UP: usize = 50;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["burst", to, count] => burst(address(to)?, count.parse()?),
        ["transport", to] => {
            let mut start = Event::new(EventType::Start, &EvQueueControl { queue: 0, value: () });
            let (seq, port) = sender(c"transport")?;
            send(&seq, port, address(to)?, &mut start)
        }
        ["controller", name] => controller(name),
        ["latency", to, from, count] => latency(address(to)?, from, count.parse()?),
        _ => {
            Err("machine-ports burst CLIENT:PORT COUNT | transport CLIENT:PORT | controller NAME | latency CLIENT:PORT NAME COUNT".into())
        }
    }
}

fn address(text: &str) -> Result<Addr> {
    let (client, port) = text.split_once(':').ok_or("an address is CLIENT:PORT")?;
    Ok(Addr { client: client.parse()?, port: port.parse()? })
}

/// The port with this name.
fn named(seq: &Seq, name: &str) -> Result<Addr> {
    let ports = ClientIter::new(seq).flat_map(|client| PortIter::new(seq, client.get_client()));
    let found = ports.into_iter().find(|port| port.get_name() == Ok(name));
    found.map(|port| port.addr()).ok_or_else(|| format!("there is no port {name}").into())
}

/// A client with one port that sends.
fn sender(name: &CStr) -> Result<(Seq, i32)> {
    let seq = Seq::open(None, None, false)?;
    seq.set_client_name(name)?;
    let port = seq.create_simple_port(c"out", PortCap::READ | PortCap::SUBS_READ, PortType::APPLICATION)?;
    Ok((seq, port))
}

fn send(seq: &Seq, port: i32, to: Addr, event: &mut Event<'_>) -> Result<()> {
    event.set_source(port);
    event.set_dest(to);
    event.set_direct();
    seq.event_output_direct(event)?;
    Ok(())
}

fn burst(to: Addr, count: i32) -> Result<()> {
    let (seq, port) = sender(c"burst")?;
    for number in 0..count {
        let mut event = Event::new(EventType::Controller, &EvCtrl { channel: 0, param: 20, value: number % 128 });
        send(&seq, port, to, &mut event)?;
    }
    println!("{count} sent");
    Ok(())
}

fn latency(to: Addr, from: &str, count: usize) -> Result<()> {
    let seq = Seq::open(None, None, false)?;
    seq.set_client_name(c"latency")?;
    let readable = PortCap::READ | PortCap::SUBS_READ;
    let direct = seq.create_simple_port(c"direct", readable, PortType::APPLICATION)?;
    let mapped = seq.create_simple_port(c"mapped", readable, PortType::APPLICATION)?;
    let back = seq.create_simple_port(c"back", PortCap::WRITE | PortCap::SUBS_WRITE, PortType::APPLICATION)?;
    let client = seq.client_id()?;
    let own = |port| Addr { client, port };
    connect(&seq, own(direct), own(back))?;
    connect(&seq, own(mapped), to)?;
    connect(&seq, named(&seq, from)?, own(back))?;
    let mut input = seq.input();
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..WARM_UP + count {
        for (port, times) in [direct, mapped].into_iter().zip(&mut times) {
            let mut took = None;
            for kind in [EventType::Noteon, EventType::Noteoff] {
                let note = EvNote { channel: 0, note: 60, velocity: 100, off_velocity: 0, duration: 0 };
                let mut event = Event::new(kind, &note);
                event.set_source(port);
                event.set_subs();
                event.set_direct();
                let began = Instant::now();
                seq.event_output_direct(&mut event)?;
                // The mapping answers notes on; a note off that goes through a connection comes back as well.
                if kind == EventType::Noteon || port == direct {
                    while input.event_input()?.get_type() != kind {}
                    took.get_or_insert(began.elapsed());
                }
            }
            if round >= WARM_UP {
                times.extend(took);
            }
            std::thread::sleep(PAUSE);
        }
    }
    for (name, mut times) in ["a connection", "a mapping"].into_iter().zip(times) {
        times.sort_unstable();
        let at = |part: usize| times.get(times.len() * part / 100).map_or(0, Duration::as_micros);
        println!("latency: {name}: p50 {} us, p99 {} us ({} notes)", at(50), at(99), times.len());
    }
    Ok(())
}

fn connect(seq: &Seq, from: Addr, to: Addr) -> Result<()> {
    let subscription = PortSubscribe::empty()?;
    subscription.set_sender(from);
    subscription.set_dest(to);
    Ok(seq.subscribe_port(&subscription)?)
}

/// A controller: a port that sends and one that receives, of one client. It sends the lines of hexadecimal digits that come in, and prints
/// what it receives. It is gone when its input ends.
fn controller(name: &str) -> Result<()> {
    let seq = Seq::open(None, None, true)?;
    seq.set_client_name(&CString::new(name)?)?;
    let sends = seq.create_simple_port(c"out", PortCap::READ | PortCap::SUBS_READ, PortType::MIDI_GENERIC)?;
    seq.create_simple_port(c"in", PortCap::WRITE | PortCap::SUBS_WRITE, PortType::MIDI_GENERIC)?;
    let (lines, incoming) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(std::result::Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    let (mut coder, mut bytes) = (MidiEvent::new(8_192)?, [0; 8_192]);
    coder.enable_running_status(false);
    let mut input = seq.input();
    loop {
        match incoming.try_recv() {
            Ok(line) => {
                let pairs = line.split_whitespace().map(|pair| u8::from_str_radix(pair, 16));
                let message = pairs.collect::<std::result::Result<Vec<u8>, _>>()?;
                if let (_, Some(mut event)) = coder.encode(&message)? {
                    event.set_source(sends);
                    event.set_subs();
                    event.set_direct();
                    seq.event_output_direct(&mut event)?;
                }
            }
            Err(TryRecvError::Disconnected) => return Ok(()),
            Err(TryRecvError::Empty) => std::thread::sleep(Duration::from_millis(1)),
        }
        while input.event_input_pending(true)? > 0 {
            let mut event = input.event_input()?;
            coder.reset_decode();
            if let Ok(length) = coder.decode(&mut bytes, &mut event) {
                let shown: Vec<String> = bytes.iter().take(length).map(|byte| format!("{byte:02x}")).collect();
                println!("{}", shown.join(" "));
            }
        }
    }
}
