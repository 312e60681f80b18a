//! Programs that plugins run: to their end, within their time, with nothing of this process but what is listed.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};

use super::process::{Environment, cannot_start, descriptor, spawn};
use crate::effect::{EffectError, Program, ProgramEnd};
use crate::text::Escape as _;
use crate::time::{Clock, SystemClock};

/// What a program finds in its environment, where it is set: where things are and how to reach the user's session. Nothing
/// else is handed on, for tokens and passwords live there.
const ENVIRONMENT: [&str; 8] =
    ["PATH", "HOME", "USER", "LANG", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"];

/// How often a program is looked at where the kernel has no process descriptors (before Linux 5.3).
const LOOK: Duration = Duration::from_millis(20);

/// How much is moved at once: what a pipe holds.
const CHUNK_BYTES: usize = 64 << 10;

/// Runs `program` to its end. When it ends, or after `limit`, everything it started that stayed in its process group is
/// killed: nothing outlives the call.
pub(super) fn exec(environment: &Environment, program: &Program, limit: Duration) -> Result<ProgramEnd, EffectError> {
    let clock = SystemClock::start();
    let file = environment.find(&program.program)?;
    let mut command = environment.command(&file);
    command.env_clear().args(&program.arguments).current_dir("/");
    command.envs(ENVIRONMENT.iter().filter_map(|name| Some((name, environment.get(name)?))));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = spawn(&mut command).map_err(|error| cannot_start(&file, &error))?;
    let mut running = Running::new(child, program);
    let end = running.until_it_ends(&clock, limit);
    let status = running.kill(&file)?;
    end.map_err(|stop| stop.told(&file, limit))?;
    Ok(ProgramEnd {
        code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        output: running.output.kept,
        errors: running.errors.kept,
        truncated: running.output.truncated || running.errors.truncated,
    })
}

/// Why waiting ended before the program did.
enum Stop {
    TimedOut,
    Io(std::io::Error),
}

impl Stop {
    fn told(self, file: &Path, limit: Duration) -> EffectError {
        let file = file.escaped();
        match self {
            Self::TimedOut => EffectError::TimedOut(format!(
                "{file} did not end within {} ms and was killed; raise timeout_ms in the request or max_execution_ms",
                limit.as_millis()
            )),
            Self::Io(error) => EffectError::Failed(format!("cannot wait for {file}: {error}")),
        }
    }
}

/// A program at work.
struct Running<'p> {
    child: Child,
    /// Becomes readable when it ends; none on old kernels.
    ended: Option<OwnedFd>,
    input: Option<(File, &'p [u8])>,
    output: Stream,
    errors: Stream,
}

impl<'p> Running<'p> {
    fn new(mut child: Child, program: &'p Program) -> Self {
        let input = child.stdin.take().map(|pipe| (File::from(OwnedFd::from(pipe)), program.input.as_slice()));
        let output = Stream::new(child.stdout.take().map(OwnedFd::from), program.max_output_bytes);
        let errors = Stream::new(child.stderr.take().map(OwnedFd::from), program.max_output_bytes);
        Self { ended: descriptor(&child), child, input, output, errors }
    }

    /// Feeds it and listens to it until it ends.
    fn until_it_ends(&mut self, clock: &SystemClock, limit: Duration) -> Result<(), Stop> {
        for pipe in [self.input.as_ref().map(|(pipe, _)| pipe), self.output.pipe.as_ref(), self.errors.pipe.as_ref()] {
            let Some(pipe) = pipe else { continue };
            let flags = fcntl_getfl(pipe).map_err(|error| Stop::Io(error.into()))?;
            fcntl_setfl(pipe, flags | OFlags::NONBLOCK).map_err(|error| Stop::Io(error.into()))?;
        }
        let limit = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        loop {
            self.feed()?;
            self.output.drain()?;
            self.errors.drain()?;
            // Looked at after draining: what it wrote before it ended is then in the pipe still, and drained once more.
            if self.has_ended()? {
                self.output.drain()?;
                self.errors.drain()?;
                return Ok(());
            }
            let left = limit.saturating_sub(clock.now());
            if left == 0 {
                return Err(Stop::TimedOut);
            }
            self.wait(Duration::from_micros(left))?;
        }
    }

    fn feed(&mut self) -> Result<(), Stop> {
        while let Some((pipe, rest)) = &mut self.input {
            if rest.is_empty() {
                self.input = None; // the end of its input
                break;
            }
            match pipe.write(&rest[..rest.len().min(CHUNK_BYTES)]) {
                Ok(count) => *rest = &rest[count..], // count is at most what was given
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::BrokenPipe => self.input = None, // it does not want more
                Err(error) => return Err(Stop::Io(error)),
            }
        }
        Ok(())
    }

    /// Whether it ended. It is not reaped yet: until then its group's number is nobody else's.
    fn has_ended(&self) -> Result<bool, Stop> {
        let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) else { return Ok(true) };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(pid), options) {
            Ok(status) => Ok(status.is_some()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(Stop::Io(error.into())),
        }
    }

    /// Waits until there is something to do, at most `left`.
    fn wait(&self, left: Duration) -> Result<(), Stop> {
        let pipes = [&self.output.pipe, &self.errors.pipe].into_iter().flatten();
        let mut fds: Vec<PollFd<'_>> = pipes.map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
        fds.extend(self.input.as_ref().map(|(pipe, _)| PollFd::new(pipe, PollFlags::OUT)));
        fds.extend(self.ended.as_ref().map(|ended| PollFd::from_borrowed_fd(ended.as_fd(), PollFlags::IN)));
        let pause = if self.ended.is_some() { left } else { left.min(LOOK) };
        match poll(&mut fds, Timespec::try_from(pause).ok().as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(Stop::Io(error.into())),
        }
    }

    /// Ends what is left of its group, and reaps it.
    fn kill(&mut self, file: &Path) -> Result<ExitStatus, EffectError> {
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            // The group is gone already when nothing of it is left.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        self.child.wait().map_err(|error| Stop::Io(error).told(file, Duration::ZERO))
    }
}

/// One of a program's output streams.
struct Stream {
    /// None at its end.
    pipe: Option<File>,
    kept: Vec<u8>,
    limit: usize,
    truncated: bool,
}

impl Stream {
    fn new(pipe: Option<OwnedFd>, limit: usize) -> Self {
        Self { pipe: pipe.map(File::from), kept: Vec::new(), limit, truncated: false }
    }

    /// Reads what is there, at most a few chunks of it: the other stream has its turn. What is beyond the limit is read and
    /// thrown away, so that the program can go on.
    fn drain(&mut self) -> Result<(), Stop> {
        let mut chunk = [0; 4096];
        for _ in 0..CHUNK_BYTES / chunk.len() {
            let Some(pipe) = &mut self.pipe else { break };
            match pipe.read(&mut chunk) {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    let fits = count.min(self.limit.saturating_sub(self.kept.len()));
                    self.kept.extend_from_slice(&chunk[..fits]); // fits <= count <= chunk.len()
                    self.truncated |= fits < count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Stop::Io(error)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, arguments: &[&str], input: &[u8]) -> Program {
        Program {
            program: name.to_owned(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            input: input.to_vec(),
            max_output_bytes: 1 << 20,
        }
    }

    #[track_caller]
    fn run(program: &Program) -> ProgramEnd {
        exec(&Environment::inherited(), program, Duration::from_secs(60)).expect("it ends")
    }

    fn shell(line: &str) -> Program {
        program("/bin/sh", &["-c", line], b"")
    }

    #[test]
    fn arguments_arrive_as_they_are() {
        let end = run(&program("printf", &["<%s>", "a b", "$HOME", "`id`", ""], b""));
        assert_eq!(String::from_utf8_lossy(&end.output), "<a b><$HOME><`id`><>");
    }

    #[test]
    fn input_of_any_size_goes_through() {
        let input = vec![b'x'; 300_000]; // more than both pipes hold
        let end = run(&program("cat", &[], &input));
        assert_eq!((end.code, end.output.len(), end.truncated), (0, input.len(), false));
        assert_eq!(run(&program("true", &[], &input)).code, 0, "it need not be read");
    }

    #[test]
    fn both_streams_and_the_code_are_told() {
        let end = run(&shell("echo out; echo err >&2; exit 3"));
        assert_eq!((end.code, end.output.as_slice(), end.errors.as_slice()), (3, &b"out\n"[..], &b"err\n"[..]));
        assert_eq!(run(&shell("kill -TERM $$")).code, 128 + 15);
    }

    #[test]
    fn output_is_kept_up_to_the_cap() {
        let mut endless = shell("head -c 5000000 /dev/zero");
        endless.max_output_bytes = 1000;
        let end = run(&endless);
        assert_eq!((end.code, end.output.len(), end.truncated), (0, 1000, true));
    }

    #[test]
    fn the_environment_is_the_listed_variables_alone() {
        let environment = Environment::inherited().with("CONDUCTOR_TOKEN", "secret").with("LANG", "C");
        let end = exec(&environment, &program("env", &[], b""), Duration::from_secs(60)).expect("it ends");
        let text = String::from_utf8(end.output).expect("text");
        assert!(text.contains("LANG=C\n"), "{text}");
        for line in text.lines() {
            let name = line.split('=').next().unwrap_or_default();
            assert!(ENVIRONMENT.contains(&name), "{line}");
        }
    }

    #[test]
    fn what_takes_too_long_is_killed_with_all_it_started() {
        let scratch = std::env::temp_dir().join(format!("conductor-exec-{}", std::process::id()));
        let line = format!("sleep 1000 & echo $! > {}; sleep 1000", scratch.escaped());
        let stopped = exec(&Environment::inherited(), &shell(&line), Duration::from_millis(300));
        assert!(matches!(stopped, Err(EffectError::TimedOut(_))), "{stopped:?}");
        let child: i32 = std::fs::read_to_string(&scratch).expect("its number").trim().parse().expect("a number");
        std::fs::remove_file(&scratch).expect("the file");
        assert!(gone(child), "the grandchild {child} lives on");
    }

    #[test]
    fn what_is_left_behind_in_the_background_goes_too() {
        let end = run(&shell("sleep 1000 >/dev/null 2>&1 & echo $!"));
        let child: i32 = String::from_utf8(end.output).expect("text").trim().parse().expect("a number");
        assert!(gone(child), "the grandchild {child} lives on");
    }

    /// Whether the process is gone, or dead and only waits for somebody to notice.
    fn gone(pid: i32) -> bool {
        // Killing is done by the time the signal was sent; the state may take the kernel a moment to show.
        (0..100_000).any(|_| {
            std::thread::yield_now();
            std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
        })
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let missing = exec(&Environment::inherited(), &program("no-such-program", &[], b""), Duration::from_secs(1));
        assert!(matches!(missing, Err(EffectError::NotFound(_))), "{missing:?}");
    }
}
