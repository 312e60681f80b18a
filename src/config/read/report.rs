//! Where readers tell what is wrong, so that all of it is told and not only the first.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use crate::config::problem::{Diagnostic, Problem};
use crate::config::source::Source;

/// Most problems that are kept; a file with more is not read by a person line by line.
const MAX_PROBLEMS: usize = 100;

/// Problems found so far.
#[derive(Debug)]
pub(super) struct Report {
    source: Source,
    problems: RefCell<Vec<(Range<usize>, Problem)>>,
    /// Parts of the text that no message may show.
    hidden: RefCell<Vec<Range<usize>>>,
    errors: Cell<usize>,
    dropped: Cell<usize>,
}

impl Report {
    /// Nothing found yet in `source`.
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            problems: RefCell::default(),
            hidden: RefCell::default(),
            errors: Cell::new(0),
            dropped: Cell::new(0),
        }
    }
    /// The line of the byte at `offset`, from 1.
    pub(super) fn line(&self, offset: usize) -> u32 {
        self.source.line(offset)
    }
    /// The text at `span`.
    pub(super) fn text(&self, span: Range<usize>) -> Option<&str> {
        let text = self.source.text();
        text.get(span.start..span.end.min(text.len()))
    }
    /// Keeps the bytes `span` out of every message.
    pub(super) fn hide(&self, span: Range<usize>) {
        self.hidden.borrow_mut().push(span);
    }
    /// Whether a further problem would only be counted.
    pub(super) fn is_full(&self) -> bool {
        self.problems.borrow().len() >= MAX_PROBLEMS
    }
    /// Counts an error that nobody will read.
    pub(super) fn drop_one(&self) {
        self.errors.set(self.errors.get() + 1);
        self.dropped.set(self.dropped.get() + 1);
    }
    /// Adds a problem at the bytes `span`.
    pub(super) fn add(&self, span: Range<usize>, problem: Problem) {
        if !problem.is_warning() {
            self.errors.set(self.errors.get() + 1);
        }
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MAX_PROBLEMS {
            problems.push((span, problem));
        } else {
            self.dropped.set(self.dropped.get() + 1);
        }
    }
    /// Errors so far, warnings not counted.
    pub(super) fn errors(&self) -> usize {
        self.errors.get()
    }
    /// Errors and warnings in the order of the text, and how many problems were left out.
    pub(super) fn into_diagnostics(self) -> (Vec<Diagnostic>, Vec<Diagnostic>, usize) {
        let hidden = self.hidden.into_inner();
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|(span, _)| span.start);
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        for (span, problem) in problems {
            let into = if problem.is_warning() { &mut warnings } else { &mut errors };
            let place = self.source.place(&span, &hidden);
            into.push(Diagnostic { place, problem });
        }
        (errors, warnings, self.dropped.get())
    }
}
