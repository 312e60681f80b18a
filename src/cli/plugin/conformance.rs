//! `conductor plugin conformance`.

use std::path::PathBuf;

use argh::FromArgs;
use serde_json::json;

use super::super::{Exit, Failure, Output};
use crate::config::PluginConfig;
use crate::host;
use crate::package::{Policy, admit};
use crate::sandbox::conformance;
use crate::text::clean;

/// Longest detail that is shown, in bytes.
const MAX_DETAIL: usize = 400;

/// Hold a plugin against the conformance gate: how does it behave while nothing is granted to it?
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "conformance",
    example = "{command_name} my_plugin.wasm\n{command_name} my_plugin.wasm --json | jq '.checks[] | select(.passed | not)'",
    note = "The plugin runs twice, in the sandbox, in virtual time, with the default limits: init, execute with empty, ordinary, huge\nand malformed params, shutdown. `require_conformance = true` under [wasm] makes passing a condition of loading.\n\nExit codes: 0 every check holds; 1 one does not; 2 wrong usage, or the file cannot be read."
)]
pub(super) struct Conformance {
    /// the plugin
    #[argh(positional)]
    file: PathBuf,
    /// print one JSON object instead
    #[argh(switch)]
    json: bool,
}

impl Conformance {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let name = self.file.file_stem().map_or_else(|| "plugin".into(), |stem| stem.to_string_lossy().into_owned());
        let admitted = admit(&self.file, &Policy { name, ..Policy::default() })
            .map_err(|refusal| Failure::operation(refusal.to_string()))?;
        let gate = conformance(&admitted, &PluginConfig::new(self.file.clone()), host::TABLE);
        if self.json {
            let checks: Vec<_> = gate
                .checks
                .iter()
                .map(|check| {
                    json!({ "name": check.name.name(), "passed": check.passed, "detail": clean(&check.detail, MAX_DETAIL) })
                })
                .collect();
            let digest = admitted.digest().to_string();
            let report = json!({ "file": self.file, "sha256": digest, "passed": gate.passed(), "checks": checks });
            out.json(&report.to_string())?;
        } else {
            for check in &gate.checks {
                let verdict = if check.passed { "pass" } else { "FAIL" };
                out.line(format_args!("{verdict}  {:<17} {}", check.name.name(), clean(&check.detail, MAX_DETAIL)))?;
            }
        }
        Ok(if gate.passed() { Exit::Done } else { Exit::Negative })
    }
}
