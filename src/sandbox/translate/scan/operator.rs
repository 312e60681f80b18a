//! Which operator does what to the walk, for every operator there is.

use wasmparser::VisitOperator;

use super::{DECISION, Edit, Insert, OPERATOR, Operand, Walk};

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
    ($walk:ident I32Xor() $($_:tt)*) => { $walk.xor() };
    ($walk:ident Block($ty:ident) $($_:tt)*) => { $walk.open($ty, false) };
    ($walk:ident Loop($ty:ident) $($_:tt)*) => { $walk.open($ty, true) };
    ($walk:ident If($ty:ident) $($_:tt)*) => { $walk.open_if($ty) };
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
    ($walk:ident LocalGet($local:ident) $($_:tt)*) => { $walk.get_local($local) };
    ($walk:ident LocalSet($local:ident) $($_:tt)*) => { $walk.set_local($local) };
    ($walk:ident I64ExtendI32U() $($_:tt)*) => { $walk.extend() };
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
    ($walk:ident F32Store($arg:ident) $($_:tt)*) => { $walk.store($arg.offset, $arg.memory, None) };
    ($walk:ident F64Store($arg:ident) $($_:tt)*) => { $walk.store($arg.offset, $arg.memory, None) };
    ($walk:ident I32Store($arg:ident) $($_:tt)*) => { $walk.store($arg.offset, $arg.memory, Some(false)) };
    ($walk:ident I32Store8($arg:ident) $($_:tt)*) => { $walk.store($arg.offset, $arg.memory, Some(false)) };
    ($walk:ident I32Store16($arg:ident) $($_:tt)*) => { $walk.store($arg.offset, $arg.memory, Some(false)) };
    ($walk:ident $op:ident($arg:ident) store $($_:tt)*) => { $walk.store($arg.offset, $arg.memory, Some(true)) };
    ($walk:ident I32Const($value:ident) $($_:tt)*) => { $walk.number($value == 0) };
    ($walk:ident I64Const($value:ident) $($_:tt)*) => { $walk.number($value == 0) };
    ($walk:ident $op:ident($($arg:ident)*) push $($_:tt)*) => {{ $(let _ = $arg;)* $walk.number(true) }};
    ($walk:ident LocalTee($local:ident) $($_:tt)*) => { $walk.tee($local) };
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
