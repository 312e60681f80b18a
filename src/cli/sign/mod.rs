//! The `conductor-sign` program, one file per subcommand.

mod cosign;
mod generate_key;
mod key;
mod now;
mod rotate;
mod sign_plugin;
mod trust;
mod verify;

use argh::FromArgs;

use super::{Exit, Failure, Output};

/// Sign Conductor plugins, verify them, and say whom to trust.
#[derive(FromArgs, Debug)]
#[argh(
    example = "{command_name} generate-key ~/.conductor/my-key\n{command_name} sign my_plugin.wasm ~/.conductor/my-key --name \"Ada\" --email ada@example.com\n{command_name} verify my_plugin.wasm",
    note = "Exit codes: 0 done, authentic and trusted; 1 not authentic or not trusted; 2 wrong usage, or it could not be decided.\nCONDUCTOR_SIGN_PASSPHRASE and CONDUCTOR_SIGN_PIN answer where there is no terminal to ask on; SOURCE_DATE_EPOCH sets\nthe time of signing."
)]
struct ConductorSign {
    #[argh(subcommand)]
    command: Command,
}

/// Every subcommand.
#[derive(FromArgs, Debug)]
#[argh(subcommand)]
enum Command {
    GenerateKey(generate_key::GenerateKey),
    Sign(sign_plugin::Sign),
    Cosign(cosign::Cosign),
    Verify(verify::Verify),
    Rotate(rotate::Rotate),
    Trust(trust::Trust),
}

impl Command {
    fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match self {
            Self::GenerateKey(command) => command.run(out),
            Self::Sign(command) => command.run(out),
            Self::Cosign(command) => command.run(out),
            Self::Verify(command) => command.run(out),
            Self::Rotate(command) => command.run(out),
            Self::Trust(command) => command.run(out),
        }
    }
}

/// The whole `conductor-sign` program: parses the process's arguments, runs the subcommand, gives the exit code.
#[must_use]
pub fn conductor_sign() -> std::process::ExitCode {
    super::program::<ConductorSign>("conductor-sign", |program, out| program.command.run(out))
}

/// The operation could not be carried out, for the reason that `error` gives.
fn operation(error: impl std::fmt::Display) -> Failure {
    Failure::operation(error.to_string())
}
