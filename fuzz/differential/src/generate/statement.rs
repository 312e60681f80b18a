//! Code that leaves no value: assignments, blocks and loops, branches, what writes to memory and tables.

use super::Ty::{Func, I32, I64};
use super::{Generator, Label, any};

impl Generator<'_> {
    /// Code that leaves nothing.
    pub(super) fn statement(&mut self, depth: usize) -> String {
        self.nodes -= 1;
        if depth == 0 || self.nodes <= 0 {
            return "nop ".into();
        }
        let d = depth - 1;
        let ty = any(self.random);
        match self.random.below(20) {
            0..6 => {
                let local = self.random.below(self.locals.len());
                self.value(self.locals[local], d) + &format!("local.set {local}\n")
            }
            6 => self.value(ty, d) + &format!("global.set ${}\n", ty.name()),
            7 | 8 => {
                let name = match ty {
                    I32 => self.random.pick(&["store", "store", "store8", "store16"]),
                    I64 => self.random.pick(&["store", "store8", "store16", "store32"]),
                    _ => "store",
                };
                let offset = ["40", "40", "65535", "65544"][self.random.below(4)];
                self.address(d) + &self.value(ty, d) + &format!("{}.{name} offset={offset}\n", ty.name())
            }
            9 => {
                let test = self.test(d);
                self.labels.push(Label { result: None, is_loop: false });
                let (one, other) = (self.statement(d), self.statement(d));
                self.labels.pop();
                format!("{test}if {one}else {other}end\n")
            }
            10 | 11 => {
                self.labels.push(Label { result: None, is_loop: false });
                let body = self.statement(d) + &self.branch(d) + &self.statement(d);
                self.labels.pop();
                format!("block {body}end\n")
            }
            12 | 13 => {
                let counter = self.counters;
                self.counters += 1;
                self.labels.push(Label { result: None, is_loop: true });
                let body = self.statement(d) + &self.statement(d);
                self.labels.pop();
                let turns = 1 + self.random.below(5);
                format!(
                    "i32.const {turns} local.set $c{counter} loop {body}local.get $c{counter} i32.const 1 i32.sub local.tee $c{counter} br_if 0 end\n"
                )
            }
            14 => {
                let index = self.value(I32, d);
                for _ in 0..3 {
                    self.labels.push(Label { result: None, is_loop: false });
                }
                let inner = self.statement(d);
                self.labels.pop();
                let middle = self.statement(d);
                self.labels.pop();
                let outer = self.statement(d);
                self.labels.pop();
                format!("block block block {inner}{index}br_table 0 1 2 0 end {middle}br 1 end {outer}end\n")
            }
            15 => self.value(ty, d) + "drop\n",
            16 => self.value(I32, d) + &self.value(I32, d) + "call $report drop\n",
            17 => match self.random.below(4) {
                0 => self.address(d) + &self.address(d) + "i32.const 24 memory.copy\n",
                1 => self.address(d) + &self.value(I32, d) + "i32.const 24 memory.fill\n",
                2 => self.address(d) + "i32.const 2 i32.const 9 memory.init $passive\n",
                _ => {
                    "i32.const ".to_owned()
                        + ["0 ", "2 ", "3 "][self.random.below(3)]
                        + &self.value(Func, d)
                        + "table.set $refs\n"
                }
            },
            18 => {
                let test = self.test(d);
                let mut leave = String::new();
                for ty in self.functions[self.current].results.clone() {
                    leave += &self.leaf(ty);
                }
                format!("{test}if {leave}return end\n")
            }
            _ => self.branch(d),
        }
    }

    /// A conditional branch out of some block around, never back to a loop's begin.
    fn branch(&mut self, d: usize) -> String {
        let depth = self.labels.len();
        let targets: Vec<usize> = (0..depth).filter(|at| !self.labels[depth - 1 - at].is_loop).collect();
        if targets.is_empty() {
            return "nop ".into();
        }
        let target = targets[self.random.below(targets.len())];
        match self.labels[depth - 1 - target].result {
            None => self.test(d) + &format!("br_if {target}\n"),
            Some(ty) => self.value(ty, d) + &self.test(d) + &format!("br_if {target} drop\n"),
        }
    }
}
