//! The account of a session on standard output.

use std::io::{self, ErrorKind};

use super::growing::Growing;
use super::line;
use crate::cli::{Failure, Output};
use crate::journal::Entry;

/// The account of a session, as it goes on.
#[derive(Debug)]
pub(in crate::cli) struct SessionReport {
    out: Output,
    json: bool,
    growing: Growing,
    /// Whoever read it went away, which asks for the end.
    closed: bool,
}

impl SessionReport {
    /// An account on standard output, for people or as JSON.
    pub(in crate::cli) fn new(json: bool) -> Self {
        Self { out: Output::stdout(), json, growing: Growing::new("standard output".to_owned()), closed: false }
    }

    /// Adds `entry`. `false`: nobody reads it any more.
    pub(in crate::cli) fn add(&mut self, entry: &Entry) -> bool {
        let json = self.json;
        self.write(|out| {
            if json {
                out.json(&entry.line().to_json())
            } else {
                let (style, line) = line(entry);
                out.styled_line(style, &line)
            }
        })
    }

    /// Hands what there is to whoever reads along. `false`: nobody does any more.
    pub(in crate::cli) fn hand_on(&mut self) -> bool {
        self.write(Output::flush)
    }

    /// Hands on everything, and says whether it is complete. A reader that went away had enough.
    pub(in crate::cli) fn finish(&mut self) -> Result<(), Failure> {
        self.hand_on();
        self.growing.finish()
    }

    fn write(&mut self, write: impl FnOnce(&mut Output) -> io::Result<()>) -> bool {
        let Self { out, growing, closed, .. } = self;
        if !*closed {
            growing.write(|| match write(out) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                    *closed = true;
                    Ok(())
                }
                written => written,
            });
        }
        !*closed
    }
}
