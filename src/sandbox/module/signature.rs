//! Types of functions, as messages and the reference page write them.

use std::fmt;

/// A type of value that crosses the border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// 32-bit integer, also a pointer or a length.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// A reference; no function of the contract takes one.
    Reference,
}

/// A function type: `(i32, i32) -> i32`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Types of its parameters, in order.
    pub params: Vec<ValueType>,
    /// Types of its results, in order; none when it returns nothing.
    pub results: Vec<ValueType>,
}

impl Signature {
    /// The type with these parameters and results.
    #[must_use]
    pub fn new(params: &[ValueType], results: &[ValueType]) -> Self {
        Self { params: params.to_vec(), results: results.to_vec() }
    }
}

impl From<wasmparser::ValType> for ValueType {
    fn from(ty: wasmparser::ValType) -> Self {
        match ty {
            wasmparser::ValType::I32 => Self::I32,
            wasmparser::ValType::I64 => Self::I64,
            wasmparser::ValType::F32 => Self::F32,
            wasmparser::ValType::F64 => Self::F64,
            wasmparser::ValType::V128 | wasmparser::ValType::Ref(_) => Self::Reference,
        }
    }
}

impl From<&wasmparser::FuncType> for Signature {
    fn from(ty: &wasmparser::FuncType) -> Self {
        let convert = |types: &[wasmparser::ValType]| types.iter().copied().map(ValueType::from).collect();
        Self { params: convert(ty.params()), results: convert(ty.results()) }
    }
}

impl ValueType {
    /// The engine's name for it; references do not cross the border.
    pub(in crate::sandbox) fn engine(self) -> Option<wasmi::ValType> {
        Some(match self {
            Self::I32 => wasmi::ValType::I32,
            Self::I64 => wasmi::ValType::I64,
            Self::F32 => wasmi::ValType::F32,
            Self::F64 => wasmi::ValType::F64,
            Self::Reference => return None,
        })
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Reference => "ref",
        })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, types: &[ValueType]| {
            types.iter().enumerate().try_for_each(|(position, ty)| {
                if position > 0 {
                    f.write_str(", ")?;
                }
                write!(f, "{ty}")
            })
        };
        f.write_str("(")?;
        list(f, &self.params)?;
        f.write_str(") -> ")?;
        match self.results.as_slice() {
            [single] => write!(f, "{single}"),
            many => {
                f.write_str("(")?;
                list(f, many)?;
                f.write_str(")")
            }
        }
    }
}
