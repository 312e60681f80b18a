//! What the largest modules that are taken cost the process: memory is held here, time in `benches/admission.rs`. Alone in its process,
//! because the most memory it ever had is what counts.

#![cfg(target_os = "linux")]

mod support;

use conductor::internals::sandbox::Status;
use support::sandbox::{call, instance, load, services, settings};

/// Bytes of the largest body; a module has as many as its size asks for.
const BODY: usize = (2 << 20) - 64;

fn leb(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], leb(content.len()).as_slice(), content].concat()
}

/// A module whose `execute` calls functions made of `unit`, `bytes` long in all. They return before it but have to be translated.
fn module(unit: &[u8], bytes: usize) -> Vec<u8> {
    let early = [0x23, 0, 0x45, 0x04, 0x40, 0x0f, 0x0b]; // if the global is 0: return
    let body = |bytes: usize| {
        let code = [&[1, 4, 0x7f], early.as_slice(), &unit.repeat(bytes / unit.len()), &[0x0b]].concat();
        [leb(code.len()), code].concat()
    };
    let count = bytes.div_ceil(BODY);
    let calls: Vec<u8> = (1..=count).flat_map(|number| [vec![0x10], leb(number)].concat()).collect();
    let main = [&[0], calls.as_slice(), &[0x41, 0, 0x0b]].concat();
    let mut bodies = [leb(count + 1), leb(main.len()), main].concat();
    for number in 0..count {
        bodies.extend(body(BODY.min(bytes - number * BODY)));
    }
    let functions = [leb(count + 1), vec![0], vec![1; count]].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[2, 0x60, 2, 0x7f, 0x7f, 1, 0x7f, 0x60, 0, 0]),
        section(3, &functions),
        section(5, &[1, 0, 1]),
        section(6, &[1, 0x7f, 1, 0x41, 0, 0x0b]),
        section(7, b"\x02\x06memory\x02\x00\x07execute\x00\x00"),
        section(10, &bodies),
    ]
    .concat()
}

/// The most memory the process ever had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the most it had");
    peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") >> 10
}

#[test]
fn the_largest_modules_take_twice_the_plugins_memory_at_most_beside_their_file() {
    let limit = settings().wasm.max_memory_bytes;
    // Operators that become the most code for their bytes, and what the bound counts for each.
    let units: [(&str, &[u8], u64); 7] = [
        ("if and else", &[0x20, 0, 0x04, 0x40, 0x05, 0x0b], 96),
        ("calls", &[0x10, 1], 32),
        ("one operator a byte", &[0x3f, 0, 0x1a], 16),
        ("loops", &[0x03, 0x40, 0x0b], 16),
        ("branches", &[0x20, 0, 0x0d, 0], 48),
        ("kept locals", &[0x20, 0, 0x20, 0, 0x41, 0, 0x21, 0, 0x1a, 0x1a], 64),
        ("selects", &[0x20, 0, 0x20, 1, 0x20, 2, 0x45, 0x1b, 0x21, 0], 120),
    ];
    let mut largest = 0;
    for (what, unit, counted) in units {
        let count = usize::try_from(limit / counted).expect("it fits") - 100;
        let wasm = module(unit, count * unit.len());
        let plugin = load("large", &wasm, &settings()).unwrap_or_else(|error| panic!("{what}: {error}"));
        let before = peak();
        let mut instance = instance(&plugin, &services());
        assert_eq!(call(&mut instance).status, Status::Ok, "{what}");
        println!("{what}: {} MiB of wasm, at most {} MiB, {before} before it ran", wasm.len() >> 20, peak());
        // The code and what is needed to make it; the file as it was made here, admitted, and kept by the engine; the process itself. The
        // peak is that of all modules so far.
        largest = wasm.len().max(largest);
        let most = (2 * limit + 3 * largest as u64) >> 20;
        assert!(peak() < most, "{what}: {} of {most} MiB", peak());
    }
}
