//! What the threads of a session's guests may still reach.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use crate::call::Limits;
use crate::confine::{Confinement, is_confined};
use crate::sandbox::store::services::Services;
use crate::sandbox::store::wasi::make_private;

/// How guests of a session are confined: to the plugins' data directories, unless the configuration says otherwise. The directory of
/// them all is made now if `files` are wanted, because what is made later is out of reach.
pub fn confinement(limits: &Limits, services: &Services, files: bool) -> Confinement {
    if !limits.second_wall {
        return Confinement::none();
    }
    let Some(root) = services.data_root.as_deref() else { return Confinement::to([]) };
    if files {
        // Whoever needs it says why it could not be made.
        let _ = make_private(root);
    }
    let linked = linked(root);
    Confinement::to(linked.iter().map(PathBuf::as_path).chain([root]))
}

/// Directories elsewhere that a user has put into the place of a plugin's or a tenant's. Plugins can make links only further below.
fn linked(root: &Path) -> Vec<PathBuf> {
    let (mut linked, mut plugins) = (Vec::new(), Vec::new());
    links(root, &mut linked, &mut plugins);
    for plugin in plugins {
        links(&plugin, &mut linked, &mut Vec::new());
    }
    linked
}

/// Sorts what lies in `directory` into directories and links to some.
fn links(directory: &Path, links: &mut Vec<PathBuf>, directories: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(file) if file.is_symlink() && entry.path().is_dir() => links.push(entry.path()),
            Ok(file) if file.is_dir() => directories.push(entry.path()),
            _ => {}
        }
    }
}

/// Why a data directory cannot be used, with what to do where that is the confinement's doing.
pub(in crate::sandbox) fn reason(error: &Error) -> String {
    if is_confined() && error.kind() == ErrorKind::PermissionDenied {
        format!(
            "{error}; if the directory of all plugins' data was made anew or moved, start again: guests reach what was there"
        )
    } else {
        error.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_the_user_are_found_and_those_a_plugin_can_make_are_not() {
        let root = std::env::temp_dir().join(format!("conductor-confinement-{}", std::process::id()));
        fs::create_dir_all(root.join("notes/default/inner")).expect("directories");
        for link in ["moved", "notes/other", "notes/default/made-by-the-plugin", "notes/default/inner/too"] {
            std::os::unix::fs::symlink("/", root.join(link)).expect("a link");
        }
        let mut found = linked(&root);
        found.sort();
        std::os::unix::fs::symlink("/dev/null", root.join("no-directory")).expect("a link");
        assert_eq!(linked(&root).len(), 2);
        fs::remove_dir_all(&root).expect("the directories");
        assert_eq!(found, [root.join("moved"), root.join("notes/other")]);
    }
}
