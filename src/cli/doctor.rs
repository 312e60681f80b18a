//! `conductor doctor`.

use std::path::{Path, PathBuf};

use argh::FromArgs;
use serde::Serialize;

use super::{Exit, Failure, Output, run};
use crate::config::{Config, Environment, paths};
use crate::confine::{NEWEST_LANDLOCK, Probe, probe};
use crate::run::{ResourceFigures, Resources};
use crate::sandbox::TotalMemory;

/// Say what of this machine Conductor can rely on.
///
/// Each check is tried and not guessed from versions. One that is `missing` leaves plugins behind one wall only; one that is
/// `limited` takes something from the program that it can be used without.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "doctor",
    example = "What holds here, as a table and for a program:\n  {command_name}\n  {command_name} --json",
    note = "Exit codes: 0 everything that protects this machine from plugins holds; 1 something of it is missing; 2 wrong usage,\nor a configuration that cannot be used."
)]
pub(super) struct Doctor {
    /// configuration whose limits are shown; default conductor/config.toml below `$XDG_CONFIG_HOME`, or without one the defaults
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
    /// print one JSON object
    #[argh(switch)]
    json: bool,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// It holds.
    Ok,
    /// Something can be used in part, or not at all, and nothing is less safe for that.
    Limited,
    /// A protection is not there.
    Missing,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

#[derive(Serialize)]
struct Report {
    ok: bool,
    checks: Vec<Check>,
}

impl Check {
    fn new(name: &'static str, status: Status, detail: impl Into<String>) -> Self {
        Self { name, status, detail: detail.into(), remedy: None }
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl Doctor {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let config = self.configuration()?;
        let resources = Resources::settle(&config.wasm);
        let figures = resources.figures(&TotalMemory::new(resources.max_total_memory_bytes, None), &config.logging);
        let mut checks = vec![kernel()];
        checks.extend(second_wall(&probe(), config.wasm.dangerous_no_second_wall));
        checks.extend(budget(&figures));
        checks.push(stack());
        #[cfg(feature = "keys")]
        checks.push(device(
            "keys and clicks",
            "/dev/uinput",
            "give the user write access to /dev/uinput, by a udev rule",
        ));
        #[cfg(feature = "alsa")]
        checks.push(device(
            "MIDI sequencer",
            "/dev/snd/seq",
            "load the module snd-seq, and put the user into the group audio",
        ));
        let ok = checks.iter().all(|check| check.status != Status::Missing);
        if self.json {
            let report = Report { ok, checks };
            let text = serde_json::to_string(&report).map_err(|error| Failure::operation(error.to_string()))?;
            out.line(format_args!("{text}"))?;
        } else {
            table(out, &checks)?;
        }
        Ok(if ok { Exit::Done } else { Exit::Negative })
    }
}

impl Doctor {
    /// The configuration that is asked for, or the usual one where there is one.
    fn configuration(&self) -> Result<Config, Failure> {
        let environment = Environment::of_process();
        if self.config.is_none() && !paths::config_file(&environment).is_ok_and(|path| path.exists()) {
            let none = Config::from_text("", "config.toml", Path::new(""), &environment);
            return none.map(|loaded| loaded.config).map_err(|error| Failure::operation(error.to_string()));
        }
        // Exit code 1 says that a protection is missing, and nothing else.
        let loaded = run::load(self.config.as_deref(), &environment);
        Ok(loaded.map_err(|failure| Failure::operation(failure.to_string()))?.config)
    }
}

fn table(out: &mut Output, checks: &[Check]) -> Result<(), Failure> {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    for check in checks {
        let status = match check.status {
            Status::Ok => "ok",
            Status::Limited => "limited",
            Status::Missing => "missing",
        };
        out.line(format_args!("{:<width$}  {status:<7}  {}", check.name, check.detail))?;
        if let Some(remedy) = &check.remedy {
            out.line(format_args!("{:<width$}           {remedy}", ""))?;
        }
    }
    Ok(())
}

fn kernel() -> Check {
    let system = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let detail = [text(system.sysname()), text(system.release()), text(system.machine())].join(" ");
    Check::new("kernel", Status::Ok, detail)
}

/// The second wall around plugins, as a thread found it that ran against it.
fn second_wall(probe: &Probe, turned_off: bool) -> [Check; 3] {
    if turned_off {
        return ["no new privileges", "files", "system calls"].map(|name| {
            Check::new(name, Status::Missing, "turned off: dangerous_no_second_wall = true under [wasm]")
                .remedy("remove that line")
        });
    }
    if cfg!(not(feature = "second-wall")) {
        return ["no new privileges", "files", "system calls"].map(|name| {
            Check::new(name, Status::Missing, "this build has no second wall around plugins").remedy(
                "build it with the feature second-wall, which is on by default: cargo install --path . --locked",
            )
        });
    }
    let privileges = if probe.no_new_privileges {
        Check::new("no new privileges", Status::Ok, "threads of plugins cannot gain any")
    } else {
        Check::new("no new privileges", Status::Missing, "the kernel does not let a thread give them up")
            .remedy("use Linux 3.5 or newer; emulators do not have it")
    };
    let version = probe.landlock.map_or_else(
        || "no Landlock".to_owned(),
        |version| {
            let newest = if version == NEWEST_LANDLOCK { " or newer" } else { "" };
            format!("Landlock ABI {version}{newest}")
        },
    );
    let files = if probe.files {
        Check::new(
            "files",
            Status::Ok,
            format!("threads of plugins reach the plugins' data directories only ({version})"),
        )
    } else {
        Check::new("files", Status::Missing, format!("threads of plugins reach every file this user can ({version})"))
            .remedy("use Linux 5.19 or newer, with landlock in the kernel's lsm= list and not forbidden by a container")
    };
    let calls = if probe.system_calls {
        let detail = "threads of plugins start no program, open no socket, trace and mount nothing (seccomp filter)";
        Check::new("system calls", Status::Ok, detail)
    } else {
        Check::new("system calls", Status::Missing, "threads of plugins can make every system call (no seccomp filter)")
            .remedy("use a kernel with CONFIG_SECCOMP_FILTER, on x86_64, aarch64, armv7 or riscv64; emulators do not have it")
    };
    [privileges, files, calls]
}

/// What all plugins together may take, and what is bounded beside.
fn budget(figures: &ResourceFigures) -> Vec<Check> {
    let Resources { max_total_memory_bytes, machine_memory, descriptors, max_instances, configured_instances } =
        figures.resources;
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    let machine = machine_memory.map_or_else(
        || "the machine does not say what it has".to_owned(),
        |bytes| format!("the machine has {}", mib(bytes)),
    );
    let memory = format!("{} for all plugins together; {machine}", mib(max_total_memory_bytes));
    let memory = if machine_memory.is_none_or(|machine| max_total_memory_bytes <= machine) {
        Check::new("memory of plugins", Status::Ok, memory)
    } else {
        Check::new("memory of plugins", Status::Limited, memory)
            .remedy("write less under [wasm]: max_total_memory_bytes, or leave it out for half of what there is")
    };
    let open = figures.descriptors_open.map_or_else(|| "?".to_owned(), |open| open.to_string());
    let files = format!(
        "{open} of {} open, {} at most; {} kept for your own actions",
        descriptors.limit,
        descriptors.hard_limit,
        descriptors.reserve()
    );
    let instances = format!("{max_instances} instances of plugins at once");
    let instances = if max_instances >= configured_instances {
        Check::new("instances", Status::Ok, instances)
    } else {
        Check::new("instances", Status::Limited, format!("{instances}, and not {configured_instances}: too few open files"))
            .remedy(format!(
                "raise the hard limit on open files (LimitNOFILE= of the service, ulimit -Hn), or under [wasm]: max_instances = {max_instances}"
            ))
    };
    let waiting =
        format!("{} lines and {} for a reader that is slow", figures.report_entries, mib(figures.report_bytes as u64));
    let log = format!(
        "{} KiB a plugin and minute; {} a file, {} old ones kept",
        figures.log_bytes_per_plugin_and_minute >> 10,
        mib(figures.log_file_bytes),
        figures.log_files_kept
    );
    vec![
        memory,
        Check::new("descriptors", Status::Ok, files),
        instances,
        Check::new("waiting output", Status::Ok, waiting),
        Check::new("log", Status::Ok, log),
    ]
}

/// The stack of the first thread, which dry runs use for plugins.
fn stack() -> Check {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Stack);
    let shown =
        |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |limit| format!("{} MiB", limit >> 20));
    Check::new("stack", Status::Ok, format!("{}, {} at most", shown(limit.current), shown(limit.maximum)))
}

/// A device that something is done through.
#[cfg(any(feature = "keys", feature = "alsa"))]
fn device(name: &'static str, path: &str, remedy: &'static str) -> Check {
    match std::fs::OpenOptions::new().read(true).write(true).open(path) {
        Ok(_) => Check::new(name, Status::Ok, path),
        Err(error) => Check::new(name, Status::Limited, format!("{path}: {error}")).remedy(remedy),
    }
}
