//! What is in a data directory, with all that a plugin can tell apart: names, kinds, contents, and which names are one file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use conductor::internals::digest::Digest;

/// A line for each entry below `root`, in the order of names.
pub(crate) fn listing(root: &Path) -> String {
    let (mut text, mut files) = (String::new(), BTreeMap::new());
    list(root, "", &mut files, &mut text);
    text
}

fn list(directory: &Path, prefix: &str, files: &mut BTreeMap<(u64, u64), String>, text: &mut String) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let mut entries: Vec<_> = entries.map(|entry| entry.expect("an entry")).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = format!("{prefix}/{}", entry.file_name().as_bytes().escape_ascii());
        let kind = fs::symlink_metadata(&path).expect("what was listed is there");
        // Writing to a string does not fail.
        if kind.is_dir() {
            let _ = writeln!(text, "{name}/");
            list(&path, &name, files, text);
        } else if kind.is_symlink() {
            let to = fs::read_link(&path).expect("a link");
            let _ = writeln!(text, "{name} -> {}", to.as_os_str().as_bytes().escape_ascii());
        } else if let Some(first) = files.get(&(kind.dev(), kind.ino())) {
            let _ = writeln!(text, "{name} is {first}");
        } else {
            files.insert((kind.dev(), kind.ino()), name.clone());
            let digest = Digest::of(&fs::read(&path).expect("a file")).to_string();
            let _ = writeln!(text, "{name} {} {}", kind.len(), &digest[..16]);
        }
    }
}
