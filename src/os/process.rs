//! Finding programs, and running short ones to their end.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal};

use super::descriptors;
use crate::effect::EffectError;
use crate::text::Escape as _;
use crate::time::{Clock, SystemClock};

/// Most bytes kept of what a short program prints. A mixer or a window list says little; the rest is read and forgotten.
const MAX_CAPTURED: usize = 256 << 10;

/// How often a child is looked at where the kernel has no process descriptors (before Linux 5.3).
const LOOK: Duration = Duration::from_millis(20);

/// What programs find in their environment: that of this process, with these variables on top.
#[derive(Debug, Clone, Default)]
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn inherited() -> Self {
        Self::default()
    }
    /// With `name` set to `value`.
    #[must_use]
    pub fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }
    /// The value of `name`, when it is set and not empty.
    pub(super) fn get(&self, name: &str) -> Option<OsString> {
        let own = self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        own.or_else(|| std::env::var_os(name)).filter(|value| !value.is_empty())
    }
    /// A command for `program`, in a process group of its own so that what ends Conductor from a keyboard does not end
    /// it, with no standard streams.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.envs(self.0.iter().map(|(name, value)| (name, value)));
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
    /// The file of `program`: as it is where it holds a `/`, else looked up in `PATH`.
    pub(super) fn find(&self, program: &str) -> Result<PathBuf, EffectError> {
        if program.is_empty() {
            return Err(EffectError::NotFound("no program is named".to_owned()));
        }
        if program.contains('/') {
            let path = self.expand(program);
            return match std::fs::metadata(&path) {
                Ok(file) if file.is_file() && file.permissions().mode() & 0o111 != 0 => Ok(path),
                Ok(_) => Err(EffectError::NotPermitted(format!(
                    "{program} is not an executable file; make it one with: chmod +x {program}"
                ))),
                Err(error) => Err(EffectError::NotFound(format!("cannot find the program {program}: {error}"))),
            };
        }
        let path = self.get("PATH").unwrap_or_else(|| OsString::from("/usr/local/bin:/usr/bin:/bin"));
        let found = std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| executable(file));
        found.ok_or_else(|| {
            EffectError::NotFound(format!("there is no program {program} in PATH; install it, or write its whole path"))
        })
    }
    /// `~/…` as a path in the home directory.
    fn expand(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), self.get("HOME")) {
            (Some(rest), Some(home)) => Path::new(&home).join(rest),
            _ => PathBuf::from(path),
        }
    }
}

/// Starts `command`, under the limit of descriptors that this process was started with.
pub(super) fn spawn(command: &mut Command) -> std::io::Result<Child> {
    let child = command.spawn()?;
    descriptors::restore(&child);
    Ok(child)
}

fn executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Which stream of a short program is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Output,
    Errors,
}

/// A short program's end.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// What was kept, as text.
    pub(super) text: String,
}

/// Runs `program` to its end and keeps one of its streams. After `limit` its whole group is killed.
pub(super) fn run<S: AsRef<OsStr>>(
    environment: &Environment,
    program: &Path,
    arguments: impl IntoIterator<Item = S>,
    keep: Keep,
    limit: Duration,
) -> Result<Ended, EffectError> {
    let mut command = environment.command(program);
    command.args(arguments);
    match keep {
        Keep::Output => command.stdout(Stdio::piped()),
        Keep::Errors => command.stderr(Stdio::piped()),
    };
    let mut child = spawn(&mut command).map_err(|error| cannot_start(program, &error))?;
    let end = wait(&mut child, keep, limit);
    if end.is_err() {
        if let Some(group) = Pid::from_raw(child.id().cast_signed()) {
            // It may have ended meanwhile; it is reaped below in either case.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait();
    }
    let (status, bytes) = end.map_err(|stop| match stop {
        Stop::TimedOut => EffectError::Failed(format!(
            "{} did not end within {} ms and was stopped",
            program.escaped(),
            limit.as_millis()
        )),
        Stop::Io(error) => EffectError::Failed(format!("cannot wait for {}: {error}", program.escaped())),
    })?;
    Ok(Ended { status, text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// Why waiting for a program ended before the program did.
enum Stop {
    TimedOut,
    Io(std::io::Error),
}

fn wait(child: &mut Child, keep: Keep, limit: Duration) -> Result<(ExitStatus, Vec<u8>), Stop> {
    let mut stream = match keep {
        Keep::Output => child.stdout.take().map(OwnedFd::from),
        Keep::Errors => child.stderr.take().map(OwnedFd::from),
    }
    .map(std::fs::File::from);
    let process = descriptor(child);
    let clock = SystemClock::start();
    let limit = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
    let mut kept = Vec::new();
    loop {
        let status = child.try_wait().map_err(Stop::Io)?;
        let left = limit.saturating_sub(clock.now());
        let pause = match (&status, &process) {
            (Some(_), _) => 0, // only what is in the pipe already
            (None, Some(_)) => left,
            (None, None) => left.min(u64::try_from(LOOK.as_micros()).unwrap_or(left)),
        };
        let fds: Vec<BorrowedFd<'_>> = stream
            .iter()
            .map(AsFd::as_fd)
            .chain(process.iter().filter(|_| status.is_none()).map(AsFd::as_fd))
            .collect();
        let ready = poll_for(&fds, Some(Duration::from_micros(pause))).map_err(Stop::Io)?;
        let readable = stream.is_some() && ready.first() == Some(&true);
        if let (true, Some(file)) = (readable, &mut stream) {
            let mut chunk = [0; 4096];
            let count = file.read(&mut chunk).map_err(Stop::Io)?;
            let room = MAX_CAPTURED.saturating_sub(kept.len()).min(count);
            kept.extend_from_slice(&chunk[..room]); // room <= count <= chunk.len()
            if count == 0 {
                stream = None;
            }
        }
        match status {
            Some(status) if !readable || stream.is_none() => return Ok((status, kept)),
            None if left == 0 => return Err(Stop::TimedOut),
            _ => {}
        }
    }
}

/// A descriptor that becomes readable when `child` ends; none on old kernels.
pub(super) fn descriptor(child: &Child) -> Option<OwnedFd> {
    let pid = Pid::from_raw(child.id().cast_signed())?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()
}

/// Waits until one of `fds` is readable or closed, at most `limit`; which are.
pub(super) fn poll_for(fds: &[BorrowedFd<'_>], limit: Option<Duration>) -> std::io::Result<Vec<bool>> {
    let mut polled: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    match poll(&mut polled, limit.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(polled.iter().map(|fd| !fd.revents().is_empty()).collect()),
        Err(error) => Err(error.into()),
    }
}

/// Says why `program` did not start.
pub(super) fn cannot_start(program: &Path, error: &std::io::Error) -> EffectError {
    let text = format!("cannot start {}: {error}", program.escaped());
    match error.kind() {
        std::io::ErrorKind::NotFound => EffectError::NotFound(text),
        std::io::ErrorKind::PermissionDenied => EffectError::NotPermitted(text),
        std::io::ErrorKind::WouldBlock => EffectError::Busy(text), // no more processes
        _ => EffectError::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str, limit: Duration) -> Result<Ended, EffectError> {
        run(&Environment::inherited(), Path::new("/bin/sh"), ["-c", line], Keep::Output, limit)
    }

    #[test]
    fn a_short_program_is_run_to_its_end() {
        let ended = shell("echo one; echo two >&2; exit 3", Duration::from_secs(10)).expect("it runs");
        assert_eq!((ended.status.code(), ended.text.as_str()), (Some(3), "one\n"));
    }

    #[test]
    fn a_program_that_does_not_end_is_stopped_with_its_group() {
        let error = shell("sleep 1000 & sleep 1000", Duration::from_millis(50)).expect_err("it is stopped");
        assert_eq!(error.to_string(), "/bin/sh did not end within 50 ms and was stopped");
    }

    #[test]
    fn a_child_that_keeps_the_pipe_open_does_not_keep_us() {
        let ended = shell("sleep 5 & echo done", Duration::from_secs(60)).expect("it ends");
        assert_eq!(ended.text, "done\n");
    }

    #[test]
    fn output_without_end_does_not_fill_memory() {
        let ended = shell("head -c 4000000 /dev/zero", Duration::from_secs(60)).expect("it ends");
        assert_eq!(ended.text.len(), MAX_CAPTURED);
    }

    #[test]
    fn a_missing_program_is_named() {
        let environment = Environment::inherited();
        for (program, wanted) in [
            ("no-such-program", "there is no program no-such-program in PATH; install it, or write its whole path"),
            ("/no/such/program", "cannot find the program /no/such/program: No such file or directory (os error 2)"),
            ("/etc/passwd", "/etc/passwd is not an executable file; make it one with: chmod +x /etc/passwd"),
            ("", "no program is named"),
        ] {
            assert_eq!(environment.find(program).expect_err("it is missing").to_string(), wanted);
        }
        assert!(environment.find("sh").is_ok());
    }
}
