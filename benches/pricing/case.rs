//! What is measured: a module whose `execute` repeats one thing as often as its parameter says.

use std::path::PathBuf;

use conductor::internals::config::PluginConfig;

/// One way to spend fuel.
pub(crate) struct Case {
    /// As the table prints it.
    pub(crate) name: String,
    /// The operators and host functions it prices, by the names of the cost table and of the table of host functions.
    pub(crate) covers: Vec<&'static str>,
    /// The module as text.
    pub(crate) module: String,
    /// How often the body runs in a call.
    pub(crate) rounds: Rounds,
    /// What `execute` has to return, which is the last result of a host function where one is called.
    pub(crate) answer: Answer,
    /// Limits, values and grants.
    pub(crate) settings: PluginConfig,
    /// Whether outcomes tell every host call.
    pub(crate) trace: bool,
    /// Whether the plugin gets what the settings grant, or is linked without a grant.
    pub(crate) granted: bool,
    /// What the outside world answers.
    pub(crate) outside: EffectHandler,
    /// What keeps it from costing more than it should.
    pub(crate) bound: Bound,
}

/// How often the body runs in a call.
#[derive(Clone, Copy)]
pub(crate) enum Rounds {
    /// As often as fills a call of some half a millisecond.
    Filled,
    /// So often, because what comes after is cheaper.
    Times(u32),
    /// So often in an instance of its own, because it can be done once.
    Fresh(u32),
}

/// What `execute` has to return.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// 0 or a length.
    Accepted,
    /// This number of an error.
    Refused(i32),
}

/// What the outside world answers to a request.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct EffectHandler {
    /// Bytes of a body, a message or a program's output.
    pub(crate) body: usize,
    /// Headers of an HTTP answer.
    pub(crate) headers: usize,
    /// Whether every HTTP answer leads elsewhere.
    pub(crate) redirect: bool,
    /// Whether it says that there is no such thing.
    pub(crate) missing: bool,
}

/// What keeps a case from costing more than it should.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Its price.
    Price,
    /// No price of the engine's table can say it; this does, or should.
    Elsewhere(&'static str),
}

/// Settings under which neither fuel nor time ends a measurement.
pub(crate) fn settings() -> PluginConfig {
    let mut settings = PluginConfig::new(PathBuf::new());
    settings.wasm.max_fuel = 1_000_000_000_000;
    settings.wasm.max_execution_ms = 60_000;
    settings
}

impl Case {
    /// A case of the engine alone.
    pub(crate) fn of(name: impl Into<String>, covers: &[&'static str], module: String) -> Self {
        Self {
            name: name.into(),
            covers: covers.to_vec(),
            module,
            rounds: Rounds::Filled,
            answer: Answer::Accepted,
            settings: settings(),
            trace: false,
            granted: true,
            outside: EffectHandler::default(),
            bound: Bound::Price,
        }
    }
}

/// A module whose `execute` runs `body` as often as its parameter, a decimal number, says, and returns local `$r`.
/// Locals: `$i` counts down; `$a $b $c` are `i32`, `$x $y` `i64`, `$f $g` `f32`, `$p $q` `f64`, set by `before`.
pub(crate) struct Text<'a> {
    pub(crate) imports: &'a str,
    /// Limits of the memory, in pages.
    pub(crate) memory: &'a str,
    pub(crate) fields: &'a str,
    pub(crate) before: &'a str,
    pub(crate) body: &'a str,
}

impl Default for Text<'_> {
    fn default() -> Self {
        Self { imports: "", memory: "2", fields: "", before: "", body: "" }
    }
}

impl Text<'_> {
    pub(crate) fn module(&self) -> String {
        let Self { imports, memory, fields, before, body } = self;
        format!(
            r#"(module
  {imports}
  (memory (export "memory") {memory})
  {fields}
  (func (export "alloc") (param i32) (result i32) (i32.const 16))
  (func $count (param $at i32) (param $len i32) (result i32) (local $n i32)
    (loop $digit
      (local.set $n (i32.add (i32.mul (local.get $n) (i32.const 10)) (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $digit (local.tee $len (i32.sub (local.get $len) (i32.const 1)))))
    (local.get $n))
  (func (export "execute") (param $at i32) (param $len i32) (result i32)
    (local $i i32) (local $r i32) (local $a i32) (local $b i32) (local $c i32) (local $x i64) (local $y i64)
    (local $f f32) (local $g f32) (local $p f64) (local $q f64) (local $s funcref)
    (local.set $i (call $count (local.get $at) (local.get $len)))
    {before}
    (loop $again
      {body}
      (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (local.get $r)))"#
        )
    }
}
