//! `conductor-sign trust revoke`.

use std::path::PathBuf;

use argh::FromArgs;

use super::{Exit, Failure, Output, default_store, edit_failure};
use crate::cli::sign::now;
use crate::package::signing::TrustFile;

/// Refuse everything a key signed, from now on, and remember why.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "revoke",
    example = "{command_name} 3dab8dbf \"stolen with a laptop\"",
    note = "A running daemon follows at the plugin's next call.\n\nExit codes: 0 done; 1 there is no such key, or it is revoked already; 2 wrong usage, or the trust store could not be\nread or written."
)]
pub(super) struct Revoke {
    /// the key, or as many first digits of a trusted one as tell it from the others
    #[argh(positional)]
    key: String,
    /// why
    #[argh(positional)]
    reason: String,
    /// the trust store; default: the one in the configuration directory
    #[argh(option)]
    trusted_keys: Option<PathBuf>,
}

impl Revoke {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let now = now::signing_time()?;
        let store = self.trusted_keys.map_or_else(default_store, Ok)?;
        let edit = TrustFile::open(&store).map_err(edit_failure)?;
        let edited = edit.revoke(&self.key, &self.reason, now).map_err(edit_failure)?;
        out.line(format_args!("✓ Key revoked: {}", edited.key))?;
        out.line(format_args!("Trusted keys: {}", edited.trusted))?;
        Ok(Exit::Done)
    }
}
