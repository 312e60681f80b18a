//! A directory for one test, and guests that have it as `/`.

use std::path::{Path, PathBuf};

use wasi_shim::{Access, Preopen, WasiCtx};

use super::Guest;

/// The directory as `/`, with all rights.
pub fn preopen(dir: &Path) -> Preopen {
    Preopen::new(dir, "/").access(Access::READ_WRITE)
}

/// A scratch directory.
pub fn scratch() -> Scratch {
    Scratch { dir: tempfile::tempdir().expect("a temporary directory") }
}

pub struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A guest that has it as `/`.
    pub fn guest(&self) -> Guest {
        Guest::at(self.path())
    }

    /// Guests that have it as `/`, one for each way of resolving paths.
    pub fn both(&self) -> [(&'static str, Guest); 2] {
        [false, true].map(|manual| {
            let builder = WasiCtx::builder().preopen(preopen(self.path())).force_manual_resolution(manual);
            (if manual { "component by component" } else { "by the kernel" }, Guest::new(builder))
        })
    }
}
