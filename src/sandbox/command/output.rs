//! Standard output and error for a run that is to repeat: where they lead and how fast they are read makes no difference.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use wasi_shim::{Errno, Sink};

/// A stream of this process that looks like a terminal whatever it is, and takes all that is written.
pub(super) struct Steady<S>(pub(super) S);

impl<S: AsFd> Steady<S> {
    /// Writes all of `bytes`, past the buffers of this process: the program has buffered as it saw fit.
    fn all(&self, mut bytes: &[u8]) -> Result<(), rustix::io::Errno> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.0, bytes) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                // Somebody has set it not to wait.
                Err(rustix::io::Errno::AGAIN) => wait(self.0.as_fd()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn wait(fd: BorrowedFd<'_>) {
    // An error shows at the next write.
    let _ = poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], None);
}

impl<S: AsFd + Send> Sink for Steady<S> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        match self.all(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => Err(error.into()),
        }
    }

    fn is_terminal(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn all_is_taken_however_slowly_it_is_read() {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::WRONLY).expect("set");
        let bytes: Vec<u8> = (0..1_u32 << 20).map(|number| number.to_le_bytes()[1]).collect();
        let mut sink = Steady(writer);
        let read = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).expect("read");
            all
        });
        assert_eq!(sink.write(&bytes), Ok(bytes.len()));
        drop(sink);
        assert!(read.join().expect("read") == bytes);
    }
}
