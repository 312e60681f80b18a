//! A directory that goes away again.

use std::path::{Path, PathBuf};

use crate::journal::remove_tree;
use crate::time::SystemEntropy;

/// A new directory of this process's own, removed when dropped.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes one where temporary files go, for this user alone.
    pub(super) fn new() -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let number = u64::from_le_bytes(SystemEntropy::bytes::<8>()?);
        let path = std::env::temp_dir().join(format!("conductor-{number:016x}"));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning of temporary files.
        let _ = remove_tree(&self.0);
    }
}
