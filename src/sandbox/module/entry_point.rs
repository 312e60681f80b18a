//! The functions of a plugin that the host calls.

use std::fmt;

/// What the host has a plugin do: an export that it calls, or to come to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryPoint {
    /// None of its functions: its memory, tables and segments are made.
    Instantiation,
    /// What a compiler has run before anything else.
    Initialize,
    /// The plugin's own preparations.
    Init,
    /// What it says it needs.
    Capabilities,
    /// Room for a request.
    Alloc,
    /// That room, given back.
    Dealloc,
    /// A call.
    Execute,
    /// A call that gets the context beside the parameters.
    ExecuteWithContext,
    /// An event of a plugin that is kept.
    OnEvent,
    /// C's own function that writes what was printed and has not been written yet.
    Flush,
    /// Its instance goes.
    Shutdown,
}

impl EntryPoint {
    /// The name of the export; of what is none, the name it has in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instantiation => "instantiation",
            Self::Initialize => "_initialize",
            Self::Init => "init",
            Self::Capabilities => "capabilities",
            Self::Alloc => "alloc",
            Self::Dealloc => "dealloc",
            Self::Execute => "execute",
            Self::ExecuteWithContext => "execute_with_context",
            Self::OnEvent => "on_event",
            Self::Flush => "fflush",
            Self::Shutdown => "shutdown",
        }
    }

    /// Whether it is what a call is for.
    #[must_use]
    pub const fn is_execute(self) -> bool {
        matches!(self, Self::Execute | Self::ExecuteWithContext)
    }
}

impl fmt::Display for EntryPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
