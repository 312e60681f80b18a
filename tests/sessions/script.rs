//! What a random plugin does: a list of operations for each of its exports.

/// A plugin as a value, from which its module is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    /// What `_initialize`, `init` and `shutdown` do; absent ones are not exported.
    pub(crate) initialize: Option<Vec<Op>>,
    pub(crate) init: Option<Vec<Op>>,
    pub(crate) shutdown: Option<Vec<Op>>,
    /// What a call does: one of these.
    pub(crate) calls: Vec<Vec<Op>>,
    /// By what it is chosen.
    pub(crate) choice: Choice,
    pub(crate) shape: Shape,
}

/// How the module is made around its operations.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    /// `init` returns an `i64`, so `execute` gets the wide request.
    pub(crate) wide: bool,
    /// `execute_with_context` in the place of `execute`.
    pub(crate) context: bool,
    pub(crate) alloc: Alloc,
    /// Pages it has at most.
    pub(crate) max_pages: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Alloc {
    #[default]
    None,
    Fixed,
    WithDealloc,
    ReturnsZero,
}

/// By what a plugin chooses which of its ways a call goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    #[default]
    Count,
    Random,
    Clock,
    /// All it has seen so far, parameters included.
    Seen,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    /// A loop of so many rounds with nothing in it.
    Spin(u32),
    /// A loop of so many rounds; `u32::MAX` never ends.
    Repeat(u32, Vec<Op>),
    /// The first list when what was seen so far is divisible by the number, else the second.
    If(u32, Vec<Op>, Vec<Op>),
    Grow(u32),
    TableGrow(u32),
    /// A function that calls itself so often.
    Recurse(u32),
    Trap(Trap),
    Return(i32),
    Call(HostOp),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trap {
    Unreachable,
    Divide,
    Load,
    CallNull,
    CallType,
    BadConversion,
}

/// Never ends.
pub(crate) const ENDLESS: u32 = u32::MAX;

/// A call of a host function, and what of its answer is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostOp {
    /// Of `conductor` or of WASI: no two of them have the same name.
    pub(crate) function: &'static str,
    pub(crate) args: Vec<Arg>,
    pub(crate) look: Look,
}

/// An argument, or two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arg {
    /// A number of whatever type the function wants.
    Number(i64),
    /// Pointer and length of a text.
    Text(String),
    /// Pointer and length of some bytes that differ from call to call, as many.
    Bytes(u32),
    /// Pointer and length of all that was seen so far, in digits between quotes.
    Seen,
    /// Pointer and length of a MIDI message that is made of what was seen so far.
    Note,
    /// Pointer and length of room for an answer.
    Room(u32),
    /// Pointer to where small answers go.
    Answer,
    /// Pointer and number of one vector with this room or these bytes.
    ReadVector(u32),
    WriteVector(u32),
    /// The descriptor, or connection, remembered under this number.
    Slot(u32),
    /// Pointers to a subscription to a clock that rings after so many nanoseconds, and to its event.
    Sleep(u32, u64),
}

/// What a plugin looks at when a host function has answered, beside what it returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Nothing,
    /// So many bytes of the small answer, when the function returned 0.
    Answer(u32),
    /// As many bytes of the room as the small answer says, when the function returned 0.
    Read,
    /// As many bytes of the room as the function returned.
    Returned,
    /// The small answer is a descriptor, to be remembered under this number.
    Opened(u32),
    /// What the function returned is a connection, to be remembered.
    Connected(u32),
}

impl Script {
    /// All lists of operations there are.
    pub(crate) fn lists(&self) -> impl Iterator<Item = &Vec<Op>> {
        [&self.initialize, &self.init, &self.shutdown].into_iter().flatten().chain(&self.calls)
    }

    pub(crate) fn lists_mut(&mut self) -> impl Iterator<Item = &mut Vec<Op>> {
        [&mut self.initialize, &mut self.init, &mut self.shutdown].into_iter().flatten().chain(&mut self.calls)
    }

    /// The host functions it calls.
    pub(crate) fn functions(&self) -> std::collections::BTreeSet<&'static str> {
        let mut names = std::collections::BTreeSet::new();
        for list in self.lists() {
            walk(list, &mut |op| {
                if let Op::Call(call) = op {
                    names.insert(call.function);
                }
            });
        }
        names
    }

    /// Whether it may run for as long as it is let.
    pub(crate) fn is_endless(&self) -> bool {
        let mut endless = false;
        for list in self.lists() {
            walk(list, &mut |op| endless |= matches!(op, Op::Repeat(ENDLESS, _)));
        }
        endless
    }
}

/// Shows every operation of `list` to `see`, those inside others as well.
pub(crate) fn walk(list: &[Op], see: &mut impl FnMut(&Op)) {
    for op in list {
        see(op);
        match op {
            Op::Repeat(_, body) => walk(body, see),
            Op::If(_, yes, no) => {
                walk(yes, see);
                walk(no, see);
            }
            _ => {}
        }
    }
}
