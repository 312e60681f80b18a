//! The thread that reports, so that a slow reader delays nobody.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use super::order::{Joined, Order, Ordered, Place};
use super::queue::{LostLines, Received, ReportSender, report_queue};
use crate::journal::{Entry, EntryKind};
use crate::os::DryRun;
use crate::run::live::Event;
use crate::sandbox::PluginLog;
use crate::text::Repeats;

/// Writes the report, on a thread of its own.
pub(in crate::run) struct ReportWriter {
    sender: ReportSender,
    thread: JoinHandle<LostLines>,
}

impl ReportWriter {
    /// `ordered` is given entries in the order of events; `tell` as they come, and `false` from it asks for the end.
    pub(in crate::run) fn start(
        events: SyncSender<Event>,
        dry_run: Option<Arc<DryRun>>,
        log: Arc<PluginLog>,
        ordered: Option<Ordered>,
        mut tell: impl FnMut(Entry) -> bool + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = report_queue(dry_run.clone());
        let write = move || {
            let mut joined = Joined::default();
            let mut order = ordered.map(Order::new);
            let mut wanted = true;
            let repeats = Repeats::new();
            while let Some(received) = receiver.next() {
                let report = match received {
                    Received::Report(report) => report,
                    Received::Lost(place) => {
                        if let Place::Call(token) = place {
                            joined.begun(token);
                        }
                        if let Some(order) = &mut order {
                            order.give_up(place);
                        }
                        continue;
                    }
                };
                let place = order.as_mut().and_then(|order| order.place(&report));
                let entries = joined.entries(report, dry_run.as_deref());
                joined.forget_unheard(&receiver);
                while let Some(place) = joined.surplus() {
                    receiver.give_up(place);
                    if let Some(order) = &mut order {
                        order.give_up(place);
                    }
                }
                let Some(entries) = entries else { continue };
                if let Some(order) = &mut order {
                    order.arrived(place, &entries);
                }
                for entry in entries {
                    entry.log_plugin_lines(&log);
                    warn(&entry, &log, &repeats);
                    if wanted && !tell(entry) {
                        wanted = false;
                        // A full or closed queue: the end is near in any case, and signals still work.
                        let _ = events.try_send(Event::Stop);
                    }
                }
            }
            repeats.finish();
            let LostLines { reported, transcript } = receiver.lost();
            let in_order = order.map_or(0, |order| order.lost());
            LostLines { reported, transcript: transcript.saturating_add(in_order) }
        };
        let thread = std::thread::Builder::new().name("report".into()).spawn(write)?;
        Ok(Self { sender, thread })
    }

    /// The way to it.
    pub(in crate::run) fn sender(&self) -> ReportSender {
        self.sender.clone()
    }

    /// Waits until everything is written, and says what was lost. All other senders must be gone.
    pub(in crate::run) fn finish(self) -> LostLines {
        drop(self.sender);
        // A writer that panicked has said so on standard error.
        self.thread.join().unwrap_or_default()
    }
}

/// Says on the log what went wrong, whatever form the report has; what goes wrong again and again less and less often.
fn warn(entry: &Entry, log: &PluginLog, repeats: &Repeats) {
    let Some(error) = entry.error() else { return };
    let mapping = entry.mapping_name();
    let plugin = match &entry.what {
        EntryKind::Call { call, .. } => Some(&call.plugin),
        EntryKind::Event { plugin, .. } | EntryKind::Shutdown { plugin, .. } => Some(plugin), // of an instance that goes, whose plugin it names
        _ => None,
    };
    let said = match &mapping {
        Some(mapping) => repeats.count(mapping, entry.t, format_args!("{mapping}: {error}")),
        None => repeats.count("", entry.t, format_args!("{error}")),
    };
    match (said, plugin) {
        (Some(said), Some(plugin)) => log.error(plugin, entry.t, format_args!("{said}")),
        (Some(said), None) => log::warn!("{said}"),
        (None, _) => {}
    }
}
