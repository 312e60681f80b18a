//! The `conductor-sign` program.

fn main() -> std::process::ExitCode {
    conductor::cli::conductor_sign()
}
