//! The machine around the player: volume, programs, keys, screen. Each needs its capability.

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::host::{HostError, answer, checked};
#[cfg(target_family = "wasm")]
use crate::imports;
#[cfg(not(target_family = "wasm"))]
use crate::testing as imports;

/// What to do to the system's volume. Needs Audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volume {
    /// Up by so many per cent, or by the host's step.
    Up(Option<u8>),
    /// Down by so many per cent, or by the host's step.
    Down(Option<u8>),
    /// To so many per cent.
    Set(u8),
    /// Silent.
    Mute,
    /// As loud as before.
    Unmute,
}

/// Changes the system's volume.
pub fn volume(change: Volume) -> Result<(), HostError> {
    let (operation, percent) = match change {
        Volume::Up(step) => ("up", step),
        Volume::Down(step) => ("down", step),
        Volume::Set(level) => ("set", Some(level)),
        Volume::Mute => ("mute", None),
        Volume::Unmute => ("unmute", None),
    };
    checked(imports::audio_control(operation.as_bytes(), percent.map_or(-1, i32::from))).map(|_| ())
}

/// What a program left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output, at most 1 MiB.
    pub output: Vec<u8>,
    /// Its standard error, at most 1 MiB.
    pub errors: Vec<u8>,
    /// Whether either was longer.
    pub truncated: bool,
}

/// Runs a program that `allowed_commands` lists, without a shell, and waits for its end. Needs Subprocess.
pub fn exec(program: &str, arguments: &[&str], input: &[u8]) -> Result<Ran, Failure> {
    #[derive(Serialize)]
    struct Request<'a> {
        program: &'a str,
        arguments: &'a [&'a str],
    }
    #[derive(Deserialize)]
    struct Head {
        code: Option<i32>,
        output: usize,
        truncated: bool,
    }
    let len = checked(imports::exec(&serde_json::to_vec(&Request { program, arguments })?, input))?;
    let (head, mut output) = answer(len)?;
    let Head { code, output: end, truncated } = serde_json::from_slice(&head)?;
    let errors = output.split_off(end.min(output.len()));
    Ok(Ran { code, output, errors, truncated })
}

/// What to do to the machine. Needs `SystemControl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "operation", rename_all = "lowercase")]
pub enum System<'a> {
    /// Locks the screen.
    Lock,
    /// Sends the machine to sleep.
    Sleep,
    /// Shows a notification.
    Notify {
        /// Its first line.
        title: &'a str,
        /// The rest.
        body: &'a str,
    },
    /// Sets the screen's brightness.
    Brightness {
        /// 1 to 100.
        percent: u8,
    },
    /// Makes the screen brighter or, below 0, darker.
    #[serde(rename = "brightness")]
    BrightnessChange {
        /// −100 to 100, in per cent of the whole range.
        change: i8,
    },
}

/// Changes the machine's state.
pub fn system(change: System<'_>) -> Result<(), Failure> {
    checked(imports::system_control(&serde_json::to_vec(&change)?))?;
    Ok(())
}

/// Presses `keys` together with `modifiers` (cmd, shift, alt, ctrl). Needs `SystemControl`.
pub fn press_keys(keys: &str, modifiers: &[&str]) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Request<'a> {
        keys: &'a str,
        modifiers: &'a [&'a str],
    }
    checked(imports::keys_send(&serde_json::to_vec(&Request { keys, modifiers })?))?;
    Ok(())
}

/// Types `text`, at most 1,000 characters. Needs `SystemControl`.
pub fn type_text(text: &str) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Request<'a> {
        text: &'a str,
    }
    checked(imports::keys_send(&serde_json::to_vec(&Request { text })?))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn requests_are_worded_as_the_host_reads_them() {
        testing::reset();
        volume(Volume::Up(None)).expect("done");
        volume(Volume::Set(40)).expect("done");
        system(System::Lock).expect("done");
        system(System::Notify { title: "a", body: "b" }).expect("done");
        system(System::Brightness { percent: 70 }).expect("done");
        system(System::BrightnessChange { change: -10 }).expect("done");
        press_keys("c", &["ctrl"]).expect("done");
        type_text("hello").expect("done");
        let asked: Vec<(&str, String)> = testing::take()
            .asked
            .into_iter()
            .map(|asked| (asked.function, String::from_utf8(asked.head).expect("text")))
            .collect();
        let wanted = [
            ("audio_control", "up -1"),
            ("audio_control", "set 40"),
            ("system_control", r#"{"operation":"lock"}"#),
            ("system_control", r#"{"operation":"notify","title":"a","body":"b"}"#),
            ("system_control", r#"{"operation":"brightness","percent":70}"#),
            ("system_control", r#"{"operation":"brightness","change":-10}"#),
            ("keys_send", r#"{"keys":"c","modifiers":["ctrl"]}"#),
            ("keys_send", r#"{"text":"hello"}"#),
        ];
        assert_eq!(asked, wanted.map(|(function, head)| (function, head.to_owned())));
    }

    #[test]
    fn a_program_leaves_two_streams() {
        testing::reset();
        testing::answer(r#"{"code":3,"output":4,"errors":2,"truncated":false}"#, b"out\nno");
        let ran = exec("ls", &["-l"], b"in").expect("run");
        let wanted = Ran { code: Some(3), output: b"out\n".to_vec(), errors: b"no".to_vec(), truncated: false };
        assert_eq!(ran, wanted);
        let asked = &testing::take().asked[0];
        assert_eq!(asked.head, br#"{"program":"ls","arguments":["-l"]}"#);
        assert_eq!(asked.body, b"in");
    }
}
