//! A client of the sequencer that is not made to wait: opened, and waited on together with the order to stop.

use std::ffi::CStr;
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};

use alsa::poll::{Descriptors, pollfd};
use alsa::seq::Seq;

use super::port::PortsError;
use super::wake::Woken;

/// The sequencer's device node.
const SEQUENCER: &str = "/dev/snd/seq";

/// Opens the sequencer. Asked for directly first: the ALSA library would write to standard error.
pub(super) fn open(name: &CStr) -> Result<Seq, PortsError> {
    File::options().read(true).write(true).open(SEQUENCER).map_err(|error| match error.kind() {
        ErrorKind::NotFound => PortsError::NoSequencer,
        ErrorKind::PermissionDenied => PortsError::NotPermitted,
        // The node is there, but no driver answers: the same as no node.
        _ if matches!(error.raw_os_error(), Some(6 | 19)) => PortsError::NoSequencer, // ENXIO, ENODEV
        _ => PortsError::Failed { reason: error.to_string() },
    })?;
    let seq = Seq::open(None, None, true).map_err(failed)?;
    seq.set_client_name(name).map_err(failed)?;
    Ok(seq)
}

pub(super) fn failed(error: alsa::Error) -> PortsError {
    PortsError::Failed { reason: error.to_string() }
}

/// What is waited on for a client: something that has come for it, and the order to stop.
pub(super) struct Waiting(Vec<pollfd>);

impl Waiting {
    /// For `seq`, and for `stop` to become readable. Both have to live as long as they are waited on.
    pub(super) fn new(seq: &Seq, stop: &OwnedFd) -> Result<Self, PortsError> {
        let readable = alsa::poll::Flags::IN.bits();
        let mut fds = vec![pollfd { fd: stop.as_raw_fd(), events: readable, revents: 0 }];
        fds.extend((seq, Some(alsa::Direction::Capture)).get().map_err(failed)?);
        Ok(Self(fds))
    }

    /// Waits for either.
    pub(super) fn wait(&mut self) -> Result<Woken, PortsError> {
        loop {
            match alsa::poll::poll(&mut self.0, -1) {
                Err(error) if error.errno() == rustix::io::Errno::INTR.raw_os_error() => {}
                Err(error) => return Err(failed(error)),
                Ok(_) => break,
            }
        }
        let stopped = self.0.first().is_some_and(|fd| fd.revents != 0);
        Ok(if stopped { Woken::Stop } else { Woken::Input })
    }
}
