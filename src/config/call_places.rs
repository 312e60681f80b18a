//! Where calls of plugins, and each of their parameters, stand in a configuration, for what only the plugin's own file tells of them.

use std::ops::Range;

use super::problem::{Diagnostic, Problem};
use super::source::Source;

/// A call of a plugin as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenCall {
    /// Name of the plugin.
    pub plugin: String,
    /// Its `params`, as compact JSON.
    pub params: String,
    /// Keys of `values`: numbers that are known when the call is made.
    pub made: Vec<String>,
    /// The call, or its `params` where it has any.
    pub(super) whole: Range<usize>,
    /// Each parameter by its name, with the bytes of its key and of its value.
    pub(super) parameters: Vec<(String, Range<usize>, Range<usize>)>,
}

impl WrittenCall {
    /// A call that stands at the bytes `whole`, of which nothing more is known yet.
    pub(super) fn at(whole: Range<usize>) -> Self {
        Self { plugin: String::new(), params: String::new(), made: Vec::new(), whole, parameters: Vec::new() }
    }
}

/// What a finding about a call points at.
#[derive(Debug, Clone, Copy)]
pub enum CallPart<'a> {
    /// All of it.
    Whole,
    /// The name of this parameter.
    Key(&'a str),
    /// The value of this parameter.
    Value(&'a str),
}

/// All calls of a configuration, in the order written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WrittenCalls {
    pub(super) calls: Vec<WrittenCall>,
    /// Parts of the text that no message may show.
    pub(super) hidden: Vec<Range<usize>>,
}

impl WrittenCalls {
    /// The calls.
    pub fn iter(&self) -> impl Iterator<Item = &WrittenCall> {
        self.calls.iter()
    }

    /// `problem` at a part of `call`, which stands in `source`.
    #[must_use]
    pub fn diagnostic(&self, source: &Source, call: &WrittenCall, part: CallPart<'_>, problem: Problem) -> Diagnostic {
        let of = |name: &str| call.parameters.iter().find(|(known, ..)| known == name);
        let span = match part {
            CallPart::Whole => None,
            CallPart::Key(name) => of(name).map(|(_, key, _)| key),
            CallPart::Value(name) => of(name).map(|(.., value)| value),
        };
        Diagnostic { place: source.place(span.unwrap_or(&call.whole), &self.hidden), problem }
    }
}
