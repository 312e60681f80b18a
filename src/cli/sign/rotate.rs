//! `conductor-sign rotate`.

use std::path::PathBuf;

use argh::FromArgs;

use super::{Exit, Failure, Output, key, now, operation};
use crate::package::signing::Succession;
use crate::text::Escape as _;

/// Hand over from an old key to a new one: write a succession record that both sign.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "rotate",
    example = "{command_name} ~/.conductor/my-key ~/.conductor/my-key-v2\nconductor-sign trust add --succession my-key-v2.succession",
    note = "Publish the record; users move their trust with it. During the transition signatures by both keys are accepted. A key\nmay be a pkcs11: URI. A key that was stolen is not rotated but revoked: conductor-sign trust revoke.\n\nExit codes: 0 done; 2 wrong usage, or the record could not be written."
)]
pub(super) struct Rotate {
    /// the old private key
    #[argh(positional)]
    old: String,
    /// the new private key
    #[argh(positional)]
    new: String,
    /// days in which signatures by both keys are accepted; default 90
    #[argh(option, default = "90")]
    transition_days: u32,
    /// why, for the users
    #[argh(option, default = "String::new()")]
    reason: String,
    /// the record; default: the new key's path with .succession appended
    #[argh(option)]
    output: Option<PathBuf>,
}

impl Rotate {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let now = now::signing_time()?;
        let path = match self.output {
            Some(path) => path,
            None if self.new.starts_with("pkcs11:") => {
                return Err(Failure::usage("where does the record go? give --output FILE"));
            }
            None => PathBuf::from(format!("{}.succession", self.new.strip_suffix(".private").unwrap_or(&self.new))),
        };
        let (old, new) = (key::open_either(&self.old)?, key::open_either(&self.new)?);
        let until = now.plus_days(self.transition_days);
        let record = Succession::sign(&*old, &*new, now, until, &self.reason, &path).map_err(operation)?;
        out.line(format_args!("✓ Succession signed by both keys"))?;
        out.line(format_args!("Old key: {}", record.old))?;
        out.line(format_args!("New key: {}", record.new))?;
        out.line(format_args!("Both are accepted until: {}", record.transition_until))?;
        out.line(format_args!("Succession record: {}", path.escaped()))?;
        Ok(Exit::Done)
    }
}
