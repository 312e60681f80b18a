//! Function names as their authors wrote them.

/// `_ZN4core9panicking9panic_fmt17h0123456789abcdefE` is `core::panicking::panic_fmt`; other names stay as they are.
pub(super) fn demangle(name: &str) -> String {
    rust(name).unwrap_or_else(|| name.to_owned())
}

/// The path in a name of Rust's older mangling: lengths and parts, the last of which is a hash.
fn rust(name: &str) -> Option<String> {
    let mut rest = name.strip_prefix("_ZN")?.strip_suffix('E')?;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let len: usize = rest[..digits].parse().ok()?;
        let (part, tail) = rest[digits..].split_at_checked(len)?;
        parts.push(part);
        rest = tail;
    }
    let hash = parts.pop()?;
    let is_hash = hash.len() == 17 && hash.starts_with('h') && hash[1..].bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hash && !parts.is_empty()).then(|| parts.into_iter().map(plain).collect::<Vec<_>>().join("::"))
}

/// A part with its escapes resolved: `$LT$T$GT$` is `<T>`, `..` is `::`.
fn plain(part: &str) -> String {
    let part = part.strip_prefix('_').filter(|rest| rest.starts_with('$')).unwrap_or(part);
    let mut text = String::new();
    let mut rest = part;
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let Some((code, after)) = tail.split_once('$') else {
            rest = &rest[at..];
            break;
        };
        match code {
            "LT" => text.push('<'),
            "GT" => text.push('>'),
            "LP" => text.push('('),
            "RP" => text.push(')'),
            "RF" => text.push('&'),
            "BP" => text.push('*'),
            "SP" => text.push('@'),
            "C" => text.push(','),
            _ => {
                let number = code.strip_prefix('u').and_then(|digits| u32::from_str_radix(digits, 16).ok());
                text.push(number.and_then(char::from_u32).unwrap_or('?'));
            }
        }
        rest = after;
    }
    text.push_str(rest);
    text.replace("..", "::")
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn names_read_as_their_authors_wrote_them() {
        for (name, wanted) in [
            ("_ZN4core9panicking9panic_fmt17h0123456789abcdefE", "core::panicking::panic_fmt"),
            (
                "_ZN58_$LT$alloc..string..String$u20$as$u20$core..fmt..Write$GT$9write_str17h0123456789abcdefE",
                "<alloc::string::String as core::fmt::Write>::write_str",
            ),
            (
                "_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
                "std::rt::lang_start::{{closure}}",
            ),
            ("main", "main"),
            ("_ZN3foo", "_ZN3foo"),
            ("_ZN99fooE", "_ZN99fooE"),
            ("_ZN3fooE", "_ZN3fooE"),
            ("", ""),
        ] {
            assert_eq!(demangle(name), wanted);
        }
    }
}
