//! `conductor-sign trust remove`.

use std::path::PathBuf;

use argh::FromArgs;

use super::{Exit, Failure, Output, default_store, edit_failure};
use crate::package::signing::TrustFile;

/// No longer trust a key.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "remove",
    example = "{command_name} 3dab8dbf",
    note = "Exit codes: 0 done; 1 no trusted key begins like that, or several do; 2 wrong usage, or the trust store could not be\nread or written."
)]
pub(super) struct Remove {
    /// the key, or as many of its first digits as tell it from the others
    #[argh(positional)]
    key: String,
    /// the trust store; default: the one in the configuration directory
    #[argh(option)]
    trusted_keys: Option<PathBuf>,
}

impl Remove {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let store = self.trusted_keys.map_or_else(default_store, Ok)?;
        let edited = TrustFile::open(&store).and_then(|edit| edit.remove(&self.key)).map_err(edit_failure)?;
        out.line(format_args!("✓ Key removed: {} ({})", edited.key, edited.name))?;
        out.line(format_args!("Trusted keys: {}", edited.trusted))?;
        Ok(Exit::Done)
    }
}
