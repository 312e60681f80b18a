//! Diagnostics: standard error, and a file where the configuration names one.

use std::fs::{File, OpenOptions};
use std::io::{Stderr, Write};

use super::Failure;
use crate::config::Logging;
use crate::text::{Escape as _, escape_lines};

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
    let mut builder = env_logger::Builder::new();
    builder.filter_level(logging.level).parse_env("CONDUCTOR_LOG");
    builder.format(|buffer, record| {
        let target = if record.target() == "plugin" { " plugin" } else { "" };
        let text = format!("{}{target}: {}", record.level().as_str().to_lowercase(), record.args());
        writeln!(buffer, "{}", one_record(&text))
    });
    if let Some(path) = &logging.file {
        let open = OpenOptions::new().create(true).append(true).open(path);
        let file = open.map_err(|error| {
            Failure::operation(format!("{}: cannot write the log: {error}; see [logging] file", path.escaped()))
        })?;
        builder.target(env_logger::Target::Pipe(Box::new(Both { stderr: std::io::stderr(), file })));
    }
    // A second logger in one process happens only in tests, which need none.
    let _ = builder.try_init();
    Ok(())
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
