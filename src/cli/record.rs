//! `conductor record`.

use std::path::PathBuf;

use argh::FromArgs;

use super::run::Run;
use super::{Exit, Failure};

/// Run the configuration and record the session: `run --record FILE`.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "record",
    example = "Record a session next to the controller, and replay it in CI:\n  {command_name} gig.journal.jsonl --transcript gig.transcript.jsonl\n  conductor replay gig.journal.jsonl --expect gig.transcript.jsonl",
    note = "Exit codes: 0 done; 1 the configuration is invalid or a plugin was refused; 2 wrong usage or an operation that\ncould not be carried out, such as writing the journal."
)]
pub(super) struct Record {
    /// the journal to write, *.journal.jsonl
    #[argh(positional)]
    journal: PathBuf,
    /// configuration file; default conductor/config.toml below `$XDG_CONFIG_HOME`
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
    /// MIDI port, virtual:NAME, Standard MIDI File, raw byte stream or - instead of the configured devices
    #[argh(option, arg_name = "port|file|-")]
    input: Option<String>,
    /// play a file as raw MIDI bytes that does not look like them
    #[argh(switch)]
    raw: bool,
    /// also write what the session came to, *.transcript.jsonl
    #[argh(option, arg_name = "file")]
    transcript: Option<PathBuf>,
    /// print effects instead of performing them
    #[argh(switch)]
    dry_run: bool,
    /// one line of JSON per event
    #[argh(switch)]
    json: bool,
    /// play a file at its own pace
    #[argh(switch)]
    realtime: bool,
    /// directory of the plugins' data; default conductor/plugin-data below `$XDG_DATA_HOME`
    #[argh(option, arg_name = "dir")]
    data: Option<PathBuf>,
    /// replace the journal if there is one of that name
    #[argh(switch)]
    force: bool,
}

impl Record {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let Self { journal, config, input, raw, transcript, dry_run, json, realtime, data, force } = self;
        let record = Some(journal);
        Run { config, input, raw, dry_run, answer: None, json, realtime, data, record, transcript, force, socket: None }
            .run()
    }
}
