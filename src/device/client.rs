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

/// Waits until something has come for `seq`, or for the order to stop (`stop` becomes readable).
pub(super) fn wait(seq: &Seq, stop: &OwnedFd) -> Result<Woken, PortsError> {
    let readable = alsa::poll::Flags::IN.bits();
    let mut fds = vec![pollfd { fd: stop.as_raw_fd(), events: readable, revents: 0 }];
    fds.extend((seq, Some(alsa::Direction::Capture)).get().map_err(failed)?);
    loop {
        match alsa::poll::poll(&mut fds, -1) {
            Err(error) if error.errno() == rustix::io::Errno::INTR.raw_os_error() => {}
            Err(error) => return Err(failed(error)),
            Ok(_) => break,
        }
    }
    let stopped = fds.first().is_some_and(|fd| fd.revents != 0);
    Ok(if stopped { Woken::Stop } else { Woken::Input })
}
