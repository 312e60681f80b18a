//! `poll_oneoff`: clocks and descriptors together, never longer than it may.

mod guest;

use std::sync::{Arc, Mutex};

use guest::{CREAT, Guest, OUT, Open, PLENTY, i, preopen, scratch};
use wasi_shim::{
    Clock, ClockId, Empty, Errno, Input, Readiness, Slept, Source, Trap, VirtualClock, WasiBuilder, WasiCtx,
};
use wasmi::TrapCode;

const IN: u32 = 256;
const EVENTS: u32 = 600;
const STORED: u32 = OUT;

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;

#[derive(Clone, Copy)]
enum Sub {
    Clock { id: u32, timeout: u64, flags: u16 },
    Read(u32),
    Write(u32),
    Tag(u8),
}

#[derive(Debug, PartialEq, Eq)]
struct Event {
    userdata: u64,
    error: u16,
    kind: u8,
    nbytes: u64,
    flags: u16,
}

fn after(ns: u64) -> Sub {
    Sub::Clock { id: MONOTONIC, timeout: ns, flags: 0 }
}

fn store(guest: &mut Guest, subs: &[Sub]) {
    for (n, sub) in subs.iter().enumerate() {
        let mut raw = [0_u8; 48];
        raw[0..8].copy_from_slice(&(n as u64 + 100).to_le_bytes());
        match *sub {
            Sub::Clock { id, timeout, flags } => {
                raw[16..20].copy_from_slice(&id.to_le_bytes());
                raw[24..32].copy_from_slice(&timeout.to_le_bytes());
                raw[40..42].copy_from_slice(&flags.to_le_bytes());
            }
            Sub::Read(fd) => {
                raw[8] = 1;
                raw[16..20].copy_from_slice(&fd.to_le_bytes());
            }
            Sub::Write(fd) => {
                raw[8] = 2;
                raw[16..20].copy_from_slice(&fd.to_le_bytes());
            }
            Sub::Tag(tag) => raw[8] = tag,
        }
        guest.poke(IN + n as u32 * 48, &raw);
    }
}

fn poll(guest: &mut Guest, subs: &[Sub]) -> Result<Vec<Event>, Errno> {
    store(guest, subs);
    guest.poke(EVENTS, &[0xAA; 32 * 8]);
    guest.call("poll_oneoff", &[i(IN), i(EVENTS), i(subs.len() as u32), i(STORED)])?;
    let count = guest.u32(STORED);
    Ok((0..count)
        .map(|n| {
            let raw = guest.bytes(EVENTS + n * 32, 32);
            assert!(raw[11..16].iter().chain(&raw[26..32]).all(|b| *b == 0), "padding is written");
            Event {
                userdata: u64::from_le_bytes(raw[0..8].try_into().expect("eight")) - 100,
                error: u16::from_le_bytes(raw[8..10].try_into().expect("two")),
                kind: raw[10],
                nbytes: u64::from_le_bytes(raw[16..24].try_into().expect("eight")),
                flags: u16::from_le_bytes(raw[24..26].try_into().expect("two")),
            }
        })
        .collect())
}

fn clock_event(userdata: u64) -> Event {
    Event { userdata, error: 0, kind: 0, nbytes: 0, flags: 0 }
}

/// A clock under which sleeping is all that takes time, and that says how long it was.
#[derive(Clone, Default)]
struct Sleeper {
    slept: Arc<Mutex<Vec<u64>>>,
    deadline: Option<u64>,
}

impl Sleeper {
    fn total(&self) -> u64 {
        self.slept.lock().expect("one thread").iter().sum()
    }
}

impl Clock for Sleeper {
    fn now(&mut self, _id: ClockId, _fuel_used: u64) -> u64 {
        self.total()
    }

    fn sleep(&mut self, ns: u64) -> Slept {
        let left = self.deadline.map_or(u64::MAX, |deadline| deadline - self.total());
        self.slept.lock().expect("one thread").push(ns.min(left));
        if ns > left { Slept::CutShort } else { Slept::Through }
    }

    fn sleep_costs_fuel(&self) -> bool {
        false
    }
}

/// An input in which bytes arrive at the tenth look.
#[derive(Default)]
struct Late {
    looks: u32,
}

impl Source for Late {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Errno> {
        if self.readiness() == Readiness::Waiting {
            return Err(Errno::Again);
        }
        buf[0] = b'!';
        Ok(1)
    }

    fn readiness(&mut self) -> Readiness {
        self.looks += 1;
        if self.looks < 10 { Readiness::Waiting } else { Readiness::Bytes(1) }
    }
}

fn with(sleeper: &Sleeper) -> WasiBuilder {
    WasiCtx::builder().clock(sleeper.clone())
}

#[test]
fn a_timeout_sleeps_for_its_length() {
    let sleeper = Sleeper::default();
    let mut guest = Guest::new(with(&sleeper));
    assert_eq!(poll(&mut guest, &[after(5_000_000)]), Ok(vec![clock_event(0)]));
    assert_eq!(sleeper.total(), 5_000_000);
}

#[test]
fn the_earliest_of_several_timeouts_ends_the_call() {
    let sleeper = Sleeper::default();
    let mut guest = Guest::new(with(&sleeper));
    let realtime = Sub::Clock { id: REALTIME, timeout: 2_000, flags: 0 };
    assert_eq!(poll(&mut guest, &[after(9_000), realtime, after(3_000)]), Ok(vec![clock_event(1)]));
    assert_eq!(sleeper.total(), 2_000);
    assert_eq!(poll(&mut guest, &[after(500), after(500)]), Ok(vec![clock_event(0), clock_event(1)]));
}

#[test]
fn an_absolute_time_is_waited_for_and_one_in_the_past_is_not() {
    let sleeper = Sleeper::default();
    let mut guest = Guest::new(with(&sleeper));
    let at = |timeout| Sub::Clock { id: MONOTONIC, timeout, flags: 1 };
    assert!(poll(&mut guest, &[at(7_000)]).is_ok());
    assert_eq!(sleeper.total(), 7_000);
    assert_eq!(poll(&mut guest, &[at(6_999), at(0)]), Ok(vec![clock_event(0), clock_event(1)]));
    assert_eq!(sleeper.total(), 7_000, "no time passed");
}

#[test]
fn a_timeout_of_zero_looks_and_returns() {
    let sleeper = Sleeper::default();
    let mut guest = Guest::new(with(&sleeper));
    assert_eq!(poll(&mut guest, &[after(0)]), Ok(vec![clock_event(0)]));
    assert_eq!(sleeper.total(), 0);
}

#[test]
fn outputs_and_files_are_ready_at_once() {
    let dir = scratch();
    let sleeper = Sleeper::default();
    let mut guest = Guest::new(with(&sleeper).preopen(preopen(dir.path())));
    let fd = guest.open(3, "file", Open::rw().oflags(CREAT)).expect("creatable");
    guest.write(fd, b"12345").expect("writable");
    guest.seek(fd, 2, 0).expect("seekable");
    let events = poll(&mut guest, &[Sub::Write(1), Sub::Write(2), Sub::Write(fd), Sub::Read(fd), after(1_000_000)])
        .expect("events");
    let ready = |userdata, kind, nbytes| Event { userdata, error: 0, kind, nbytes, flags: 0 };
    assert_eq!(events, [ready(0, 2, 0), ready(1, 2, 0), ready(2, 2, 0), ready(3, 1, 3)]);
    assert_eq!(sleeper.total(), 0, "the timeout did not have to pass");
}

#[test]
fn an_input_says_what_is_there_and_when_it_has_ended() {
    let mut guest = Guest::new(WasiCtx::builder().stdin(Input::new(*b"abc")));
    assert_eq!(
        poll(&mut guest, &[Sub::Read(0)]),
        Ok(vec![Event { userdata: 0, error: 0, kind: 1, nbytes: 3, flags: 0 }])
    );
    let mut guest = Guest::new(WasiCtx::builder().stdin(Empty));
    assert_eq!(
        poll(&mut guest, &[Sub::Read(0)]),
        Ok(vec![Event { userdata: 0, error: 0, kind: 1, nbytes: 0, flags: 1 }])
    );
}

#[test]
fn an_input_that_is_not_ready_is_waited_for_beside_a_timeout() {
    let sleeper = Sleeper::default();
    let mut guest = Guest::new(with(&sleeper).stdin(Late::default()));
    let events = poll(&mut guest, &[after(1_000_000_000), Sub::Read(0)]).expect("events");
    assert_eq!(events, [Event { userdata: 1, error: 0, kind: 1, nbytes: 1, flags: 0 }]);
    assert_eq!(sleeper.total(), 9_000_000, "nine looks, a millisecond apart");
    let sleeper = Sleeper::default();
    let mut guest = Guest::new(with(&sleeper).stdin(Late::default()));
    assert_eq!(poll(&mut guest, &[after(2_500_000), Sub::Read(0)]), Ok(vec![clock_event(0)]));
    assert_eq!(sleeper.total(), 2_500_000);
}

#[test]
fn reading_an_input_that_is_not_ready_waits_unless_told_not_to() {
    let sleeper = Sleeper::default();
    let mut guest = Guest::new(with(&sleeper).stdin(Late::default()));
    assert_eq!(guest.read(0, 4), Ok(b"!".to_vec()));
    assert_eq!(sleeper.total(), 9_000_000);
    let mut guest = Guest::new(with(&Sleeper::default()).stdin(Late::default()));
    guest.set_flags(0, guest::NONBLOCK).expect("settable");
    assert_eq!(guest.read(0, 4), Err(Errno::Again));
}

#[test]
fn what_is_wrong_with_one_subscription_is_in_its_event() {
    let mut guest = Guest::new(WasiCtx::builder());
    let events = poll(
        &mut guest,
        &[
            Sub::Read(77),
            Sub::Write(0),
            Sub::Read(1),
            Sub::Clock { id: 9, timeout: 1, flags: 0 },
            Sub::Clock { id: 2, timeout: 1, flags: 0 },
        ],
    )
    .expect("events");
    let errors: Vec<_> = events.iter().map(|event| (event.userdata, event.error)).collect();
    let [badf, inval, notsup] = [Errno::Badf, Errno::Inval, Errno::Notsup].map(Errno::code);
    assert_eq!(errors, [(0, badf), (1, badf), (2, badf), (3, inval), (4, notsup)]);
}

#[test]
fn what_is_wrong_with_the_call_is_its_answer() {
    let mut guest = Guest::new(WasiCtx::builder());
    assert_eq!(poll(&mut guest, &[]), Err(Errno::Inval));
    assert_eq!(poll(&mut guest, &[Sub::Tag(3)]), Err(Errno::Inval));
    assert_eq!(poll(&mut guest, &[Sub::Clock { id: 0, timeout: 0, flags: 2 }]), Err(Errno::Inval));
    for count in [4097, u32::MAX] {
        assert_eq!(guest.call("poll_oneoff", &[i(IN), i(EVENTS), i(count), i(STORED)]), Err(Errno::Inval));
    }
    let end = guest::PAGES * 65536;
    for (input, output, stored) in
        [(end - 47, EVENTS, STORED), (IN, end - 31, STORED), (IN, EVENTS, end - 3), (u32::MAX, u32::MAX, u32::MAX)]
    {
        store(&mut guest, &[after(0)]);
        assert_eq!(guest.call("poll_oneoff", &[i(input), i(output), i(1), i(stored)]), Err(Errno::Fault));
    }
}

#[test]
fn a_sleep_in_virtual_time_costs_its_length_in_fuel() {
    let mut guest = Guest::new(WasiCtx::builder().clock(VirtualClock::new(0)));
    guest.refuel(PLENTY);
    assert!(poll(&mut guest, &[after(1_000_000)]).is_ok());
    let used = guest.fuel_used();
    assert!((1_000_000..1_010_000).contains(&used), "{used}");
}

#[test]
fn no_sleep_outlasts_the_fuel() {
    for ns in [1_000_000, u64::MAX] {
        let mut guest = Guest::new(WasiCtx::builder());
        guest.refuel(100_000);
        store(&mut guest, &[after(ns)]);
        let trap = guest.try_call("poll_oneoff", &[i(IN), i(EVENTS), i(1), i(STORED)]).expect_err("out of fuel");
        assert_eq!(trap.as_trap_code(), Some(TrapCode::OutOfFuel));
    }
}

#[test]
fn waiting_for_what_never_comes_ends_with_the_fuel() {
    struct Never;
    impl Source for Never {
        fn read(&mut self, _: &mut [u8]) -> Result<usize, Errno> {
            Err(Errno::Again)
        }
        fn readiness(&mut self) -> Readiness {
            Readiness::Waiting
        }
    }
    let mut guest = Guest::new(WasiCtx::builder().stdin(Never));
    guest.refuel(100_000_000);
    store(&mut guest, &[Sub::Read(0)]);
    let trap = guest.try_call("poll_oneoff", &[i(IN), i(EVENTS), i(1), i(STORED)]).expect_err("out of fuel");
    assert_eq!(trap.as_trap_code(), Some(TrapCode::OutOfFuel));
    let mut guest = Guest::new(WasiCtx::builder().stdin(Never));
    guest.refuel(100_000_000);
    let (iovs, count) = guest.iovecs(&[(8, 8)]);
    let trap = guest.try_call("fd_read", &[i(0), i(iovs), i(count), i(OUT)]).expect_err("out of fuel");
    assert_eq!(trap.as_trap_code(), Some(TrapCode::OutOfFuel));
}

#[test]
fn no_sleep_outlasts_the_deadline() {
    let sleeper = Sleeper { deadline: Some(30), ..Sleeper::default() };
    let mut guest = Guest::new(with(&sleeper));
    store(&mut guest, &[after(1_000)]);
    let trap = guest.try_call("poll_oneoff", &[i(IN), i(EVENTS), i(1), i(STORED)]).expect_err("past the deadline");
    assert_eq!(trap.downcast_ref::<Trap>(), Some(&Trap::Deadline));
    assert_eq!(sleeper.total(), 30);
}

#[test]
fn ten_thousand_sleeps_of_nothing_cost_something() {
    let mut guest = Guest::new(WasiCtx::builder());
    guest.refuel(PLENTY);
    for _ in 0..100 {
        poll(&mut guest, &[after(0)]).expect("events");
    }
    assert!(guest.fuel_used() >= 100 * 700);
}
