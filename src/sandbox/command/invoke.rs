//! Calling one function by its name: what it takes is read from the command line, what it returns is written as text.

use std::ffi::OsString;

use wasmi::{ExternType, F32, F64, FuncType, Module, Val, ValType};

use super::CommandError;
use crate::sandbox::module::signature::ValueType;

/// Functions that are named where one is missing.
const LISTED: usize = 20;

/// The functions that `module` exports, but for those that are there for the host.
pub(super) fn functions(module: &Module) -> Vec<String> {
    let functions = module.exports().filter(|export| matches!(export.ty(), ExternType::Func(_)));
    let names = functions.map(|export| export.name().to_owned());
    names.filter(|name| !name.starts_with('_') && !name.starts_with("cabi_")).take(LISTED).collect()
}

/// A function that is to be called.
#[derive(Debug)]
pub(super) struct Invoked {
    pub(super) inputs: Vec<Val>,
    /// Room for what it returns.
    pub(super) outputs: Vec<Val>,
}

impl Invoked {
    /// The function called `name`, with those of `arguments` that it takes: the program's own name is not among them.
    pub(super) fn find(module: &Module, name: &str, arguments: &[OsString]) -> Result<Self, CommandError> {
        let ty = match module.exports().find(|export| export.name() == name).as_ref().map(wasmi::ExportType::ty) {
            Some(ExternType::Func(ty)) => ty.clone(),
            _ => return Err(CommandError::NoSuchFunction { name: name.to_owned(), functions: functions(module) }),
        };
        let unwritable = || CommandError::NotCallable { name: name.to_owned() };
        let types = types(&ty).ok_or_else(unwritable)?;
        // One that takes nothing lets the program have its arguments.
        if !types.is_empty() && types.len() != arguments.len() {
            let (name, found) = (name.to_owned(), arguments.len());
            return Err(CommandError::Parameters { name, types, found });
        }
        let inputs = types.iter().zip(arguments).map(|(ty, text)| {
            let number = text.to_str().and_then(|text| number(text, *ty));
            number.ok_or_else(|| CommandError::Parameter { text: text.to_string_lossy().into_owned(), ty: *ty })
        });
        let inputs = inputs.collect::<Result<_, _>>()?;
        if !ty.results().iter().all(|ty| value_type(*ty).is_some()) {
            return Err(unwritable());
        }
        Ok(Self { inputs, outputs: ty.results().iter().map(|ty| Val::default_for_ty(*ty)).collect() })
    }

    /// What it returned, as text.
    pub(super) fn returned(&self) -> Vec<String> {
        self.outputs.iter().map(text).collect()
    }
}

fn types(ty: &FuncType) -> Option<Vec<ValueType>> {
    ty.params().iter().map(|ty| value_type(*ty)).collect()
}

fn value_type(ty: ValType) -> Option<ValueType> {
    match ty {
        ValType::I32 => Some(ValueType::I32),
        ValType::I64 => Some(ValueType::I64),
        ValType::F32 => Some(ValueType::F32),
        ValType::F64 => Some(ValueType::F64),
        _ => None,
    }
}

/// The number that `text` is. One without a sign may use all bits.
fn number(text: &str, ty: ValueType) -> Option<Val> {
    match ty {
        ValueType::I32 => {
            text.parse::<i32>().ok().or_else(|| text.parse::<u32>().ok().map(u32::cast_signed)).map(Val::I32)
        }
        ValueType::I64 => {
            text.parse::<i64>().ok().or_else(|| text.parse::<u64>().ok().map(u64::cast_signed)).map(Val::I64)
        }
        ValueType::F32 => text.parse::<f32>().ok().map(|number| Val::F32(F32::from_float(number))),
        ValueType::F64 => text.parse::<f64>().ok().map(|number| Val::F64(F64::from_float(number))),
        ValueType::Reference => None,
    }
}

fn text(value: &Val) -> String {
    match value {
        Val::I32(number) => number.to_string(),
        Val::I64(number) => number.to_string(),
        Val::F32(number) => number.to_float().to_string(),
        Val::F64(number) => number.to_float().to_string(),
        _ => String::new(), // no other is called
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_written_as_people_write_them() {
        let through = |written: &str, ty| number(written, ty).as_ref().map(text);
        assert_eq!(through("-7", ValueType::I32).as_deref(), Some("-7"));
        assert_eq!(through("4294967295", ValueType::I32).as_deref(), Some("-1"));
        assert_eq!(through("18446744073709551615", ValueType::I64).as_deref(), Some("-1"));
        assert_eq!(through("0.1", ValueType::F32).as_deref(), Some("0.1"));
        assert_eq!(through("-inf", ValueType::F64).as_deref(), Some("-inf"));
        for (wrong, ty) in
            [("4294967296", ValueType::I32), ("1.5", ValueType::I64), ("", ValueType::I32), ("x", ValueType::F64)]
        {
            assert_eq!(through(wrong, ty), None, "{wrong}");
        }
    }
}
