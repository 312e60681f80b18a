//! Diagnostics: standard error, and a file where the configuration names one.

mod file;
mod writer;

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use log::{Level, Log, Metadata, Record};

use super::Failure;
use crate::config::Logging;
use crate::sandbox::ThreadError;
use crate::text::{Escape as _, escape_lines};
use file::LogFile;
use writer::LogWriter;

/// How long the end of the program waits for the log file.
const LAST_LINES: Duration = Duration::from_secs(2);

/// The file of the process's log.
static FILE: OnceLock<(PathBuf, Arc<LogWriter>)> = OnceLock::new();

/// Why diagnostics could not be written to standard error, the first time.
static STANDARD_ERROR: OnceLock<String> = OnceLock::new();

/// Standard error and a file.
struct Logger {
    /// Decides what is logged.
    filter: env_logger::Logger,
    file: Option<Arc<LogWriter>>,
}

/// Whether a line may be logged at any level. Libraries trace the very bytes that they send, with the secrets in them; of theirs only
/// what matters to a user is.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let of_this_project = |root: &str| matches!(root, "conductor" | "plugin" | "wasi_shim");
    metadata.level() <= Level::Warn || metadata.target().split("::").next().is_some_and(of_this_project)
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        may_be_logged(metadata) && self.filter.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !may_be_logged(record.metadata()) || !self.filter.matches(record) {
            return;
        }
        let target = if record.target() == "plugin" { " plugin" } else { "" };
        let line = format!("{}{target}: {}", record.level().as_str().to_lowercase(), record.args());
        let line = (one_record(&line) + "\n").into_bytes();
        let written = std::io::stderr().write_all(&line);
        if let Some(file) = &self.file {
            file.push(line);
        }
        // A reader that went away had enough.
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
            && STANDARD_ERROR.set(error.to_string()).is_ok()
            && let Some(file) = &self.file
        {
            file.push(format!("warn: standard error lacks lines: {error}\n").into_bytes());
        }
    }

    /// Waits until the file has everything.
    fn flush(&self) {
        if let Some(file) = &self.file {
            file.flush(LAST_LINES);
        }
    }
}

/// `text` as one record: no line of it but the first begins at the margin, so that none looks like a record of its own.
fn one_record(text: &str) -> String {
    let mut lines = text.split('\n');
    let mut record = escape_lines(lines.next().unwrap_or_default()).into_owned();
    for line in lines {
        let indent = if line.starts_with("  ") || line.is_empty() { "" } else { "  " };
        record.extend(["\n", indent, &escape_lines(line)]);
    }
    record
}

/// Sends diagnostics where `logging` wants them. `CONDUCTOR_LOG` (for example `debug`) overrides the level.
pub(super) fn start(logging: &Logging) -> Result<(), Failure> {
    let filter = env_logger::Builder::new().filter_level(logging.level).parse_env("CONDUCTOR_LOG").build();
    let file = match &logging.file {
        None => None,
        Some(path) => {
            let open = LogFile::open(path, logging.max_file_bytes, logging.keep_files).map_err(|error| {
                Failure::operation(format!("{}: cannot write the log: {error}; see [logging] file", path.escaped()))
            });
            let writer = LogWriter::start(open?).map_err(|error| {
                let error = ThreadError::new(&error);
                Failure::operation(format!("cannot start the thread that writes the log: {error}"))
            })?;
            write_panics(&writer);
            // Like the logger below, a second one is for tests alone.
            let _ = FILE.set((path.clone(), Arc::clone(&writer)));
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

/// Waits for the log file, and says whether every diagnostic was written that was to be.
pub(super) fn finish() -> Result<(), Failure> {
    log::logger().flush();
    let file = FILE.get().and_then(|(path, writer)| match writer.lost() {
        0 => None,
        lost => Some(format!("{}: the log is not complete: {lost} lines could not be written", path.escaped())),
    });
    let standard_error = STANDARD_ERROR.get().map(|error| format!("standard error is not complete: {error}"));
    let results = [file, standard_error].into_iter().flatten().map(|text| Err(Failure::operation(text)));
    Failure::of_all(results)
}

/// What ends the program by a panic stands in the file as well, with everything before it.
fn write_panics(file: &Arc<LogWriter>) {
    let (file, before) = (Arc::clone(file), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        file.push((one_record(&format!("error: {panic}")) + "\n").into_bytes());
        file.flush(LAST_LINES);
        before(panic);
    }));
}

#[cfg(test)]
mod tests {
    use super::one_record;

    #[test]
    fn a_record_of_several_lines_looks_like_no_other_record() {
        let text = "warn: f.toml: x\nerror: forged\n  to mend it: y\u{1b}[2J\n";
        assert_eq!(one_record(text), "warn: f.toml: x\n  error: forged\n  to mend it: y\\u{1b}[2J\n");
    }
}
