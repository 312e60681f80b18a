//! Standard output that is quiet on a closed pipe.

use std::fmt::{Arguments, Display};
use std::io::{BufWriter, IsTerminal, Stdout, Write};

use crate::text::{Escape as _, escape_json, escape_lines};

/// Prints `text`, of one or more lines, to standard error. Nothing can be done when that is closed; the exit code still tells.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", escape_lines(text));
}

/// Standard output. Buffered for a pipe or file, line by line for a terminal.
#[derive(Debug)]
pub struct Output {
    inner: BufWriter<Stdout>,
    terminal: bool,
    /// Whether colour is wanted: on a terminal, unless `NO_COLOR` is set.
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
    /// Prints one line: whatever a value in `text` holds, it cannot end the line and begin another.
    pub fn line(&mut self, text: Arguments<'_>) -> std::io::Result<()> {
        match text.as_str() {
            Some(text) => self.write(&text.escaped()),
            None => self.write(&text.to_string().escaped()),
        }
    }
    /// Prints a line and hands it on at once, for readers that follow along.
    pub fn live_line(&mut self, text: Arguments<'_>) -> std::io::Result<()> {
        self.line(text)?;
        self.inner.flush()
    }
    /// Prints one line, dim or red where colour is wanted.
    pub fn styled_line(&mut self, style: Style, text: &str) -> std::io::Result<()> {
        match style {
            Style::Dim if self.color => self.write(&format_args!("\x1b[2m{}\x1b[0m", text.escaped())),
            Style::Red if self.color => self.write(&format_args!("\x1b[31m{}\x1b[0m", text.escaped())),
            _ => self.write(&text.escaped()),
        }
    }
    /// Prints a text of several lines, whose values have been escaped where they were put in.
    pub fn lines(&mut self, text: &str) -> std::io::Result<()> {
        self.write(&escape_lines(text))
    }
    /// Prints a JSON text.
    pub fn json(&mut self, json: &str) -> std::io::Result<()> {
        self.write(&escape_json(json))
    }
    /// Prints what is fit for a terminal.
    fn write(&mut self, text: &dyn Display) -> std::io::Result<()> {
        writeln!(self.inner, "{text}")?;
        if self.terminal { self.inner.flush() } else { Ok(()) }
    }
    /// Hands on what is buffered.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As any line.
    Plain,
    /// Less than others.
    Dim,
    /// Something went wrong.
    Red,
}
