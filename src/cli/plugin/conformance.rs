//! `conductor plugin conformance`.

use std::path::{Path, PathBuf};

use argh::FromArgs;
use serde_json::{Value, json};

use super::super::output::say;
use super::super::{Exit, Failure, Output};
use crate::host;
use crate::package::{Policy, admit};
use crate::sandbox::{Check, Conformance as Gate, LoadOptions, MOST_TRIALS, Manifest, Trial, conformance};
use crate::text::Escape as _;
use crate::text::clean;
use crate::text::shell::word;

/// Longest detail that is shown, in bytes.
const MAX_DETAIL: usize = 400;

/// Longest input that stands in a command line, in bytes.
const MAX_INLINE: usize = 300;

/// Inputs that are shown of a check that fails.
const MAX_TRIALS: usize = 2;

/// Log lines of an input that are shown: the last.
const MAX_LINES: usize = 10;

/// Hold a plugin against the conformance gate: how does it behave while nothing is granted to it?
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "conformance",
    example = "{command_name} my_plugin.wasm\n{command_name} my_plugin.wasm --json | jq '.checks[] | select(.passed | not)'",
    note = "The plugin runs twice, in the sandbox, in virtual time, with the default limits: init, execute with empty, ordinary,\nunexpected, huge and malformed params, shutdown. Ordinary params are made to fit its params_schema and each action it\ndeclares, and `execute` has to run. What a mapping can have counts; what only a broken host could hand over (malformed\nparams, to a plugin that is given the params alone) is a remark. Of an input that the plugin does not stand are shown\nits number, its bytes, what the plugin logged, and the command that repeats it. `require_conformance = true` under\n[wasm] makes passing a condition of loading.\n\nExit codes: 0 every check holds; 1 one does not; 2 wrong usage, or the file cannot be read."
)]
pub(super) struct Conformance {
    /// the plugin
    #[argh(positional)]
    file: PathBuf,
    /// write each input that it does not stand into a file in this directory, as it was handed over
    #[argh(option, arg_name = "dir")]
    inputs: Option<PathBuf>,
    /// print one JSON object instead
    #[argh(switch)]
    json: bool,
}

impl Conformance {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let name = self.file.file_stem().map_or_else(|| "plugin".into(), |stem| stem.to_string_lossy().into_owned());
        let admitted = admit(&self.file, &Policy { name, ..Policy::default() })
            .map_err(|refusal| Failure::operation(refusal.to_string()))?;
        let manifest = Manifest::read(&admitted, host::TABLE);
        let gate = match &manifest {
            Ok(manifest) => conformance(manifest, LoadOptions::default()),
            Err(error) => Gate::refused(error),
        };
        // A function that needs a capability is there for `plugin run` only when that is granted.
        let implied = manifest.iter().flat_map(|manifest| manifest.imports()).filter_map(host::capability);
        let mut grants: Vec<String> = implied.map(|capability| format!(" --grant {capability}")).collect();
        grants.sort_unstable();
        grants.dedup();
        let repeat = Repeat { file: &self.file, grants: grants.concat(), directory: self.inputs.as_deref() };
        if let Some(directory) = &self.inputs {
            write_inputs(directory, &gate)?;
        }
        if self.json {
            let checks: Vec<_> = gate.checks.iter().map(check_json).collect();
            let digest = admitted.digest().to_string();
            let report = json!({ "file": self.file, "sha256": digest, "passed": gate.passed(), "checks": checks });
            out.json(&report.to_string())?;
        } else {
            for check in &gate.checks {
                show(out, check, &repeat)?;
            }
            for remark in manifest.iter().flat_map(Manifest::remarks) {
                out.flush()?;
                say(&format!("the plugin {}", clean(&remark, MAX_DETAIL)));
            }
        }
        Ok(if gate.passed() { Exit::Done } else { Exit::Negative })
    }
}

/// How an input is handed to the plugin again.
struct Repeat<'a> {
    file: &'a Path,
    grants: String,
    directory: Option<&'a Path>,
}

impl Repeat<'_> {
    /// The command that hands over the input of `trial` again.
    fn command(&self, check: &Check, trial: &Trial) -> String {
        let run = format!("conductor plugin run {}{} --params-raw", word(self.file), self.grants);
        let text =
            std::str::from_utf8(&trial.input).ok().filter(|text| text.len() <= MAX_INLINE && !text.contains('\0'));
        match (self.directory, text) {
            (Some(directory), _) => format!("{run} {}", word(input_file(directory, check, trial))),
            (None, Some(text)) => format!("{run} <(printf %s {})", word(text)),
            (None, None) => format!("conductor plugin conformance {} --inputs inputs", word(self.file)),
        }
    }
}

fn input_file(directory: &Path, check: &Check, trial: &Trial) -> PathBuf {
    directory.join(format!("{}-{}", check.name.name().replace(' ', "-"), trial.number))
}

fn write_inputs(directory: &Path, gate: &Gate) -> Result<(), Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        Failure::operation(format!("--inputs: cannot write {}: {error}", path.escaped()))
    };
    std::fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for check in &gate.checks {
        for trial in &check.trials {
            let path = input_file(directory, check, trial);
            std::fs::write(&path, &trial.input).map_err(|error| failed(&path, error))?;
        }
    }
    Ok(())
}

fn show(out: &mut Output, check: &Check, repeat: &Repeat<'_>) -> std::io::Result<()> {
    let verdict = if check.passed { "pass" } else { "FAIL" };
    out.line(format_args!("{verdict}  {:<17} {}", check.name.name(), clean(&check.detail, MAX_DETAIL)))?;
    for remark in &check.remarks {
        out.line(format_args!("      remark: {}", clean(remark, MAX_DETAIL)))?;
    }
    // Of what only a broken host does one example will do.
    let most = if check.passed { 1 } else { MAX_TRIALS };
    for trial in check.trials.iter().take(most) {
        let whose = if check.passed { "remark: only a broken host hands this over: " } else { "" };
        let Trial { number, of, input, error, logs } = trial;
        out.line(format_args!("      {whose}input {number} of {of}: {}", shown(input)))?;
        if *error != check.detail {
            out.line(format_args!("        {}", clean(error, MAX_DETAIL)))?;
        }
        let logs: Vec<_> =
            logs.iter().map(|line| clean(&line.text, MAX_DETAIL)).filter(|line| !line.is_empty()).collect();
        let skipped = logs.len().saturating_sub(MAX_LINES);
        if skipped > 0 {
            out.line(format_args!("        log: … {skipped} lines"))?;
        }
        for line in logs.iter().skip(skipped) {
            out.line(format_args!("        log: {line}"))?;
        }
        out.line(format_args!("        to repeat it: {}", repeat.command(check, trial)))?;
    }
    if check.trials.len() > most {
        let left = check.trials.len() - most;
        out.line(format_args!("      and {left} more (--json has the first {MOST_TRIALS} of each check)"))?;
    }
    Ok(())
}

/// The bytes of an input as text, cut where they are many.
fn shown(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(&input[..input.len().min(MAX_DETAIL)]);
    match input.len() {
        0 => "(nothing)".to_owned(),
        MAX_DETAIL.. => format!("{}… ({} bytes)", text.escaped(), input.len()),
        _ => text.escaped().to_string(),
    }
}

fn check_json(check: &Check) -> Value {
    let Check { name, passed, detail, trials, remarks } = check;
    let trials: Vec<_> = trials.iter().map(trial_json).collect();
    let remarks: Vec<_> = remarks.iter().map(|remark| clean(remark, MAX_DETAIL)).collect();
    json!({ "name": name.name(), "passed": passed, "detail": clean(detail, MAX_DETAIL), "remarks": remarks, "inputs": trials })
}

fn trial_json(trial: &Trial) -> Value {
    let Trial { number, of, input, error, logs } = trial;
    let logs: Vec<_> = logs.iter().map(|line| line.text.as_str()).collect();
    json!({
        "number": number,
        "of": of,
        "input": String::from_utf8_lossy(input),
        "error": clean(error, MAX_DETAIL),
        "logs": logs,
    })
}
