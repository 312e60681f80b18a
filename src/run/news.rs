//! A word to the run loop that something is to be looked at, of which one waits at most.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use super::live::Event;

/// Says to the run loop that a call has ended, or that something has arrived for a resident plugin. It looks at all there is, so one
/// word is enough, and a press does not wait behind as many as there are messages.
#[derive(Debug, Clone)]
pub(super) struct News {
    events: SyncSender<Event>,
    waiting: Arc<AtomicBool>,
}

impl News {
    pub(super) fn new(events: SyncSender<Event>) -> Self {
        Self { events, waiting: Arc::default() }
    }

    /// There is some.
    pub(super) fn tell(&self) {
        if !self.waiting.swap(true, Ordering::AcqRel) && self.events.try_send(Event::News).is_err() {
            // A full queue has the run loop look for it by itself.
            self.waiting.store(false, Ordering::Release);
        }
    }

    /// The word has come: what is new from now on is another.
    pub(super) fn came(&self) {
        self.waiting.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn one_waits_and_the_next_comes_once_it_was_taken() {
        let (events, inbox) = sync_channel(1);
        let news = News::new(events.clone());
        for _ in 0..3 {
            news.tell();
            news.tell();
            assert!(matches!(inbox.try_recv(), Ok(Event::News)));
            assert!(inbox.try_recv().is_err());
            news.came();
        }
        // One that found no room is not taken for one that waits.
        events.try_send(Event::Stop).expect("room");
        news.tell();
        assert!(matches!(inbox.try_recv(), Ok(Event::Stop)));
        news.tell();
        assert!(matches!(inbox.try_recv(), Ok(Event::News)));
    }
}
