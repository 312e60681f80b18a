//! What happened, with everything known about it.

use std::fmt;
use std::sync::Arc;

use super::event::{EventLine, Status, output_value, text_value};
use crate::action::{Dropped, StateChange};
use crate::call::Owner;
use crate::capability::Capability;
use crate::config::{Config, MappingId, PluginCall, RouteId};
use crate::effect::Released;
use crate::effect::{Effect, EffectError};
use crate::gesture::GestureEvent;
use crate::os::PluginEffect;
use crate::sandbox::{self, Outcome, PluginLog, Shutdown};
use crate::text::Escape as _;
use crate::time::Micros;

/// One thing that happened in a session.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The configuration it happened under.
    pub config: Arc<Config>,
    /// When: of the gesture or, for a step that was delayed, of the step.
    pub t: Micros,
    /// The gesture behind it; an instance that goes has none, nor has an effect that is dropped.
    pub event: Option<GestureEvent>,
    /// Number of the mapping behind it, as [`Config::mapping`] takes it.
    pub mapping: Option<MappingId>,
    /// Index of the mode it happened in.
    pub mode: usize,
    /// What it was.
    pub what: EntryKind,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum EntryKind {
    /// Nothing: the gesture has no mapping.
    Unmapped,
    /// The mode with this index became the current one.
    Mode(usize),
    /// A named value was set.
    State(StateChange),
    /// An effect was performed, or was refused or failed.
    Effect {
        /// The effect with all that it needs to be carried out.
        effect: Effect,
        /// What came of it.
        result: Result<(), EffectError>,
        /// It was only said, not performed.
        dry_run: bool,
    },
    /// A message was passed on without a mapping, or was refused or failed.
    Routed {
        /// The route it took.
        route: RouteId,
        /// What was sent.
        effect: Effect,
        /// What came of it.
        result: Result<(), EffectError>,
        /// It was only said, not performed.
        dry_run: bool,
    },
    /// A plugin was called.
    Call {
        /// What the mapping asks of the plugin, and in whose name.
        call: Arc<PluginCall>,
        /// What came of it.
        outcome: Box<Outcome>,
    },
    /// A plugin asked for this in a dry run.
    PluginEffect {
        /// Name of the plugin that asked.
        plugin: String,
        /// In whose name.
        tenant: String,
        /// The configuration's name for what it asked for, or the host function's.
        action: &'static str,
        /// What it asked for, as one line.
        effect: String,
    },
    /// A plugin was not called because it had not been admitted.
    Refused {
        /// The call that was not made.
        call: Arc<PluginCall>,
        /// Why, and what to do.
        reason: Arc<str>,
    },
    /// The rest of an action was given up.
    Dropped(Dropped),
    /// An effect that waited was dropped, because what allows it was revoked.
    Revoked(RevokedRecord),
    /// Something that was pressed was let go, because who had pressed it could not any more.
    Released {
        /// Which plugin had pressed it, and for whom; none when mappings had.
        by: Option<Owner>,
        /// What let it go.
        effect: Effect,
        /// What came of it.
        result: Result<(), EffectError>,
        /// It was only said, not performed.
        dry_run: bool,
    },
    /// An instance went, having been told.
    Shutdown {
        /// Name of the plugin whose instance went.
        plugin: String,
        /// Whose instance.
        tenant: String,
        /// What `shutdown` came to.
        outcome: Box<Outcome>,
    },
}

/// An effect of a plugin that was accepted and dropped, because what allows it was revoked while it waited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedRecord {
    /// Name of the plugin that had asked for the effect.
    pub plugin: String,
    /// In whose name.
    pub tenant: String,
    /// The effect, as reports show it.
    pub what: String,
    /// What was revoked.
    pub capability: Capability,
}

impl From<PluginEffect> for EntryKind {
    fn from(PluginEffect { plugin, tenant, action, effect }: PluginEffect) -> Self {
        Self::PluginEffect { plugin, tenant, action, effect }
    }
}

impl From<Shutdown> for EntryKind {
    fn from(Shutdown { plugin, tenant, outcome, .. }: Shutdown) -> Self {
        Self::Shutdown { plugin, tenant, outcome: Box::new(outcome) }
    }
}

impl Entry {
    /// The entry of an instance that went under `config`.
    #[must_use]
    pub fn shutdown(config: &Arc<Config>, shutdown: Shutdown) -> Self {
        let t = shutdown.at;
        Self { config: Arc::clone(config), t, event: None, mapping: None, mode: 0, what: shutdown.into() }
    }

    /// The entry of an effect that was dropped at `t` under `config`.
    #[must_use]
    pub fn revoked(config: &Arc<Config>, t: Micros, revoked: RevokedRecord) -> Self {
        Self { config: Arc::clone(config), t, event: None, mapping: None, mode: 0, what: EntryKind::Revoked(revoked) }
    }

    /// The gesture, as reports show it.
    #[must_use]
    pub fn gesture(&self) -> Option<String> {
        self.event.as_ref().map(|event| event.gesture.to_string())
    }

    /// About how many bytes of memory it holds, without the configuration.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let held = match &self.what {
            EntryKind::Effect { effect, result, .. } | EntryKind::Routed { effect, result, .. } => {
                effect.held_bytes() + result.as_ref().err().map_or(0, EffectError::held_bytes)
            }
            EntryKind::Call { outcome, .. } => size_of::<Outcome>() + outcome.held_bytes(),
            EntryKind::PluginEffect { plugin, tenant, effect, .. } => plugin.len() + tenant.len() + effect.len(),
            EntryKind::Shutdown { plugin, tenant, outcome } => {
                plugin.len() + tenant.len() + size_of::<Outcome>() + outcome.held_bytes()
            }
            EntryKind::Revoked(RevokedRecord { what, .. }) => what.len(),
            EntryKind::Released { by, effect, result, .. } => {
                by.as_ref().map_or(0, |owner| owner.plugin.len() + owner.tenant.len())
                    + effect.held_bytes()
                    + result.as_ref().err().map_or(0, EffectError::held_bytes)
            }
            EntryKind::Unmapped
            | EntryKind::Mode(_)
            | EntryKind::State(_) // names that are in the configuration
            | EntryKind::Refused { .. }
            | EntryKind::Dropped(_) => 0,
        };
        size_of::<Self>() + held
    }

    /// Whether only the account has it, and no transcript: the telling of a dry run, and what was let go for a plugin, which is in
    /// the transcript's line of the call or instance.
    #[must_use]
    pub fn is_account_only(&self) -> bool {
        matches!(self.what, EntryKind::PluginEffect { .. } | EntryKind::Released { by: Some(_), .. })
    }

    /// What was let go for the plugin in this entry, each as an entry of the account.
    pub fn released(&self) -> impl Iterator<Item = Self> + '_ {
        let (by, released) = match &self.what {
            EntryKind::Call { call, outcome } => (Some((&call.plugin, &call.tenant)), &outcome.released[..]),
            EntryKind::Shutdown { plugin, tenant, outcome } => (Some((plugin, tenant)), &outcome.released[..]),
            _ => (None, &[][..]),
        };
        released.iter().map(move |Released { effect, result }| {
            let by = by.map(|(plugin, tenant)| Owner::new(plugin, tenant));
            let what = EntryKind::Released { by, effect: effect.clone(), result: result.clone(), dry_run: false };
            Self { what, config: Arc::clone(&self.config), event: self.event.clone(), ..*self }
        })
    }

    /// Name of the mode it happened in; empty where the configuration has no such mode.
    #[must_use]
    pub fn mode_name(&self) -> &str {
        self.config.modes.get(self.mode).map_or("", |mode| &mode.name)
    }

    /// The mode it happened in, where it is of one: with a gesture, or a message that was passed on.
    pub(super) fn own_mode_name(&self) -> Option<String> {
        let of_mode = self.event.is_some() || matches!(self.what, EntryKind::Routed { .. });
        of_mode.then(|| self.mode_name().to_owned())
    }

    /// What reports call the mapping: its description, or its line in the configuration; of a route, its line.
    #[must_use]
    pub fn mapping_name(&self) -> Option<String> {
        if let EntryKind::Routed { route: RouteId(number), .. } = self.what {
            return self.config.routes.get(number).map(|route| format!("line {}", route.line));
        }
        let mapping = self.config.mapping(self.mapping?)?;
        Some(mapping.description.clone().unwrap_or_else(|| format!("line {}", mapping.line)))
    }

    /// The configuration's name of the action, and how it ended.
    #[must_use]
    pub fn action_and_status(&self) -> (Option<&'static str>, Option<Status>) {
        match &self.what {
            EntryKind::Unmapped => (None, None),
            EntryKind::Mode(_) => (Some("ModeChange"), Some(Status::Ok)),
            EntryKind::State(change) => (Some(change.action), Some(Status::Ok)),
            EntryKind::Effect { effect, result, dry_run } | EntryKind::Released { effect, result, dry_run, .. } => {
                (Some(effect.action()), Some(status_of_effect(result, *dry_run)))
            }
            EntryKind::Routed { result, dry_run, .. } => (Some("Route"), Some(status_of_effect(result, *dry_run))),
            EntryKind::Call { outcome, .. } => (Some("WasmPlugin"), Some(status_of(outcome))),
            EntryKind::Shutdown { outcome, .. } => (Some("Shutdown"), Some(status_of(outcome))),
            EntryKind::PluginEffect { action, .. } => (Some(action), Some(Status::DryRun)),
            EntryKind::Refused { .. } => (Some("WasmPlugin"), Some(Status::Refused)),
            EntryKind::Dropped(_) | EntryKind::Revoked(_) => (None, Some(Status::Rejected)),
        }
    }

    /// Why it did not succeed.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        match &self.what {
            EntryKind::Effect { result, .. }
            | EntryKind::Routed { result, .. }
            | EntryKind::Released { result, .. } => result.as_ref().err().map(ToString::to_string),
            EntryKind::Call { outcome, .. } | EntryKind::Shutdown { outcome, .. } => outcome.error(),
            EntryKind::Refused { reason, .. } => Some(reason.to_string()),
            EntryKind::Dropped(dropped) => Some(dropped.to_string()),
            EntryKind::Revoked(RevokedRecord { plugin, what, capability, .. }) => {
                Some(format!("plugin \"{plugin}\": {what}: dropped, because {capability} was revoked while it waited"))
            }
            EntryKind::Unmapped | EntryKind::Mode(_) | EntryKind::State(_) | EntryKind::PluginEffect { .. } => None,
        }
    }

    /// Hands what the plugin wrote to `log`, under its own name, and where it was if it was stopped.
    pub fn log_plugin_lines(&self, log: &PluginLog) {
        let (plugin, tenant, when, outcome) = match &self.what {
            EntryKind::Call { call, outcome } => (&call.plugin, &call.tenant, "", outcome),
            EntryKind::Shutdown { plugin, tenant, outcome } => (plugin, tenant, " (shutdown)", outcome),
            _ => return,
        };
        for line in outcome.log_lines() {
            log.line(
                plugin,
                self.t,
                line.level.level(),
                format_args!("{}/{}{when}: {}", plugin.escaped(), tenant.escaped(), line.text),
            );
        }
        let Some(fault) = outcome.fault() else { return };
        let (plugin, tenant) = (plugin.as_str(), tenant.escaped());
        let say = |text: fmt::Arguments<'_>| {
            log.error(plugin, self.t, format_args!("{}/{tenant}{when}: {text}", plugin.escaped()));
        };
        // Those that are not logged for what they are say why it was stopped all the same.
        for line in outcome.last_lines() {
            if !log::log_enabled!(target: "plugin", line.level.level()) {
                say(format_args!("before it was stopped: {}", line.text));
            }
        }
        for (number, line) in fault.backtrace.lines().enumerate() {
            say(format_args!("{}{line}", if number == 0 { "stopped in" } else { "          " }));
        }
    }

    /// The line of the account.
    #[must_use]
    pub fn line(&self) -> EventLine {
        let (action, status) = self.action_and_status();
        let mut line = EventLine {
            gesture: self.gesture(),
            mode: self.own_mode_name(),
            mapping: self.mapping_name(),
            action,
            status,
            error: self.error(),
            ..EventLine::at(self.t)
        };
        match &self.what {
            EntryKind::Mode(mode) => line.output = self.config.modes.get(*mode).and_then(|mode| text_value(&mode.name)),
            EntryKind::State(change) => line.output = text_value(&change.to_string()),
            EntryKind::Effect { effect, .. }
            | EntryKind::Routed { effect, .. }
            | EntryKind::Released { by: None, effect, .. } => {
                line.output = text_value(&effect.to_string());
            }
            EntryKind::Call { call, outcome } => {
                line.plugin = Some(call.plugin.clone());
                line.tenant = Some(call.tenant.clone());
                line.fuel = Some(outcome.fuel);
                line.denied = Some(outcome.denied).filter(|denied| *denied > 0);
                line.code = outcome.code();
                line.output = outcome.output.as_deref().and_then(output_value);
            }
            EntryKind::Shutdown { plugin, tenant, outcome } => {
                line.plugin = Some(plugin.clone());
                line.tenant = Some(tenant.clone());
                line.fuel = Some(outcome.fuel);
                line.denied = Some(outcome.denied).filter(|denied| *denied > 0);
                line.output = outcome.output.as_deref().and_then(output_value);
            }
            EntryKind::Revoked(RevokedRecord { plugin, tenant, what, .. }) => {
                line.plugin = Some(plugin.clone());
                line.tenant = Some(tenant.clone());
                line.output = text_value(what);
            }
            EntryKind::PluginEffect { plugin, tenant, effect, .. } => {
                line.plugin = Some(plugin.clone());
                line.tenant = Some(tenant.clone());
                line.output = text_value(effect);
            }
            EntryKind::Released { by: Some(Owner { plugin, tenant }), effect, .. } => {
                line.plugin = Some(plugin.clone());
                line.tenant = Some(tenant.clone());
                line.output = text_value(&effect.to_string());
            }
            EntryKind::Refused { call, .. } => {
                line.plugin = Some(call.plugin.clone());
                line.tenant = Some(call.tenant.clone());
            }
            EntryKind::Unmapped | EntryKind::Dropped(_) => {}
        }
        line
    }
}

fn status_of_effect(result: &Result<(), EffectError>, dry_run: bool) -> Status {
    match (result, dry_run) {
        (Err(_), _) => Status::Failed,
        (Ok(()), true) => Status::DryRun,
        (Ok(()), false) => Status::Ok,
    }
}

fn status_of(outcome: &Outcome) -> Status {
    match outcome.status {
        sandbox::Status::Ok => Status::Ok,
        sandbox::Status::Failed(_) => Status::Failed,
        sandbox::Status::Fault(_) => Status::Fault,
        sandbox::Status::Rejected(_) => Status::Rejected,
    }
}
