//! Where the sandbox itself is made to do what a guest must not cause, the operating system refuses it: on the threads guests run on,
//! whichever way they were started, and on threads started from those. What guests may cause still works.

#![cfg(all(feature = "second-wall", target_os = "linux"))]

mod support;

use std::fs;
use std::io::{Error, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use conductor::internals::call::Limits;
use conductor::internals::capability::Capability;
use conductor::internals::config::PluginCall;
use conductor::internals::confine::{Confinement, probe, unconfined};
use conductor::internals::digest::Digest;
use conductor::internals::effect::{Program, Request, Response};
use conductor::internals::grant::{Grant, LiveGrants};
use conductor::internals::os::{Environment, Live};
use conductor::internals::sandbox::{
    Args, Context, Errno, HostCall, HostError, HostFunction, Instance, Job, LoadOptions, Manifest, Plugin, Pool,
    Services, ValueType, on_guest_stack,
};
use conductor::internals::time::EventTime;
use support::sandbox::{Calls, admitted, call, params, services, settings};
use support::{Scratch, missing};

/// Directories of this test: one that is the plugins', and one beside it.
struct Places {
    _scratch: Scratch,
    data: PathBuf,
    outside: PathBuf,
}

fn places() -> &'static Places {
    static PLACES: OnceLock<Places> = OnceLock::new();
    PLACES.get_or_init(|| {
        let scratch = Scratch::new();
        let (data, outside) = (scratch.path().join("data"), scratch.path().join("outside"));
        for directory in [&data, &outside] {
            fs::create_dir(directory).expect("a directory");
        }
        fs::write(outside.join("secret"), "secret").expect("a file");
        fs::write(data.join("own"), "own").expect("a file");
        std::os::unix::fs::symlink(outside.join("secret"), data.join("way-out")).expect("a link");
        Places { _scratch: scratch, data, outside }
    })
}

/// What it needs to be refused by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// Landlock.
    Files,
    /// The filter over system calls.
    Calls,
}

/// Something the host is made to try; whether it could.
type Escape = (&'static str, By, fn(&Places) -> bool);

/// Whether a system call was let through by the filter, whatever came of it then.
fn let_through(result: Result<(), Error>) -> bool {
    result.map_or_else(|error| error.raw_os_error() != Some(libc::EPERM), |()| true)
}

/// A raw system call, for what has no safe name.
fn system_call(number: libc::c_long, arguments: [libc::c_long; 3]) -> bool {
    let [a, b, c] = arguments;
    // SAFETY: every caller passes arguments with which the kernel does nothing but answer with an error, or with a new descriptor:
    // process numbers that nobody has, empty flags, null pointers.
    #[allow(unsafe_code)]
    let result = unsafe { libc::syscall(number, a, b, c, 0 as libc::c_long, 0 as libc::c_long) };
    let_through(if result < 0 { Err(Error::last_os_error()) } else { Ok(()) })
}

fn executable_memory() -> bool {
    // SAFETY: a fresh private mapping that nobody uses overlaps nothing.
    #[allow(unsafe_code)]
    let address = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_EXEC,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    address != libc::MAP_FAILED
}

const ESCAPES: &[Escape] = &[
    ("read a file", By::Files, |at| fs::read(at.outside.join("secret")).is_ok()),
    ("read the user database", By::Files, |_| fs::read("/etc/passwd").is_ok()),
    ("read this process's environment", By::Files, |_| fs::read("/proc/self/environ").is_ok()),
    ("list a directory", By::Files, |_| fs::read_dir("/").is_ok()),
    ("make a file", By::Files, |at| fs::write(at.outside.join("new"), "").is_ok()),
    ("overwrite a file", By::Files, |at| fs::OpenOptions::new().write(true).open(at.outside.join("secret")).is_ok()),
    ("make a directory", By::Files, |at| {
        let path = at.outside.join("directory");
        fs::create_dir(&path).and_then(|()| fs::remove_dir(&path)).is_ok()
    }),
    ("follow a link out", By::Files, |at| fs::read(at.data.join("way-out")).is_ok()),
    ("link a file in", By::Files, |at| {
        let path = at.data.join("linked");
        fs::hard_link(at.outside.join("secret"), &path).and_then(|()| fs::remove_file(path)).is_ok()
    }),
    ("move a file out and back", By::Files, |at| {
        let (from, to) = (at.data.join("own"), at.outside.join("moved"));
        fs::rename(&from, &to).and_then(|()| fs::rename(&to, &from)).is_ok()
    }),
    ("listen", By::Calls, |_| TcpListener::bind("127.0.0.1:0").is_ok()),
    ("connect", By::Calls, |_| let_through(TcpStream::connect("127.0.0.1:1").map(drop))),
    ("open a datagram socket", By::Calls, |_| UdpSocket::bind("127.0.0.1:0").is_ok()),
    ("open a socket of this machine", By::Calls, |_| UnixDatagram::unbound().is_ok()),
    ("listen in the data directory", By::Calls, |at| {
        let path = at.data.join("socket");
        UnixListener::bind(&path).and_then(|_| fs::remove_file(path)).is_ok()
    }),
    ("start a program", By::Calls, |_| Command::new("/bin/sh").args(["-c", ":"]).status().is_ok()),
    ("trace a process", By::Calls, |_| {
        system_call(libc::SYS_ptrace, [libc::c_long::from(libc::PTRACE_DETACH), libc::c_long::from(i32::MAX), 0])
    }),
    ("read a process's memory", By::Calls, |_| {
        system_call(libc::SYS_process_vm_readv, [libc::c_long::from(i32::MAX), 0, 0])
    }),
    ("signal the parent", By::Calls, |_| {
        let parent = rustix::process::getppid().expect("a parent");
        let_through(rustix::process::test_kill_process(parent).map_err(Error::from))
    }),
    ("leave a namespace", By::Calls, |_| system_call(libc::SYS_unshare, [0, 0, 0])),
    ("make memory executable", By::Calls, |_| executable_memory()),
    ("make a file without a place", By::Calls, |_| {
        rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).is_ok()
    }),
    ("change permissions", By::Calls, |at| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(at.outside.join("secret"), mode).is_ok()
    }),
    ("lift the limits of the process", By::Calls, |_| {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
        let_through(rustix::process::setrlimit(rustix::process::Resource::Core, limit).map_err(Error::from))
    }),
];

/// What a system administrator may do. Without the wall others get the same answer.
const PRIVILEGED: &[Escape] = &[
    ("mount", By::Calls, |_| system_call(libc::SYS_mount, [0, 0, 0])),
    ("change the root", By::Calls, |_| system_call(libc::SYS_chroot, [0, 0, 0])),
    ("load a module", By::Calls, |_| system_call(libc::SYS_finit_module, [-1, 0, 0])),
    ("set the clock", By::Calls, |_| system_call(libc::SYS_clock_settime, [99, 0, 0])),
];

/// Those that worked, on this thread.
fn escaped() -> Vec<&'static str> {
    let all = ESCAPES.iter().chain(PRIVILEGED);
    all.filter(|(_, _, attempt)| attempt(places())).map(|(name, ..)| *name).collect()
}

/// What each call of a plugin has come to, for the test that has made it.
static FOUND: Mutex<Vec<(String, Vec<&'static str>)>> = Mutex::new(Vec::new());

/// What `tenant` found.
fn found(tenant: &str) -> Vec<&'static str> {
    let mut found = FOUND.lock().expect("no panic");
    let position = found.iter().position(|(name, _)| name == tenant).unwrap_or_else(|| panic!("{tenant} did not run"));
    found.swap_remove(position).1
}

/// The names of this test's tenants, which a host function is not told: the number a plugin passes is a place in it.
const TENANTS: &[&str] = &["worker", "free worker", "inline", "free inline", "thread of a worker"];

#[allow(clippy::unnecessary_wraps)] // the type of every host function
fn escape(_: &mut HostCall<'_>, args: Args<'_>) -> Result<i32, HostError> {
    let tenant = TENANTS[args.u32(0) as usize];
    let escaped =
        if tenant.starts_with("thread") { std::thread::spawn(escaped).join().expect("it returns") } else { escaped() };
    FOUND.lock().expect("no panic").push((tenant.to_owned(), escaped));
    Ok(0)
}

/// What is permitted, on the same thread: all of a data directory, threads, memory, time, randomness.
fn work(_: &mut HostCall<'_>, _: Args<'_>) -> Result<i32, HostError> {
    let at = places().data.join(format!("work-{:?}", std::thread::current().id()));
    let work = || -> std::io::Result<()> {
        fs::create_dir_all(at.join("a"))?;
        fs::create_dir(at.join("b"))?;
        let mut file = fs::File::create(at.join("a/file"))?;
        file.write_all(b"text")?;
        file.set_len(2)?;
        file.sync_all()?;
        file.set_modified(std::time::SystemTime::UNIX_EPOCH)?;
        fs::rename(at.join("a/file"), at.join("b/file"))?;
        fs::hard_link(at.join("b/file"), at.join("a/link"))?;
        std::os::unix::fs::symlink("b/file", at.join("symlink"))?;
        assert_eq!(fs::read(at.join("symlink"))?, b"te");
        assert_eq!(fs::read_dir(&at)?.count(), 3);
        fs::remove_dir_all(&at)
    };
    work().map_err(|error| Errno::Failed.because(format!("{error:?}")))?;
    let memory = vec![1_u8; 64 << 20];
    let threads: Vec<_> = (0..4).map(|_| std::thread::Builder::new().name("child".into()).spawn(|| 1)).collect();
    let sum: i32 = threads.into_iter().map(|thread| thread.expect("a thread").join().expect("it returns")).sum();
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), memory.len());
    std::thread::sleep(Duration::from_nanos(random % 1_000));
    // Its own stack, as the standard library and the C library look at it.
    let _ = rustix::process::getrlimit(rustix::process::Resource::Stack);
    Ok(sum)
}

/// Runs a program in the plugin's name, which says what it is confined by.
fn program(call: &mut HostCall<'_>, _: Args<'_>) -> Result<i32, HostError> {
    let program = Program {
        program: "cat".into(),
        arguments: vec!["/proc/self/status".into()],
        input: Vec::new(),
        max_output_bytes: 65_536,
    };
    match call.request(&Request::Program(program), Duration::from_secs(30))? {
        Response::Program(end) => {
            let output = String::from_utf8_lossy(&end.output).into_owned();
            call.set_output(output);
            Ok(end.code)
        }
        other => Err(Errno::Failed.because(format!("{other:?}"))),
    }
}

const TABLE: &[HostFunction] = &[
    HostFunction {
        name: "escape",
        params: &[ValueType::I32],
        results: &[ValueType::I32],
        capability: None,
        doc: "",
        call: escape,
    },
    HostFunction { name: "work", params: &[], results: &[ValueType::I32], capability: None, doc: "", call: work },
    HostFunction { name: "program", params: &[], results: &[ValueType::I32], capability: None, doc: "", call: program },
];

/// A plugin whose `execute` is this call of a host function.
fn plugin(import: &str, body: &str, wall: bool) -> Arc<Plugin> {
    let text = format!(
        r#"(module (import "conductor" {import}) (memory (export "memory") 1)
             (func (export "execute") (param i32 i32) (result i32) {body}))"#
    );
    let mut settings = settings();
    settings.wasm.dangerous_no_second_wall = !wall;
    let admitted = admitted("test", &wat::parse_str(text).expect("WebAssembly text"));
    Plugin::load(&Manifest::read(&admitted, TABLE).expect("read"), LoadOptions::from(&settings).grant(Grant::none()))
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A plugin that tries everything and notes it under `tenant`.
fn escaping(tenant: &str, wall: bool) -> Arc<Plugin> {
    let number = TENANTS.iter().position(|name| *name == tenant).expect("a tenant");
    plugin("\"escape\" (func $f (param i32) (result i32))", &format!("(call $f (i32.const {number}))"), wall)
}

fn working() -> Arc<Plugin> {
    plugin("\"work\" (func $f (result i32))", "(i32.sub (call $f) (i32.const 4))", true)
}

fn with_data(services: Services) -> Services {
    Services { data_root: Some(places().data.clone()), ..services }
}

/// Calls `plugin` once on a worker of a pool.
fn on_a_worker(plugin: Arc<Plugin>, wall: bool, services: Services) -> conductor::internals::sandbox::Outcome {
    let limits = Limits { second_wall: wall, ..Limits::default() };
    let (tell, told) = channel();
    let observer = Arc::new(Calls(Mutex::new(tell)));
    let pool = Pool::observed(Arc::new(services), &limits, vec![plugin], observer).expect("threads");
    let call = PluginCall { plugin: "test".into(), tenant: "default".into(), params: params("{}") };
    pool.submit(Job { call: Arc::new(call), context: Context::default(), at: 0, token: 0 }).expect("accepted");
    told.recv_timeout(Duration::from_secs(60)).expect("done").outcome
}

/// Calls `plugin` once on a thread made for it.
fn inline(plugin: &Arc<Plugin>, services: &Services) -> conductor::internals::sandbox::Outcome {
    let mut instance =
        Instance::new(plugin, "default", &Arc::new(services.clone()), 0, EventTime::default()).expect("an instance");
    call(&mut instance)
}

/// Nothing worked that this kernel can refuse. The filter has to be there on every kernel.
#[track_caller]
fn held(escaped: &[&str]) {
    let landlock = probe().files;
    let refusable = |name: &&&str| {
        let by = ESCAPES.iter().chain(PRIVILEGED).find(|(known, ..)| *known == **name).expect("in the table").1;
        by == By::Calls || landlock
    };
    let wrong: Vec<_> = escaped.iter().filter(refusable).collect();
    assert!(wrong.is_empty(), "could: {wrong:?}");
    if !landlock {
        let skipped = ESCAPES.iter().filter(|(_, by, _)| *by == By::Files).count();
        let test = format!("second_wall ({skipped} of {} ways out)", ESCAPES.len() + PRIVILEGED.len());
        missing::left_out(&test, "a kernel with Landlock");
    }
}

/// Everything worked: what is refused elsewhere is refused by the wall and by nothing else.
#[track_caller]
fn free(escaped: &[&str]) {
    let missing: Vec<_> = ESCAPES.iter().filter(|(name, ..)| !escaped.contains(name)).map(|(name, ..)| name).collect();
    assert!(missing.is_empty(), "could not even without the wall: {missing:?}");
    if rustix::process::geteuid().is_root() {
        let missing: Vec<_> =
            PRIVILEGED.iter().filter(|(name, ..)| !escaped.contains(name)).map(|(name, ..)| name).collect();
        assert!(missing.is_empty(), "could not even without the wall: {missing:?}");
    }
}

#[test]
fn the_kernel_here_takes_the_filter_at_least() {
    let probe = probe();
    assert!(probe.entered.system_calls && probe.no_new_privileges && probe.system_calls, "{probe:?}");
    assert_eq!(probe.entered.files, probe.files, "{probe:?}");
}

#[test]
fn a_shim_that_is_made_to_escape_on_a_worker_is_stopped() {
    let outcome = on_a_worker(escaping("worker", true), true, with_data(services()));
    assert!(outcome.is_ok(), "{outcome:?}");
    held(&found("worker"));
    let outcome = on_a_worker(escaping("free worker", false), false, with_data(services()));
    assert!(outcome.is_ok(), "{outcome:?}");
    free(&found("free worker"));
}

#[test]
fn a_shim_that_is_made_to_escape_on_a_thread_of_one_call_is_stopped() {
    assert!(inline(&escaping("inline", true), &with_data(services())).is_ok());
    held(&found("inline"));
    // On a thread that is not confined the same plugin can.
    on_guest_stack(|| assert!(inline(&escaping("free inline", true), &with_data(services())).is_ok()))
        .expect("a thread");
    free(&found("free inline"));
}

#[test]
fn threads_started_by_one_that_is_confined_are_confined() {
    let outcome = on_a_worker(escaping("thread of a worker", true), true, with_data(services()));
    assert!(outcome.is_ok(), "{outcome:?}");
    held(&found("thread of a worker"));
}

#[test]
fn the_thread_that_asked_is_as_free_as_before() {
    assert!(inline(&working(), &with_data(services())).is_ok());
    assert!(
        fs::read(places().outside.join("secret")).is_ok() && Command::new("/bin/sh").args(["-c", ":"]).status().is_ok()
    );
}

#[test]
fn what_guests_may_cause_still_works() {
    for outcome in [on_a_worker(working(), true, with_data(services())), inline(&working(), &with_data(services()))] {
        assert!(outcome.is_ok(), "{outcome:?}");
    }
}

#[test]
fn programs_of_plugins_run_and_are_not_confined_themselves() {
    let services = || Services { outside: Arc::new(Live::new(Environment::inherited())), ..with_data(services()) };
    let plugin = || plugin("\"program\" (func $f (result i32))", "(call $f)", true);
    for outcome in [on_a_worker(plugin(), true, services()), inline(&plugin(), &services())] {
        let output = outcome.output.as_deref().unwrap_or_else(|| panic!("{outcome:?}"));
        let line = |name: &str| output.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        assert_eq!((line("NoNewPrivs:"), line("Seccomp:")), (Some("0"), Some("0")), "{output}");
    }
}

#[test]
fn a_data_directory_that_is_not_there_yet_is_made_before_the_thread_is_confined() {
    let scratch = Scratch::new();
    let root: &Path = &scratch.path().join("not/yet");
    let services = Services { data_root: Some(root.to_owned()), ..services() };
    let limits = Limits::default();
    let observer = Arc::new(Calls(Mutex::new(channel().0)));
    let pool = Pool::observed(Arc::new(services), &limits, Vec::new(), observer).expect("threads");
    assert!(root.is_dir());
    drop(pool);
}

/// Runs `work` on a thread of its own that is confined to nothing.
fn confined<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> std::thread::JoinHandle<T> {
    std::thread::spawn(|| {
        assert!(Confinement::to([]).enter().system_calls);
        work()
    })
}

#[test]
fn work_that_waits_delays_no_other() {
    // Each waits for the one that starts after it, so that none returns before all of them are at work at once.
    let (mut done, last) = channel::<()>();
    let mut threads = Vec::new();
    for _ in 0..20 {
        let (next, receive) = channel();
        let done = std::mem::replace(&mut done, next);
        threads.push(confined(move || {
            unconfined(move || {
                receive.recv_timeout(Duration::from_secs(60)).expect("the one after");
                done.send(()).expect("the one before");
            });
        }));
    }
    done.send(()).expect("the one that started last");
    last.recv_timeout(Duration::from_secs(60)).expect("the one that started first");
    for thread in threads {
        thread.join().expect("it returns");
    }
}

#[test]
fn work_of_the_broker_that_panics_ends_nobody_but_who_asked_for_it() {
    let thread = confined(|| {
        std::panic::catch_unwind(|| unconfined(|| panic!("on purpose"))).expect_err("it panicked");
        unconfined(|| TcpListener::bind("127.0.0.1:0").is_ok())
    });
    assert!(thread.join().expect("it returns"));
}

#[test]
fn what_the_broker_starts_is_not_confined() {
    let free = || std::thread::spawn(|| Command::new("/bin/sh").args(["-c", ":"]).status().is_ok()).join();
    let thread = confined(move || unconfined(free));
    assert!(thread.join().expect("it returns").expect("it returns"));
}

#[test]
fn an_approval_that_changes_is_read_by_a_plugin_that_is_confined() {
    let scratch = Scratch::new();
    let path = scratch.path().join("grants.toml");
    let live = LiveGrants::open(&path).expect("a store that is not there yet");
    let requested = [Capability::Midi].into();
    let cell = live.cell("test", &settings(), requested, Digest::of(b"test"), Vec::new());
    let mut view = cell.view();
    // A store that cannot be read grants nothing, which is what the second of these would show.
    let thread = confined(move || {
        let mut read = |text: &str| {
            let (path, text) = (path.clone(), text.to_owned());
            unconfined(move || fs::write(path, text)).expect("a store");
            view.begin_call();
            view.approval().is_some()
        };
        let approval = format!(
            "version = 1\n[[grants]]\nplugin = \"test\"\nsha256 = \"{}\"\ncapabilities = [\"Midi\"]\napproved_at = \"2026-01-01T00:00:00Z\"\n",
            Digest::of(b"test")
        );
        (read("version = 1\n"), read(&approval), read("version = 1 # nothing\n"))
    });
    assert_eq!(thread.join().expect("it returns"), (false, true, false));
}

#[test]
fn a_plugins_directory_that_the_user_has_moved_behind_a_link_stays_within_reach() {
    let scratch = Scratch::new();
    let elsewhere = scratch.path().join("elsewhere");
    fs::create_dir_all(&elsewhere).expect("a directory");
    fs::create_dir_all(scratch.path().join("data")).expect("a directory");
    std::os::unix::fs::symlink(&elsewhere, scratch.path().join("data/note-logger")).expect("a link");
    support::bin("conductor")
        .args("run --config fixtures/demo/config.toml --input fixtures/demo/session.mid --dry-run --data")
        .arg(scratch.path().join("data"))
        .run()
        .exits(0);
    let log = fs::read_to_string(elsewhere.join("default/notes.log")).expect("the plugin's file");
    assert_eq!(log.lines().count(), 4);
}

#[test]
fn a_session_without_the_wall_says_so_and_comes_to_the_same() {
    let scratch = Scratch::new();
    let run = |name: &str, wasm: &str| {
        let config = fs::read_to_string(support::repository("fixtures/demo/config.toml")).expect("the demo");
        let path = |file: &str| format!("path = \"{}\"", support::repository(file).display());
        let config = config
            .replace("path = \"../plugins/note_logger.wasm\"", &path("fixtures/plugins/note_logger.wasm"))
            .replace("path = \"runaway.wasm\"", &path("fixtures/demo/runaway.wasm"));
        let config = scratch.file(name, format!("{config}\n{wasm}"));
        support::bin("conductor")
            .args("run --input fixtures/demo/session.mid --dry-run --config")
            .arg(config)
            .arg("--data")
            .arg(scratch.path().join(name).with_extension("data"))
            .run()
            .exits(0)
    };
    let (confined, free) = (run("confined.toml", ""), run("free.toml", "[wasm]\ndangerous_no_second_wall = true\n"));
    assert_eq!(confined.stdout, free.stdout);
    assert!(!confined.stderr.contains("dangerous_no_second_wall"), "{}", confined.stderr);
    let warnings = free.stderr.lines().filter(|line| line.contains("dangerous_no_second_wall = true under [wasm]"));
    assert_eq!(warnings.count(), 1, "{}", free.stderr);
}
