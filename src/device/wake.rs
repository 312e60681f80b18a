//! Waiting for input, in a way that can be ended from outside.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

/// The end that stops all threads holding the matching [`Wake`], when it is dropped.
#[derive(Debug)]
pub(super) struct Stop {
    /// Closing this end is the signal.
    _writer: OwnedFd,
}

/// What a reading thread waits on beside its input.
#[derive(Debug, Clone)]
pub(super) struct Wake {
    reader: Arc<OwnedFd>,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    /// The thread is to end.
    Stop,
    /// The input has something to say: data, its end, or an error.
    Input,
    /// The time is over.
    Timeout,
}

/// A pair of ends.
pub(super) fn pair() -> std::io::Result<(Stop, Wake)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((Stop { _writer: writer }, Wake { reader: Arc::new(reader) }))
}

impl Wake {
    /// The descriptor that becomes readable (by its end) when the thread is to end.
    #[cfg(feature = "alsa")]
    pub(super) fn descriptor(&self) -> &OwnedFd {
        &self.reader
    }

    /// Waits for `input`, for the order to stop, or until `timeout` is over.
    pub(super) fn wait(&self, input: Option<&impl AsFd>, timeout: Option<Duration>) -> std::io::Result<Woken> {
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let mut fds = vec![PollFd::new(&*self.reader, PollFlags::IN)];
        if let Some(input) = input {
            fds.push(PollFd::from_borrowed_fd(input.as_fd(), PollFlags::IN));
        }
        loop {
            match poll(&mut fds, timeout.as_ref()) {
                Err(Errno::INTR) => {} // a signal for someone else; the wait begins anew
                Err(error) => return Err(error.into()),
                Ok(_) => break,
            }
        }
        let ready = |position: usize| fds.get(position).is_some_and(|fd| !fd.revents().is_empty());
        Ok(if ready(0) {
            Woken::Stop
        } else if ready(1) {
            Woken::Input
        } else {
            Woken::Timeout
        })
    }

    /// Lets `duration` pass; false when the thread is to end.
    pub(super) fn pause(&self, duration: Duration) -> bool {
        !matches!(self.wait(None::<&OwnedFd>, Some(duration)), Ok(Woken::Stop) | Err(_))
    }
}
