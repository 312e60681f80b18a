//! WASI preview1 for `wasmi`.
