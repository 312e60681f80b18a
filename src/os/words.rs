//! A command line as words.

/// Splits `line` as a shell does: spaces separate, quotes and backslashes keep together, and nothing else means anything
/// (POSIX.1-2024, shell command language, 2.2). `None` where a quote or a backslash is left open.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(next) = rest.next() {
        if matches!(next, ' ' | '\t' | '\n') {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_default();
        match next {
            '\'' => loop {
                match rest.next()? {
                    '\'' => break,
                    inside => word.push(inside),
                }
            },
            '"' => loop {
                match rest.next()? {
                    '"' => break,
                    '\\' => match rest.next()? {
                        '\n' => {}
                        escaped @ ('$' | '`' | '"' | '\\') => word.push(escaped),
                        other => word.extend(['\\', other]),
                    },
                    inside => word.push(inside),
                }
            },
            '\\' => match rest.next()? {
                '\n' => {}
                escaped => word.push(escaped),
            },
            plain => word.push(plain),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;
    use std::process::Command;

    #[test]
    fn words_are_what_a_shell_makes_of_them() {
        for (line, words) in [
            ("", &[][..]),
            (" \t\n", &[]),
            ("a  b\tc", &["a", "b", "c"]),
            ("'a b'c\"d e\" ''", &["a bcd e", ""]),
            (r#""\$ \` \" \\ \n" '\n'"#, &[r#"$ ` " \ \n"#, r"\n"]),
            (r"a\ b \'c", &["a b", "'c"]),
            ("#a $b ~ *", &["#a", "$b", "~", "*"]),
        ] {
            let expected: Vec<_> = words.iter().map(ToString::to_string).collect();
            assert_eq!(split(line), Some(expected), "{line}");
        }
        for open in ["'", "a \"b", "a\\", "\"\\"] {
            assert_eq!(split(open), None, "{open}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Of a text without what a shell expands, `sh` itself makes the same words.
        #[test]
        fn sh_makes_the_same_words(line in "([ab ]|\\\\[ab\"'\\\\ ]|'[ab\\\\\" ]*'|\"([ab' ]|\\\\[\"\\\\$`ab])*\")*") {
            let script = format!("for word in {line}\ndo printf '%s\\0' \"$word\"; done");
            let ran = Command::new("sh").args(["-c", &script]).output().expect("sh");
            prop_assert!(ran.status.success(), "{line}: {}", String::from_utf8_lossy(&ran.stderr));
            let text = String::from_utf8(ran.stdout).expect("text");
            let expected: Vec<_> = text.split_terminator('\0').map(str::to_owned).collect();
            prop_assert_eq!(split(&line), Some(expected), "{}", line);
        }
    }
}
