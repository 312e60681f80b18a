//! A call of a host function, and the module that makes it.

use std::fmt::Write as _;

use conductor::internals::capability::Capability;
use conductor::internals::config::PluginConfig;
use conductor::internals::host::TABLE;
use conductor::internals::sandbox::{Errno, HostFunction, ValueType};

use crate::case::{Answer, Case, EffectHandler, Rounds, Text, settings};

/// Where the first and the second argument of a function lie in the guest's memory.
const FIRST: u32 = 65_536;
const SECOND: u32 = 262_144;

/// The same where it has no memory.
const NOWHERE: u32 = 0xffff_0000;

/// A call of a host function, before it is a case.
pub(super) struct Call {
    function: &'static HostFunction,
    first: Vec<u8>,
    second: Vec<u8>,
    /// `second` once more so often, by `memory.fill`: megabytes do not stand in a module's text.
    filled: u32,
    arguments: String,
    /// Other functions it calls, and the calls, once before it is measured.
    before: (&'static [&'static str], String),
    case: Case,
}

pub(super) fn function(name: &str) -> &'static HostFunction {
    TABLE.iter().find(|function| function.name == name).expect("a function of the table")
}

/// A call of `name` with the bytes of `first` and `second` and these arguments, where `first`, `first_len`, `second` and
/// `second_len` stand for where they lie.
pub(super) fn call(name: &'static str, what: &str, first: impl AsRef<[u8]>, arguments: &str) -> Call {
    let case = Case { settings: granted(), ..Case::of(format!("{name}: {what}"), &[name], String::new()) };
    Call {
        function: function(name),
        first: first.as_ref().to_vec(),
        second: Vec::new(),
        filled: 0,
        arguments: arguments.to_owned(),
        before: (&[], String::new()),
        case,
    }
}

impl Call {
    pub(super) fn and(mut self, second: impl AsRef<[u8]>) -> Self {
        second.as_ref().clone_into(&mut self.second);
        self
    }
    pub(super) fn and_filled(mut self, bytes: u32) -> Self {
        self.filled = bytes;
        self
    }
    pub(super) fn after(mut self, functions: &'static [&'static str], calls: &str) -> Self {
        self.before = (functions, calls.to_owned());
        self
    }
    pub(super) fn refused(mut self, errno: Errno) -> Self {
        self.case.answer = Answer::Refused(errno.code());
        self
    }
    pub(super) fn times(mut self, times: u32) -> Self {
        self.case.rounds = Rounds::Times(times);
        self
    }
    pub(super) fn outside(mut self, outside: EffectHandler) -> Self {
        self.case.outside = outside;
        self
    }
    pub(super) fn with(mut self, change: impl FnOnce(&mut PluginConfig)) -> Self {
        change(&mut self.case.settings);
        self
    }
    /// Once as it is, and once with every host call told.
    pub(super) fn and_traced(self) -> [Self; 2] {
        let traced = Self {
            function: self.function,
            first: self.first.clone(),
            second: self.second.clone(),
            filled: self.filled,
            arguments: self.arguments.clone(),
            before: self.before.clone(),
            case: Case {
                name: format!("{}, traced", self.case.name),
                covers: self.case.covers.clone(),
                module: String::new(),
                settings: self.case.settings.clone(),
                trace: true,
                ..self.case
            },
        };
        [self, traced]
    }

    pub(super) fn case(self) -> Case {
        let place = |text: &str| {
            text.replace("first_len", &format!("(i32.const {})", self.first.len()))
                .replace("first", &format!("(i32.const {FIRST})"))
                .replace("second_len", &format!("(i32.const {})", self.second.len().max(self.filled as usize)))
                .replace("second", &format!("(i32.const {SECOND})"))
                .replace("nowhere", &format!("(i32.const {})", NOWHERE.cast_signed()))
        };
        let import = |function: &HostFunction| {
            let types = |kind: &str, types: &[ValueType]| {
                types.iter().fold(String::new(), |text, ty| format!("{text} ({kind} {ty})"))
            };
            format!(
                "(import \"conductor\" \"{0}\" (func ${0}{1}{2}))",
                function.name,
                types("param", function.params),
                types("result", function.results)
            )
        };
        let mut imports = import(self.function);
        for name in self.before.0 {
            imports.push_str(&import(function(name)));
        }
        let data = |at: u32, bytes: &[u8]| {
            let text = bytes.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "\\{byte:02x}");
                text
            });
            format!("(data (i32.const {at}) \"{text}\")")
        };
        let fields = data(FIRST, &self.first) + &data(SECOND, &self.second);
        let fill = format!("(memory.fill (i32.const {SECOND}) (i32.const 120) (i32.const {}))", self.filled);
        let before = if self.filled > 0 { fill } else { String::new() } + &place(&self.before.1);
        let mut body = format!("(call ${} {})", self.function.name, place(&self.arguments));
        if !self.function.results.is_empty() {
            body = format!("(local.set $r {body})");
        }
        let text = Text { imports: &imports, memory: "96", fields: &fields, before: &before, body: &body };
        Case { module: text.module(), ..self.case }
    }
}

/// Everything granted, with scopes and values as large as anybody has them.
fn granted() -> PluginConfig {
    let mut settings = settings();
    settings.granted_capabilities = Capability::ALL.to_vec();
    settings.allowed_hosts = (0..1_000).map(|number| format!("host{number}.example.com")).collect();
    settings.allowed_hosts.extend(["*.example.org".to_owned(), "http://[::1]".to_owned()]);
    settings.allowed_commands = (0..1_000).map(|number| format!("program{number}")).collect();
    settings.allowed_ports = (0..1_000).map(|number| format!("port {number}")).collect();
    settings.config =
        (0..1_000).map(|number| (format!("{}{number:03}", "k".repeat(253)), "value".to_owned())).collect();
    settings.config.insert("short".to_owned(), "value".to_owned());
    settings.config.insert("long".to_owned(), "v".repeat(1 << 20));
    settings
}
