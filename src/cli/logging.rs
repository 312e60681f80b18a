//! Diagnostics: standard error, and a file where the configuration names one.

use std::fs::{File, OpenOptions};
use std::io::{Stderr, Write};

use super::Failure;
use crate::config::Logging;

/// Standard error and a file.
struct Both {
    stderr: Stderr,
    file: File,
}

impl Write for Both {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.stderr.write_all(bytes)?;
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.stderr.flush()?;
        self.file.flush()
    }
}

/// Sends diagnostics where `logging` wants them. `CONDUCTOR_LOG` (for example `debug`) overrides the level.
pub(super) fn start(logging: &Logging) -> Result<(), Failure> {
    let mut builder = env_logger::Builder::new();
    builder.filter_level(logging.level).parse_env("CONDUCTOR_LOG");
    builder.format(|buffer, record| {
        let target = if record.target() == "plugin" { " plugin" } else { "" };
        writeln!(buffer, "{}{target}: {}", record.level().as_str().to_lowercase(), record.args())
    });
    if let Some(path) = &logging.file {
        let open = OpenOptions::new().create(true).append(true).open(path);
        let file = open.map_err(|error| {
            Failure::operation(format!("{}: cannot write the log: {error}; see [logging] file", path.display()))
        })?;
        builder.target(env_logger::Target::Pipe(Box::new(Both { stderr: std::io::stderr(), file })));
    }
    // A second logger in one process happens only in tests, which need none.
    let _ = builder.try_init();
    Ok(())
}
