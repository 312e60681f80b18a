//! Which programs run, from `/proc`.

use std::collections::HashSet;
use std::path::Path;

/// Length the kernel cuts a process's name to.
const NAME: usize = 15;

/// The names of all processes.
#[derive(Debug)]
pub(super) struct Apps {
    /// As the kernel knows them (cut to 15 bytes), in lower case.
    names: HashSet<String>,
    /// Whole names of programs whose names were cut, in lower case.
    long: HashSet<String>,
}

impl Apps {
    /// Reads the process table below `proc`.
    pub(super) fn running(proc: &Path) -> Self {
        let mut apps = Self { names: HashSet::new(), long: HashSet::new() };
        for entry in std::fs::read_dir(proc).into_iter().flatten().flatten() {
            let process = entry.file_name();
            if !process.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            // A process may end between the listing and this; then there is nothing to read.
            let Ok(name) = std::fs::read(entry.path().join("comm")) else { continue };
            let name = String::from_utf8_lossy(&name).trim_end_matches('\n').to_lowercase();
            if name.len() >= NAME
                && let Ok(line) = std::fs::read(entry.path().join("cmdline"))
            {
                let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
                let program = String::from_utf8_lossy(program).to_lowercase();
                // A process may write anything there; it counts only where it goes on from its name.
                let whole = program.rsplit('/').next().filter(|whole| whole.starts_with(&name));
                apps.long.extend(whole.map(str::to_owned));
            }
            apps.names.insert(name);
        }
        apps
    }

    /// Whether a program called `name` runs; upper and lower case are the same.
    pub(super) fn has(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        if name.len() <= NAME { self.names.contains(&name) } else { self.long.contains(&name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn programs_are_known_by_their_whole_names() {
        let proc = std::env::temp_dir().join(format!("conductor-proc-{}", std::process::id()));
        for (process, comm, cmdline) in [
            ("1", "systemd\n", "/sbin/init\0splash\0"),
            ("20", "gnome-terminal-\n", "/usr/libexec/gnome-terminal-server\0"),
            ("21", "fifteen-letters\n", "fifteen-letters\0"),
            ("self", "impostor\n", ""),
        ] {
            fs::create_dir_all(proc.join(process)).expect("a directory");
            fs::write(proc.join(process).join("comm"), comm).expect("a file");
            fs::write(proc.join(process).join("cmdline"), cmdline).expect("a file");
        }
        let apps = Apps::running(&proc);
        fs::remove_dir_all(&proc).expect("the directory");
        for name in ["systemd", "Systemd", "gnome-terminal-server", "fifteen-letters"] {
            assert!(apps.has(name), "{name}");
        }
        for name in ["impostor", "gnome-terminal", "gnome-terminal-servant", "init", ""] {
            assert!(!apps.has(name), "{name}");
        }
    }

    #[test]
    fn the_real_process_table_holds_this_test() {
        let own = fs::read_to_string("/proc/self/comm").expect("a name");
        assert!(Apps::running(Path::new("/proc")).has(own.trim()));
    }
}
