//! From a script to a module, as text.
//!
//! Everything the plugin is told is folded into one number, `$seen`, which lives as long as its instance and is its output at the
//! end of each call: a difference in anything it was told shows in the transcript.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::functions::{Type, type_of};
use super::script::{Alloc, Arg, Choice, ENDLESS, HostOp, Look, Op, Script, Trap};

/// Where things lie in the two pages.
const VECTOR: u32 = 0;
const ANSWER: u32 = 16;
const SLOTS: u32 = 128;
const DIGITS: u32 = 256;
const SLEEP: u32 = 512;
const TEXTS: u32 = 1024;
const BYTES: u32 = 32_768;
const ROOM: u32 = 65_536;
const INPUT: u32 = 98_304;

/// Most bytes of an answer that are folded.
const FOLDED: u32 = 2_048;

/// The module that does what `script` says.
pub(crate) fn text(script: &Script) -> String {
    let mut writer = Writer { texts: Vec::new(), known: BTreeMap::new(), out: String::new(), depth: 0 };
    writer.module(script)
}

struct Writer {
    texts: Vec<u8>,
    known: BTreeMap<Vec<u8>, u32>,
    out: String,
    /// Loops around what is written.
    depth: usize,
}

/// Adds a line. Writing to a string does not fail.
macro_rules! add {
    ($to:expr, $($words:tt)*) => {{
        let _ = writeln!($to.out, $($words)*);
    }};
}

impl Writer {
    fn module(&mut self, script: &Script) -> String {
        let Script { initialize, init, shutdown, calls, choice, shape } = script;
        self.helpers(*choice, calls.len());
        if let Some(ops) = initialize {
            self.function("(func (export \"_initialize\")", ops, "");
        }
        match init {
            Some(ops) if shape.wide => self.function("(func (export \"init\") (result i64)", ops, "(i64.const 0)"),
            Some(ops) => self.function("(func (export \"init\")", ops, ""),
            None if shape.wide => add!(self, "(func (export \"init\") (result i64) (i64.const 0))"),
            None => {}
        }
        if let Some(ops) = shutdown {
            self.function("(func (export \"shutdown\")", ops, "");
        }
        for (number, ops) in calls.iter().enumerate() {
            self.function(&format!("(func $way{number} (result i32)"), ops, "(i32.const 0)");
        }
        let (name, params) = if shape.context {
            ("execute_with_context", "(param $at i32) (param $len i32) (param $context i32) (param $context_len i32)")
        } else {
            ("execute", "(param $at i32) (param $len i32)")
        };
        add!(self, "(func (export \"{name}\") {params} (result i32) (local $code i32)");
        add!(self, " (global.set $count (i32.add (global.get $count) (i32.const 1)))");
        add!(self, " (call $bytes (local.get $at) (local.get $len))");
        if shape.context {
            add!(self, " (call $bytes (local.get $context) (local.get $context_len))");
        }
        let mut ways = "(i32.const 0)".to_owned();
        for number in 0..calls.len() {
            ways = format!(
                "(if (result i32) (i32.eq (local.get $code) (i32.const {number})) (then (call $way{number})) (else {ways}))"
            );
        }
        add!(self, " (local.set $code (call $choose))");
        add!(self, " (local.set $code {ways})");
        add!(self, " (call $digits) (drop (call $output_set (i32.const {DIGITS}) (i32.const 18)))");
        add!(self, " (local.get $code))");
        match shape.alloc {
            Alloc::None => {}
            Alloc::ReturnsZero => add!(self, "(func (export \"alloc\") (param i32) (result i32) (i32.const 0))"),
            Alloc::Fixed => {
                add!(self, "(func (export \"alloc\") (param i32) (result i32) (call $room (local.get 0)))");
            }
            Alloc::WithDealloc => {
                add!(self, "(func (export \"alloc\") (param i32) (result i32) (call $room (local.get 0)))");
                add!(self, "(func (export \"dealloc\") (param i32 i32))");
            }
        }
        let mut imports = String::new();
        let mut functions = script.functions();
        functions.insert("output_set");
        if *choice == Choice::Random {
            functions.insert("random_get");
        }
        if *choice == Choice::Clock {
            functions.insert("clock_time_get");
        }
        for name in functions {
            let Type { wide, returns, module } = type_of(name);
            let params: String = wide.iter().map(|wide| if *wide { " (param i64)" } else { " (param i32)" }).collect();
            let result = if returns { " (result i32)" } else { "" };
            let _ = writeln!(imports, "(import \"{module}\" \"{name}\" (func ${name}{params}{result}))");
        }
        let max = shape.max_pages.map_or(String::new(), |pages| format!(" {pages}"));
        let mut data = String::new();
        for byte in &self.texts {
            let _ = write!(data, "\\{byte:02x}");
        }
        format!(
            "(module\n{imports}(memory (export \"memory\") 2{max})\n(table $table 4 funcref)\n(elem (i32.const 1) func $nothing)\n\
             (type $other (func (param i64) (result i64)))\n(type $none (func))\n\
             (global $seen (mut i64) (i64.const 7))\n(global $count (mut i32) (i32.const 0))\n(global $next (mut i32) (i32.const {INPUT}))\n\
             (data (i32.const {TEXTS}) \"{data}\")\n{})\n",
            self.out
        )
    }

    fn helpers(&mut self, choice: Choice, ways: usize) {
        let ways = ways.max(1);
        self.out.push_str(
            "(func $nothing)\n\
             (func $fold (param i64)\n (global.set $seen (i64.add (i64.const 1) (i64.mul (i64.const -7046029254386353131)\n  \
             (i64.rotl (i64.xor (global.get $seen) (local.get 0)) (i64.const 23))))))\n\
             (func $fold32 (param i32) (call $fold (i64.extend_i32_u (local.get 0))))\n",
        );
        add!(
            self,
            "(func $bytes (param $at i32) (param $len i32)\n (if (i32.gt_u (local.get $len) (i32.const {FOLDED})) (then (local.set $len (i32.const {FOLDED}))))\n \
             (block $end (loop $next (br_if $end (i32.eqz (local.get $len)))\n  (call $fold32 (i32.load8_u (local.get $at)))\n  \
             (local.set $at (i32.add (local.get $at) (i32.const 1))) (local.set $len (i32.sub (local.get $len) (i32.const 1))) (br $next))))"
        );
        // The number in 16 digits between quotes.
        add!(
            self,
            "(func $digits (local $i i32) (local $digit i32)\n (i32.store8 (i32.const {DIGITS}) (i32.const 34)) (i32.store8 (i32.const {}) (i32.const 34))\n \
             (loop $next\n  (local.set $digit (i32.wrap_i64 (i64.and (i64.const 15) (i64.shr_u (global.get $seen) (i64.extend_i32_u (i32.mul (local.get $i) (i32.const 4)))))))\n  \
             (i32.store8 (i32.add (i32.const {}) (local.get $i)) (i32.add (local.get $digit)\n   (if (result i32) (i32.lt_u (local.get $digit) (i32.const 10)) (then (i32.const 48)) (else (i32.const 87)))))\n  \
             (local.set $i (i32.add (local.get $i) (i32.const 1)))\n  (br_if $next (i32.lt_u (local.get $i) (i32.const 16)))))",
            DIGITS + 17,
            DIGITS + 1
        );
        add!(
            self,
            "(func $room (param i32) (result i32) (local $at i32)\n (local.set $at (global.get $next))\n \
             (global.set $next (i32.add (global.get $next) (i32.and (i32.add (local.get 0) (i32.const 7)) (i32.const -8))))\n \
             (if (i32.gt_u (global.get $next) (i32.const 131072)) (then (global.set $next (i32.const {INPUT})) (local.set $at (i32.const {INPUT}))))\n (local.get $at))"
        );
        add!(
            self,
            "(func $deep (param i32) (result i32)\n (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))"
        );
        let chosen = match choice {
            Choice::Count => "(i64.extend_i32_u (global.get $count))".to_owned(),
            Choice::Seen => "(i64.shr_u (global.get $seen) (i64.const 7))".to_owned(),
            Choice::Random => format!(
                "(drop (call $random_get (i32.const {ANSWER}) (i32.const 1))) (i64.load8_u (i32.const {ANSWER}))"
            ),
            Choice::Clock => format!(
                "(drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const {ANSWER}))) (i64.shr_u (i64.load (i32.const {ANSWER})) (i64.const 6))"
            ),
        };
        add!(
            self,
            "(func $choose (result i32) (local $by i64)\n {chosen} (local.set $by)\n (i32.wrap_i64 (i64.rem_u (local.get $by) (i64.const {ways}))))"
        );
    }

    fn function(&mut self, head: &str, ops: &[Op], end: &str) {
        add!(self, "{head} (local $r i32) (local $i0 i32) (local $i1 i32) (local $i2 i32) (local $i3 i32)");
        self.ops(ops, end);
        add!(self, " {end})");
    }

    fn ops(&mut self, ops: &[Op], end: &str) {
        for op in ops {
            self.op(op, end);
        }
    }

    fn op(&mut self, op: &Op, end: &str) {
        match op {
            Op::Spin(rounds) => self.repeat(*rounds, |_| ()),
            Op::Repeat(rounds, body) => self.repeat(*rounds, |this| this.ops(body, end)),
            Op::If(divisor, yes, no) => {
                add!(
                    self,
                    " (if (i64.eqz (i64.rem_u (i64.shr_u (global.get $seen) (i64.const 9)) (i64.const {divisor}))) (then"
                );
                self.ops(yes, end);
                add!(self, " ) (else");
                self.ops(no, end);
                add!(self, " ))");
            }
            Op::Grow(pages) => add!(self, " (call $fold32 (memory.grow (i32.const {pages})))"),
            Op::TableGrow(count) => {
                add!(self, " (call $fold32 (table.grow $table (ref.null func) (i32.const {count})))");
            }
            Op::Recurse(depth) => add!(self, " (call $fold32 (call $deep (i32.const {depth})))"),
            Op::Trap(Trap::Unreachable) => add!(self, " unreachable"),
            Op::Trap(Trap::Divide) => add!(self, " (drop (i32.div_u (i32.const 1) (local.get $r)))"),
            Op::Trap(Trap::Load) => add!(self, " (drop (i32.load (i32.const -8)))"),
            Op::Trap(Trap::CallNull) => add!(self, " (call_indirect $table (type $none) (i32.const 0))"),
            Op::Trap(Trap::CallType) => {
                add!(self, " (drop (call_indirect $table (type $other) (i64.const 1) (i32.const 1)))");
            }
            Op::Trap(Trap::BadConversion) => add!(self, " (drop (i32.trunc_f32_s (f32.const nan)))"),
            Op::Return(code) if end == "(i32.const 0)" => add!(self, " (return (i32.const {code}))"),
            Op::Return(_) if end.is_empty() => add!(self, " return"),
            Op::Return(_) => add!(self, " (return {end})"),
            Op::Call(call) => self.call(call),
        }
    }

    fn repeat(&mut self, rounds: u32, body: impl FnOnce(&mut Self)) {
        let depth = self.depth;
        if depth > 3 {
            return; // the generator nests less
        }
        self.depth += 1;
        if rounds == ENDLESS {
            add!(self, " (loop $l{depth}");
            body(self);
            add!(self, " (br $l{depth}))");
        } else {
            add!(self, " (local.set $i{depth} (i32.const {rounds})) (loop $l{depth}");
            body(self);
            add!(self, " (br_if $l{depth} (local.tee $i{depth} (i32.sub (local.get $i{depth}) (i32.const 1)))))");
        }
        self.depth -= 1;
    }

    fn call(&mut self, call: &HostOp) {
        let HostOp { function, args, look } = call;
        let Type { wide, returns, .. } = type_of(function);
        let mut words: Vec<String> = Vec::new();
        for arg in args {
            self.arg(arg, &wide, &mut words);
        }
        assert_eq!(words.len(), wide.len(), "{call:?}");
        let words = words.join(" ");
        if !returns {
            return add!(self, " (call ${function} {words})");
        }
        add!(self, " (local.set $r (call ${function} {words})) (call $fold32 (local.get $r))");
        match look {
            Look::Nothing => {}
            Look::Answer(len) => {
                add!(
                    self,
                    " (if (i32.eqz (local.get $r)) (then (call $bytes (i32.const {ANSWER}) (i32.const {len}))))"
                );
            }
            Look::Read => add!(
                self,
                " (if (i32.eqz (local.get $r)) (then (call $fold32 (i32.load (i32.const {ANSWER}))) (call $bytes (i32.const {ROOM}) (i32.load (i32.const {ANSWER})))))"
            ),
            Look::Returned => add!(
                self,
                " (if (i32.gt_s (local.get $r) (i32.const 0)) (then (call $bytes (i32.const {ROOM}) (local.get $r))))"
            ),
            Look::Opened(slot) => add!(
                self,
                " (if (i32.eqz (local.get $r)) (then (i32.store (i32.const {}) (i32.load (i32.const {ANSWER}))) (call $fold32 (i32.load (i32.const {ANSWER})))))",
                SLOTS + 4 * slot
            ),
            Look::Connected(slot) => add!(
                self,
                " (if (i32.gt_s (local.get $r) (i32.const 0)) (then (i32.store (i32.const {}) (local.get $r))))",
                SLOTS + 4 * slot
            ),
        }
    }

    /// Writes what an argument needs before the call, and adds the words for it.
    fn arg(&mut self, arg: &Arg, wide: &[bool], words: &mut Vec<String>) {
        let number = |value: i64| format!("(i32.const {value})");
        match arg {
            Arg::Number(value) if wide.get(words.len()) == Some(&true) => words.push(format!("(i64.const {value})")),
            Arg::Number(value) => words.push(number(i64::from(*value as i32))),
            Arg::Text(text) => {
                let (at, len) = self.text(text.as_bytes());
                words.extend([number(at.into()), number(len.into())]);
            }
            Arg::Note => {
                add!(self, " (i32.store8 (i32.const {BYTES}) (i32.const 144))");
                for (at, shift) in [(BYTES + 1, 11), (BYTES + 2, 18)] {
                    add!(
                        self,
                        " (i32.store8 (i32.const {at}) (i32.and (i32.const 127) (i32.wrap_i64 (i64.shr_u (global.get $seen) (i64.const {shift})))))"
                    );
                }
                words.extend([number(BYTES.into()), number(3)]);
            }
            Arg::Bytes(len) => {
                add!(self, " (i64.store (i32.const {BYTES}) (global.get $seen))");
                words.extend([number(BYTES.into()), number((*len).into())]);
            }
            Arg::Seen => {
                add!(self, " (call $digits)");
                words.extend([number(DIGITS.into()), number(18)]);
            }
            Arg::Room(len) => words.extend([number(ROOM.into()), number((*len).into())]),
            Arg::Answer => words.push(number(ANSWER.into())),
            Arg::ReadVector(len) => self.vector(ROOM, *len, words),
            Arg::WriteVector(len) => {
                add!(self, " (i64.store (i32.const {BYTES}) (global.get $seen))");
                self.vector(BYTES, *len, words);
            }
            Arg::Slot(slot) => words.push(format!("(i32.load (i32.const {}))", SLOTS + 4 * slot)),
            Arg::Sleep(clock, ns) => {
                add!(
                    self,
                    " (i64.store (i32.const {SLEEP}) (i64.const 5)) (i64.store (i32.const {}) (i64.const 0)) (i32.store (i32.const {}) (i32.const {clock})) (i64.store (i32.const {}) (i64.const {ns})) (i64.store (i32.const {}) (i64.const 0)) (i64.store (i32.const {}) (i64.const 0))",
                    SLEEP + 8,
                    SLEEP + 16,
                    SLEEP + 24,
                    SLEEP + 32,
                    SLEEP + 40
                );
                words.extend([number(SLEEP.into()), number((SLEEP + 64).into())]);
            }
        }
    }

    fn vector(&mut self, at: u32, len: u32, words: &mut Vec<String>) {
        add!(self, " (i32.store (i32.const {VECTOR}) (i32.const {at})) (i32.store (i32.const 4) (i32.const {len}))");
        words.extend([format!("(i32.const {VECTOR})"), "(i32.const 1)".to_owned()]);
    }

    /// Where `text` lies, and how long it is there. What finds no more room is cut.
    fn text(&mut self, text: &[u8]) -> (u32, u32) {
        let at = TEXTS + self.texts.len() as u32;
        let text = &text[..text.len().min((BYTES - at) as usize)];
        let len = text.len() as u32;
        if let Some(at) = self.known.get(text) {
            return (*at, len);
        }
        self.texts.extend_from_slice(text);
        self.known.insert(text.to_owned(), at);
        (at, len)
    }
}
