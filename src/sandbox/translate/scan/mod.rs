//! The walk over a module's code: holds it to the bounds, and says what has to be put into it before the engine translates it.
//!
//! **The wrong `select`.** The engine (2.0.0) fuses a comparison with zero into the `select` it is the condition of. Where the
//! compared value lies in a slot, the fused operator tests a register that never held it. So the walk keeps, for each operand, whether
//! it may be such a comparison, and has a [barrier](Insert::Barrier) put before a `select` whose condition may be one. Values that the
//! operator before has left in the register are compared there, and need none: that is how compilers write it.
//!
//! **The forgotten place.** A `table.grow` that runs out of fuel is resumed where the function was last interrupted, and all that it
//! did since happens again. Calls note the place, so a [call](Insert::Sync) of an empty function is put before each `table.grow`.
//!
//! **The store that ends the process.** An integer store with an offset above 16 bits, of a local at the address in the same local, is something
//! the engine has no operator for while that local lies in the register: its translator panics. So the value is [copied](Insert::Copy) before.
//!
//! **The slot nobody wrote.** Before a block the engine copies locals among the operands to slots of their own, but for those that are the
//! block's parameters; where parameters are no locals it takes others for them. Such a local is read later from a slot that holds
//! whatever ran before, another store's values and references among it. So an [empty block](Insert::Settle) is put before each
//! block that has parameters.
//!
//! `docs/upstream/` has them in full; `tests/sandbox/engine_faults.rs` says when an engine no longer needs one of them.

mod control;
mod operand;
mod operator;

use operand::{Local, Operand};
use wasmparser::BlockType;

use super::Refused;
use super::bounds::{BoundsError, Measure};
use super::frame;
use super::instrument::Account;
use super::shape::Shape;

/// A change to a module's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    /// Where, in bytes from the beginning of the module.
    pub(super) at: usize,
    pub(super) insert: Insert,
}

/// What is put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insert {
    /// Between the condition and its `select`: makes of it whether it is above zero, which the engine does not fuse.
    Barrier,
    /// A call of the empty function.
    Sync,
    /// Makes of the value on top, which is an i64 or else an i32, a value of its own.
    Copy { wide: bool },
    /// Code that does nothing and costs this much fuel.
    Price(u32),
    /// In the place of a `return`: a branch to the end of the body, this many blocks out.
    Leave(u32),
    /// The account forgets this function, which goes on as another.
    Forget,
    /// An empty block, before one that has parameters: has the engine copy every local among the operands to a place of its own.
    Settle,
}

/// Bytes of code the engine makes of an operator, of one that decides where to go on, and of a value that a branch carries: measured
/// as what the largest modules of one kind take, and rounded up.
const OPERATOR: u64 = 16;
const DECISION: u64 = 40;
const VALUE: u64 = 36;

/// A block that is open.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// Operands below it.
    height: usize,
    /// Values that a branch to it carries.
    label: u32,
    results: u32,
    params: u32,
    /// The most there is to be careful about in its parameters; an `else` begins with them once more.
    entry: Operand,
    /// The most there is to be careful about in what the first arm of an `if` leaves. Without an `else`, the parameters are what is left.
    then: Operand,
}

/// Walks over all of a module's code.
/// `most` is what the translated code may take, in bytes.
pub(super) fn scan(shape: &Shape<'_>, account: Option<Account>, most: u64) -> Result<Vec<Edit>, Refused> {
    let mut walk = Walk {
        shape,
        accounted: account.is_some(),
        edits: Vec::new(),
        operands: Vec::new(),
        held: Vec::new(),
        register: None,
        before: None,
        blocks: Vec::new(),
        targets: 0,
        values: 0,
        locals: 0,
        translated: 0,
        function: 0,
        frame: 0,
        growths: 0,
        at: 0,
        highest: Highest::default(),
        dead: false,
        beyond: false,
        error: None,
    };
    for (position, body) in shape.bodies.iter().enumerate() {
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        walk.body(shape.imported_functions.saturating_add(position), body)?;
        // Later the message has the whole of it; but what is far beyond need not be walked to the end.
        if walk.translated > most.saturating_mul(4) {
            break;
        }
    }
    if walk.translated > most {
        let (measure, found) = (Measure::TranslatedBytes, walk.translated);
        return Err(BoundsError { measure, found, limit: most, function: None }.into());
    }
    if !walk.edits.is_empty() || walk.accounted {
        walk.own_names()?;
    }
    Ok(walk.edits)
}

struct Walk<'s, 'a> {
    shape: &'s Shape<'a>,
    accounted: bool,
    edits: Vec<Edit>,
    operands: Vec<Operand>,
    /// Which local each operand may still be to the engine; as long as `operands`.
    held: Vec<Local>,
    /// Which operand, counted from 1, lies in the register after the operator visited last, and which lay there before it.
    register: Option<usize>,
    before: Option<usize>,
    blocks: Vec<Block>,
    /// Of all `br_table`s so far.
    targets: u64,
    /// On all branches so far.
    values: u64,
    /// Of all functions so far.
    locals: u64,
    /// Bytes of translated code so far, at most.
    translated: u64,
    /// The function walked over, its parameters and locals, and how often it grows something.
    function: u32,
    frame: usize,
    growths: u64,
    /// Where the operator stands that is visited.
    at: usize,
    highest: Highest,
    /// Whether the code that is visited is never reached, as far as that is easily known.
    dead: bool,
    /// Whether a local or a label is named that the function does not have. The account appends one of each.
    beyond: bool,
    error: Option<BoundsError>,
}

/// The highest number of each kind that code names. What is appended to a module must not come to be named by chance.
#[derive(Debug, Default)]
struct Highest {
    function: u32,
    global: u32,
    memory: u32,
    ty: u32,
}

impl<'a> Walk<'_, 'a> {
    fn body(&mut self, function: u32, body: &wasmparser::FunctionBody<'a>) -> Result<(), Refused> {
        let bytes = self.shape.code_bytes;
        Measure::BodyBytes.check(body.range().len() as u64, bytes, Some(function))?;
        let mut locals = 0_u64;
        for group in body.get_locals_reader()? {
            locals += u64::from(group?.0);
        }
        Measure::Locals.check(locals, bytes, Some(function))?;
        self.locals += locals;
        Measure::AllLocals.check(self.locals, bytes, None)?;
        let (params, results) = self.arity(self.shape.functions.get(function as usize).copied());
        self.function = function;
        self.frame = locals as usize + params as usize; // both are bounded
        self.growths = 0;
        self.dead = false;
        self.operands.clear();
        self.held.clear();
        self.blocks.clear();
        let (entry, then) = (Operand::Other, Operand::Other);
        self.blocks.push(Block { height: 0, label: results, results, params: 0, entry, then });
        let mut operators = body.get_operators_reader()?;
        if let Some(price) = frame::price(locals) {
            self.edits.push(Edit { at: operators.original_position(), insert: Insert::Price(price) });
        }
        while !operators.eof() {
            self.at = operators.original_position();
            self.before = self.register.take();
            operators.visit_operator(self)?;
            if let Some(error) = self.error.take() {
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Refuses code that names what only the changes would put there.
    fn own_names(&self) -> Result<(), Refused> {
        let Shape { globals, memories, types, .. } = self.shape;
        let Highest { function, global, memory, ty } = self.highest;
        let within = function <= self.shape.function_count()
            && global <= *globals
            && memory <= *memories
            && ty as usize <= types.len()
            && self.shape.names_only_its_own()
            && !self.beyond;
        if within {
            return Ok(());
        }
        let message = "the code names a function, global, memory, type, local or label that does not exist".to_owned();
        Err(Refused::Malformed { message, offset: 0 })
    }

    /// Parameters and results of the type of this number. What does not exist has none; the engine refuses it.
    fn arity(&self, ty: Option<u32>) -> (u32, u32) {
        let ty = ty.and_then(|ty| self.shape.function_type_at(ty));
        ty.map_or((0, 0), |ty| (ty.params().len() as u32, ty.results().len() as u32)) // both are bounded
    }

    fn block_arity(&mut self, ty: BlockType) -> (u32, u32) {
        match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(ty) => {
                self.highest.ty = self.highest.ty.max(ty.saturating_add(1));
                self.arity(Some(ty))
            }
        }
    }

    /// The engine makes so many bytes of code of the operator.
    fn code(&mut self, bytes: u64) {
        self.translated += bytes;
    }

    fn fail(&mut self, measure: Measure, found: u64, function: bool) {
        let function = function.then_some(self.function);
        if let Err(error) = measure.check(found, self.shape.code_bytes, function) {
            self.error.get_or_insert(error);
        }
    }

    fn push(&mut self, operand: Operand) {
        self.held.resize(self.operands.len(), Local::No);
        self.operands.push(operand);
        self.held.push(Local::No);
        let found = self.operands.len() + self.frame;
        if found as u64 > Measure::FrameValues.limit(0) {
            self.fail(Measure::FrameValues, found as u64, true);
        }
    }

    /// Takes an operand of the innermost block. Code that is never reached may take more than there are.
    fn pop(&mut self) -> Operand {
        let floor = self.blocks.last().map_or(0, |block| block.height);
        if self.operands.len() > floor { self.operands.pop().unwrap_or(Operand::Other) } else { Operand::Other }
    }

    fn plain(&mut self, pops: u32, pushes: u32) {
        for _ in 0..pops {
            self.pop();
        }
        for _ in 0..pushes {
            self.push(Operand::Other);
        }
    }
}
