//! Diagnostics: standard error, and a file where the configuration names one.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use log::{Log, Metadata, Record};

use super::Failure;
use super::log_file::LogFile;
use super::log_writer::LogWriter;
use crate::config::Logging;
use crate::sandbox::ThreadError;

/// How long the end of the program waits for the log file.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Standard error and a file.
struct Logger {
    /// Decides what is logged.
    filter: env_logger::Logger,
    file: Option<Arc<LogWriter>>,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.filter.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.filter.matches(record) {
            return;
        }
        let target = if record.target() == "plugin" { " plugin" } else { "" };
        let line = format!("{}{target}: {}\n", record.level().as_str().to_lowercase(), record.args()).into_bytes();
        // Nothing can be done when standard error is closed.
        let _ = std::io::stderr().write_all(&line);
        if let Some(file) = &self.file {
            file.push(line);
        }
    }

    /// Waits until the file has everything.
    fn flush(&self) {
        if let Some(file) = &self.file {
            file.flush(LAST_LINES);
        }
    }
}

/// Sends diagnostics where `logging` wants them. `CONDUCTOR_LOG` (for example `debug`) overrides the level.
pub(super) fn start(logging: &Logging) -> Result<(), Failure> {
    let filter = env_logger::Builder::new().filter_level(logging.level).parse_env("CONDUCTOR_LOG").build();
    let file = match &logging.file {
        None => None,
        Some(path) => {
            let open = LogFile::open(path, logging.max_file_bytes, logging.keep_files).map_err(|error| {
                Failure::operation(format!("{}: cannot write the log: {error}; see [logging] file", path.display()))
            });
            let writer = LogWriter::start(open?).map_err(|error| {
                let error = ThreadError::new(&error);
                Failure::operation(format!("cannot start the thread that writes the log: {error}"))
            })?;
            write_panics(&writer);
            Some(writer)
        }
    };
    let level = filter.filter();
    // A second logger in one process happens only in tests, which need none.
    if log::set_boxed_logger(Box::new(Logger { filter, file })).is_ok() {
        log::set_max_level(level);
    }
    Ok(())
}

/// What ends the program by a panic stands in the file as well, with everything before it.
fn write_panics(file: &Arc<LogWriter>) {
    let (file, before) = (Arc::clone(file), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        file.push(format!("error: {panic}\n").into_bytes());
        file.flush(LAST_LINES);
        before(panic);
    }));
}
