//! Where readers tell what is wrong, so that all of it is told and not only the first.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use crate::config::problem::{Diagnostic, Problem};
use crate::config::source::Source;

/// Most errors that are kept, and most warnings; a file with more is not read by a person line by line.
const MAX_KEPT: usize = 100;

type Placed = (Range<usize>, Noted);

/// Something that was found.
#[derive(Debug)]
enum Noted {
    /// At the bytes it stands with.
    Here(Problem),
    /// In another file, which those bytes name.
    There(Diagnostic),
}

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
pub(in crate::config) struct Found {
    pub(in crate::config) errors: Vec<Diagnostic>,
    pub(in crate::config) warnings: Vec<Diagnostic>,
    /// How many were found beyond these.
    pub(in crate::config) more: usize,
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
    /// The bytes that were kept out of messages so far.
    pub(super) fn hidden(&self) -> Vec<Range<usize>> {
        self.hidden.borrow().clone()
    }
    /// Adds a problem at the bytes `span`.
    pub(super) fn add(&self, span: Range<usize>, problem: Problem) {
        self.keep(problem.is_warning(), span, Noted::Here(problem));
    }
    /// Adds what was found in another file, which the bytes `span` name.
    pub(super) fn adopt(&self, span: Range<usize>, found: Found) {
        for diagnostic in found.errors.into_iter().chain(found.warnings) {
            self.keep(diagnostic.problem.is_warning(), span.clone(), Noted::There(diagnostic));
        }
        self.dropped.set(self.dropped.get() + found.more);
    }
    fn keep(&self, warning: bool, span: Range<usize>, noted: Noted) {
        let mut kept = if warning { &self.warnings } else { &self.errors }.borrow_mut();
        if kept.len() < MAX_KEPT {
            kept.push((span, noted));
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
            let diagnostic = |(span, noted)| match noted {
                Noted::Here(problem) => Diagnostic { place: self.source.place(&span, &hidden), problem },
                Noted::There(diagnostic) => diagnostic,
            };
            problems.into_iter().map(diagnostic).collect()
        };
        Found { errors: placed(self.errors), warnings: placed(self.warnings), more: self.dropped.get() }
    }
}
