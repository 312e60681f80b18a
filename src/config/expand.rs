//! `~` and `$VAR` in paths.

use std::ffi::OsString;
use std::path::PathBuf;

use super::environment::Environment;
use super::problem::Problem;

/// `text` as a path: a leading `~` is the home directory, `$NAME` and `${NAME}` are environment variables, `$$` is a
/// dollar sign. A dollar sign before anything else stays.
pub(super) fn expand(text: &str, environment: &Environment) -> Result<PathBuf, Problem> {
    let mut path = OsString::new();
    let mut rest = text;
    if let Some(after) = text.strip_prefix('~') {
        if !(after.is_empty() || after.starts_with('/')) {
            return Err(Problem::ForeignHome);
        }
        path.push(variable("HOME", environment)?);
        rest = after;
    }
    while let Some((before, after)) = rest.split_once('$') {
        path.push(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            path.push("$");
            rest = after;
            continue;
        }
        let braced = rest.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let (name, after) = match braced {
            Some((name, after)) => (name, after),
            None => rest.split_at(rest.find(|c: char| !is_name(c)).unwrap_or(rest.len())),
        };
        if is_variable(name) {
            path.push(variable(name, environment)?);
            rest = after;
        } else {
            path.push("$");
        }
    }
    path.push(rest);
    Ok(path.into())
}

fn variable<'e>(name: &str, environment: &'e Environment) -> Result<&'e std::ffi::OsStr, Problem> {
    environment.get(name).ok_or_else(|| Problem::UnsetVariable { name: name.to_owned() })
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether `name` can be the name of an environment variable.
pub(super) fn is_variable(name: &str) -> bool {
    name.chars().all(is_name) && name.starts_with(|c: char| !c.is_ascii_digit()) && name.len() <= 256
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, Problem> {
        let environment = [("HOME", "/home/ada"), ("DIR", "plugins"), ("EMPTY", "")].into_iter().collect();
        expand(text, &environment).map(|path| path.to_string_lossy().into_owned())
    }

    #[test]
    fn home_and_variables_expand() {
        for (text, path) in [
            ("~", "/home/ada"),
            ("~/a/~/b", "/home/ada/a/~/b"),
            ("$HOME/x", "/home/ada/x"),
            ("/opt/${DIR}s/$DIR.d", "/opt/pluginss/plugins.d"),
            ("a$$DIR", "a$DIR"),
            ("a$", "a$"),
            ("a$/b${", "a$/b${"),
            ("a$1", "a$1"),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(path), "{text}");
        }
    }

    #[test]
    fn what_is_not_set_is_an_error_and_not_an_empty_text() {
        for name in ["UNSET", "EMPTY"] {
            assert_eq!(expanded(&format!("/a/${name}/b")), Err(Problem::UnsetVariable { name: name.into() }));
        }
        assert_eq!(expanded("~bob/x"), Err(Problem::ForeignHome));
        assert_eq!(expand("~/x", &Environment::default()), Err(Problem::UnsetVariable { name: "HOME".into() }));
    }
}
