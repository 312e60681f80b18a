//! Standard output that is quiet on a closed pipe.

use std::fmt::Arguments;
use std::io::{BufWriter, IsTerminal, Stdout, Write};

use crate::sandbox::clean;

/// `text` as it may go to a terminal, line by line: journals, transcripts and plugins say what they like, and a terminal obeys
/// more than it shows.
pub(super) fn plain(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(|line| clean(line, usize::MAX)).collect();
    lines.join("\n")
}

/// Standard output. Buffered for a pipe or file, line by line for a terminal.
#[derive(Debug)]
pub struct Output {
    inner: BufWriter<Stdout>,
    terminal: bool,
    color: bool,
}

impl Output {
    /// The process's standard output.
    #[must_use]
    pub fn stdout() -> Self {
        let stdout = std::io::stdout();
        let terminal = stdout.is_terminal();
        let color = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { inner: BufWriter::new(stdout), terminal, color }
    }
    /// Prints a line.
    pub fn line(&mut self, text: Arguments<'_>) -> std::io::Result<()> {
        self.inner.write_fmt(text)?;
        self.inner.write_all(b"\n")?;
        if self.terminal { self.inner.flush() } else { Ok(()) }
    }
    /// Prints a line and hands it on at once, for readers that follow along.
    pub fn live_line(&mut self, text: Arguments<'_>) -> std::io::Result<()> {
        self.line(text)?;
        self.inner.flush()
    }
    /// Hands on what is buffered.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
    /// Whether colour is wanted: on a terminal, unless `NO_COLOR` is set.
    pub fn color(&self) -> bool {
        self.color
    }
}
