//! A plugin's mixer, programs and system calls reach the real programs, started here without a screen, a sound card or systemd.
//!
//! Each test runs itself once more inside the surroundings it needs: a private bus, a private `/run`, a null sink. Where a
//! program is missing it is left out, which the run says at its end (in CI it fails); `.ci/run` installs them.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::support::sandbox::{call_with, instance, load, params, services, settings};
use crate::support::{Scratch, missing, test_name};
use conductor::internals::capability::Capability;
use conductor::internals::config::PluginConfig;
use conductor::internals::effect::EffectHandler;
use conductor::internals::os::{Environment, Live};
use conductor::internals::sandbox::{Context, Errno, Outcome, Services};
use conductor::internals::time::SystemClock;

/// Set to the scratch directory inside the surroundings.
const INSIDE: &str = "CONDUCTOR_TEST_INSIDE";

/// What a test needs: a command that succeeds where it is there, and what that is.
pub(crate) enum Need {
    /// Of a Debian package.
    Package(&'static str, &'static str),
    /// Of the machine, which no package can give.
    Machine(&'static str, &'static str),
}

pub(crate) const BUS: Need = Need::Package("command -v dbus-run-session gdbus", "dbus libglib2.0-bin");
const MOCK: Need = Need::Package("/usr/bin/python3 -c 'import dbusmock'", "python3-dbusmock");

/// Runs the calling test once more inside what `script` sets up, in which `inside` stands for it and `$D` for a directory of
/// its own. Gives that directory inside, and nothing outside or where something is missing.
fn surrounded(test: &str, needs: &[Need], script: &str) -> Option<std::path::PathBuf> {
    surrounded_in(module_path!(), test, needs, script)
}

/// The same for a test of another module.
pub(crate) fn surrounded_in(module: &str, test: &str, needs: &[Need], script: &str) -> Option<std::path::PathBuf> {
    if let Some(directory) = std::env::var_os(INSIDE) {
        return Some(directory.into());
    }
    for need in needs {
        let (Need::Package(probe, what) | Need::Machine(probe, what)) = need;
        let there = shell(probe).output().expect("bash").status.success();
        match need {
            Need::Package(..) if !missing::present(there, test, what) => return None,
            Need::Machine(..) if !there => {
                missing::left_out(test, what);
                return None;
            }
            _ => {}
        }
    }
    let scratch = Scratch::new();
    let mut run =
        shell(&format!("set -eu\ninside() {{ \"$BIN\" --exact \"$NAME\" --nocapture; }}\nexport -f inside\n{script}"));
    run.env("BIN", std::env::current_exe().expect("this test")).env("NAME", test_name(module, test));
    run.env("D", scratch.path()).env(INSIDE, scratch.path()).env("LC_ALL", "C");
    let ran = run.output().expect("bash");
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
    None
}

fn shell(line: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", line]);
    command
}

/// Inside: whether there are mount namespaces to be had. As root without a user namespace, which would hide root's own files.
const MOUNTS: Need =
    Need::Machine("unshare -m true 2>/dev/null || unshare -rm true", "a kernel that lets this user make namespaces");
const UNSHARE: Need = Need::Package("command -v unshare", "util-linux");

fn mounted(script: &str) -> String {
    format!("flags=-m; unshare -m true 2>/dev/null || flags=-rm\nexport -f inside\nunshare $flags bash -euc '{script}'")
}

/// The real world.
fn live() -> Arc<dyn EffectHandler> {
    Arc::new(Live::new(Environment::inherited()))
}

/// Calls the host function `name` with `json`, from a plugin with every capability.
fn ask(name: &str, json: &str, outside: Arc<dyn EffectHandler>) -> Outcome {
    let text = match name {
        // Its arguments are no JSON.
        "audio_control" => r#"(module (import "conductor" "audio_control" (func $f (param i32 i32 i32) (result i32)))
          (memory (export "memory") 2)
          (func (export "execute") (param $ptr i32) (param $len i32) (result i32)
            (call $f (local.get $ptr) (i32.sub (local.get $len) (i32.const 2)) (i32.sub (i32.load8_u (i32.sub (i32.add (local.get $ptr) (local.get $len)) (i32.const 1))) (i32.const 32)))))"#
            .to_owned(),
        "exec" => r#"(module (import "conductor" "exec" (func $f (param i32 i32 i32 i32) (result i32)))
          (import "conductor" "response_read" (func $read (param i32 i32) (result i32)))
          (import "conductor" "log" (func $log (param i32 i32 i32)))
          (memory (export "memory") 2) (data (i32.const 16) "fed")
          (func (export "execute") (param $ptr i32) (param $len i32) (result i32) (local $code i32)
            (local.set $code (call $f (local.get $ptr) (local.get $len) (i32.const 16) (i32.const 3)))
            (if (i32.lt_s (local.get $code) (i32.const 0)) (then (return (local.get $code))))
            (call $log (i32.const 3) (i32.const 1024) (call $read (i32.const 1024) (i32.const 2000)))
            (i32.const 0)))"#
            .to_owned(),
        name => format!(
            r#"(module (import "conductor" "{name}" (func $f (param i32 i32) (result i32))) (memory (export "memory") 2)
              (func (export "execute") (param i32 i32) (result i32) (call $f (local.get 0) (local.get 1))))"#
        ),
    };
    let config = PluginConfig {
        granted_capabilities: Capability::ALL.to_vec(),
        allowed_commands: vec!["cat".to_owned(), "bash".to_owned(), "env".to_owned()],
        ..settings()
    };
    let plugin = load("test", &wat::parse_str(text).expect("text"), &config).expect("loaded");
    let services = Services { outside, clock: Arc::new(SystemClock::start()), live: true, ..services() };
    call_with(&mut instance(&plugin, &services), &params(json), &Context::default())
}

#[track_caller]
fn done(outcome: &Outcome) {
    assert!(outcome.is_ok(), "{:?}", outcome.error());
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn an_allowed_program_runs_and_a_shell_does_not() {
    let outcome = ask("exec", r#"{"program":"cat","arguments":["-"]}"#, live());
    done(&outcome);
    assert_eq!(outcome.logs[0].text, r#"{"code":0,"output":3,"errors":0,"truncated":false} fed"#);
    for (program, reason) in
        [("bash", "is a shell"), ("/bin/cat", "not an allowed command"), ("ls", "not an allowed command")]
    {
        let outcome = ask("exec", &format!(r#"{{"program":"{program}"}}"#), live());
        assert_eq!(outcome.code(), Some(Errno::Denied.code()));
        assert!(outcome.last_error.as_deref().is_some_and(|text| text.contains(reason)), "{outcome:?}");
    }
}

#[test]
fn a_plugin_changes_the_volume_of_a_real_mixer() {
    let script = r#"
        export XDG_RUNTIME_DIR=$D/run PULSE_STATE_PATH=$D/state HOME=$D; unset PULSE_SERVER; mkdir -m 700 "$XDG_RUNTIME_DIR"
        pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no -L module-native-protocol-unix \
          -L "module-null-sink sink_name=test" 2>/dev/null & server=$!
        trap 'kill $server' EXIT
        for _ in $(seq 200); do pactl info >/dev/null 2>&1 && break; done
        inside"#;
    let needs =
        [Need::Package("command -v pulseaudio", "pulseaudio"), Need::Package("command -v pactl", "pulseaudio-utils")];
    if surrounded("a_plugin_changes_the_volume_of_a_real_mixer", &needs, script).is_none() {
        return;
    }
    let pactl = |words: &[&str]| {
        let ran = Command::new("pactl").args(words).output().expect("pactl");
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    let level = || pactl(&["get-sink-volume", "@DEFAULT_SINK@"]);
    // The last byte, less 32, is the level.
    done(&ask("audio_control", "set H", live())); // 40
    assert!(level().contains(" 40% "), "{}", level());
    done(&ask("audio_control", "up *", live())); // 10
    assert!(level().contains(" 50% "), "{}", level());
    done(&ask("audio_control", "down 4", live())); // 20
    assert!(level().contains(" 30% "), "{}", level());
    done(&ask("audio_control", "mute  ", live()));
    assert!(pactl(&["get-sink-mute", "@DEFAULT_SINK@"]).contains("yes"));
}

#[test]
fn a_plugin_shows_a_notification() {
    let script = r#"dbus-run-session -- bash -euc '
        /usr/bin/python3 -m dbusmock --session -t notification_daemon -l "$D/log" & trap "kill $!" EXIT
        gdbus wait --session --timeout 10 org.freedesktop.Notifications
        inside'"#;
    let needs = [BUS, MOCK, Need::Package("command -v notify-send", "libnotify-bin")];
    let Some(directory) = surrounded("a_plugin_shows_a_notification", &needs, script) else { return };
    done(&ask("system_control", r#"{"operation":"notify","title":"--Tempo","body":"<b>120\u001b[2J</b>"}"#, live()));
    let log = read(&directory.join("log"));
    let line = log.lines().find(|line| line.contains("Notify \"")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(r#"Notify "Conductor" 0 "" "--Tempo" "&lt;b&gt;120 [2J&lt;/b&gt;""#), "{line}");
}

#[test]
fn a_plugin_locks_and_suspends() {
    let script = mounted(
        r#"mount -t tmpfs none /run; mkdir -p /run/systemd/system
        dbus-run-session -- bash -euc "
          export DBUS_SYSTEM_BUS_ADDRESS=\$DBUS_SESSION_BUS_ADDRESS
          /usr/bin/python3 -m dbusmock --system -t logind -l \$D/log 2>/dev/null & trap \"kill \$!\" EXIT
          gdbus wait --system --timeout 10 org.freedesktop.login1
          gdbus call --system -d org.freedesktop.login1 -o /org/freedesktop/login1 \
            -m org.freedesktop.DBus.Mock.AddSession c1 seat0 0 root true >/dev/null
          XDG_SESSION_ID=c1 inside""#,
    );
    let needs = [BUS, MOCK, UNSHARE, MOUNTS, Need::Package("command -v loginctl systemctl", "systemd")];
    let Some(directory) = surrounded("a_plugin_locks_and_suspends", &needs, &script) else { return };
    // Nothing is sent unless it is the mock that listens: this must never suspend the machine the test runs on.
    let mock = ["call", "--system", "-d", "org.freedesktop.login1", "-o", "/org/freedesktop/login1", "-m"];
    let asked = Command::new("gdbus").args(mock).arg("org.freedesktop.DBus.Mock.GetCalls").output().expect("gdbus");
    assert!(asked.status.success(), "this is not the mock: {}", String::from_utf8_lossy(&asked.stderr));
    let alone = ask("system_control", r#"{"operation":"lock"}"#, live());
    assert!(alone.last_error.as_deref().is_some_and(|text| text.contains("no locker answered")), "{alone:?}");
    let log = read(&directory.join("log"));
    assert!(log.lines().any(|line| line.ends_with("LockSession \"c1\"")), "{log}");
    // From here on the mock answers as these lines of Python have it.
    let answers = |method: &str, input: &str, output: &str, code: &str| {
        let words =
            ["org.freedesktop.DBus.Mock.AddMethod", "org.freedesktop.login1.Manager", method, input, output, code];
        let told = Command::new("gdbus").args(mock).args(words).output().expect("gdbus");
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    };
    let locks = r#"objects["/org/freedesktop/login1/session/c1"].UpdateProperties("org.freedesktop.login1.Session", {"LockedHint": dbus.Boolean(True)})"#;
    answers("LockSession", "s", "", locks);
    done(&ask("system_control", r#"{"operation":"lock"}"#, live()));
    for (answer, words) in [("na", "this machine cannot suspend"), ("challenge", "may not suspend")] {
        answers("CanSuspend", "", "s", &format!("ret = '{answer}'"));
        let refused = ask("system_control", r#"{"operation":"sleep"}"#, live());
        assert!(refused.last_error.as_deref().is_some_and(|text| text.contains(words)), "{refused:?}");
    }
    let log = read(&directory.join("log"));
    assert!(!log.lines().any(|line| line.contains(" Suspend")), "{log}");
    answers("CanSuspend", "", "s", "ret = 'yes'");
    done(&ask("system_control", r#"{"operation":"sleep"}"#, live()));
    let log = read(&directory.join("log"));
    assert!(log.lines().any(|line| line.contains(" Suspend")), "{log}");
}

#[test]
fn a_plugin_sets_the_brightness() {
    let script = mounted(
        r"mount -t tmpfs none /sys/class; mkdir -p /sys/class/backlight/fake
        echo 200 > /sys/class/backlight/fake/max_brightness; echo 200 > /sys/class/backlight/fake/brightness
        inside",
    );
    let needs = [UNSHARE, MOUNTS, Need::Package("command -v brightnessctl", "brightnessctl")];
    if surrounded("a_plugin_sets_the_brightness", &needs, &script).is_none() {
        return;
    }
    let level = || read(Path::new("/sys/class/backlight/fake/brightness")).trim().to_owned();
    assert_eq!(level(), "200");
    done(&ask("system_control", r#"{"operation":"brightness","percent":25}"#, live()));
    assert_eq!(level(), "50");
    done(&ask("system_control", r#"{"operation":"brightness","change":10}"#, live()));
    assert_eq!(level(), "70");
    done(&ask("system_control", r#"{"operation":"brightness","change":-100}"#, live()));
    assert_eq!(level(), "2", "a plugin does not make the screen black");
    let dark = ask("system_control", r#"{"operation":"brightness","percent":0}"#, live());
    assert_eq!(dark.code(), Some(Errno::Invalid.code()), "a plugin does not make the screen black: {dark:?}");
}

#[test]
fn what_is_no_operation_is_refused_before_anything_is_asked() {
    for (name, json) in [
        ("system_control", r#"{"operation":"format"}"#),
        ("system_control", r#"{"operation":"notify","title":" "}"#),
        ("system_control", r#"{"operation":"lock","now":true}"#),
        ("system_control", r#"{"operation":"brightness"}"#),
        ("system_control", r#"{"operation":"brightness","change":101}"#),
        ("system_control", r#"{"operation":"brightness","percent":5,"change":5}"#),
        ("keys_send", r#"{"keys":"no such key"}"#),
        ("keys_send", r#"{"keys":"a","text":"b"}"#),
        ("audio_control", "louder *"),
    ] {
        // In a world that does nothing: were it not refused, this machine must not be locked.
        let outcome = ask(name, json, services().outside);
        assert_eq!(outcome.code(), Some(Errno::Invalid.code()), "{name} {json}: {outcome:?}");
    }
}
