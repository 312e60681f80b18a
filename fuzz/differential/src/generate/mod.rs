//! Modules of this project's own: what compilers write without optimising, and what engines fuse. Values go through locals,
//! tests feed `select`, `br_if` and `if`, results of calls and of the host are operands, memory and tables are used between.

mod statement;

use std::fmt::Write as _;

use crate::random::Random;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ty {
    I32,
    I64,
    F32,
    F64,
    Func,
}

use Ty::{F32, F64, Func, I32, I64};

const NUMBERS: [Ty; 4] = [I32, I64, F32, F64];

impl Ty {
    fn name(self) -> &'static str {
        match self {
            I32 => "i32",
            I64 => "i64",
            F32 => "f32",
            F64 => "f64",
            Func => "funcref",
        }
    }
}

struct Signature {
    params: Vec<Ty>,
    results: Vec<Ty>,
}

/// A label that can be branched to from here.
struct Label {
    result: Option<Ty>,
    is_loop: bool,
}

struct Generator<'r> {
    random: &'r mut Random,
    functions: Vec<Signature>,
    /// Of the function at work: its number, its locals, those that count loops, the labels around, nodes it may still have.
    current: usize,
    locals: Vec<Ty>,
    counters: usize,
    labels: Vec<Label>,
    nodes: i32,
}

/// A module as text.
pub fn module(random: &mut Random) -> String {
    let mut functions = Vec::new();
    for _ in 0..2 + random.below(4) {
        let params = (0..random.below(5)).map(|_| any(random)).collect();
        let results = (0..1 + random.below(6) / 4).map(|_| any(random)).collect();
        functions.push(Signature { params, results });
    }
    let mut this = Generator { random, functions, current: 0, locals: vec![], counters: 0, labels: vec![], nodes: 0 };
    let mut text =
        String::from("(module\n  (import \"conductor\" \"report\" (func $report (param i32 i32) (result i32)))\n");
    text += "  (memory 2 4)\n  (table $calls 5 funcref)\n  (elem (table $calls) (i32.const 0) func $f0 $f1 $f0)\n";
    text += "  (table $refs 4 8 funcref)\n  (elem declare func $f0 $f1)\n";
    text += "  (global $i32 (mut i32) (i32.const 7))\n  (global $i64 (mut i64) (i64.const -7))\n";
    text += "  (global $f32 (mut f32) (f32.const 1.5))\n  (global $f64 (mut f64) (f64.const -2.5))\n";
    text += "  (global $funcref (mut funcref) (ref.null func))\n";
    text += "  (data (i32.const 32) \"\\00\\00\\00\\00\\01\\00\\00\\00\\ff\\ff\\ff\\ff\\00\\00\\80\\7f\")\n";
    text += "  (data $passive \"passive bytes of a segment\")\n";
    for number in 0..this.functions.len() {
        text += &this.function(number);
    }
    text + ")\n"
}

fn any(random: &mut Random) -> Ty {
    // Integers, and among them i32, are what programs are made of.
    [I32, I32, I32, I64, I64, F32, F64][random.below(7)]
}

impl Generator<'_> {
    fn function(&mut self, number: usize) -> String {
        self.current = number;
        self.counters = 0;
        self.nodes = [40, 100, 250][self.random.below(3)];
        let Signature { params, results } = &self.functions[number];
        let (params, results) = (params.clone(), results.clone());
        self.locals = params.clone();
        self.locals.extend(NUMBERS);
        self.locals.push(Func);
        for _ in 0..self.random.below(4) {
            let ty = any(self.random);
            self.locals.push(ty);
        }
        let mut body = String::new();
        for _ in 0..1 + self.random.below(6) {
            body += &self.statement(4);
        }
        let mut calls = (0..number).filter(|callee| self.functions[*callee].results == results);
        match calls.next_back() {
            Some(callee) if self.random.one_in(8) => {
                for ty in self.functions[callee].params.clone() {
                    body += &self.value(ty, 3);
                }
                let _ = writeln!(body, "return_call $f{callee}");
            }
            _ => results.iter().for_each(|ty| body += &self.value(*ty, 5)),
        }
        let list = |word: &str, types: &[Ty]| {
            if types.is_empty() {
                return String::new();
            }
            format!(" ({word} {})", types.iter().map(|ty| ty.name()).collect::<Vec<_>>().join(" "))
        };
        let counters: String = (0..self.counters).map(|counter| format!(" (local $c{counter} i32)")).collect();
        format!(
            "  (func $f{number}{}{}{}{counters}\n{body}  )\n",
            list("param", &params),
            list("result", &results),
            list("local", &self.locals[params.len()..]),
        )
    }

    fn local(&mut self, ty: Ty) -> Option<usize> {
        let fitting: Vec<usize> = (0..self.locals.len()).filter(|local| self.locals[*local] == ty).collect();
        if fitting.is_empty() { None } else { Some(fitting[self.random.below(fitting.len())]) }
    }

    fn constant(&mut self, ty: Ty) -> String {
        match ty {
            I32 => format!("i32.const {} ", self.random.integer() as i32),
            I64 => format!("i64.const {} ", self.random.integer()),
            F32 => format!("f32.const {} ", self.random.float()),
            F64 => format!("f64.const {} ", self.random.float()),
            Func => ["ref.null func ", "ref.func $f0 ", "ref.func $f1 "][self.random.below(3)].into(),
        }
    }

    fn leaf(&mut self, ty: Ty) -> String {
        match self.random.below(5) {
            0 => self.constant(ty),
            1 => format!("global.get ${} ", ty.name()),
            _ => match self.local(ty) {
                Some(local) => format!("local.get {local} "),
                None => self.constant(ty),
            },
        }
    }

    /// Code that leaves a value of type `ty`.
    fn value(&mut self, ty: Ty, depth: usize) -> String {
        self.nodes -= 1;
        if depth == 0 || self.nodes <= 0 {
            return self.leaf(ty);
        }
        let d = depth - 1;
        match self.random.below(24) {
            0..3 => self.leaf(ty),
            3..7 => self.choice(ty, d),
            7..9 => match self.local(ty) {
                Some(local) => self.value(ty, d) + &format!("local.tee {local} "),
                None => self.leaf(ty),
            },
            9 => self.call(ty, d),
            10 => self.block(ty, d),
            11 => {
                let (test, result) = (self.test(d), ty.name());
                let one = self.arm(ty, d);
                let other = self.arm(ty, d);
                format!("{test}if (result {result}) {one}else {other}end ")
            }
            12 => {
                // A loop that runs once, around a value.
                self.labels.push(Label { result: None, is_loop: true });
                let value = self.value(ty, d);
                self.labels.pop();
                format!("loop (result {}) {value}end ", ty.name())
            }
            13 => {
                let value = self.value(ty, d);
                self.labels.push(Label { result: Some(ty), is_loop: false });
                let more = self.statement(d);
                self.labels.pop();
                format!("{value}block (param {0}) (result {0}) {more}end ", ty.name())
            }
            14 => self.value(ty, d) + &self.nothing(d),
            _ if ty == Func => match self.random.below(2) {
                0 => "i32.const ".to_owned() + ["0 ", "1 ", "3 "][self.random.below(3)] + "table.get $refs ",
                _ => self.leaf(ty),
            },
            15 | 16 => self.load(ty, d),
            17 | 18 => self.convert(ty, d),
            _ => self.operate(ty, d),
        }
    }

    fn arm(&mut self, ty: Ty, d: usize) -> String {
        self.labels.push(Label { result: Some(ty), is_loop: false });
        let mut arm = if self.random.one_in(3) { self.statement(d) } else { String::new() };
        arm += &self.value(ty, d);
        self.labels.pop();
        arm
    }

    fn block(&mut self, ty: Ty, d: usize) -> String {
        self.labels.push(Label { result: Some(ty), is_loop: false });
        let mut body = self.statement(d);
        if self.random.one_in(2) {
            let (value, test) = (self.value(ty, d), self.test(d));
            body += &format!("{value}{test}br_if 0 ");
            body += ["drop ", ""][usize::from(self.random.one_in(4))];
            if !body.ends_with("drop ") {
                self.labels.pop();
                return format!("block (result {}) {body}end ", ty.name());
            }
        }
        body += &self.value(ty, d);
        self.labels.pop();
        format!("block (result {}) {body}end ", ty.name())
    }

    /// A `select`: of two values by a test, with and without a type, with what does nothing before it.
    fn choice(&mut self, ty: Ty, d: usize) -> String {
        let mut text = self.value(ty, d) + &self.value(ty, d) + &self.test(d);
        if self.random.one_in(6) {
            text += &self.nothing(d);
        }
        let typed = ty == Func || self.random.one_in(3);
        text + &if typed { format!("select (result {}) ", ty.name()) } else { "select ".into() }
    }

    /// Code that leaves everything as it is.
    fn nothing(&mut self, d: usize) -> String {
        match self.random.below(6) {
            0 => "nop ".into(),
            1 => {
                let local = self.random.below(self.locals.len());
                format!("local.get {local} local.set {local} ")
            }
            2 => "block end ".into(),
            3 => "loop end ".into(),
            4 => self.constant(I64) + "drop ",
            _ => {
                let ty = any(self.random);
                self.value(ty, d.min(1)) + "drop "
            }
        }
    }

    /// A condition.
    fn test(&mut self, d: usize) -> String {
        let zero = |this: &mut Self| {
            // Zeros that are written, and zeros that come of folding.
            [
                "i32.const 0 ",
                "i32.const 0 ",
                "i32.const 0 ",
                "i32.const 5 i32.const 5 i32.sub ",
                "i64.const 0 i32.wrap_i64 ",
            ][this.random.below(5)]
        };
        match self.random.below(12) {
            0 | 1 => self.value(I32, d) + "i32.eqz ",
            2 => self.value(I32, d) + zero(self) + "i32.eq ",
            3 => zero(self).to_owned() + &self.value(I32, d) + "i32.ne ",
            4 => self.value(I64, d) + "i64.eqz ",
            5 => self.value(Func, d) + "ref.is_null ",
            6 if d > 0 => {
                self.test(d - 1)
                    + ["i32.eqz ", "i32.const 0 i32.ne ", "i64.extend_i32_u i64.eqz "][self.random.below(3)]
            }
            7 if d > 0 => {
                self.test(d - 1) + &self.test(d - 1) + ["i32.and ", "i32.or ", "i32.xor "][self.random.below(3)]
            }
            8 => self.value(I32, d),
            _ => {
                let ty = any(self.random);
                self.value(ty, d) + &self.value(ty, d) + &self.comparison(ty)
            }
        }
    }

    fn comparison(&mut self, ty: Ty) -> String {
        let name = match ty {
            I32 | I64 => {
                self.random.pick(&["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"])
            }
            _ => self.random.pick(&["eq", "ne", "lt", "gt", "le", "ge"]),
        };
        format!("{}.{name} ", ty.name())
    }

    fn operate(&mut self, ty: Ty, d: usize) -> String {
        if ty == I32 && self.random.one_in(3) {
            return self.test(d);
        }
        if self.random.one_in(4) {
            let name = match ty {
                I32 => self.random.pick(&["clz", "ctz", "popcnt", "extend8_s", "extend16_s"]),
                I64 => self.random.pick(&["clz", "ctz", "popcnt", "extend8_s", "extend16_s", "extend32_s"]),
                _ => self.random.pick(&["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"]),
            };
            return self.value(ty, d) + &format!("{}.{name} ", ty.name());
        }
        let (name, safe) = match ty {
            I32 | I64 => {
                let name = self.random.pick(&[
                    "add", "add", "sub", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr",
                    "div_s", "div_u", "rem_s", "rem_u",
                ]);
                (name, (name.starts_with("div") || name.starts_with("rem")) && !self.random.one_in(10))
            }
            _ => (self.random.pick(&["add", "sub", "mul", "div", "min", "max", "copysign"]), false),
        };
        if self.random.one_in(6) && !safe {
            // A local on both sides, which has just been set.
            let local = self.local(ty).expect("every function has one of each");
            return self.value(ty, d) + &format!("local.tee {local} local.get {local} {}.{name} ", ty.name());
        }
        let mut right = if self.random.one_in(3) { self.constant(ty) } else { self.value(ty, d) };
        if safe {
            right += &format!("{0}.const 15 {0}.and {0}.const 1 {0}.or ", ty.name());
        }
        self.value(ty, d) + &right + &format!("{}.{name} ", ty.name())
    }

    fn convert(&mut self, ty: Ty, d: usize) -> String {
        let traps = self.random.one_in(8);
        let (from, name) = match ty {
            I32 => *self.random.pick(&[
                &(I64, "i32.wrap_i64"),
                &(I64, "i32.wrap_i64"),
                &(F32, "i32.reinterpret_f32"),
                &(F32, if traps { "i32.trunc_f32_s" } else { "i32.trunc_sat_f32_s" }),
                &(F64, if traps { "i32.trunc_f64_u" } else { "i32.trunc_sat_f64_u" }),
            ]),
            I64 => *self.random.pick(&[
                &(I32, "i64.extend_i32_u"),
                &(I32, "i64.extend_i32_u"),
                &(I32, "i64.extend_i32_s"),
                &(F64, "i64.reinterpret_f64"),
                &(F32, if traps { "i64.trunc_f32_u" } else { "i64.trunc_sat_f32_u" }),
                &(F64, if traps { "i64.trunc_f64_s" } else { "i64.trunc_sat_f64_s" }),
            ]),
            F32 => *self.random.pick(&[
                &(I32, "f32.reinterpret_i32"),
                &(I32, "f32.convert_i32_s"),
                &(I64, "f32.convert_i64_u"),
                &(F64, "f32.demote_f64"),
            ]),
            _ => *self.random.pick(&[
                &(I64, "f64.reinterpret_i64"),
                &(I32, "f64.convert_i32_u"),
                &(I64, "f64.convert_i64_s"),
                &(F32, "f64.promote_f32"),
            ]),
        };
        self.value(from, d) + name + " "
    }

    /// An address, inside the first page but for once in a while.
    fn address(&mut self, d: usize) -> String {
        match self.random.below(20) {
            0 => self.value(I32, d),
            1 if d > 0 => match self.local(I32) {
                // An address that lies in a local and in the engine's register at once.
                Some(local) => self.value(I32, d - 1) + &format!("i32.const 0xfff8 i32.and local.tee {local} "),
                None => self.leaf(I32),
            },
            2..8 => format!("i32.const {} ", self.random.below(96)),
            _ => self.value(I32, d) + "i32.const 0xfff8 i32.and ",
        }
    }

    fn load(&mut self, ty: Ty, d: usize) -> String {
        let name = match ty {
            I32 => self.random.pick(&["load", "load", "load8_s", "load8_u", "load16_s", "load16_u"]),
            I64 => self.random.pick(&["load", "load8_s", "load8_u", "load16_s", "load16_u", "load32_s", "load32_u"]),
            _ => "load",
        };
        self.address(d) + &format!("{}.{name}{} ", ty.name(), ["", " offset=4", " offset=65540"][self.random.below(3)])
    }

    /// A value that a function returns: of this module, through a table, of the host.
    fn call(&mut self, ty: Ty, d: usize) -> String {
        if ty == I32 && self.random.one_in(3) {
            return match self.random.below(6) {
                0 => "memory.size ".into(),
                1 => "i32.const 1 memory.grow ".into(),
                2 => "table.size $refs ".into(),
                3 => "ref.null func i32.const 1 table.grow $refs ".into(),
                _ => self.value(I32, d) + &self.value(I32, d) + "call $report ",
            };
        }
        let callees: Vec<usize> = (0..self.current).filter(|callee| self.functions[*callee].results[0] == ty).collect();
        if callees.is_empty() {
            return self.leaf(ty);
        }
        let callee = callees[self.random.below(callees.len())];
        let mut text = String::new();
        for ty in self.functions[callee].params.clone() {
            text += &self.value(ty, d.min(2));
        }
        // Only the first two lie in the table, and those call through none: no call comes back to where it began.
        if callee < 2 && self.current >= 2 && self.random.one_in(2) {
            let index = if self.random.one_in(12) { self.value(I32, 1) } else { format!("i32.const {callee} ") };
            let Signature { params, results } = &self.functions[callee];
            text += &index;
            text += "call_indirect $calls ";
            params.iter().for_each(|ty| text += &format!("(param {}) ", ty.name()));
            results.iter().for_each(|ty| text += &format!("(result {}) ", ty.name()));
        } else {
            let _ = write!(text, "call $f{callee} ");
        }
        for ty in self.functions[callee].results.clone().iter().skip(1).rev() {
            let local = self.local(*ty).expect("every function has one of each");
            text += &[format!("local.set {local} "), "drop ".into()][self.random.below(2)];
        }
        text
    }
}
