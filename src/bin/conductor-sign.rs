//! The `conductor-sign` program.

fn main() {}
