//! `conductor plugin inspect`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use argh::FromArgs;
use serde::Serialize;

use super::super::run_policy::RunPolicy;
use super::super::{Exit, Failure, Output};
use crate::capability::Capability;
use crate::config::Environment;
use crate::grant::Risk;
use crate::host;
use crate::package::{Verdict, first_seen};
use crate::plugins::Outlook;
use crate::sandbox::{Description, ExportKind, Manifest, Metadata, Probed, StateInfo};
use crate::text::Escape as _;
use crate::text::clean;

/// Longest text of a plugin's own that is shown, in bytes.
const MAX_TEXT: usize = 500;

/// What becomes of the first sight of a signed plugin.
pub(in crate::cli) const RECORDS: &str = "`conductor run` records it in";

/// Show who signed a plugin, whether it would run, and what it could do. It is not called.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "inspect",
    example = "{command_name} my_plugin.wasm\n{command_name} my_plugin.wasm --json | jq .needs",
    note = "The verdict is the one of `conductor run`: by the settings of the plugin whose `path` this is, if the configuration has\none, and else by the default settings. It is read, settled and loaded as there, and not called. Where its origin is\nadmitted and only running tells what it asks for (an export `capabilities`, or an `init` that returns metadata, and no\nsection conductor.plugin), these run, in the sandbox and with nothing granted; so does the conformance gate where it is\nrequired.\n\nExit codes: 0 it would be admitted and loaded; 1 it would be refused; 2 wrong usage, or it could not be decided."
)]
pub(super) struct Inspect {
    /// the plugin
    #[argh(positional)]
    file: PathBuf,
    /// the configuration; default: config.toml in the configuration directory, if there is one
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
    /// print one JSON object instead
    #[argh(switch)]
    json: bool,
}

impl Inspect {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let environment = Environment::of_process();
        let run = RunPolicy::of(&self.file, self.config.as_deref(), &environment)?;
        let Outlook { verdict, description, status } = run.outlook();
        let history = first_seen(&verdict, &run.policy).map(|first_seen| first_seen.text(RECORDS));
        let manifest = status.as_ref().map(|status| &status.manifest);
        let report = Report { settings: run.settings, verdict: &verdict, history, description, manifest };
        if self.json {
            // Texts, numbers and lists of them: nothing here that JSON could not hold.
            let json = serde_json::to_string_pretty(&report.json()).unwrap_or_default();
            out.json(&json)?;
        } else {
            out.lines(&report.text())?;
        }
        match &verdict.refusal {
            Some(refusal) if refusal.kind.is_undecided() => Err(Failure::operation(refusal.to_string())),
            None => Ok(Exit::Done),
            Some(_) => Ok(Exit::Negative),
        }
    }
}

/// What is known about a plugin file.
struct Report<'a> {
    settings: String,
    verdict: &'a Verdict,
    /// What the record of admitted versions does not know yet.
    history: Option<String>,
    description: Result<Description, String>,
    /// What is known of it beyond its sections, when its origin is admitted.
    manifest: Option<&'a Arc<Manifest>>,
}

#[derive(Serialize)]
struct ReportText<'a> {
    settings: &'a str,
    verdict: &'a Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<&'a str>,
    unusable: Option<&'a str>,
    metadata: Option<MetadataText<'a>>,
    needs: Vec<NeedText>,
    /// Whether something that it needs may be missing in the list, because only running it tells.
    needs_unknown: bool,
    remarks: Vec<String>,
    imports: Vec<ImportText<'a>>,
    exports: Vec<ExportText<'a>>,
}

#[derive(Serialize)]
struct MetadataText<'a> {
    name: &'a str,
    version: &'a str,
    description: &'a str,
    author: &'a str,
    license: &'a str,
    r#type: &'a str,
    homepage: Option<&'a str>,
    capabilities: &'a [String],
    actions: Vec<ActionText<'a>>,
    events: &'a [String],
    state: Vec<StateText<'a>>,
}

#[derive(Serialize)]
struct StateText<'a> {
    key: &'a str,
    r#type: &'a str,
    description: &'a str,
}

#[derive(Serialize)]
struct ActionText<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a [String],
}

#[derive(Serialize)]
struct NeedText {
    capability: &'static str,
    risk: &'static str,
    /// Whether only running it told.
    by_running: bool,
}

#[derive(Serialize)]
struct ImportText<'a> {
    module: &'a str,
    name: &'a str,
    r#type: String,
    capability: Option<&'static str>,
}

#[derive(Serialize)]
struct ExportText<'a> {
    name: &'a str,
    kind: String,
}

impl Report<'_> {
    /// What it declared by running.
    fn probed(&self) -> Option<&Probed> {
        self.manifest?.probed()
    }

    /// What it says of itself: in its section, or else by running.
    fn metadata(&self) -> Option<&Metadata> {
        let description = self.description.as_ref().ok()?;
        description.metadata.as_ref().or_else(|| self.probed()?.metadata.as_ref())
    }

    /// What it needs, and whether only running it told.
    fn needs(&self) -> Vec<(Capability, bool)> {
        let sections = self.description.as_ref().map(|description| description.needs.clone()).unwrap_or_default();
        let needs = self.manifest.map_or(&sections, |manifest| manifest.needs());
        let told = |capability: &Capability| {
            !sections.contains(capability)
                && self.probed().is_some_and(|probed| probed.capabilities.contains(capability))
        };
        needs.iter().map(|capability| (*capability, told(capability))).collect()
    }

    /// Why what it needs is not known to the end.
    fn unknown(&self) -> Option<&'static str> {
        let declares = self.description.as_ref().is_ok_and(Description::declares_by_running);
        match self.manifest {
            None if declares => {
                Some("more, perhaps: it says so only by running, and what is not admitted does not run")
            }
            Some(_) if self.probed().is_some_and(|probed| probed.failure.is_some()) => {
                Some("more, perhaps: see the remark")
            }
            _ => None,
        }
    }

    fn remarks(&self) -> Vec<String> {
        let of_sections =
            || self.description.as_ref().map(|description| description.remarks.clone()).unwrap_or_default();
        self.manifest.map_or_else(of_sections, Manifest::remarks)
    }

    fn json(&self) -> ReportText<'_> {
        let description = self.description.as_ref().ok();
        let imports = description.map(|description| description.imports.as_slice()).unwrap_or_default();
        let exports = description.map(|description| description.exports.as_slice()).unwrap_or_default();
        ReportText {
            settings: &self.settings,
            verdict: self.verdict,
            history: self.history.as_deref(),
            unusable: self.description.as_ref().err().map(String::as_str),
            metadata: self.metadata().map(metadata),
            needs: self.needs().into_iter().map(need).collect(),
            needs_unknown: self.unknown().is_some(),
            remarks: self.remarks().iter().map(|remark| clean(remark, MAX_TEXT)).collect(),
            imports: imports
                .iter()
                .map(|import| ImportText {
                    module: &import.module,
                    name: &import.name,
                    r#type: import.signature.to_string(),
                    capability: host::capability(import).map(Capability::name),
                })
                .collect(),
            exports: exports
                .iter()
                .map(|export| ExportText { name: &export.name, kind: export.kind.to_string() })
                .collect(),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |label: &str, value: &str| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{label:<12}{}", clean(value, MAX_TEXT));
        };
        match &self.description {
            // A file that could not be read needs no second complaint.
            Err(_) if !self.verdict.read => {}
            // It stands in the verdict, where that has no other reason.
            Err(_) if matches!(&self.verdict.refusal, Some(refusal) if refusal.kind.is_unusable()) => {}
            Err(reason) => line("unusable:", &reason.replace('\n', " ")),
            Ok(description) => self.describe(description, &mut line),
        }
        for remark in self.remarks() {
            line("remark:", &remark);
        }
        line("settings:", &self.settings);
        for part in self.history.iter().flat_map(|history| history.lines()) {
            line("history:", part.trim_start());
        }
        let _ = write!(text, "{}", self.verdict);
        text
    }

    fn describe(&self, description: &Description, line: &mut impl FnMut(&str, &str)) {
        if let Some(metadata) = self.metadata() {
            line("name:", &format!("{} {}", metadata.name.escaped(), metadata.version.escaped()));
            line("what:", &metadata.description);
            line("author:", &format!("{} (a claim), licence {}", metadata.author, metadata.license));
            if let Some(homepage) = &metadata.homepage {
                line("homepage:", homepage);
            }
            for action in &metadata.actions {
                let call: Vec<_> =
                    std::iter::once(&action.name).chain(&action.parameters).map(String::as_str).collect();
                line("action:", &format!("{}: {}", call.join(" "), action.description));
            }
            if !metadata.events.is_empty() {
                line("hears of:", &metadata.events.join(", "));
            }
            for StateInfo { key, kind, description } in &metadata.state {
                let kind = if kind.is_empty() { "anything" } else { kind };
                line("sets:", &format!("{key} ({kind}): {description}"));
            }
        }
        let needs = self.needs();
        if needs.is_empty() {
            line("needs:", "no capability");
        }
        for (capability, by_running) in needs {
            let told = if by_running { "; it said so when it was run" } else { "" };
            line("needs:", &format!("{capability} (risk: {}{told})", Risk::of(capability).name()));
        }
        if let Some(unknown) = self.unknown() {
            line("needs:", unknown);
        }
        let (ours, others): (Vec<_>, Vec<_>) =
            description.imports.iter().partition(|import| host::function(import).is_some());
        for import in ours {
            let function = host::function(import);
            let doc = function.and_then(|function| function.doc.split(". ").next()).unwrap_or_default();
            // The documentation begins with the call as it is written: what it does comes after that.
            let what = doc.split_once(": ").map_or(doc, |(_, what)| what).trim_end_matches('.');
            let needs = function.and_then(|function| function.capability).map(|capability| format!(" [{capability}]"));
            line("imports:", &format!("{}{}: {what}", import.name.escaped(), needs.unwrap_or_default()));
        }
        if !others.is_empty() {
            let names: Vec<_> = others.iter().map(|import| import.name.escaped().to_string()).collect();
            line("imports:", &format!("from WASI: {}", names.join(", ")));
        }
        let exports: Vec<_> = description
            .exports
            .iter()
            .filter(|export| !matches!(export.kind, ExportKind::Global | ExportKind::Table))
            .map(|export| export.name.escaped().to_string())
            .collect();
        line("exports:", &exports.join(", "));
    }
}

fn metadata(metadata: &Metadata) -> MetadataText<'_> {
    let actions = metadata.actions.iter().map(|action| ActionText {
        name: &action.name,
        description: &action.description,
        parameters: &action.parameters,
    });
    let state = metadata.state.iter().map(|info| StateText {
        key: &info.key,
        r#type: &info.kind,
        description: &info.description,
    });
    MetadataText {
        name: &metadata.name,
        version: &metadata.version,
        description: &metadata.description,
        author: &metadata.author,
        license: &metadata.license,
        r#type: &metadata.kind,
        homepage: metadata.homepage.as_deref(),
        capabilities: &metadata.capability_names,
        actions: actions.collect(),
        events: &metadata.events,
        state: state.collect(),
    }
}

fn need((capability, by_running): (Capability, bool)) -> NeedText {
    NeedText { capability: capability.name(), risk: Risk::of(capability).name(), by_running }
}
