//! The command line, one file per subcommand. Data goes to standard output, diagnostics to standard error.

mod account;
mod advice;
mod check;
mod ctl;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod exit;
mod logging;
mod monitor;
mod os_text;
mod output;
mod plugin;
mod ports;
mod record;
mod recording;
mod replay;
mod run;
mod run_policy;
mod scratch;
#[cfg(feature = "plugin-signing")]
mod sign;
mod mapping_snippet;
mod wasi;

use std::path::Path;
use std::sync::Arc;

use argh::{EarlyExit, FromArgs};
use signal_hook::consts::SIGXFSZ;

use crate::text::Escape as _;
use crate::text::shell::word;

pub use exit::{Exit, Failure};
pub use output::Output;
#[cfg(feature = "plugin-signing")]
pub use sign::conductor_sign;

/// Conductor: a MIDI controller turned into a safe, scriptable control surface.
#[derive(FromArgs, Debug)]
#[cfg_attr(feature = "demo", argh(example = "Try it without hardware:\n  {command_name} demo"))]
#[argh(
    note = "Exit codes: 0 done; 1 a negative verdict (invalid, untrusted, denied, differs); 2 wrong usage or an operation\nthat could not be carried out."
)]
struct Conductor {
    #[argh(subcommand)]
    command: Command,
}

/// Every subcommand; each has a file of its own, with its argument struct and a `run(self, &mut Output)`.
#[derive(FromArgs, Debug)]
#[argh(subcommand)]
enum Command {
    Check(check::Check),
    Ctl(ctl::Ctl),
    #[cfg(feature = "demo")]
    Demo(demo::Demo),
    Doctor(doctor::Doctor),
    Monitor(monitor::Monitor),
    Plugin(plugin::Plugin),
    Ports(ports::Ports),
    Record(record::Record),
    Replay(replay::Replay),
    Run(run::Run),
    Version(Version),
    Wasi(wasi::Wasi),
}

/// Print the version and what this build can do.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "version",
    example = "{command_name}",
    note = "`conductor --version` and `conductor-sign --version` print the version alone.\n\nExit codes: 0 printed; 2 wrong usage."
)]
struct Version {}

impl Version {
    fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self {} = self;
        let features = [
            ("alsa", cfg!(feature = "alsa")),
            ("http", cfg!(feature = "http")),
            ("keys", cfg!(feature = "keys")),
            ("second-wall", cfg!(feature = "second-wall")),
            ("websocket", cfg!(feature = "websocket")),
        ];
        let features: Vec<_> = features.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
        out.line(format_args!("conductor {} ({})", env!("CARGO_PKG_VERSION"), features.join(", ")))?;
        Ok(Exit::Done)
    }
}

impl Command {
    fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match self {
            Self::Check(command) => command.run(out),
            Self::Ctl(command) => command.run(out),
            #[cfg(feature = "demo")]
            Self::Demo(command) => command.run(out),
            Self::Doctor(command) => command.run(out),
            Self::Monitor(command) => command.run(out),
            Self::Plugin(command) => command.run(out),
            Self::Ports(command) => command.run(out),
            Self::Record(command) => command.run(),
            Self::Replay(command) => command.run(out),
            Self::Run(command) => command.run(),
            Self::Version(command) => command.run(out),
            Self::Wasi(command) => command.run(out),
        }
    }
}

/// The whole `conductor` program: parses the process's arguments, runs the subcommand, gives the exit code.
#[must_use]
pub fn conductor() -> std::process::ExitCode {
    program::<Conductor>("conductor", |program, out| program.command.run(out))
}

/// Parses the process's arguments into `T`, runs it, and reports how it ended.
fn program<T: FromArgs>(
    name: &str,
    run: impl FnOnce(T, &mut Output) -> Result<Exit, Failure>,
) -> std::process::ExitCode {
    bear_full_files();
    let mut out = Output::stdout();
    let mut arguments = Vec::new();
    for argument in std::env::args_os().skip(1) {
        // What a program of the user's is given is none of this one's business.
        if arguments.first().is_some_and(|command| command == "wasi") {
            arguments.push(os_text::disguised(&argument));
            continue;
        }
        match argument.into_string() {
            Ok(argument) => arguments.push(argument),
            Err(argument) => {
                return Failure::usage(format!("{name}: an argument is not UTF-8: {}", argument.escaped())).report();
            }
        }
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match T::from_args(&[name], &arguments) {
        _ if matches!(arguments[..], ["--version" | "-V"]) => {
            out.line(format_args!("{name} {}", env!("CARGO_PKG_VERSION"))).map(|()| Exit::Done).map_err(Failure::from)
        }
        Ok(command) => run(command, &mut out),
        Err(EarlyExit { output, status: Ok(()) }) => {
            out.lines(output.trim_end()).map(|()| Exit::Done).map_err(Failure::from)
        }
        Err(EarlyExit { output, status: Err(()) }) => {
            let command = command_of::<T>(name, &arguments);
            let complaint = complaint::<T>(name, &arguments, &output);
            Err(Failure::usage(format!("{complaint}\n  `{command} --help` says more")))
        }
    };
    let code = match result.and_then(|exit| out.flush().map(|()| exit).map_err(Failure::from)) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(),
    };
    log::logger().flush();
    code
}

/// A file that may grow no further (`ulimit -f`) is an error for whoever writes it, like a full disk, and not the end of the process.
fn bear_full_files() {
    // Handled, and not ignored: what is ignored stays so in the programs that are started. The flag itself says nothing new. Where the
    // system does not let it be handled, all is as it was.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

/// The option that names `config` again, for a command that is suggested; nothing where the usual one was read.
fn config_option(config: Option<&Path>) -> String {
    config.map_or_else(String::new, |path| format!(" --config {}", word(path)))
}

/// The parser's error message for `arguments`, with names escaped: the parser repeats them as they are.
fn complaint<T: FromArgs>(name: &str, arguments: &[&str], output: &str) -> String {
    let shown: Vec<String> = arguments.iter().map(|argument| argument.escaped().to_string()).collect();
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    match T::from_args(&[name], &shown) {
        Err(EarlyExit { output, status: Err(()) }) => output.trim_end().to_owned(),
        // The shown arguments mean something: then the others are shown within their sentence.
        _ => output.trim_end().escaped().to_string(),
    }
}

/// The command that `arguments` mean, as far as there is one: `conductor plugin run`. Asked of the parser itself, which
/// knows all commands: the usage line of the most words for which it has one.
fn command_of<T: FromArgs>(name: &str, arguments: &[&str]) -> String {
    let words = arguments.iter().take_while(|word| !word.starts_with('-')).count();
    for count in (1..=words).rev() {
        let question: Vec<&str> = arguments.iter().take(count).copied().chain(["--help"]).collect();
        if let Err(EarlyExit { output, status: Ok(()) }) = T::from_args(&[name], &question)
            && let Some(usage) = output.lines().next().and_then(|line| line.strip_prefix("Usage: "))
        {
            let command =
                usage.split(' ').take_while(|word| word.starts_with(|first: char| first.is_ascii_alphabetic()));
            return command.collect::<Vec<_>>().join(" ");
        }
    }
    name.to_owned()
}
