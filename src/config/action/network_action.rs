//! Actions that send something to the network, as configured.

use std::sync::Arc;

use crate::config::action::number::ValueOf;
use crate::config::action::template::Template;
use crate::effect::{Single, UdpTarget};

/// An `Http` action.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpAction {
    /// The method, in capitals.
    pub method: &'static str,
    /// Where to. Numbers stand behind the host only, so that whoever reads the file knows which it is.
    pub url: Template,
    /// Headers in order; values may hold `{{secret:NAME}}`.
    pub headers: Arc<[(String, String)]>,
    /// The body; empty for none.
    pub body: Template,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u32,
}

/// An `Osc` action.
#[derive(Debug, Clone, PartialEq)]
pub struct OscAction {
    /// Where to.
    pub to: UdpTarget,
    /// Address of what the message is for.
    pub address: Arc<str>,
    /// Its arguments.
    pub args: Box<[OscArgument]>,
}

/// An argument of an OSC message.
#[derive(Debug, Clone, PartialEq)]
pub enum OscArgument {
    /// A whole number.
    Int(i32),
    /// A number with a fraction.
    Float(Single),
    /// Text.
    Text(Template),
    /// True or false.
    Flag(bool),
    /// Made of a number that is known when the action runs.
    Of {
        /// How.
        value: Box<ValueOf>,
        /// Whether its fraction is kept; else it is rounded.
        float: bool,
    },
}
