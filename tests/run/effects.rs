//! Effects happen for real: programs are started and reaped, the mixer moves, and what cannot happen says what to do.

use std::collections::BTreeSet;
use std::io::{BufRead, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use conductor::internals::effect::{Effect, EffectError, EffectHandler, Origin};
use conductor::internals::effect::{Variables, Volume, VolumeOperation};
use conductor::internals::mapping::ConditionSource;
use conductor::internals::os::{Conditions, Environment, Live};
use conductor::internals::time::{FILE_EPOCH_US, VirtualClock};

use crate::support::missing;

/// Longer than anything here takes; a test that waits this long has failed.
const LONG: Duration = Duration::from_secs(60);

/// What the program would say on standard error, here of all tests of this process at once.
struct Log {
    said: Mutex<Vec<String>>,
    more: Condvar,
}

static LOG: Log = Log { said: Mutex::new(Vec::new()), more: Condvar::new() };

impl Log {
    fn listen() -> &'static Self {
        // Another test may have been first.
        if ::log::set_logger(&LOG).is_ok() {
            ::log::set_max_level(::log::LevelFilter::Warn);
        }
        &LOG
    }

    /// Waits until exactly this was said.
    #[track_caller]
    fn wait_for(&self, line: &str) {
        let said = self.said.lock().expect("no panic holds it");
        let missing = |said: &mut Vec<String>| !said.iter().any(|said| said == line);
        let (said, waited) = self.more.wait_timeout_while(said, LONG, missing).expect("no panic holds it");
        assert!(!waited.timed_out(), "{line:?} is not among {said:#?}");
    }
}

impl ::log::Log for Log {
    fn enabled(&self, _: &::log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &::log::Record<'_>) {
        self.said.lock().expect("no panic holds it").push(record.args().to_string());
        self.more.notify_all();
    }

    fn flush(&self) {}
}

#[track_caller]
fn perform(live: &Live, effect: &Effect) {
    live.perform(effect, Origin::Mapping).unwrap_or_else(|error| panic!("{effect}: {error}"));
}

#[track_caller]
fn refused(live: &Live, effect: &Effect) -> EffectError {
    match live.perform(effect, Origin::Mapping) {
        Ok(_) => panic!("{effect} was accepted"),
        Err(error) => error,
    }
}

/// A named pipe: reading it waits for whoever writes.
fn pipe(directory: &Path) -> PathBuf {
    let pipe = directory.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    pipe
}

#[test]
fn a_shell_line_runs_in_a_group_of_its_own_with_nothing_on_its_streams() {
    let scratch = crate::support::Scratch::new();
    let pipe = pipe(scratch.path());
    let live = Live::new(Environment::inherited().with("GREETING", "hello"));
    // Looked at before anything is sent to the pipe: that would be the shell's own output then.
    let look =
        "s=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2); read -r id name state parent g rest < /proc/$$/stat";
    let script = format!("{look}; printf '%s\\n' $GREETING $s $g $$ > {}", pipe.display());
    perform(&live, &Effect::Shell(script.into()));
    let said = std::fs::read_to_string(&pipe).expect("what the line wrote");
    let said: Vec<_> = said.lines().map(str::trim).collect();
    let [greeting, input, output, errors, group, shell] = said[..] else { panic!("{said:?}") };
    assert_eq!([greeting, input, output, errors], ["hello", "/dev/null", "/dev/null", "/dev/null"]);
    assert_eq!(group, shell);
}

#[test]
fn programs_that_end_leave_no_zombie() {
    let scratch = crate::support::Scratch::new();
    let pipe = pipe(scratch.path());
    let live = Live::new(Environment::inherited());
    for _ in 0..20 {
        perform(&live, &Effect::Shell("exit 3".to_owned().into()));
        perform(&live, &Effect::Launch("true".to_owned().into()));
    }
    perform(&live, &Effect::Launch(format!("sh -c 'echo launched > {}'", pipe.display()).into()));
    assert_eq!(std::fs::read_to_string(&pipe).expect("what it wrote"), "launched\n");
    assert!(live.drain(LONG));
    while live.running() > 0 {
        std::thread::yield_now();
    }
    // Other tests have children, too; those are zombies for a moment at most.
    let since = Instant::now();
    let mut left = zombies();
    while !left.is_empty() {
        assert!(since.elapsed() < LONG, "{left:?}");
        std::thread::yield_now();
        left = left.intersection(&zombies()).cloned().collect();
    }
}

/// Children of this process that nobody has waited for.
fn zombies() -> BTreeSet<String> {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    // A process may end while it is looked at.
    let stats = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let ours = format!(" Z {} ", std::process::id());
    // `pid (name) state parent …`; a name may hold anything, also parentheses.
    stats
        .filter_map(|stat| {
            stat.rsplit_once(')').filter(|(_, rest)| rest.starts_with(&ours)).map(|(of, _)| of.to_owned())
        })
        .collect()
}

#[test]
fn a_program_that_runs_on_does_not_hold_up_the_next_and_there_is_a_limit() {
    let scratch = crate::support::Scratch::new();
    let log = Log::listen();
    let live = Live::new(Environment::inherited());
    // Each waits for the pipe's writer, which comes at the end.
    let pipe = pipe(scratch.path());
    let waiter = Effect::Launch(format!("sh -c 'read word < {}'", pipe.display()).into());
    for _ in 0..64 {
        perform(&live, &waiter);
        assert!(live.drain(LONG));
    }
    perform(&live, &Effect::Launch("true".to_owned().into()));
    log.wait_for("launch: true: 64 programs started by mappings are still running; launch: true was not started");
    while live.running() > 0 {
        if let Ok(mut writer) = open_if_read(&pipe) {
            // Whoever read may have gone.
            let _ = writer.write_all(b"go\n");
        }
        std::thread::yield_now();
    }
}

/// Opens a named pipe for writing, where somebody reads it.
fn open_if_read(pipe: &Path) -> std::io::Result<std::fs::File> {
    const O_NONBLOCK: i32 = 0o4000;
    std::fs::OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(pipe)
}

#[test]
fn what_cannot_be_started_is_told_at_once() {
    let live = Live::new(Environment::inherited());
    let launch = |app: &str| refused(&live, &Effect::Launch(app.to_owned().into()));
    assert_eq!(
        launch("no-such-program --flag"),
        EffectError::NotFound(
            "there is no program no-such-program in PATH; install it, or write its whole path".to_owned()
        )
    );
    assert!(matches!(launch("/etc/passwd"), EffectError::NotPermitted(_)));
    assert!(matches!(launch("''"), EffectError::NotFound(_)));
}

#[test]
#[cfg(feature = "keys")]
fn keys_without_a_device_say_what_to_do() {
    use conductor::internals::effect::Keystroke;
    let live = Live::new(Environment::inherited());
    let keystroke = Effect::Keystroke(Keystroke {
        keys: "a".into(),
        modifiers: vec![],
        stroke: conductor::internals::effect::Stroke::Tap,
    });
    if Path::new("/dev/uinput").exists() {
        return; // what happens then is held by the machine test
    }
    let error = refused(&live, &keystroke).to_string();
    assert!(error.contains("sudo modprobe uinput"), "{error}");
}

#[test]
#[cfg(feature = "keys")]
fn a_text_the_layout_lacks_is_refused_whole() {
    let error = refused(&Live::new(Environment::inherited()), &Effect::Text("naïve".to_owned()));
    assert!(error.to_string().starts_with("'ï' (U+00EF, character 3 of the text)"), "{error}");
}

#[test]
#[cfg(feature = "alsa")]
fn midi_without_a_sequencer_says_what_to_do() {
    use conductor::internals::effect::MidiOut;
    use conductor::internals::midi::{Channel, Message};
    if Path::new("/dev/snd/seq").exists() {
        return; // what happens then is held by the machine test
    }
    let channel = Channel::new(1).expect("1 is a channel");
    let message = Message::NoteOn { channel, note: 60, velocity: 100 };
    let error = refused(
        &Live::new(Environment::inherited()),
        &Effect::Midi(MidiOut { port: "Synth".into(), message: message.into() }),
    );
    assert!(error.to_string().contains("sudo modprobe snd-seq"), "{error}");
}

#[test]
fn without_a_mixer_the_volume_says_what_to_install() {
    let live = Live::new(Environment::inherited().with("PATH", "/nonexistent"));
    let error = refused(&live, &Effect::Volume(Volume::Up(None)));
    assert!(error.to_string().contains("none of wpctl, pactl and amixer"), "{error}");
}

/// A sound server of our own, with a sink that goes nowhere.
struct Pulse {
    server: Child,
    directory: crate::support::Scratch,
}

impl Pulse {
    fn start() -> Option<Self> {
        let directory = crate::support::Scratch::new();
        let run = directory.path().join("run");
        std::fs::create_dir_all(&run).expect("a directory");
        std::fs::set_permissions(&run, PermissionsExt::from_mode(0o700)).expect("its mode");
        let server = Command::new("pulseaudio")
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"])
            .args(["-L", "module-native-protocol-unix", "-L", "module-null-sink sink_name=test"])
            .env("XDG_RUNTIME_DIR", &run)
            .env("HOME", directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let pulse = Self { server, directory };
        let answers = (0..200).any(|_| !pulse.pactl(&["info"]).is_empty());
        assert!(answers, "the sound server does not answer");
        Some(pulse)
    }
    fn environment(&self) -> Environment {
        self.own().into_iter().fold(Environment::inherited(), |all, (name, value)| all.with(name, value))
    }
    /// What leads to this server and nowhere else, and keeps clients' files out of the user's home.
    fn own(&self) -> [(&'static str, PathBuf); 3] {
        let (home, run) = (self.directory.path(), self.directory.path().join("run"));
        let server = PathBuf::from(format!("unix:{}/pulse/native", run.display()));
        [("HOME", home.to_owned()), ("XDG_RUNTIME_DIR", run), ("PULSE_SERVER", server)]
    }
    fn pactl(&self, words: &[&str]) -> String {
        let mut command = Command::new("pactl");
        command.args(words).envs(self.own()).env("LC_ALL", "C");
        command.output().map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned())
    }
    /// Level in per cent and whether it is muted, as the server says.
    fn level(&self) -> (String, bool) {
        let text = self.pactl(&["get-sink-volume", "@DEFAULT_SINK@"]);
        let level = text.split('/').nth(1).unwrap_or_default().trim().to_owned();
        (level, self.pactl(&["get-sink-mute", "@DEFAULT_SINK@"]).contains("yes"))
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn the_mixer_moves() {
    use VolumeOperation::{Down, Mute, Set, Unmute, Up};
    let present = |name: &str| Command::new(name).arg("--version").output().is_ok();
    let there = present("pulseaudio") && present("pactl");
    if !missing::present(there, "the_mixer_moves", "pulseaudio pulseaudio-utils") {
        return;
    }
    let Some(pulse) = Pulse::start() else { panic!("pulseaudio does not start") };
    let live = Live::new(pulse.environment());
    let change = |operation, value| {
        perform(&live, &Effect::Volume(Volume::new(operation, value).expect("a change")));
        assert!(live.drain(LONG));
        pulse.level()
    };
    assert_eq!(change(Set, Some(40)), ("40%".to_owned(), false));
    assert_eq!(change(Up, None), ("45%".to_owned(), false));
    assert_eq!(change(Down, Some(20)), ("25%".to_owned(), false));
    assert_eq!(change(Mute, None), ("25%".to_owned(), true));
    assert_eq!(change(Unmute, None), ("25%".to_owned(), false));
    assert_eq!(change(Set, Some(98)), ("98%".to_owned(), false));
    assert_eq!(change(Up, Some(10)), ("100%".to_owned(), false), "louder ends at full volume");
}

#[test]
fn a_mixer_that_fails_is_told() {
    let scratch = crate::support::Scratch::new();
    let tool = scratch.path().join("pactl");
    std::fs::write(&tool, "#!/bin/sh\necho 'Connection failure: Connection refused' >&2\nexit 1\n").expect("a script");
    std::fs::set_permissions(&tool, PermissionsExt::from_mode(0o755)).expect("its mode");
    let log = Log::listen();
    let live = Live::new(Environment::inherited().with("PATH", scratch.path()));
    perform(&live, &Effect::Volume(Volume::Mute));
    log.wait_for("volume mute: the volume was not changed: pactl: Connection failure: Connection refused");
}

/// A fader is turned while the mixer, which takes until it is let go on, is at its first call.
#[test]
fn turns_that_wait_for_a_slow_mixer_become_one() {
    let scratch = crate::support::Scratch::new();
    let gate = pipe(scratch.path());
    let (tool, calls) = (scratch.path().join("wpctl"), scratch.path().join("calls"));
    let script = format!("#!/bin/sh\necho \"$*\" >> {}\nread -r word < {}\n", calls.display(), gate.display());
    std::fs::write(&tool, script).expect("a script");
    std::fs::set_permissions(&tool, PermissionsExt::from_mode(0o755)).expect("its mode");
    let live = Live::new(Environment::inherited().with("PATH", scratch.path()));
    let turn = |operation, value| perform(&live, &Effect::Volume(Volume::new(operation, value).expect("a change")));
    turn(VolumeOperation::Set, Some(1));
    while std::fs::read_to_string(&calls).map_or(true, |calls| calls.is_empty()) {
        std::thread::yield_now();
    }
    for level in 2..=60 {
        turn(VolumeOperation::Set, Some(level));
    }
    turn(VolumeOperation::Down, Some(10));
    for _ in 0..2 {
        std::fs::write(&gate, "on\n").expect("the mixer reads");
    }
    assert!(live.drain(LONG));
    let calls = std::fs::read_to_string(&calls).expect("its calls");
    let set = |level: &str| format!("set-volume -l 1.0 @DEFAULT_AUDIO_SINK@ {level}\n");
    assert_eq!(calls, set("1%") + &set("50%"), "61 turns, two calls");
}

#[test]
fn a_program_finds_the_events_numbers_and_none_of_another_event() {
    let scratch = crate::support::Scratch::new();
    let pipe = pipe(scratch.path());
    let live = Live::new(Environment::inherited().with("CONDUCTOR_NOTE", "99"));
    let line = format!("echo \"$CONDUCTOR_VALUE,${{CONDUCTOR_NOTE-none}},$CONDUCTOR_DELTA\" > {}", pipe.display());
    let mut numbers = [None; 9];
    (numbers[0], numbers[8]) = (Some(16_383), Some(-3));
    perform(&live, &Effect::Shell(conductor::internals::effect::Command { line, variables: Variables::of(numbers) }));
    assert_eq!(std::fs::read_to_string(&pipe).expect("what it wrote"), "16383,none,-3\n");
}

/// A display of our own that shows nothing.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-noreset", "-screen", "0", "64x64x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        // It writes its number when it is ready.
        let mut number = String::new();
        let output = server.stdout.take().expect("a pipe");
        std::io::BufReader::new(output).read_line(&mut number).expect("the display's number");
        Self { server, name: format!(":{}", number.trim()) }
    }
    fn xprop(&self, words: &[&str]) -> String {
        let output = Command::new("xprop").args(words).env("DISPLAY", &self.name).output().expect("xprop runs");
        String::from_utf8(output.stdout).expect("text")
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn the_window_in_front_is_known_on_a_real_display() {
    let present = |name: &str| Command::new(name).arg("-version").output().is_ok();
    let there = present("Xvfb") && present("xprop");
    if !missing::present(there, "the_window_in_front_is_known_on_a_real_display", "xvfb x11-utils") {
        return;
    }
    let display = Display::start();
    let alone = ["SWAYSOCK", "HYPRLAND_INSTANCE_SIGNATURE"]
        .into_iter()
        .fold(Environment::inherited(), |environment, name| environment.with(name, ""));
    let environment = alone.with("DISPLAY", &display.name);
    let clock = Arc::new(VirtualClock::new(FILE_EPOCH_US));
    let world = Conditions::live(Arc::clone(&clock), environment);
    assert!(!world.app_frontmost("gimp"), "there is no window");
    // The root window stands in for one: what a window manager would say of the window in front is written on it.
    let root = display.xprop(&["-root", "-f", "WM_CLASS", "8s", "-set", "WM_CLASS", "Gimp"]);
    assert!(root.is_empty(), "{root}");
    let tree = Command::new("xwininfo").args(["-root"]).env("DISPLAY", &display.name).output().expect("xwininfo runs");
    let tree = String::from_utf8(tree.stdout).expect("text");
    let id = tree.split_whitespace().find(|word| word.starts_with("0x")).expect("the window's number").to_owned();
    display.xprop(&["-root", "-f", "_NET_ACTIVE_WINDOW", "32x", "-set", "_NET_ACTIVE_WINDOW", &id]);
    clock.advance_to(10_000_000);
    // The display is asked beside whoever wants to know.
    while !world.app_frontmost("gimp") {
        std::thread::yield_now();
    }
    assert!(!world.app_frontmost("firefox"));
}
