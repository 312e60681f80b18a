//! Random operations of random plugins.

use super::random::Random;
use super::script::{Alloc, Arg, Choice, ENDLESS, HostOp, Look, Op, Script, Shape, Trap};

/// What a plugin is likely to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Temper {
    /// Short calls that end well.
    Quiet,
    /// Calls that trap, exit or return other numbers.
    Faulty,
    /// Calls that never end by themselves.
    Endless,
    /// Calls that ask for more than there is.
    Greedy,
}

/// A family of host functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Basic,
    Time,
    Midi,
    Network,
    Programs,
    Files,
    System,
}

pub(crate) const FAMILIES: [Family; 7] =
    [Family::Basic, Family::Time, Family::Midi, Family::Network, Family::Programs, Family::Files, Family::System];

/// A random plugin.
pub(crate) fn script(random: &mut Random) -> Script {
    let temper = match random.below(100) {
        0..50 => Temper::Quiet,
        50..62 => Temper::Faulty,
        62..85 => Temper::Endless,
        _ => Temper::Greedy,
    };
    let mut families = vec![Family::Basic, Family::Time];
    for family in &FAMILIES[2..] {
        if random.chance(if *family == Family::Files { 60 } else { 30 }) {
            families.push(*family);
        }
    }
    let mut maker = Maker { random, temper, families };
    let ways = maker.random.within(1, 4);
    let calls = (0..ways).map(|_| maker.list(0)).collect();
    let quiet = |maker: &mut Maker<'_>| {
        // Starting and ending have faults of their own, but not too many, or nothing else would be seen.
        let before = maker.temper;
        if !maker.random.chance(8) {
            maker.temper = Temper::Quiet;
        }
        let list = maker.list(0);
        maker.temper = before;
        list
    };
    let mut initialize = None;
    let mut init = None;
    if maker.random.chance(25) {
        initialize = Some(quiet(&mut maker));
    }
    if maker.random.chance(40) {
        init = Some(quiet(&mut maker));
    }
    let shutdown = maker.random.chance(60).then(|| {
        let mut list = if maker.random.chance(70) { quiet(&mut maker) } else { maker.list(0) };
        // What it has seen by then, its clock included, must not be lost with it.
        list.push(clock());
        maker.farewell(&mut list);
        list
    });
    let choice = *maker.random.pick(&[Choice::Count, Choice::Random, Choice::Clock, Choice::Seen]);
    let shape = Shape {
        wide: maker.random.chance(20),
        context: maker.random.chance(40),
        alloc: *maker.random.pick(&[Alloc::None, Alloc::Fixed, Alloc::WithDealloc, Alloc::ReturnsZero]),
        max_pages: maker.random.chance(20).then(|| maker.random.within(3, 12) as u32),
    };
    Script { initialize, init, shutdown, calls, choice, shape }
}

/// Makes the operations of one plugin.
pub(crate) struct Maker<'a> {
    pub(crate) random: &'a mut Random,
    temper: Temper,
    families: Vec<Family>,
}

fn clock() -> Op {
    call("clock_time_get", [Arg::Number(0), Arg::Number(1), Arg::Answer], Look::Answer(8))
}

pub(crate) fn call<const N: usize>(function: &'static str, args: [Arg; N], look: Look) -> Op {
    Op::Call(HostOp { function, args: args.into(), look })
}

impl Maker<'_> {
    fn list(&mut self, depth: u32) -> Vec<Op> {
        let files = self.families.contains(&Family::Files);
        let most = match depth {
            0 if files => 14,
            0 => 7,
            _ => 3,
        };
        let mut list = Vec::new();
        if depth == 0 && files && self.random.chance(70) {
            list.push(self.open_well(0));
        }
        list.extend((0..self.random.within(1, most)).map(|_| self.op(depth)));
        list
    }

    fn op(&mut self, depth: u32) -> Op {
        let structural = if depth < 3 { 25 } else { 0 };
        if self.random.chance(structural) {
            return match self.random.below(4) {
                0 => Op::Spin(1 << self.random.within(1, 16)),
                1 => Op::If(self.random.within(2, 5) as u32, self.list(depth + 1), self.list(depth + 1)),
                _ => {
                    let rounds = self.random.within(2, 20) as u32;
                    Op::Repeat(rounds, self.list(depth + 1))
                }
            };
        }
        match (self.temper, self.random.below(100)) {
            (Temper::Endless, 0..12) if depth < 3 => {
                // Where the clock stops it is anywhere in here: between effects, and within what they cost.
                let mut body = if self.random.chance(20) { Vec::new() } else { self.list(depth + 1) };
                if self.random.chance(50) {
                    body.push(Op::Spin(1 << self.random.within(1, 12)));
                }
                let rounds = if self.random.chance(70) { ENDLESS } else { 1 << self.random.within(8, 20) };
                Op::Repeat(rounds, body)
            }
            (Temper::Faulty, 0..12) | (_, 97) => self.fault(),
            (Temper::Greedy, 0..35) | (_, 98..) => self.greed(),
            _ => self.host_op(),
        }
    }

    fn fault(&mut self) -> Op {
        match self.random.below(10) {
            0 => Op::Trap(Trap::Unreachable),
            1 => Op::Trap(Trap::Divide),
            2 => Op::Trap(Trap::Load),
            3 => Op::Trap(*self.random.pick(&[Trap::CallNull, Trap::CallType, Trap::BadConversion])),
            4 => call("proc_exit", [Arg::Number(self.random.number(3))], Look::Nothing),
            5 => call("proc_raise", [Arg::Number(1 + self.random.number(30))], Look::Nothing),
            6 => Op::Recurse(2_000_000),
            _ => Op::Return(self.random.below(5) as i32 - 1),
        }
    }

    fn greed(&mut self) -> Op {
        match self.random.below(8) {
            0 => Op::Grow(self.random.within(1, 40) as u32),
            1 => Op::Grow(65_535),
            2 => Op::TableGrow(self.random.within(1, 9_000) as u32),
            3 => Op::Repeat(self.random.within(60, 200) as u32, vec![self.log()]),
            4 => call(
                "output_set",
                [Arg::Text(format!("\"{}\"", "x".repeat(self.random.within(1, 3_000) as usize)))],
                Look::Nothing,
            ),
            5 => Op::Recurse(self.random.within(10, 900) as u32),
            6 => {
                // Descriptors run out.
                let open = self.open(0);
                Op::Repeat(self.random.within(30, 90) as u32, vec![open])
            }
            _ => Op::Spin(1 << self.random.within(16, 21)),
        }
    }

    fn log(&mut self) -> Op {
        let level = Arg::Number(self.random.number(7));
        if self.random.chance(50) {
            call("log", [level, Arg::Seen], Look::Nothing)
        } else {
            let len = self.random.below(1_500) as u32;
            call("log", [level, Arg::Bytes(len)], Look::Nothing)
        }
    }

    fn host_op(&mut self) -> Op {
        // Files are where most differences can hide.
        if self.families.contains(&Family::Files) && self.random.chance(60) {
            return self.file();
        }
        let family = *self.random.pick(&self.families.clone());
        match family {
            Family::Basic => self.basic(),
            Family::Time => self.time(),
            Family::Midi => self.midi(),
            Family::Network => self.network(),
            Family::Programs => self.program(),
            Family::Files => self.file(),
            Family::System => self.system(),
        }
    }

    fn basic(&mut self) -> Op {
        match self.random.below(9) {
            0 | 1 => call("output_set", [Arg::Seen], Look::Nothing),
            2 => {
                let text = *self.random.pick(&["{}", "[1,2", "null", "", "\"ä\"", "{\"a\":[1,2,3]}"]);
                call("output_set", [Arg::Text(text.into())], Look::Nothing)
            }
            3 => self.log(),
            4 => {
                let key = *self.random.pick(&["market", "long", "missing", "token", ""]);
                let room = *self.random.pick(&[0, 3, 500]);
                call("config_get", [Arg::Text(key.into()), Arg::Room(room)], Look::Returned)
            }
            5 => call("last_error", [Arg::Room(512)], Look::Returned),
            6 => call(
                "fd_write",
                [Arg::Number(1 + self.random.number(2)), Arg::WriteVector(20), Arg::Answer],
                Look::Answer(4),
            ),
            7 => call("environ_sizes_get", [Arg::Answer, Arg::Number(24)], Look::Answer(12)),
            _ => call(
                "sock_recv",
                [Arg::Number(self.random.number(5)), Arg::ReadVector(8), Arg::Number(0), Arg::Answer, Arg::Number(24)],
                Look::Nothing,
            ),
        }
    }

    fn time(&mut self) -> Op {
        match self.random.below(8) {
            0..3 => call(
                "clock_time_get",
                [Arg::Number(self.random.number(5)), Arg::Number(1), Arg::Answer],
                Look::Answer(8),
            ),
            3 => call("clock_res_get", [Arg::Number(self.random.number(4)), Arg::Answer], Look::Answer(8)),
            4 | 5 => {
                let ns = 1 << self.random.within(8, 21);
                let clock = self.random.below(2) as u32;
                call("poll_oneoff", [Arg::Sleep(clock, ns), Arg::Number(1), Arg::Answer], Look::Answer(4))
            }
            6 => call("random_get", [Arg::Room(self.random.within(0, 200) as u32)], Look::Nothing),
            _ => call("random_get", [Arg::Answer, Arg::Number(16)], Look::Answer(16)),
        }
    }

    fn midi(&mut self) -> Op {
        let port = *self.random.pick(&["out", "out", "out", "denied", ""]);
        match self.random.below(6) {
            // Not a whole message.
            0 => call("midi_send", [Arg::Text(port.into()), Arg::Text("\u{1}".into())], Look::Nothing),
            _ => call("midi_send", [Arg::Text(port.into()), Arg::Note], Look::Nothing),
        }
    }

    fn network(&mut self) -> Op {
        let slot = self.random.within(6, 7) as u32;
        match self.random.below(10) {
            0..3 => {
                let host =
                    *self.random.pick(&["api.example.com", "api.example.com", "x.example.net", "denied.example.org"]);
                let method = *self.random.pick(&["GET", "POST", "TRACE"]);
                let timeout = *self.random.pick(&["", ",\"timeout_ms\":20", ",\"timeout_ms\":0"]);
                let head =
                    format!("{{\"url\":\"https://{host}/{}\",\"method\":\"{method}\"{timeout}}}", self.random.below(4));
                let body = if method == "POST" { Arg::Seen } else { Arg::Bytes(0) };
                call("http_request", [Arg::Text(head), body], Look::Nothing)
            }
            3..6 => call("response_read", [Arg::Room(*self.random.pick(&[7, 100, 2_000]))], Look::Returned),
            6 => call("ws_open", [Arg::Text("{\"url\":\"wss://api.example.com/live\"}".into())], Look::Connected(slot)),
            7 => call("ws_send", [Arg::Slot(slot), Arg::Number(self.random.number(3)), Arg::Seen], Look::Nothing),
            8 => call("ws_recv", [Arg::Slot(slot), Arg::Number(self.random.number(30))], Look::Nothing),
            _ => call("ws_close", [Arg::Slot(slot)], Look::Nothing),
        }
    }

    fn program(&mut self) -> Op {
        if self.random.chance(40) {
            return call("response_read", [Arg::Room(*self.random.pick(&[5, 2_000]))], Look::Returned);
        }
        let program = *self.random.pick(&["tool", "tool", "/bin/tool", "denied"]);
        let head = format!("{{\"program\":\"{program}\",\"arguments\":[\"{}\"]}}", self.random.below(3));
        let input = if self.random.chance(50) { Arg::Seen } else { Arg::Bytes(0) };
        call("exec", [Arg::Text(head), input], Look::Nothing)
    }

    fn system(&mut self) -> Op {
        match self.random.below(3) {
            0 => {
                let operation = *self.random.pick(&["up", "down", "set", "mute", "louder"]);
                call(
                    "audio_control",
                    [Arg::Text(operation.into()), Arg::Number(self.random.number(120) - 1)],
                    Look::Nothing,
                )
            }
            1 => {
                let text = *self.random.pick(&[
                    "{\"operation\":\"lock\"}",
                    "{\"operation\":\"notify\",\"title\":\"t\"}",
                    "{\"operation\":\"brightness\",\"percent\":50}",
                    "{",
                ]);
                call("system_control", [Arg::Text(text.into())], Look::Nothing)
            }
            _ => {
                let text = *self.random.pick(&[
                    "{\"keys\":\"c\",\"modifiers\":[\"ctrl\"]}",
                    "{\"text\":\"hello\"}",
                    "{\"keys\":\"nokey\"}",
                ]);
                call("keys_send", [Arg::Text(text.into())], Look::Nothing)
            }
        }
    }

    /// Leaves what was seen where it can be found: in an effect, and in a file.
    fn farewell(&mut self, list: &mut Vec<Op>) {
        if self.families.contains(&Family::Files) {
            let rights = Arg::Number(0x1fff_ffff);
            list.push(call(
                "path_open",
                [
                    Arg::Number(3),
                    Arg::Number(0),
                    Arg::Text("last".into()),
                    Arg::Number(1),
                    rights.clone(),
                    rights,
                    Arg::Number(1),
                    Arg::Answer,
                ],
                Look::Opened(5),
            ));
            list.push(call("fd_write", [Arg::Slot(5), Arg::WriteVector(8), Arg::Answer], Look::Answer(4)));
        }
        if self.families.contains(&Family::Programs) {
            list.push(call("exec", [Arg::Text("{\"program\":\"tool\"}".into()), Arg::Seen], Look::Nothing));
        } else if self.families.contains(&Family::Network) {
            let head = "{\"url\":\"https://api.example.com/bye\",\"method\":\"POST\"}";
            list.push(call("http_request", [Arg::Text(head.into()), Arg::Seen], Look::Nothing));
        }
        list.push(call("log", [Arg::Number(3), Arg::Seen], Look::Nothing));
    }
}
