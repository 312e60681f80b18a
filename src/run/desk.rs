//! Where the rest of the process asks a session that runs, or tells it something. The session answers between two messages.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::live::Event;
use super::session::{Session, SessionEvent};
use crate::action::ConditionSource;
use crate::config::{Config, DeviceConfig};
use crate::gesture::DeviceId;
use crate::journal::{Command, Line, Recorder};
use crate::state::{StatePrefix, StateValue};
use crate::time::Micros;

/// How long an answer may take. A session that is well answers within one of its steps.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// How it stands.
    Status,
    /// Which devices it reads, and which of them are there.
    Devices,
    /// The named values that begin with these parts; all for an empty text.
    State(String),
    /// That it change to this mode.
    Mode(String),
    /// That devices be told anew what to show.
    Refresh,
    /// That it end.
    Stop,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To [`Question::Status`].
    Status(SessionStatus),
    /// To [`Question::Devices`], in the order of the configuration.
    Devices(Vec<DeviceStatus>),
    /// To [`Question::State`], by name.
    State(BTreeMap<String, StateValue>),
    /// To [`Question::Mode`].
    Mode {
        /// The mode now.
        mode: String,
        /// The mode before.
        before: String,
    },
    /// To [`Question::Refresh`]: how many devices are told.
    Refreshed {
        /// Devices that show something and are there.
        devices: usize,
    },
    /// To [`Question::Stop`]: it is about to end.
    Ending {},
}

/// How a session stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionStatus {
    /// Name of the current mode.
    pub mode: String,
    /// Time since its start, in microseconds.
    pub t_us: Micros,
    /// Devices that are there.
    pub devices_connected: usize,
    /// Devices of the configuration.
    pub devices: usize,
}

/// A device and whether it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceStatus {
    /// What triggers call it.
    pub device: String,
    /// The pattern its port is found by.
    pub port: String,
    /// Whether it is there.
    pub connected: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskError {
    /// The session has not begun, or is ending.
    NotRunning,
    /// More is asked than it comes to answer.
    Busy,
    /// There is no such mode.
    NoMode {
        /// The name that was asked for.
        name: String,
        /// Those there are.
        modes: Vec<String>,
    },
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning => f.write_str("the session has not begun, or is ending"),
            Self::Busy => write!(f, "the session did not answer within {} s; try again", PATIENCE.as_secs()),
            Self::NoMode { name, modes } => {
                write!(f, "there is no mode \"{name}\"; there are: {}", modes.join(", "))
            }
        }
    }
}

impl std::error::Error for AskError {}

/// A question on its way, and where the answer goes.
#[derive(Debug)]
pub(super) struct Inquiry {
    question: Question,
    to: SyncSender<Result<Answer, AskError>>,
}

/// Where and when a session answers.
pub(super) struct At<'a> {
    pub(super) config: &'a Config,
    pub(super) recorder: Option<&'a Recorder>,
    pub(super) facts: &'a dyn ConditionSource,
    pub(super) now: Micros,
}

impl Inquiry {
    pub(super) fn asks_for_the_end(&self) -> bool {
        self.question == Question::Stop
    }

    /// Does what is asked, records it where that changes the session, and answers.
    pub(super) fn answer(self, at: At<'_>, session: &mut Session, say: &mut impl FnMut(SessionEvent<'_>)) {
        // Whoever asked may have lost patience.
        let _ = self.to.try_send(at.answer(self.question, session, say));
    }
}

impl At<'_> {
    fn answer(
        self,
        question: Question,
        session: &mut Session,
        say: &mut impl FnMut(SessionEvent<'_>),
    ) -> Result<Answer, AskError> {
        let Self { config, facts, now, .. } = self;
        let name_of = |mode: usize| config.modes.get(mode).map(|mode| mode.name.clone()).unwrap_or_default();
        let connected =
            |number: usize| u16::try_from(number).is_ok_and(|number| session.is_connected(DeviceId(number)));
        Ok(match question {
            Question::Status => Answer::Status(SessionStatus {
                mode: name_of(session.mode()),
                t_us: now,
                devices_connected: (0..config.devices.len()).filter(|number| connected(*number)).count(),
                devices: config.devices.len(),
            }),
            Question::Devices => {
                let device = |(number, device): (usize, &DeviceConfig)| DeviceStatus {
                    device: device.called().to_owned(),
                    port: device.name.clone(),
                    connected: connected(number),
                };
                Answer::Devices(config.devices.iter().enumerate().map(device).collect())
            }
            Question::State(prefix) => {
                // What is no beginning of a name, none begins with.
                let wanted = StatePrefix::parse(&prefix).ok();
                let below = |name: &str| prefix.is_empty() || wanted.as_ref().is_some_and(|wanted| wanted.begins(name));
                let named = session.state().iter().map(|(key, value)| (key.to_string(), value.clone()));
                Answer::State(named.filter(|(name, _)| below(name)).collect())
            }
            Question::Mode(name) => {
                if !config.modes.iter().any(|mode| mode.name == name) {
                    return Err(AskError::NoMode {
                        name,
                        modes: config.modes.iter().map(|mode| mode.name.clone()).collect(),
                    });
                }
                let t = session.settle(now, facts, say);
                self.record(t, Command::Mode, vec![name.clone()]);
                let before = session.change_mode(t, &name, facts, say);
                Answer::Mode { mode: name, before: before.map(name_of).unwrap_or_default() }
            }
            Question::Refresh => {
                let t = session.settle(now, facts, say);
                self.record(t, Command::FeedbackRefresh, Vec::new());
                session.refresh(t, &[], facts, say);
                let shown = session.shown_devices();
                Answer::Refreshed { devices: shown.into_iter().filter(|device| session.is_connected(*device)).count() }
            }
            Question::Stop => Answer::Ending {},
        })
    }

    fn record(&self, t: Micros, command: Command, args: Vec<String>) {
        if let Some(recorder) = self.recorder {
            recorder.line(Line::Control { t, command, args });
        }
    }
}

/// The way to a session that runs, before it runs as well.
#[derive(Debug, Default)]
pub struct Desk(Mutex<Option<SyncSender<Event>>>);

impl Desk {
    /// Asks the session, and waits for its answer for at most five seconds.
    pub fn ask(&self, question: Question) -> Result<Answer, AskError> {
        let to = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(AskError::NotRunning)?;
        let (answer, answered) = sync_channel(1);
        to.try_send(Event::Asked(Inquiry { question, to: answer })).map_err(|error| match error {
            TrySendError::Full(_) => AskError::Busy,
            TrySendError::Disconnected(_) => AskError::NotRunning,
        })?;
        drop(to);
        answered.recv_timeout(PATIENCE).map_err(|error| match error {
            RecvTimeoutError::Timeout => AskError::Busy,
            RecvTimeoutError::Disconnected => AskError::NotRunning,
        })?
    }

    pub(super) fn open(&self, to: SyncSender<Event>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(to);
    }

    pub(super) fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
