//! Signals: the first that asks for an end gets it in order, the second at once. A hang-up asks for nothing yet.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::live::{Event, LiveError};
use crate::text::Repeats;

/// How long the last thing to do may take when the end comes at once.
const LAST: Duration = Duration::from_millis(200);

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

    /// Sends [`Event::Stop`] to `to` at the first signal that asks for an end. At the second `last` is done, and the process ends at
    /// once, with the code shells give to it.
    pub(super) fn start(to: SyncSender<Event>, last: impl FnOnce() + Send + 'static) -> Result<Self, LiveError> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
            .map_err(|error| LiveError::Signals { reason: error.to_string() })?;
        let handle = signals.handle();
        let terminal = Terminal::of_process();
        let ended = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&ended);
        let watch = move || {
            let mut last = Some(last);
            let mut asked = false;
            let hang_ups = Repeats::new();
            for signal in signals.forever() {
                if signal == SIGHUP && !terminal.is_gone() {
                    hang_ups.warn("SIGHUP", format_args!(
                        "SIGHUP is ignored: the configuration cannot be loaded anew while Conductor runs; to use a changed one, restart it"
                    ));
                    continue;
                }
                if asked {
                    if let Some(last) = last.take() {
                        within(LAST, last);
                    }
                    log::logger().flush();
                    std::process::exit(128 + signal);
                }
                asked = true;
                tell.store(true, Ordering::Relaxed);
                log::info!("ending: calls at work are finished first; a second signal ends at once");
                // A full queue is worked off soon; a closed one means that the end has come already.
                let _ = to.send(Event::Stop);
            }
            hang_ups.finish();
        };
        let thread = std::thread::Builder::new().name("signals".into()).spawn(watch);
        let thread = thread.map_err(LiveError::thread("waits for signals"))?;
        Ok(Self { handle, thread: Some(thread), asked: ended })
    }
}

/// Does `work`, but waits for it no longer than `limit`.
fn within(limit: Duration, work: impl FnOnce() + Send + 'static) {
    let (done, wait) = channel();
    let work = move || {
        work();
        // Nobody waits any more where it took too long.
        let _ = done.send(());
    };
    if std::thread::Builder::new().name("last".into()).spawn(work).is_ok() {
        // Either way the process ends now.
        let _ = wait.recv_timeout(limit);
    }
}

/// Which of the standard streams were a terminal at the start. A hang-up that comes because the terminal was closed is an end: there is
/// nobody left to send another.
struct Terminal([bool; 3]);

impl Terminal {
    fn of_process() -> Self {
        Self([std::io::stdin().is_terminal(), std::io::stdout().is_terminal(), std::io::stderr().is_terminal()])
    }

    fn is_gone(&self) -> bool {
        let Self(before) = self;
        let Self(now) = Self::of_process();
        before.contains(&true) && before.iter().zip(now).all(|(before, now)| !before || !now)
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
