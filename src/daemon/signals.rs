//! Signals: the first asks the daemon to end, the second ends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::live::{Event, LiveError};

/// Waits for signals until it is dropped.
#[derive(Debug)]
pub(super) struct SignalWatch {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
    /// The end was asked for.
    asked: Arc<AtomicBool>,
}

impl SignalWatch {
    /// Whether the end was asked for, though the word of it may still be on its way.
    pub(super) fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Sends [`Event::Stop`] to `to` at the first signal that asks for an end. At the second the process ends at once, with
    /// the code shells give to it.
    pub(super) fn start(to: SyncSender<Event>) -> Result<Self, LiveError> {
        let mut signals =
            Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| LiveError::Signals { error: error.to_string() })?;
        let handle = signals.handle();
        let ended = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&ended);
        let watch = move || {
            let mut asked = false;
            for signal in signals.forever() {
                if asked {
                    log::logger().flush();
                    std::process::exit(128 + signal);
                }
                asked = true;
                tell.store(true, Ordering::Relaxed);
                log::info!("ending: calls at work are finished first; a second signal ends at once");
                // A full queue is worked off soon; a closed one means that the end has come already.
                let _ = to.send(Event::Stop);
            }
        };
        let thread = std::thread::Builder::new().name("signals".into()).spawn(watch);
        let thread = thread.map_err(LiveError::thread("waits for signals"))?;
        Ok(Self { handle, thread: Some(thread), asked: ended })
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // It ends when its signals are closed; one that panicked has ended, too.
            let _ = thread.join();
        }
    }
}
