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
//! `docs/upstream/` has both in full; `tests/engine_faults.rs` says when an engine no longer needs one of them.

use wasmparser::{BlockType, BrTable, VisitOperator};

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
    /// Code that does nothing and costs this much fuel.
    Price(u32),
    /// In the place of a `return`: a branch to the end of the body, this many blocks out.
    Leave(u32),
    /// The account forgets this function, which goes on as another.
    Forget,
}

/// What the walk knows of an operand: each is more to be careful about than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Operand {
    /// No constant, and no comparison with one.
    Other,
    /// A number that is written there and is not zero.
    Number,
    /// It may be known to the engine as a constant, and zero.
    Constant,
    /// It may be the result of a comparison with zero that the engine can still take back; or a constant.
    ZeroTest,
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
    /// What lay on top at the end of the first arm of an `if`.
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
        error: None,
    };
    for (position, body) in shape.bodies.iter().enumerate() {
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        walk.body(shape.imported_functions.saturating_add(position), body)?;
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
        self.operands.clear();
        self.blocks.clear();
        self.blocks.push(Block { height: 0, label: results, results, params: 0, then: Operand::Other });
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
            && self.shape.names_only_its_own();
        if within {
            return Ok(());
        }
        let message = "the code names a function, global, memory or type that does not exist".to_owned();
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
        self.operands.push(operand);
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

    /// A comparison for equality, in the engine's eyes with zero if one side may be that.
    fn equality(&mut self) {
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
    fn zero_test(&mut self) {
        let compared = Some(self.operands.len());
        let operand = self.pop();
        if operand == Operand::Other && self.before.is_some() && self.before == compared {
            return self.emit();
        }
        self.push(Operand::ZeroTest);
    }

    /// Two operands make one. The engine computes with constants itself, and forgoes a shift by none.
    fn binary(&mut self) {
        let (right, left) = (self.pop(), self.pop());
        let known = left != Operand::Other && right != Operand::Other;
        self.push(if known { left.max(right).max(Operand::Constant) } else { Operand::Other });
    }

    fn unary(&mut self) {
        let operand = self.pop();
        self.push(if operand == Operand::Number { Operand::Constant } else { operand });
    }

    /// An operator that the engine cannot do without leaves its result in the register.
    fn emit(&mut self) {
        self.push(Operand::Other);
        self.register = Some(self.operands.len());
    }

    /// An operator that leaves the register as it is.
    fn keep(&mut self) {
        self.register = self.before;
    }

    fn wrap(&mut self) {
        match self.pop() {
            Operand::Other => self.emit(),
            Operand::Number => self.push(Operand::Constant),
            known => self.push(known),
        }
    }

    fn load(&mut self) {
        self.pop();
        self.emit();
    }

    fn number(&mut self, is_zero: bool) {
        self.keep();
        self.push(if is_zero { Operand::Constant } else { Operand::Number });
    }

    fn tee(&mut self) {
        let operand = self.pop();
        self.push(operand);
    }

    /// The engine knows what a global holds that nobody can set.
    fn get_global(&mut self, global: u32) {
        let constant = self.shape.constants.get(global as usize).copied().unwrap_or(false);
        self.push(if constant { Operand::Constant } else { Operand::Other });
    }

    fn select(&mut self) {
        let condition = self.pop();
        if condition == Operand::ZeroTest {
            self.edits.push(Edit { at: self.at, insert: Insert::Barrier });
        }
        let (no, yes) = (self.pop(), self.pop());
        // Where the condition is a constant, or both are the same, the engine takes one of them as it is.
        let taken = condition != Operand::Other || yes.min(no) != Operand::Other;
        self.push(if taken { yes.max(no) } else { Operand::Other });
    }

    fn open(&mut self, ty: BlockType, is_loop: bool) {
        let (params, results) = self.block_arity(ty);
        let available = self.operands.len().saturating_sub(self.blocks.last().map_or(0, |block| block.height));
        // Below the bottom of code that is never reached the parameters are made up.
        for _ in available..params as usize {
            self.push(Operand::Other);
        }
        let height = self.operands.len() - params as usize; // pushed just above, if they were not there
        let label = if is_loop { params } else { results };
        self.blocks.push(Block { height, label, results, params, then: Operand::Other });
        self.fail(Measure::Nesting, self.blocks.len() as u64, true);
    }

    /// What lies on top in the innermost block.
    fn top(&self, block: &Block) -> Operand {
        let above = self.operands.len() > block.height;
        self.operands.last().copied().filter(|_| above).unwrap_or(Operand::Other)
    }

    fn otherwise(&mut self) {
        let Some(block) = self.blocks.last().copied() else { return };
        let then = self.top(&block);
        if let Some(block) = self.blocks.last_mut() {
            block.then = then;
        }
        self.operands.truncate(block.height);
        self.plain(0, block.params);
    }

    fn end(&mut self) {
        let Some(block) = self.blocks.pop() else { return };
        // The value on top leaves the block as what it is: the engine may not even notice the end, or know which arm is taken.
        let top = self.top(&block).max(block.then);
        self.operands.truncate(block.height);
        self.plain(0, block.results.saturating_sub(1));
        if block.results > 0 {
            self.push(top);
        }
    }

    /// What follows is never reached, until the block ends.
    fn unreachable(&mut self) {
        let floor = self.blocks.last().map_or(0, |block| block.height);
        self.operands.truncate(floor);
    }

    /// Counts the values a branch carries, and says how many there are.
    fn branch(&mut self, depth: u32) -> u32 {
        let target = self.blocks.len().checked_sub(1 + depth as usize);
        let label = target.and_then(|target| self.blocks.get(target)).map_or(0, |block| block.label);
        self.values += u64::from(label);
        self.code(VALUE * u64::from(label));
        self.fail(Measure::BranchValues, self.values, false);
        label
    }

    fn branch_table(&mut self, table: &BrTable<'_>) {
        self.targets += u64::from(table.len());
        self.fail(Measure::BranchTable, table.len().into(), true);
        self.fail(Measure::BranchTargets, self.targets, false);
        if self.error.is_some() {
            return;
        }
        let label = self.branch(table.default());
        // The labels of one table carry alike.
        self.values += u64::from(label) * u64::from(table.len());
        self.code((OPERATOR + VALUE * u64::from(label)) * u64::from(table.len()));
        self.fail(Measure::BranchValues, self.values, false);
    }

    fn leave(&mut self) {
        if self.accounted {
            // The body stands in a block of its own then; its label is where that of the function was.
            let out = u32::try_from(self.blocks.len().saturating_sub(1)).unwrap_or(u32::MAX);
            self.edits.push(Edit { at: self.at, insert: Insert::Leave(out) });
        }
        self.unreachable();
    }

    fn call(&mut self, ty: Option<u32>) {
        let (params, results) = self.arity(ty);
        self.plain(params, results);
    }

    fn call_function(&mut self, function: u32) {
        self.highest.function = self.highest.function.max(function.saturating_add(1));
        self.call(self.shape.functions.get(function as usize).copied());
    }

    fn call_type(&mut self, ty: u32) {
        self.highest.ty = self.highest.ty.max(ty.saturating_add(1));
        self.pop();
        self.call(Some(ty));
    }

    fn go_on_as_another(&mut self) {
        if self.accounted {
            self.edits.push(Edit { at: self.at, insert: Insert::Forget });
        }
    }

    fn grow(&mut self) {
        self.growths += 1;
        self.fail(Measure::Growths, self.growths, true);
    }

    fn memory(&mut self, memory: u32) {
        self.highest.memory = self.highest.memory.max(memory.saturating_add(1));
    }

    fn global(&mut self, global: u32) {
        self.highest.global = self.highest.global.max(global.saturating_add(1));
    }
}

/// Bytes of code the engine makes of an operator.
macro_rules! weight {
    (Nop) => {
        0
    };
    (Drop) => {
        0
    };
    (Block) => {
        0
    };
    (End) => {
        0
    };
    (Unreachable) => {
        0
    };
    (If) => {
        DECISION
    };
    (Else) => {
        DECISION
    };
    (Select) => {
        DECISION
    };
    (TypedSelect) => {
        DECISION
    };
    (BrIf) => {
        2 * OPERATOR
    };
    (Call) => {
        2 * OPERATOR
    };
    (CallIndirect) => {
        2 * OPERATOR
    };
    ($op:ident) => {
        OPERATOR
    };
}

/// What one operator does to the walk: first those it looks at, then the others by what they take and give.
macro_rules! operator {
    ($walk:ident Block($ty:ident) $($_:tt)*) => { $walk.open($ty, false) };
    ($walk:ident Loop($ty:ident) $($_:tt)*) => { $walk.open($ty, true) };
    ($walk:ident If($ty:ident) $($_:tt)*) => {{ $walk.pop(); $walk.open($ty, false) }};
    ($walk:ident Else() $($_:tt)*) => { $walk.otherwise() };
    ($walk:ident End() $($_:tt)*) => { $walk.end() };
    ($walk:ident Unreachable() $($_:tt)*) => { $walk.unreachable() };
    ($walk:ident Br($depth:ident) $($_:tt)*) => {{ $walk.branch($depth); $walk.unreachable() }};
    ($walk:ident BrIf($depth:ident) $($_:tt)*) => {{ $walk.pop(); $walk.branch($depth); }};
    ($walk:ident BrTable($table:ident) $($_:tt)*) => {{ $walk.branch_table(&$table); $walk.unreachable() }};
    ($walk:ident Return() $($_:tt)*) => { $walk.leave() };
    ($walk:ident Call($function:ident) $($_:tt)*) => { $walk.call_function($function) };
    ($walk:ident CallIndirect($ty:ident $table:ident) $($_:tt)*) => {{ let _ = $table; $walk.call_type($ty) }};
    ($walk:ident ReturnCall($function:ident) $($_:tt)*) => {{ $walk.go_on_as_another(); $walk.call_function($function); $walk.unreachable() }};
    ($walk:ident ReturnCallIndirect($ty:ident $table:ident) $($_:tt)*) => {{ let _ = $table; $walk.go_on_as_another(); $walk.call_type($ty); $walk.unreachable() }};
    ($walk:ident Nop() $($_:tt)*) => { $walk.keep() };
    ($walk:ident LocalGet($local:ident) $($_:tt)*) => {{ let _ = $local; $walk.push(Operand::Other); $walk.keep() }};
    ($walk:ident I32WrapI64() $($_:tt)*) => { $walk.wrap() };
    ($walk:ident Select() $($_:tt)*) => { $walk.select() };
    ($walk:ident TypedSelect($ty:ident) $($_:tt)*) => {{ let _ = $ty; $walk.select() }};
    ($walk:ident GlobalGet($global:ident) $($_:tt)*) => {{ $walk.global($global); $walk.get_global($global) }};
    ($walk:ident GlobalSet($global:ident) $($_:tt)*) => {{ $walk.global($global); $walk.pop(); }};
    ($walk:ident I32Eqz() $($_:tt)*) => { $walk.zero_test() };
    ($walk:ident RefIsNull() $($_:tt)*) => { $walk.zero_test() };
    ($walk:ident I32Eq() $($_:tt)*) => { $walk.equality() };
    ($walk:ident I32Ne() $($_:tt)*) => { $walk.equality() };
    ($walk:ident RefNull($ty:ident) $($_:tt)*) => {{ let _ = $ty; $walk.push(Operand::Constant) }};
    ($walk:ident RefFunc($function:ident) $($_:tt)*) => {{
        $walk.highest.function = $walk.highest.function.max($function.saturating_add(1));
        $walk.push(Operand::Other)
    }};
    ($walk:ident MemoryGrow($memory:ident) $($_:tt)*) => {{ $walk.memory($memory); $walk.grow(); $walk.plain(1, 1) }};
    ($walk:ident TableGrow($table:ident) $($_:tt)*) => {{
        let _ = $table;
        $walk.grow();
        $walk.edits.push(Edit { at: $walk.at, insert: Insert::Sync });
        $walk.plain(2, 1)
    }};
    ($walk:ident MemorySize($memory:ident) $($_:tt)*) => {{ $walk.memory($memory); $walk.plain(0, 1) }};
    ($walk:ident MemoryFill($memory:ident) $($_:tt)*) => {{ $walk.memory($memory); $walk.plain(3, 0) }};
    ($walk:ident MemoryInit($data:ident $memory:ident) $($_:tt)*) => {{ let _ = $data; $walk.memory($memory); $walk.plain(3, 0) }};
    ($walk:ident MemoryCopy($to:ident $from:ident) $($_:tt)*) => {{ $walk.memory($to.max($from)); $walk.plain(3, 0) }};
    ($walk:ident $op:ident($arg:ident) load $($_:tt)*) => {{ $walk.memory($arg.memory); $walk.load() }};
    ($walk:ident $op:ident($arg:ident) store $($_:tt)*) => {{ $walk.memory($arg.memory); $walk.plain(2, 0) }};
    ($walk:ident I32Const($value:ident) $($_:tt)*) => { $walk.number($value == 0) };
    ($walk:ident I64Const($value:ident) $($_:tt)*) => { $walk.number($value == 0) };
    ($walk:ident $op:ident($($arg:ident)*) push $($_:tt)*) => {{ $(let _ = $arg;)* $walk.number(true) }};
    ($walk:ident LocalTee($local:ident) $($_:tt)*) => {{ let _ = $local; $walk.tee() }};
    ($walk:ident $op:ident() test $($_:tt)*) => { $walk.unary() };
    ($walk:ident $op:ident() cmp $($_:tt)*) => { $walk.binary() };
    ($walk:ident $op:ident() binary $($_:tt)*) => { $walk.binary() };
    ($walk:ident $op:ident() unary $($_:tt)*) => { $walk.unary() };
    ($walk:ident $op:ident() conversion $($_:tt)*) => { $walk.unary() };
    ($walk:ident $op:ident($($arg:ident)*) arity $pops:literal -> $pushes:literal) => {{ $(let _ = $arg;)* $walk.plain($pops, $pushes) }};
    // Of proposals that are off: the engine refuses the module.
    ($walk:ident $op:ident($($arg:ident)*) $($_:tt)*) => {{ $(let _ = $arg;)* }};
}

macro_rules! operators {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($does:tt)*))*) => {
        $(
            #[inline]
            fn $visit(&mut self $($(, $arg: $ty)*)?) {
                self.code(weight!($op));
                operator!(self $op($($($arg)*)?) $($does)*);
            }
        )*
    };
}

impl<'a> VisitOperator<'a> for Walk<'_, 'a> {
    type Output = ();

    wasmparser::for_each_visit_operator!(operators);
}
