//! `conductor plugin grant`.

use std::io::{BufRead as _, Read as _, Write as _};
use std::path::PathBuf;

use argh::FromArgs;

use super::super::{Exit, Failure, Output};
use super::configured::{ConfiguredPlugin, ConfiguredPlugins, store_path};
use super::run::capability;
use crate::capability::Capability;
use crate::config::Environment;
use crate::grant::{Approval, GrantStore, HostRule, Identity, Risk, Source, consequence};
use crate::plugins::other_approval;
use crate::text::Escape as _;

/// Longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64;

/// Let a plugin do what it asks for.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "grant",
    example = "See what a plugin asks for, and be asked about it:\n  {command_name} spotify\nGrant one capability, and what it reaches, without a question:\n  {command_name} deploy Subprocess --command git --yes",
    note = "An approval is bound to whoever signed the plugin, or to its digest when nobody did: another file inherits nothing.\nWhat the configuration grants needs no approval. `conductor plugin revoke` takes approvals back.\n\nExit codes: 0 granted; 1 not granted: the plugin is refused, or the answer was no; 2 wrong usage, or the configuration\nor the grant store cannot be read or written."
)]
pub(super) struct Grant {
    /// the plugin's name in the configuration
    #[argh(positional)]
    plugin: String,
    /// capabilities to grant; default: all the plugin asks for and has not
    #[argh(positional, from_str_fn(capability))]
    capabilities: Vec<Capability>,
    /// host that Network reaches, as in `allowed_hosts`; may be given several times
    #[argh(option, arg_name = "host")]
    host: Vec<String>,
    /// program that Subprocess may start, a name or an absolute path; may be given several times
    #[argh(option, arg_name = "program")]
    command: Vec<String>,
    /// output port that Midi may send to; may be given several times
    #[argh(option, arg_name = "port")]
    port: Vec<String>,
    /// answer every question with yes
    #[argh(switch)]
    yes: bool,
    /// configuration file; default conductor/config.toml below `$XDG_CONFIG_HOME`
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
}

impl Grant {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let environment = Environment::of_process();
        let known = ConfiguredPlugins::read(self.config.as_deref(), &environment)?;
        let plugin = known.plugin(&self.plugin)?;
        let refused = |reason: &str| {
            Failure::negative(format!(
                "plugin \"{}\" is refused, so nothing is granted to it: {reason}",
                self.plugin.escaped()
            ))
        };
        let standing = known.standing(&self.plugin, plugin).map_err(|reason| refused(&reason))?;
        if standing.status.loaded.as_ref().is_err_and(|unusable| !unusable.lacks_a_grant()) {
            return Err(refused(standing.refusal.as_deref().unwrap_or_default()));
        }
        let wanted = self.wanted(&standing)?;
        out.line(format_args!(
            "{}  {}  ({}, {})",
            self.plugin,
            plugin.path.escaped(),
            standing.level(),
            standing.identity()
        ))?;
        if let Some(identity) = standing.status.approved_elsewhere {
            out.line(format_args!("  {}", other_approval(identity)))?;
        }
        if wanted.is_empty() {
            out.line(format_args!("  it has all it asks for"))?;
            for (capability, option) in standing.without_scope() {
                out.line(format_args!("  {:<14} reaches nothing yet; to say what: {option}", capability.name()))?;
            }
            return Ok(Exit::Done);
        }
        let mut approved = Vec::new();
        for capability in wanted {
            self.show(out, &standing, capability)?;
            if self.yes || Risk::of(capability) != Risk::High || agreed(out, capability)? {
                approved.push(capability);
            } else {
                return Err(Failure::negative(format!(
                    "{capability} was not granted, nor anything else; where nobody can answer: --yes"
                )));
            }
        }
        let approval = Approval {
            plugin: self.plugin.clone(),
            identity: standing.identity(),
            capabilities: approved.clone(),
            hosts: self.host,
            commands: self.command,
            ports: self.port,
            approved_at: known.today(),
        };
        let predecessors = standing.predecessors();
        let approve = |store: &mut GrantStore| {
            if let Identity::Signer(signer) = approval.identity {
                store.succeed(&self.plugin, &predecessors, signer);
            }
            store.approve(approval);
        };
        GrantStore::edit(&store_path(&environment)?, approve).map_err(|error| Failure::operation(error.to_string()))?;
        for capability in approved {
            out.line(format_args!("granted {capability} to {}", self.plugin))?;
        }
        Ok(Exit::Done)
    }

    /// What is to be granted: what was named, what the scopes given are for, or else all that is missing.
    fn wanted(&self, standing: &ConfiguredPlugin) -> Result<Vec<Capability>, Failure> {
        for host in &self.host {
            HostRule::parse(host).map_err(|fault| Failure::usage(format!("--host {}: {fault}", host.escaped())))?;
        }
        let mut wanted = self.capabilities.clone();
        for (list, capability) in
            [(&self.host, Capability::Network), (&self.command, Capability::Subprocess), (&self.port, Capability::Midi)]
        {
            if !list.is_empty() {
                wanted.push(capability);
            }
        }
        if wanted.is_empty() {
            wanted = standing.missing();
        }
        wanted.sort_unstable();
        wanted.dedup();
        Ok(wanted)
    }

    /// What granting `capability` means.
    fn show(&self, out: &mut Output, standing: &ConfiguredPlugin, capability: Capability) -> std::io::Result<()> {
        let asked = if standing.status.manifest.needs().contains(&capability) {
            "asked for"
        } else {
            "NOT asked for by the plugin"
        };
        let risk = Risk::of(capability).name();
        out.line(format_args!(
            "  {:<14} {asked}; risk: {risk}; it may {}",
            capability.name(),
            consequence(capability)
        ))?;
        let given = match capability {
            Capability::Network => &self.host[..],
            Capability::Subprocess => &self.command,
            Capability::Midi => &self.port,
            _ => &[],
        };
        if !given.is_empty() {
            out.line(format_args!("  {:<14} {}", "", given.join(", ")))?;
        } else if let Some(option) = standing.option_for_scope(capability) {
            out.line(format_args!("  {:<14} it reaches nothing yet; to say what: {option}", ""))?;
        }
        if standing.status.grant.source(capability) == Some(Source::Configuration) {
            out.line(format_args!("  {:<14} (the configuration grants it already)", ""))?;
        }
        Ok(())
    }
}

/// Asks, and reads the answer. No answer is a no.
fn agreed(out: &mut Output, capability: Capability) -> Result<bool, Failure> {
    out.flush()?;
    // The question is no data: it goes where diagnostics go.
    let mut stderr = std::io::stderr();
    let asked = write!(stderr, "This is a high risk. Grant {capability}? [y/N] ").and_then(|()| stderr.flush());
    if asked.is_err() {
        return Ok(false); // nobody could read it
    }
    let mut answer = String::new();
    let read = std::io::stdin().lock().take(MAX_ANSWER).read_line(&mut answer);
    if read.is_err() || !answer.ends_with('\n') {
        // Nobody is there, and the line is still open.
        let _ = writeln!(stderr);
    }
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
