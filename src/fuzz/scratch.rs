//! Files for what reads only files.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory of this thread, which goes with it.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever tidies temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

thread_local! {
    static SCRATCH: OnceCell<Scratch> = const { OnceCell::new() };
}

/// Writes `bytes` to the file `name` of this thread's directory, in the place of what was there, and runs `f` on its path.
pub(crate) fn with_file<T>(name: &str, bytes: &[u8], f: impl FnOnce(&Path) -> T) -> T {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    SCRATCH.with(|scratch| {
        let directory = scratch.get_or_init(|| {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("conductor-fuzz-{}-{number}", std::process::id()));
            fs::create_dir_all(&path).expect("a directory for temporary files");
            Scratch(path)
        });
        let path = directory.0.join(name);
        fs::write(&path, bytes).expect("a temporary file");
        f(&path)
    })
}
