//! What a plugin was refused, and what its user would have to write to allow it.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use super::{AddressClass, Capability, Grant};
use crate::config::PathScope;
use crate::effect::UrlFault;
use crate::text::literal;

/// Why a plugin may not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Denied {
    /// The capability is not granted.
    Capability {
        /// The one that is missing.
        missing: Capability,
        /// What it has.
        held: Vec<Capability>,
    },
    /// No rule covers the host, scheme and port.
    Host {
        /// `scheme://host[:port]`.
        origin: String,
    },
    /// The host is an address that its rule does not reach.
    Address {
        /// `scheme://host[:port]`.
        origin: String,
        /// What it resolved to.
        address: IpAddr,
        /// What that is.
        class: AddressClass,
    },
    /// What was given is not a URL that can be checked.
    Url {
        /// What is wrong with it.
        fault: UrlFault,
    },
    /// The secret is not for the host.
    Secret {
        /// The secret's name in the configuration, never what it holds.
        name: String,
        /// `scheme://host[:port]` it was to go to.
        origin: String,
        /// The environment variable that holds it.
        variable: String,
        /// The hosts the secret is bound to, as the configuration lists them.
        hosts: Vec<String>,
    },
    /// The token is not for the host.
    Token {
        /// The token's name in the configuration, never what it is.
        name: String,
        /// `scheme://host[:port]` it was to go to.
        origin: String,
        /// The hosts the token is bound to, as the configuration lists them.
        hosts: Vec<String>,
    },
    /// The program is not in `allowed_commands`.
    Command {
        /// As it was asked for.
        command: String,
    },
    /// The program is a command interpreter.
    Shell {
        /// As it was asked for.
        command: String,
    },
    /// The port is not in `allowed_ports`.
    Port {
        /// As it was asked for.
        port: String,
    },
    /// The path is not in `allowed_paths`.
    Path {
        /// From the plugin's own directory: `/notes/a.txt`.
        path: String,
        /// To change it; else to read it.
        write: bool,
    },
    /// The named values are others', and not in `allowed_state`.
    State {
        /// What their keys begin with.
        prefix: String,
        /// What it may watch.
        listed: Vec<String>,
    },
    /// The path leads out of the plugin's own directory.
    Outside {
        /// As it was asked for.
        path: String,
    },
}

impl Denied {
    /// A word for counting: the same for every denial of one kind.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Capability { .. } => "capability",
            Self::Host { .. } => "host",
            Self::Address { .. } => "address",
            Self::Url { .. } => "url",
            Self::Secret { .. } | Self::Token { .. } => "secret",
            Self::Command { .. } => "command",
            Self::Shell { .. } => "shell",
            Self::Port { .. } => "port",
            Self::Path { .. } => "path",
            Self::State { .. } => "state",
            Self::Outside { .. } => "outside",
        }
    }
    /// What was asked for, as a rule would name it: denials of one reason with the same target are one thing.
    pub fn target(&self) -> Cow<'_, str> {
        match self {
            Self::Capability { missing, .. } => missing.name().into(),
            Self::Host { origin } | Self::Address { origin, .. } => rule_for(origin).into(),
            Self::Url { fault } => fault.to_string().into(),
            Self::Secret { name, origin, .. } | Self::Token { name, origin, .. } => {
                format!("{name} {}", rule_for(origin)).into()
            }
            Self::Command { command } | Self::Shell { command } => command.into(),
            Self::Port { port } => port.into(),
            Self::State { prefix, .. } => prefix.into(),
            Self::Path { path, write } => format!("{} {path}", access(*write)).into(),
            Self::Outside { path } => path.into(),
        }
    }
    /// What the user of `plugin`, which holds nothing yet, would have to write to allow it.
    pub fn remedy(&self, plugin: &str) -> String {
        self.remedy_with(plugin, &Grant::none())
    }
    /// What the user of `plugin`, which was refused this under `grant`, would have to write, and when.
    pub fn advice(&self, plugin: &str, grant: &Grant) -> String {
        let remedy = self.remedy_with(plugin, grant);
        match self {
            // What a plugin asks for need not be what its user wants.
            Self::Host { .. } | Self::Command { .. } | Self::Port { .. } | Self::Path { .. } | Self::State { .. } => {
                format!("only if you expect this: {remedy}")
            }
            _ => remedy,
        }
    }
    fn remedy_with(&self, plugin: &str, grant: &Grant) -> String {
        let table = table(plugin);
        let line = |key: &str, mut all: Vec<String>, value: &str| {
            all.push(value.to_owned());
            let (value, all) = (literal::shown(value), literal::array(&all));
            format!("in {table}, add {value} to {key}: {key} = {all}")
        };
        let host = |value: &str| line("allowed_hosts", grant.written_hosts().to_vec(), value);
        match self {
            Self::Capability { missing, held } => {
                let mut all: Vec<Capability> = held.iter().copied().chain([*missing]).collect();
                all.sort_unstable();
                let names: Vec<String> = all.into_iter().map(|capability| literal::shown(capability.name())).collect();
                format!(
                    "in {table}: granted_capabilities = [{}]; or run: conductor plugin grant {} {missing}",
                    names.join(", "),
                    literal::shown_key(plugin)
                )
            }
            Self::Host { origin } => host(&rule_for(origin)),
            Self::Address { address: IpAddr::V6(address), .. } => host(&format!("[{address}]")),
            Self::Address { address, origin, .. } => {
                format!("if that machine is meant, {}; or list its address, {address}", host(&rule_for(origin)))
            }
            Self::Secret { name, origin, variable, hosts } => {
                let mut hosts = hosts.clone();
                hosts.push(rule_for(origin));
                format!(
                    "only if that host may have it: in {table}, in secrets: {} = {}",
                    literal::key(name),
                    literal::secret(variable, &hosts)
                )
            }
            Self::Token { origin, hosts, .. } => {
                let mut hosts = hosts.clone();
                hosts.push(rule_for(origin));
                let table = table.trim_end_matches(']');
                format!("only if that host may have it: in {table}.oauth]: hosts = {}", literal::array(&hosts))
            }
            Self::Command { command } => line("allowed_commands", grant.commands(), command),
            Self::Port { port } => line("allowed_ports", grant.ports(), port),
            Self::State { prefix, listed } => line("allowed_state", listed.clone(), prefix),
            Self::Path { path, write } => {
                let PathScope { read, write: written } = grant.paths();
                if read == written {
                    return line("allowed_paths", read.clone(), path);
                }
                let (mut read, mut written) = (read.clone(), written.clone());
                if *write { &mut written } else { &mut read }.push(path.clone());
                let (value, read, written) = (literal::shown(path), literal::array(&read), literal::array(&written));
                format!(
                    "in {table}, add {value} to allowed_paths: allowed_paths = {{ read = {read}, write = {written} }}"
                )
            }
            Self::Outside { .. } => {
                "a plugin has the files of its own directory and no others; correct the path in the plugin or in its parameters".to_owned()
            }
            Self::Url { .. } => "correct the URL in the plugin or in its parameters".to_owned(),
            Self::Shell { .. } => {
                "put what the shell would run into a program file of its own and allow that file by its path".to_owned()
            }
        }
    }
}

/// The rule that would cover `origin`, in its shortest form.
fn rule_for(origin: &str) -> String {
    origin.strip_prefix("https://").or_else(|| origin.strip_prefix("wss://")).unwrap_or(origin).to_owned()
}

/// What is done with a path, in a word.
fn access(write: bool) -> &'static str {
    if write { "write" } else { "read" }
}

/// `[plugins.NAME]`.
fn table(plugin: &str) -> String {
    format!("[plugins.{}]", literal::shown_key(plugin))
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capability { missing, .. } => write!(f, "{missing} is not granted"),
            Self::Host { origin } => write!(f, "{origin} is not an allowed host"),
            Self::Address { origin, address, class } => {
                write!(f, "{origin} is {address}, which is {class}, and its rule does not reach that")
            }
            Self::Url { fault } => write!(f, "the URL is refused: {fault}"),
            Self::Secret { name, origin, .. } => write!(f, "the secret {} is not for {origin}", literal::shown(name)),
            Self::Token { name, origin, .. } => write!(f, "the token {} is not for {origin}", literal::shown(name)),
            Self::Command { command } => write!(f, "{} is not an allowed command", literal::shown(command)),
            Self::Shell { command } => write!(f, "{} is a shell, and plugins run none", literal::shown(command)),
            Self::Port { port } => write!(f, "{} is not an allowed MIDI port", literal::shown(port)),
            Self::State { prefix, .. } => write!(f, "{} is not an allowed state to watch", literal::shown(prefix)),
            Self::Path { path, write } => {
                write!(f, "{} is not an allowed path to {}", literal::shown(path), access(*write))
            }
            Self::Outside { path } => write!(f, "{} leads out of its directory", literal::shown(path)),
        }
    }
}

impl std::error::Error for Denied {}
