//! Where readers tell what is wrong, so that all of it is told and not only the first.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use crate::config::problem::{Diagnostic, Problem};
use crate::config::source::Source;

/// Most errors that are kept, and most warnings; a file with more is not read by a person line by line.
const MAX_KEPT: usize = 100;

type Placed = (Range<usize>, Problem);

/// Problems found so far.
#[derive(Debug)]
pub(super) struct Report {
    source: Source,
    errors: RefCell<Vec<Placed>>,
    warnings: RefCell<Vec<Placed>>,
    /// Errors and warnings beyond [`MAX_KEPT`].
    dropped: Cell<usize>,
    /// Parts of the text that no message may show.
    hidden: RefCell<Vec<Range<usize>>>,
}

/// Everything found, in the order of the text.
pub(super) struct Found {
    pub(super) errors: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
    /// How many were found beyond these.
    pub(super) more: usize,
}

impl Report {
    /// Nothing found yet in `source`.
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            errors: RefCell::default(),
            warnings: RefCell::default(),
            dropped: Cell::new(0),
            hidden: RefCell::default(),
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
    /// Adds a problem at the bytes `span`.
    pub(super) fn add(&self, span: Range<usize>, problem: Problem) {
        let into = if problem.is_warning() { &self.warnings } else { &self.errors };
        let mut kept = into.borrow_mut();
        if kept.len() < MAX_KEPT {
            kept.push((span, problem));
        } else {
            self.drop_one();
        }
    }
    /// Whether a further error would only be counted.
    pub(super) fn is_full(&self) -> bool {
        self.errors.borrow().len() >= MAX_KEPT
    }
    /// Counts a problem that nobody will read.
    pub(super) fn drop_one(&self) {
        self.dropped.set(self.dropped.get() + 1);
    }
    /// Errors kept so far. Once it is at its most the text is known to be invalid anyway.
    pub(super) fn errors(&self) -> usize {
        self.errors.borrow().len()
    }
    /// Everything found.
    pub(super) fn finish(self) -> Found {
        let hidden = self.hidden.into_inner();
        let placed = |problems: RefCell<Vec<Placed>>| {
            let mut problems = problems.into_inner();
            problems.sort_by_key(|(span, _)| span.start);
            let diagnostic = |(span, problem)| Diagnostic { place: self.source.place(&span, &hidden), problem };
            problems.into_iter().map(diagnostic).collect()
        };
        Found { errors: placed(self.errors), warnings: placed(self.warnings), more: self.dropped.get() }
    }
}
