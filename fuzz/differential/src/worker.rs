//! A process of its own for what is examined: should the engine end it, that is a finding and not the end of the run. It takes
//! modules on standard input and says on standard output what came of each, in records of twelve bytes.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use conductor::internals::config::{Params, PluginConfig};
use conductor::internals::effect::{Effect, EffectError, EffectHandler, Origin, Reply};
use conductor::internals::grant::Grant;
use conductor::internals::package::{AdmittedPlugin, Policy, admit};
use conductor::internals::sandbox::{
    Cause, Command, CommandError, Context, Ended, FaultKind, HostFunction, Instance, LoadOptions, Manifest, Outcome,
    Plugin, Request, Services, Status, Trap as Theirs, ValueType,
};
use conductor::internals::time::{EventTime, FILE_EPOCH_US, VirtualClock};

use crate::verdict::{End, Report, Trap, Verdict, answer};
use crate::wrap::Kind;

/// Fuel of a run.
const FUEL: u64 = 100_000_000;

/// What the plugin at work has reported.
static REPORTS: Mutex<Vec<Report>> = Mutex::new(Vec::new());

/// The one host function there is.
static FUNCTIONS: &[HostFunction] = &[HostFunction {
    name: "report",
    params: &[ValueType::I32, ValueType::I32],
    results: &[ValueType::I32],
    capability: None,
    doc: "Hands the host a number in two halves.",
    call: |_, arguments| {
        let (low, high) = (arguments.u32(0), arguments.u32(1));
        REPORTS.lock().unwrap_or_else(PoisonError::into_inner).push((low, high));
        Ok(answer(low, high).cast_signed())
    },
}];

/// A world where nothing can be done.
#[derive(Debug)]
struct Nothing;

impl EffectHandler for Nothing {
    fn perform(&self, _: &Effect, _: Origin<'_>) -> Result<Reply, EffectError> {
        Err(EffectError::Unsupported("there is no world here".into()))
    }
}

/// The worker's side: runs until its input ends.
pub fn serve() {
    let (mut input, directory) = (std::io::stdin(), Directory::new());
    let mut head = [0; 5];
    while input.read_exact(&mut head).is_ok() {
        let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
        let mut wasm = vec![0; length as usize];
        input.read_exact(&mut wasm).expect("the module that was announced");
        let end = if head[0] == b'p' {
            let Verdict { reports, end } = plugin(&wasm, &directory);
            let bytes: Vec<u8> = reports
                .iter()
                .flat_map(|(low, high)| [*b"RRRR", low.to_le_bytes(), high.to_le_bytes()].concat())
                .collect();
            std::io::stdout().write_all(&bytes).expect("a pipe");
            end
        } else {
            command(&wasm)
        };
        let text = end.to_string();
        let mut record = b"EEEE".to_vec();
        record.extend((text.len() as u64).to_le_bytes());
        record.extend(text.as_bytes());
        std::io::stdout().write_all(&record).expect("a pipe");
        std::io::stdout().flush().expect("a pipe");
    }
}

/// Where the modules lie that are admitted; gone with the process.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("differential-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory for temporary files");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// As a plugin: twice from the same loaded module, once from another. All three have to be the same, fuel included.
fn plugin(wasm: &[u8], directory: &Directory) -> Verdict {
    let refused = |why: String| Verdict { reports: Vec::new(), end: End::Refused(why) };
    let path = directory.0.join("plugin.wasm");
    std::fs::write(&path, wasm).expect("room for a module");
    let admitted = match admit(&path, &Policy { name: "fuzz".into(), ..Policy::default() }) {
        Ok(admitted) => admitted,
        Err(error) => return refused(error.to_string()),
    };
    let (first, second) = match (load(&admitted), load(&admitted)) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(error), _) | (_, Err(error)) => return refused(error),
    };
    let runs = [call(&first), call(&first), call(&second)];
    let [(verdict, fuel), ..] = runs.clone();
    if let Some((other, other_fuel)) = runs.iter().find(|run| **run != runs[0]) {
        let how = format!("one run: {}, fuel {fuel}; another: {}, fuel {other_fuel}", verdict.end, other.end);
        return Verdict { end: End::Broken(how), ..verdict };
    }
    verdict
}

fn load(admitted: &AdmittedPlugin) -> Result<Arc<Plugin>, String> {
    let mut settings = PluginConfig::new(PathBuf::new());
    settings.wasm.max_fuel = FUEL;
    Manifest::read(admitted, FUNCTIONS)
        .and_then(|manifest| Plugin::load(&manifest, LoadOptions::from(&settings).grant(Grant::from_config(&settings))))
        .map_err(|error| error.to_string())
}

fn call(plugin: &Arc<Plugin>) -> (Verdict, u64) {
    let services = Arc::new(Services::new(Arc::new(VirtualClock::new(FILE_EPOCH_US)), Arc::new(Nothing), [7; 32]));
    let at = EventTime::from_unix(FILE_EPOCH_US);
    let outcome = match Instance::new(plugin, "default", &services, 0, at) {
        Ok(mut instance) => {
            let (params, context) = (Params { json: "{}".into(), ..Params::default() }, Context::default());
            instance.call(&Request { params: &params, context: &context, at, stop: None })
        }
        Err(outcome) => *outcome,
    };
    let reports = std::mem::take(&mut *REPORTS.lock().unwrap_or_else(PoisonError::into_inner));
    (Verdict { reports, end: end(&outcome) }, outcome.fuel)
}

fn end(outcome: &Outcome) -> End {
    let fault = match &outcome.status {
        Status::Ok => return End::Finished,
        Status::Fault(fault) => &fault.kind,
        other => return End::Broken(format!("{other:?}")),
    };
    match fault {
        FaultKind::Trap(trap) | FaultKind::Starved { trap, .. } => End::Trap(common(*trap)),
        FaultKind::Segment { .. } => End::Segment,
        // How an `unreachable` is told after the call was denied memory or table elements.
        FaultKind::Memory { .. } | FaultKind::Tables { .. } | FaultKind::TotalMemory { .. } => {
            End::Trap(Trap::Unreachable)
        }
        FaultKind::Fuel { .. } | FaultKind::Recursion { .. } | FaultKind::SystemMemory => {
            End::Exhausted(format!("{fault:?}"))
        }
        other => End::Broken(format!("{other:?}")),
    }
}

fn common(trap: Theirs) -> Trap {
    match trap {
        Theirs::Unreachable => Trap::Unreachable,
        Theirs::MemoryAccess => Trap::MemoryAccess,
        Theirs::TableAccess => Trap::TableAccess,
        Theirs::CallToNull => Trap::CallToNull,
        Theirs::CallToWrongType => Trap::CallToWrongType,
        Theirs::DivisionByZero => Trap::DivisionByZero,
        Theirs::IntegerOverflow => Trap::IntegerOverflow,
        Theirs::BadConversion => Trap::BadConversion,
    }
}

/// As a command. What it reports it writes to standard output itself.
fn command(wasm: &[u8]) -> End {
    let command =
        Command { arguments: vec!["fuzz".into()], fuel: Some(FUEL), deterministic: true, ..Command::default() };
    match command.run(wasm) {
        Ok(Ended::Exit(0)) => End::Finished,
        Ok(Ended::Exit(code)) => End::Broken(format!("exit code {code}")),
        Ok(Ended::Crash(crash)) => match crash.cause {
            Cause::Trap(trap) => End::Trap(common(trap)),
            Cause::Fuel { .. } | Cause::Recursion | Cause::SystemMemory => End::Exhausted(crash.cause.to_string()),
            other => End::Broken(other.to_string()),
        },
        Err(CommandError::Instance { reason })
            if reason.contains("out of bounds") || reason.contains("does not fit") =>
        {
            End::Segment
        }
        Err(error) => End::Refused(error.to_string()),
    }
}

/// The examiner's side of a worker.
pub struct Worker {
    program: PathBuf,
    running: Option<(Child, ChildStdin, ChildStdout)>,
}

impl Worker {
    /// A worker that is this program, or another build of it.
    pub fn new(program: PathBuf) -> Self {
        Self { program, running: None }
    }

    /// What comes of `wasm`.
    pub fn run(&mut self, kind: Kind, wasm: &[u8]) -> Verdict {
        let mut reports = Vec::new();
        match self.ask(kind, wasm, &mut reports) {
            Ok(end) => Verdict { reports, end },
            Err(error) => {
                let status = self.running.take().map(|(mut child, ..)| {
                    let _ = child.kill();
                    child.wait()
                });
                Verdict { reports, end: End::Broken(format!("the process ended: {status:?} ({error})")) }
            }
        }
    }

    fn ask(&mut self, kind: Kind, wasm: &[u8], reports: &mut Vec<Report>) -> std::io::Result<End> {
        if self.running.is_none() {
            let mut child =
                Process::new(&self.program).arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
            let (input, output) = (child.stdin.take(), child.stdout.take());
            self.running = input.zip(output).map(|(input, output)| (child, input, output));
        }
        let (_, input, output) = self.running.as_mut().expect("just started");
        input.write_all(if kind == Kind::Plugin { b"p" } else { b"c" })?;
        input.write_all(&(wasm.len() as u32).to_le_bytes())?;
        input.write_all(wasm)?;
        input.flush()?;
        let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        loop {
            let mut record = [0; 12];
            output.read_exact(&mut record)?;
            match &record[..4] {
                b"RRRR" => reports.push((word(&record[4..]), word(&record[8..]))),
                b"EEEE" => {
                    let mut text = vec![0; word(&record[4..]) as usize];
                    output.read_exact(&mut text)?;
                    return Ok(End::parse(&String::from_utf8_lossy(&text)));
                }
                _ => return Err(std::io::Error::other("a record of neither kind")),
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some((mut child, input, _)) = self.running.take() {
            drop(input);
            let _ = child.wait();
        }
    }
}
