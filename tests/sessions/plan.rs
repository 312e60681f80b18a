//! A random session as a value: what it is made of, and the files it becomes.

use std::fmt::Write as _;

use super::approvals::Change;
use super::case::Case;
use super::module;
use super::script::Script;

/// Everything about a session but the moments at which things happen.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// How many times as fast as real time its clock runs.
    pub(crate) speed: u32,
    /// Whether plugins find files at the start.
    pub(crate) data: bool,
    /// After so many events somebody asks for the end.
    pub(crate) stop_after: Option<u64>,
    /// Keys of `[wasm]`.
    pub(crate) settings: Vec<(&'static str, String)>,
    pub(crate) plugins: Vec<PluginPlan>,
    pub(crate) mappings: Vec<MappingPlan>,
    pub(crate) approvals: Vec<Change>,
    /// Milliseconds since the message before, and the bytes.
    pub(crate) messages: Vec<(u64, Vec<u8>)>,
}

#[derive(Debug, Clone)]
pub(crate) struct PluginPlan {
    pub(crate) name: String,
    pub(crate) script: Script,
    /// Keys of its section.
    pub(crate) settings: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone)]
pub(crate) struct MappingPlan {
    /// Of which mode; `None`: of every mode.
    pub(crate) mode: Option<usize>,
    /// As TOML.
    pub(crate) trigger: String,
    pub(crate) action: ActionPlan,
}

/// Modes there always are.
pub(crate) const MODES: [&str; 2] = ["Default", "Other"];

#[derive(Debug, Clone)]
pub(crate) enum ActionPlan {
    Call {
        plugin: String,
        tenant: String,
        params: String,
    },
    /// Any action that is no plugin's and holds no other, as TOML.
    Plain(String),
    Sequence(Vec<ActionPlan>),
    Repeat {
        count: u32,
        delay_ms: u32,
        action: Box<ActionPlan>,
    },
    Conditional {
        condition: String,
        then: Box<ActionPlan>,
        otherwise: Box<ActionPlan>,
    },
}

impl ActionPlan {
    /// Whether it calls `plugin`.
    pub(crate) fn calls(&self, wanted: &str) -> bool {
        match self {
            Self::Call { plugin, .. } => plugin == wanted,
            Self::Plain(_) => false,
            Self::Sequence(actions) => actions.iter().any(|action| action.calls(wanted)),
            Self::Repeat { action, .. } => action.calls(wanted),
            Self::Conditional { then, otherwise, .. } => then.calls(wanted) || otherwise.calls(wanted),
        }
    }

    fn toml(&self) -> String {
        match self {
            Self::Call { plugin, tenant, params } => {
                format!(
                    "{{ WasmPlugin = {{ plugin = \"{plugin}\", tenant = \"{tenant}\", params = {{ {params} }} }} }}"
                )
            }
            Self::Plain(text) => text.clone(),
            Self::Sequence(actions) => {
                let actions: Vec<String> = actions.iter().map(Self::toml).collect();
                format!("{{ Sequence = {{ actions = [{}] }} }}", actions.join(", "))
            }
            Self::Repeat { count, delay_ms, action } => {
                format!("{{ Repeat = {{ count = {count}, delay_ms = {delay_ms}, action = {} }} }}", action.toml())
            }
            Self::Conditional { condition, then, otherwise } => format!(
                "{{ Conditional = {{ condition = {condition}, then_action = {}, else_action = {} }} }}",
                then.toml(),
                otherwise.toml()
            ),
        }
    }
}

impl Plan {
    /// The files it is made of.
    pub(crate) fn case(&self) -> Case {
        let mut config = String::from("[wasm]\n");
        add_keys(&mut config, &self.settings);
        for PluginPlan { name, settings, .. } in &self.plugins {
            // Writing to a string does not fail.
            let _ = write!(config, "\n[plugins.{name}]\npath = \"{name}.wasm\"\n");
            add_keys(&mut config, settings);
        }
        // What conditions ask for has a name in every one of them.
        config.push_str(
            "\n[on]\nstart = { Sequence = { actions = [{ Toggle = { name = \"a\" } }, { Toggle = { name = \"b\" } }, { Set = { key = \"var.x\", value = 1 } }] } }\nstop = { Text = { text = \"stop\" } }\n",
        );
        for (number, mode) in MODES.iter().enumerate() {
            let _ = write!(
                config,
                "\n[[modes]]\nname = \"{mode}\"\non_leave = {{ Cycle = {{ name = \"c\", actions = [{{ Delay = {{ ms = 7 }} }}, {{ Toggle = {{ name = \"b\" }} }}] }} }}\n"
            );
            // Some sessions have a mode that comes and goes by itself.
            if number == 1 && self.seed.is_multiple_of(3) {
                config.push_str("when = { State = { key = \"toggle.a\", equals = true } }\non_enter = { Text = { text = \"in\" } }\n");
            }
            self.add_mappings(&mut config, Some(number), "modes.mappings");
        }
        self.add_mappings(&mut config, None, "global_mappings");
        let mut t = 0;
        let messages = self.messages.iter().map(|(pause, bytes)| {
            t += pause * 1_000;
            (t, bytes.clone())
        });
        Case {
            seed: self.seed,
            speed: self.speed,
            data: self.data,
            stop_after: self.stop_after,
            config,
            approvals: self.approvals.clone(),
            plugins: self.plugins.iter().map(|plugin| (plugin.name.clone(), module::text(&plugin.script))).collect(),
            messages: messages.collect(),
        }
    }

    fn add_mappings(&self, config: &mut String, mode: Option<usize>, table: &str) {
        for mapping in self.mappings.iter().filter(|mapping| mapping.mode == mode) {
            let _ = write!(config, "[[{table}]]\ntrigger = {}\naction = {}\n", mapping.trigger, mapping.action.toml());
        }
    }
}

fn add_keys(config: &mut String, keys: &[(&'static str, String)]) {
    for (key, value) in keys {
        let _ = writeln!(config, "{key} = {value}");
    }
}
