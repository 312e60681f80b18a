//! Where the text of a profile is found: beside the configuration, in the user's data folder, built in; or in a recording.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::environment::Environment;
use crate::config::expand::expand;
use crate::config::paths;
use crate::config::problem::Problem;
use crate::config::profile::shipped::SHIPPED;
use crate::config::source::Source;
use crate::file;
use crate::text::Escape as _;
use crate::text::nearest;

/// Largest profile, in bytes. The largest built in has a tenth of that.
pub(crate) const MAX_PROFILE: u64 = 64 << 10;
/// Longest name of a profile, in bytes.
const MAX_NAME: usize = 64;
/// The folder of profiles, below that of the configuration and that of the user's data.
const FOLDER: &str = "profiles";
/// Most names of profiles that a message takes from a folder.
const MAX_LISTED: usize = 64;

/// A profile that a configuration uses, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSource {
    /// What the configuration calls it.
    pub written: String,
    /// Its text, and what messages call it.
    pub source: Source,
}

/// Where profiles are taken from.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) enum ProfileTexts<'a> {
    /// Files, and those built in.
    Files,
    /// Those of a recording and no others.
    Recorded(&'a [ProfileSource]),
}

/// Whether `written` is a path, and no name.
pub(crate) fn is_path(written: &str) -> bool {
    written.contains('/') || Path::new(written).extension().is_some_and(|extension| extension == "toml")
}

/// Whether `written` can be a profile's name: it is a file's name in a folder.
pub(crate) fn is_name(written: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_NAME).contains(&written.len()) && written.bytes().all(plain)
}

/// The file that the profile called `name` has in the `profiles` folder of `directory`.
pub(crate) fn file_of(directory: &Path, name: &str) -> PathBuf {
    directory.join(FOLDER).join(format!("{name}.toml"))
}

/// The folders that profiles are looked for in, first to last, above their `profiles`.
fn folders(directory: &Path, environment: &Environment) -> Vec<PathBuf> {
    [Some(directory.to_owned()), paths::data_directory(environment).ok()].into_iter().flatten().collect()
}

/// The text that a configuration in `directory` calls `written`.
pub(in crate::config) fn find(
    written: &str,
    texts: ProfileTexts<'_>,
    directory: &Path,
    environment: &Environment,
) -> Result<Source, Problem> {
    if let ProfileTexts::Recorded(profiles) = texts {
        let recorded = profiles.iter().find(|profile| profile.written == written);
        return recorded.map(|profile| profile.source.clone()).ok_or_else(|| Problem::ProfileUnreadable {
            path: written.to_owned(),
            reason: "the recording does not have it".to_owned(),
        });
    }
    if is_path(written) {
        let path = directory.join(expand(written, environment)?);
        return read(&path).map_err(|error| unreadable(&path, &error));
    }
    if !is_name(written) {
        let wanted = "a profile's name of letters, digits, - and _, or a path, for example \"./my-pads.toml\"";
        return Err(Problem::Malformed { key: "profile".to_owned(), found: written.to_owned(), wanted });
    }
    let folders = folders(directory, environment);
    for folder in &folders {
        let path = file_of(folder, written);
        match read(&path) {
            Ok(source) => return Ok(source),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(unreadable(&path, &error)),
        }
    }
    shipped(written).ok_or_else(|| {
        let mut known: Vec<String> = SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect();
        known.extend(folders.iter().flat_map(|folder| names_in(folder)));
        known.sort();
        known.dedup();
        let nearest = nearest(written, known.iter().map(String::as_str)).map(str::to_owned);
        Problem::UnknownName { kind: "profile", name: written.to_owned(), nearest, known }
    })
}

/// The profile called `name` that is built in.
pub(crate) fn shipped(name: &str) -> Option<Source> {
    let found = SHIPPED.iter().find(|(known, _)| *known == name);
    found.map(|(name, text)| Source::new(&format!("(built in) {name}.toml"), text))
}

/// The profile in the file `path`.
pub(crate) fn read(path: &Path) -> io::Result<Source> {
    let bytes = file::read(path, MAX_PROFILE)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text; save it as UTF-8"))?;
    Ok(Source::new(&path.escaped().to_string(), &text))
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::ProfileUnreadable { path: path.to_string_lossy().into_owned(), reason: error.to_string() }
}

/// Names of the profiles in the `profiles` folder of `folder`.
fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder.join(FOLDER)) else { return Vec::new() };
    let name = |entry: fs::DirEntry| Some(entry.file_name().to_str()?.strip_suffix(".toml")?.to_owned());
    entries.take(MAX_LISTED).filter_map(Result::ok).filter_map(name).filter(|name| is_name(name)).collect()
}
