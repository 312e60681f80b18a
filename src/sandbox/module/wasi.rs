//! The functions of WASI preview1, as modules import them.

use crate::capability::Capability;
use crate::sandbox::module::signature::{Signature, ValueType};

/// The module WASI preview1 is imported from.
pub(in crate::sandbox) const MODULE: &str = wasi_shim::MODULE;

/// Names of all functions of preview1.
pub(in crate::sandbox) fn names() -> impl Iterator<Item = &'static str> {
    wasi_shim::FUNCTIONS.iter().map(|function| function.name)
}

/// The type of the function called `name`.
pub(in crate::sandbox) fn signature(name: &str) -> Option<Signature> {
    let function = wasi_shim::FUNCTIONS.iter().find(|function| function.name == name)?;
    let [params, results] = [function.params, function.results].map(|types| {
        // Preview1 has no other types.
        let value = |ty: &wasmi::ValType| if *ty == wasmi::ValType::I64 { ValueType::I64 } else { ValueType::I32 };
        types.iter().map(value).collect::<Vec<_>>()
    });
    Some(Signature::new(&params, &results))
}

/// The capability that importing `name` implies. Those a plain std program imports imply none.
pub(in crate::sandbox) fn implies(name: &str) -> Option<Capability> {
    name.starts_with("path_").then_some(Capability::Filesystem)
}
