//! What the walk knows of the values that an operator takes, and what it makes of them: which may be constants to the engine, which
//! comparisons with zero, which the same local.

use super::{Edit, Insert, Walk};

/// What the walk knows of an operand: each is more to be careful about than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operand {
    /// No constant, and no comparison with one.
    Other,
    /// A number that is written there and is not zero.
    Number,
    /// It may be known to the engine as a constant, and zero.
    Constant,
    /// It may be the result of a comparison with zero that the engine can still take back; or a constant.
    ZeroTest,
}

/// Which local variable an operand may be to the engine, which puts off reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Local {
    /// None: it is a value of its own.
    No,
    /// This one.
    Number(u32),
    /// It may be any of them.
    Any,
}

impl Walk<'_, '_> {
    /// A comparison for equality, in the engine's eyes with zero if one side may be that.
    pub(super) fn equality(&mut self) {
        let height = self.operands.len();
        let (right, left) = (self.pop(), self.pop());
        // The one that is compared with the other, which is known.
        let compared = if left < right { height.checked_sub(1) } else { Some(height) };
        if left.min(right) == Operand::Other && self.before.is_some() && self.before == compared {
            return self.emit();
        }
        self.push(match left.max(right) {
            Operand::Constant | Operand::ZeroTest => Operand::ZeroTest,
            Operand::Number if left == right => Operand::Constant,
            Operand::Number | Operand::Other => Operand::Other,
        });
    }

    /// A comparison with zero that is written as one.
    pub(super) fn zero_test(&mut self) {
        let compared = Some(self.operands.len());
        let operand = self.pop();
        if operand == Operand::Other && self.before.is_some() && self.before == compared {
            return self.emit();
        }
        self.push(Operand::ZeroTest);
    }

    /// Two operands make one. The engine computes with constants itself, and forgoes a shift by none.
    pub(super) fn binary(&mut self) {
        let (right, left) = (self.pop(), self.pop());
        let known = left != Operand::Other && right != Operand::Other;
        self.push(if known { left.max(right).max(Operand::Constant) } else { Operand::Other });
    }

    /// The engine takes a comparison of this with zero for one of its two sides, where one of them is zero.
    pub(super) fn xor(&mut self) {
        let (right, left) = (self.pop(), self.pop());
        self.push(match left.max(right) {
            Operand::Constant | Operand::ZeroTest => Operand::ZeroTest,
            Operand::Number if left == right => Operand::Constant,
            Operand::Number | Operand::Other => Operand::Other,
        });
    }

    pub(super) fn unary(&mut self) {
        let operand = self.pop();
        self.push(if operand == Operand::Number { Operand::Constant } else { operand });
    }

    /// An operator that the engine cannot do without leaves its result in the register.
    pub(super) fn emit(&mut self) {
        self.push(Operand::Other);
        self.register = Some(self.operands.len());
    }

    /// An operator that leaves the register as it is.
    pub(super) fn keep(&mut self) {
        self.register = self.before;
    }

    pub(super) fn wrap(&mut self) {
        match self.pop() {
            Operand::Other => self.emit(),
            Operand::Number => self.push(Operand::Constant),
            known => self.push(known),
        }
    }

    pub(super) fn load(&mut self) {
        self.pop();
        self.emit();
    }

    pub(super) fn number(&mut self, is_zero: bool) {
        self.keep();
        self.push(if is_zero { Operand::Constant } else { Operand::Number });
    }

    pub(super) fn tee(&mut self, local: u32) {
        let operand = self.pop();
        self.push(operand);
        self.is_local(Local::Number(local));
    }

    pub(super) fn get_local(&mut self, local: u32) {
        self.push(Operand::Other);
        self.is_local(Local::Number(local));
        self.keep();
    }

    pub(super) fn set_local(&mut self, local: u32) {
        self.beyond |= local as usize >= self.frame;
        self.pop();
    }

    /// The operand on top may be `local`.
    pub(super) fn is_local(&mut self, local: Local) {
        if let Local::Number(number) = local {
            self.beyond |= number as usize >= self.frame;
        }
        if let Some(top) = self.held.last_mut() {
            *top = local;
        }
    }

    /// Which local the operand may be that is taken next.
    pub(super) fn local(&self) -> Local {
        self.operands.len().checked_sub(1).and_then(|top| self.held.get(top)).copied().unwrap_or(Local::No)
    }

    /// An operator that the engine does without.
    pub(super) fn extend(&mut self) {
        let local = self.local();
        self.unary();
        self.is_local(local);
    }

    /// A store of an integer, which is an i64 when `wide`; or of a float.
    pub(super) fn store(&mut self, offset: u64, memory: u32, wide: Option<bool>) {
        self.memory(memory);
        let value = self.local();
        self.pop();
        let address = self.local();
        self.pop();
        let same = match (value, address) {
            (Local::No, _) | (_, Local::No) => false,
            (Local::Number(value), Local::Number(address)) => value == address,
            _ => true,
        };
        if let Some(wide) = wide.filter(|_| same && (offset > u64::from(u16::MAX) || memory != 0)) {
            self.edits.push(Edit { at: self.at, insert: Insert::Copy { wide } });
        }
    }

    /// The engine knows what a global holds that nobody can set.
    pub(super) fn get_global(&mut self, global: u32) {
        let constant = self.shape.constants.get(global as usize).copied().unwrap_or(false);
        self.push(if constant { Operand::Constant } else { Operand::Other });
    }

    pub(super) fn select(&mut self) {
        let condition = self.pop();
        if condition == Operand::ZeroTest {
            self.edits.push(Edit { at: self.at, insert: Insert::Barrier });
        }
        let no_local = self.local();
        let no = self.pop();
        let yes_local = self.local();
        let yes = self.pop();
        // Where the condition is a constant, or both are the same, the engine takes one of them as it is.
        let taken = condition != Operand::Other || yes.min(no) != Operand::Other;
        self.push(if taken { yes.max(no) } else { Operand::Other });
        if yes_local == no_local {
            self.is_local(yes_local);
        } else if taken {
            self.is_local(Local::Any);
        }
    }
}
