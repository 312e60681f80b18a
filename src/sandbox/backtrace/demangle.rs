//! Function names as their authors wrote them.

use std::fmt::{self, Write};

/// Bytes of a name that are written: a mangled name can stand for one a thousand times as long.
const MOST: usize = 2_048;

/// `_ZN4core9panicking9panic_fmt17h0123456789abcdefE` and `_RNvNtCs0_4core9panicking9panic_fmt` are `core::panicking::panic_fmt`: Rust's
/// two manglings, without hashes. Other names stay as they are.
pub(in crate::sandbox) fn demangle(name: &str) -> String {
    match rustc_demangle::try_demangle(name) {
        Ok(demangled) if is_rusts(name) => {
            let mut short = Short(String::new());
            // The error is that it is long enough.
            let _ = write!(short, "{demangled:#}");
            short.0
        }
        _ => name.to_owned(),
    }
}

/// A text that ends where it gets too long.
struct Short(String);

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MOST {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// Whether it is not C++'s: those names begin like Rust's older ones, which end in a hash.
fn is_rusts(name: &str) -> bool {
    let hash = |name: &str| {
        name.strip_suffix('E')
            .and_then(|name| name.get(name.len().checked_sub(19)?..)?.strip_prefix("17h"))
            .is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    // What LLVM appends to a function it has split or copied is not part of the name.
    !name.contains("_ZN") || hash(name.split_once(".llvm.").map_or(name, |(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn names_read_as_their_authors_wrote_them() {
        for (name, wanted) in [
            ("_ZN4core9panicking9panic_fmt17h0123456789abcdefE", "core::panicking::panic_fmt"),
            ("_ZN4core9panicking9panic_fmt17h0123456789abcdefE.llvm.1234", "core::panicking::panic_fmt"),
            (
                "_ZN58_$LT$alloc..string..String$u20$as$u20$core..fmt..Write$GT$9write_str17h0123456789abcdefE",
                "<alloc::string::String as core::fmt::Write>::write_str",
            ),
            (
                "_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
                "std::rt::lang_start::{{closure}}",
            ),
            // The mangling of newer compilers.
            ("_RNvNtCsdpW95EuuObJ_4core9panicking9panic_fmt", "core::panicking::panic_fmt"),
            ("_RNCNvCs7qp2U7fqm6G_7example4main0B3_", "example::main::{closure#0}"),
            ("main", "main"),
            ("_ZN3foo", "_ZN3foo"),
            ("_ZN99fooE", "_ZN99fooE"),
            // C++.
            ("_ZN3fooE", "_ZN3fooE"),
            ("_ZN3foo3barEv", "_ZN3foo3barEv"),
            ("", ""),
            ("_R", "_R"),
        ] {
            assert_eq!(demangle(name), wanted);
        }
    }

    #[test]
    fn a_name_that_says_to_repeat_itself_does_so_for_a_while() {
        // A back reference to itself, and one that doubles at each step.
        let bomb = format!("_RNvC1a{}", "INvB2_1bB2_E".repeat(200));
        for name in ["_RNvB_1a", &bomb, &"_ZN".repeat(1_000), &format!("_RMC0T{}E", "B5_".repeat(500))] {
            assert!(demangle(name).len() <= 4_096, "{name}");
        }
    }
}
