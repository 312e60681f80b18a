//! Asks, beside the input, for programs that conditions of modes ask for.

use std::collections::BTreeSet;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::live::Event;
use super::session::{AppAnswers, AppQuestion};
use crate::action::Surroundings;
use crate::config::Config;

/// How often programs are asked for. Who switches windows and plays on within it finds the mode of the window before.
const PERIOD: Duration = Duration::from_secs(1);

/// A thread that asks, and tells what has changed.
#[derive(Debug)]
pub(super) struct AppWatch {
    stopped: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl AppWatch {
    /// Begins to ask `surroundings` what the modes of `config` ask, and tells `events`. Nothing begins where no mode asks for a program.
    pub(super) fn start(
        config: &Config,
        surroundings: Arc<dyn Surroundings>,
        events: SyncSender<Event>,
    ) -> std::io::Result<Option<Self>> {
        let questions = AppQuestion::of(config);
        if questions.is_empty() {
            return Ok(None);
        }
        let stopped = Arc::<(Mutex<bool>, Condvar)>::default();
        let ours = Arc::clone(&stopped);
        let watch = move || watch(&questions, &*surroundings, &events, &ours);
        let thread = std::thread::Builder::new().name("programs".into()).spawn(watch)?;
        Ok(Some(Self { stopped, thread: Some(thread) }))
    }
}

fn watch(
    questions: &BTreeSet<AppQuestion>,
    surroundings: &dyn Surroundings,
    events: &SyncSender<Event>,
    (stopped, news): &(Mutex<bool>, Condvar),
) {
    let mut told: Option<AppAnswers> = None;
    loop {
        let answers: AppAnswers =
            questions.iter().map(|question| (question.clone(), question.ask(surroundings))).collect();
        if told.as_ref() != Some(&answers) {
            match events.try_send(Event::Apps(answers.clone())) {
                Ok(()) => told = Some(answers),
                // The input comes first; what is so still in a second is told then.
                Err(TrySendError::Full(_)) => {}
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
        let stopped = stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = news.wait_timeout_while(stopped, PERIOD, |stopped| !*stopped);
        if *waited.unwrap_or_else(PoisonError::into_inner).0 {
            return;
        }
    }
}

impl Drop for AppWatch {
    fn drop(&mut self) {
        *self.stopped.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stopped.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // What it asked for is of no interest any more.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::config::Environment;
    use crate::mapping::ConditionSource;
    use crate::time::{Calendar, Micros};

    /// A desktop with OBS in front.
    struct Desktop;

    impl ConditionSource for Desktop {
        fn minute_of_day(&self) -> u16 {
            0
        }
        fn weekday(&self) -> u8 {
            1
        }
        fn app_running(&self, name: &str) -> bool {
            name == "obs"
        }
        fn app_frontmost(&self, name: &str) -> bool {
            name == "obs"
        }
    }

    impl Calendar for Desktop {
        fn unix_at(&self, t: Micros) -> u64 {
            t
        }
        fn offset_at(&self, _: i64) -> i32 {
            0
        }
    }

    fn config(when: &str) -> Config {
        let text = format!("[[modes]]\nname = \"home\"\n[[modes]]\nname = \"other\"\nwhen = {when}\n");
        Config::from_text(&text, "test", Path::new(""), &Environment::default()).expect("valid").config
    }

    #[test]
    fn what_modes_ask_is_told_once_and_the_thread_ends_with_its_watch() {
        let (events, inbox) = sync_channel(8);
        let asks = config(
            "{ And = { conditions = [{ AppRunning = { app = \"obs\" } }, { Not = { condition = { AppFrontmost = { app = \"gimp\" } } } }] } }",
        );
        let watch = AppWatch::start(&asks, Arc::new(Desktop), events).expect("a thread");
        let Ok(Event::Apps(answers)) = inbox.recv() else { panic!("no answers") };
        let expected = [(AppQuestion::Running("obs".into()), true), (AppQuestion::Frontmost("gimp".into()), false)];
        assert_eq!(answers, AppAnswers::from(expected));
        drop(watch);
        assert!(inbox.recv().is_err(), "nothing has changed, and nobody asks any more");
    }

    #[test]
    fn nobody_asks_where_no_mode_does() {
        let (events, _inbox) = sync_channel(8);
        let watch = AppWatch::start(
            &config("{ TimeRange = { start = \"08:00\", end = \"09:00\" } }"),
            Arc::new(Desktop),
            events,
        );
        assert!(watch.expect("no thread is needed").is_none());
    }
}
