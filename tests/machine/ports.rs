//! What the machine test asks of the sequencer and no program there does: messages all at one moment, and the time that one takes.
//!
//! ```text
//! machine-ports burst CLIENT:PORT COUNT           COUNT control changes at once to the port
//! machine-ports transport CLIENT:PORT             a start to the port
//! machine-ports controller NAME                   a controller whose lamps are lines on standard output
//! machine-ports relay IN OUT                      what comes to the port IN goes out of the port OUT
//! machine-ports mirror IN OUT                     every kind of message to the port IN, to come out of the port OUT
//! machine-ports latency COUNT [NAME IN OUT]...    COUNT notes to each port IN, which come back from the port OUT
//! ```
//!
//! The times are those between sending a note and having it back, both here, by turns through each pair of ports and through a connection
//! between two ports of this program, as `aconnect` makes it: so that all ways are measured in the same minute. The relay is the least that
//! a program between two ports can do, with a thread that receives and one that sends.

use std::error::Error;
use std::ffi::{CStr, CString};
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, Instant};

use alsa::seq::{
    Addr, ClientIter, EvCtrl, EvNote, EvQueueControl, Event, EventType, MidiEvent, PortCap, PortIter, PortSubscribe,
    PortType, Seq,
};
use midir::{MidiInput, MidiOutput};

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
        ["relay", from, to] => relay(from, to),
        ["mirror", to, from] => mirror(to, from),
        ["latency", count, ref ways @ ..] if ways.chunks_exact(3).remainder().is_empty() => {
            latency(count.parse()?, ways)
        }
        _ => Err("machine-ports burst CLIENT:PORT COUNT | transport CLIENT:PORT | controller NAME | relay IN OUT | \
                  mirror IN OUT | latency COUNT [NAME IN OUT]..."
            .into()),
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

/// What comes to the port `from` goes out of the port `to`, until it is killed: the least that a program between two ports does when it
/// receives on one thread and sends from another.
fn relay(from: &str, to: &str) -> Result<()> {
    let receives = Seq::open(None, None, false)?;
    receives.set_client_name(c"relay")?;
    receives.create_simple_port(&CString::new(from)?, PortCap::WRITE | PortCap::SUBS_WRITE, PortType::APPLICATION)?;
    let sends = Seq::open(None, None, false)?;
    let readable = PortCap::READ | PortCap::SUBS_READ;
    let port = sends.create_simple_port(&CString::new(to)?, readable, PortType::APPLICATION)?;
    let (events, incoming) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut input = receives.input();
        // Whoever sends has ended with this process.
        while let Ok(event) = input.event_input() {
            _ = events.send(event.into_owned());
        }
    });
    for mut event in incoming {
        event.set_source(port);
        event.set_subs();
        event.set_direct();
        sends.event_output_direct(&mut event)?;
    }
    Ok(())
}

/// Sends messages of every kind to the port `to` and holds what comes from the port `from` to them, byte for byte: both ends as most programs
/// in Rust have them.
fn mirror(to: &str, from: &str) -> Result<()> {
    let (sends, receives) = (MidiOutput::new("midir")?, MidiInput::new("midir")?);
    let name = format!(":{to} ");
    let port = sends.ports().into_iter().find(|port| sends.port_name(port).is_ok_and(|found| found.contains(&name)));
    let mut sends = sends.connect(&port.ok_or("no such port")?, "out").map_err(|error| error.to_string())?;
    let name = format!(":{from} ");
    let port =
        receives.ports().into_iter().find(|port| receives.port_name(port).is_ok_and(|found| found.contains(&name)));
    let (messages, incoming) = std::sync::mpsc::channel();
    let take = move |_, message: &[u8], (): &mut ()| _ = messages.send(message.to_vec());
    let _receives =
        receives.connect(&port.ok_or("no such port")?, "in", take, ()).map_err(|error| error.to_string())?;
    let long: Vec<u8> = [0xf0].into_iter().chain((0..=127).cycle().take(1_000)).chain([0xf7]).collect();
    let messages: [&[u8]; 13] = [
        &[0x90, 60, 100],
        &[0xa0, 60, 64],
        &[0x80, 60, 64],
        &[0xb0, 7, 127],
        &[0xcf, 12],
        &[0xd3, 99],
        &[0xe0, 0, 0],
        &[0xef, 127, 127],
        &[0xf2, 1, 2],
        &[0xfa],
        &[0xfc],
        &[0xf0, 0x7e, 0x7f, 6, 1, 0xf7],
        &long,
    ];
    for message in messages {
        sends.send(message)?;
        let came = incoming.recv_timeout(Duration::from_secs(20))?;
        if came != message {
            return Err(format!("{message:02x?} was sent, and {came:02x?} came").into());
        }
    }
    println!("{} messages came as they were sent", messages.len());
    Ok(())
}

/// A way that notes take and its times.
struct Way<'a> {
    name: &'a str,
    port: i32,
    times: Vec<Duration>,
}

/// Times `count` notes through each of `ways` (name, port in, port out).
fn latency(count: usize, ways: &[&str]) -> Result<()> {
    let seq = Seq::open(None, None, false)?;
    seq.set_client_name(c"latency")?;
    let readable = PortCap::READ | PortCap::SUBS_READ;
    let back = seq.create_simple_port(c"back", PortCap::WRITE | PortCap::SUBS_WRITE, PortType::APPLICATION)?;
    let client = seq.client_id()?;
    let own = |port| Addr { client, port };
    let way = |name| -> Result<Way<'_>> {
        let port = seq.create_simple_port(c"out", readable, PortType::APPLICATION)?;
        Ok(Way { name, port, times: Vec::new() })
    };
    let mut taken = vec![way("a connection")?];
    connect(&seq, own(taken[0].port), own(back))?;
    for triple in ways.chunks_exact(3) {
        let [name, to, from] = *triple else { continue };
        let way = way(name)?;
        connect(&seq, own(way.port), named(&seq, to)?)?;
        connect(&seq, named(&seq, from)?, own(back))?;
        taken.push(way);
    }
    let mut input = seq.input();
    for round in 0..WARM_UP + count {
        for Way { port, times, .. } in &mut taken {
            let note = EvNote { channel: 0, note: 60, velocity: 100, off_velocity: 0, duration: 0 };
            let [mut on, mut off] = [EventType::Noteon, EventType::Noteoff].map(|kind| Event::new(kind, &note));
            for event in [&mut on, &mut off] {
                event.set_source(*port);
                event.set_subs();
                event.set_direct();
            }
            let began = Instant::now();
            seq.event_output_direct(&mut on)?;
            while input.event_input()?.get_type() != EventType::Noteon {}
            let took = began.elapsed();
            seq.event_output_direct(&mut off)?;
            std::thread::sleep(PAUSE);
            // The end of the note, where it comes back as well.
            while input.event_input_pending(true)? > 0 {
                input.event_input()?;
            }
            if round >= WARM_UP {
                times.push(took);
            }
        }
    }
    for Way { name, times, .. } in &mut taken {
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
