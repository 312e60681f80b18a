//! The host functions a random plugin can import.

use conductor::internals::host;
use conductor::internals::sandbox::ValueType;

/// The type of a host function: whether each parameter is an `i64`, whether it returns something, and its module.
pub(crate) struct Type {
    pub(crate) wide: Vec<bool>,
    pub(crate) returns: bool,
    pub(crate) module: &'static str,
}

/// The type of the host function of this name.
pub(crate) fn type_of(function: &str) -> Type {
    if let Some(known) = host::TABLE.iter().find(|known| known.name == function) {
        let wide = known.params.iter().map(|ty| *ty == ValueType::I64).collect();
        return Type { wide, returns: !known.results.is_empty(), module: "conductor" };
    }
    let known = wasi_shim::FUNCTIONS.iter().find(|known| known.name == function).expect("a host function");
    let wide = known.params.iter().map(|ty| *ty == wasmi::ValType::I64).collect();
    Type { wide, returns: !known.results.is_empty(), module: wasi_shim::MODULE }
}
