//! The `conductor` program.

fn main() -> std::process::ExitCode {
    conductor::cli::conductor()
}
