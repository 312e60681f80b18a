//! Reading a journal.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::answer::unhex;
use super::entry::RevokedRecord;
use super::header::{Header, PluginRecord, Version};
use super::input::{InputKind, SessionInput, StateInput};
use super::line::{Command, InstanceRecord, Line, RejectReason};
use super::playback::Playback;
use crate::call::{InstanceId, Owner, PluginEvent, ResidentEvent};
use crate::capability::Capability;
use crate::config::profiles::MAX_PROFILE;
use crate::config::{MAX_BYTES as MAX_CONFIG_BYTES, MappingId};
use crate::gesture::DeviceId;
use crate::midi::{Message, Parser};
use crate::sandbox::{FuelStop, RefusedGrowth, StopPlace, TimeLimit};
use crate::text::{Escape as _, json_error};
use crate::time::Micros;

/// Longest line, in bytes: a configuration or an HTTP answer at their largest, with room for escapes.
const MAX_LINE: u64 = 64 << 20;
/// Lines of one journal: a day at a hundred a second.
const MAX_LINES: u64 = 10_000_000;

/// What is wrong with anything behind the line that ends a journal.
const AFTER_THE_END: &str = "a line after the end";

/// A recorded session.
#[derive(Debug)]
pub struct Journal {
    /// What has to be the same.
    pub header: Header,
    /// What came in, in its order.
    pub inputs: Vec<SessionInput>,
    /// The answers of the world outside.
    pub playback: Playback,
    /// Calls that were not accepted, by number.
    pub rejected: HashMap<u64, RejectReason>,
    /// Where time stopped calls, by number.
    pub deadlines: HashMap<u64, FuelStop>,
    /// Instances whose `shutdown` time stopped, and where.
    pub shutdowns: HashMap<InstanceId, StopPlace>,
    /// Effects that were dropped: after how many of the inputs, when, and which.
    pub revoked: VecDeque<(usize, Micros, RevokedRecord)>,
    /// Growth that was refused because all instances together had as much memory as they may.
    pub refused_growth: Vec<RefusedGrowth>,
    /// When the session ended; absent when the journal ends before it.
    pub end: Option<Micros>,
    /// Number of the last line, when it is cut off.
    pub truncated: Option<u64>,
}

/// Why a journal cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub kind: JournalErrorKind,
}

/// What is wrong with a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JournalErrorKind {
    /// It cannot be read.
    Unreadable {
        /// What the system says about it.
        reason: String,
    },
    /// It is not a journal.
    NoJournal {
        /// What speaks against it.
        reason: String,
    },
    /// It was made by another engine or for another version of the format.
    Foreign {
        /// What differs.
        what: &'static str,
        /// As the journal has it.
        theirs: String,
        /// As it is here.
        ours: String,
    },
    /// A line is damaged.
    Damaged {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}

impl JournalError {
    /// What to do about it, where there is something to do.
    #[must_use]
    pub const fn remedy(&self) -> Option<&'static str> {
        match self.kind {
            JournalErrorKind::NoJournal { .. } => Some("journals are made by `conductor run --record FILE`"),
            JournalErrorKind::Foreign { .. } => Some("replay it with the version of Conductor that recorded it"),
            JournalErrorKind::Unreadable { .. } | JournalErrorKind::Damaged { .. } => None,
        }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.escaped();
        match &self.kind {
            JournalErrorKind::Unreadable { reason } => write!(f, "{path}: {reason}")?,
            JournalErrorKind::NoJournal { reason } => write!(f, "{path}: not a journal: {}", reason.escaped())?,
            JournalErrorKind::Foreign { what, theirs, ours } => {
                write!(f, "{path}: recorded under another {what}\n  journal: {}\n  here:    {ours}", theirs.escaped())?;
            }
            JournalErrorKind::Damaged { line, reason } => write!(f, "{path}:{line}: {}", reason.escaped())?,
        }
        self.remedy().map_or(Ok(()), |remedy| write!(f, "\n  {remedy}"))
    }
}

impl std::error::Error for JournalError {}

impl Journal {
    /// Whether the file at `path` begins as a journal does.
    pub fn is_one(path: &Path) -> std::io::Result<bool> {
        let mut start = [0; 22];
        let mut file = File::open(path)?;
        let mut read = 0;
        while read < start.len() {
            match file.read(&mut start[read..])? {
                0 => break,
                more => read += more,
            }
        }
        Ok(start[..read].starts_with(b"{\"conductor_journal\":"))
    }

    /// Reads the journal at `path`. A last line that was cut off, as by a power cut, is left out and told.
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        let wrong = |kind| JournalError { path: path.into(), kind };
        let failed = |error: std::io::Error| wrong(JournalErrorKind::Unreadable { reason: error.to_string() });
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let mut text = Vec::new();
        let mut next = |text: &mut Vec<u8>| -> Result<bool, JournalError> {
            text.clear();
            (&mut file).take(MAX_LINE).read_until(b'\n', text).map_err(failed).map(|read| read > 0)
        };
        next(&mut text)?;
        let not_one = |reason: String| wrong(JournalErrorKind::NoJournal { reason });
        // What another version has in its header is its own affair.
        let version: Version = serde_json::from_slice(&text).map_err(|error| not_one(json_error(&error)))?;
        if let Some((what, theirs, ours)) = version.foreign() {
            return Err(wrong(JournalErrorKind::Foreign { what, theirs, ours }));
        }
        let header: Header = serde_json::from_slice(&text).map_err(|error| not_one(json_error(&error)))?;
        if let Some((what, theirs, ours)) = header.foreign() {
            return Err(wrong(JournalErrorKind::Foreign { what, theirs, ours }));
        }
        // Understanding a text takes many times its length, and a line of a journal may be far longer than a configuration.
        if header.config.text.len() as u64 > MAX_CONFIG_BYTES {
            return Err(not_one(format!("the configuration in it is larger than {} KiB", MAX_CONFIG_BYTES >> 10)));
        }
        if header.config.profiles.iter().any(|profile| profile.text.len() as u64 > MAX_PROFILE) {
            return Err(not_one(format!("a profile in it is larger than {} KiB", MAX_PROFILE >> 10)));
        }
        let mut journal = Self {
            header,
            inputs: Vec::new(),
            playback: Playback::default(),
            rejected: HashMap::new(),
            deadlines: HashMap::new(),
            shutdowns: HashMap::new(),
            revoked: VecDeque::new(),
            refused_growth: Vec::new(),
            end: None,
            truncated: None,
        };
        let (mut number, mut last) = (1, 0);
        while next(&mut text)? {
            number += 1;
            let damaged = |reason: String| wrong(JournalErrorKind::Damaged { line: number, reason });
            if number > MAX_LINES {
                return Err(damaged(format!("more than {MAX_LINES} lines")));
            }
            if text.last() != Some(&b'\n') {
                if text.len() as u64 >= MAX_LINE {
                    return Err(damaged(format!("longer than {} MiB", MAX_LINE >> 20)));
                }
                // What a power cut leaves of a line it never leaves behind the last.
                if journal.end.is_some() {
                    return Err(damaged(AFTER_THE_END.to_owned()));
                }
                journal.truncated = Some(number);
                break;
            }
            let line: Line = serde_json::from_slice(&text).map_err(|error| damaged(json_error(&error)))?;
            journal.add(line, &mut last).map_err(damaged)?;
        }
        if journal.end.is_none() {
            journal.playback.cut_off();
        }
        Ok(journal)
    }

    fn add(&mut self, line: Line, last: &mut Micros) -> Result<(), String> {
        if self.end.is_some() {
            return Err(AFTER_THE_END.to_owned());
        }
        let mut in_order = |t: Micros| {
            let ordered = t >= *last;
            *last = t;
            if ordered { Ok(t) } else { Err("time goes back") }
        };
        match line {
            Line::In { t, device, bytes } => {
                let message = message(&bytes).ok_or("not one complete MIDI message")?;
                self.inputs.push(SessionInput::message(in_order(t)?, DeviceId(device), message));
            }
            Line::Lost { t, device } => {
                self.inputs.push(SessionInput { t: in_order(t)?, what: InputKind::Lost(DeviceId(device)) });
            }
            Line::Found { t, device } => {
                self.inputs.push(SessionInput { t: in_order(t)?, what: InputKind::Found(DeviceId(device)) });
            }
            Line::Clock { t, mapping } => {
                self.inputs.push(SessionInput { t: in_order(t)?, what: InputKind::Clock(MappingId(mapping)) });
            }
            Line::When { t, mode, holds } => {
                self.inputs.push(SessionInput { t: in_order(t)?, what: InputKind::When { mode, holds } });
            }
            Line::Control { t, command: Command::FeedbackRefresh, args } => {
                let devices: Option<Vec<_>> = args.iter().map(|number| number.parse().ok().map(DeviceId)).collect();
                let devices = devices.ok_or("devices are known by their numbers")?;
                self.inputs.push(SessionInput { t: in_order(t)?, what: InputKind::Refresh(devices) });
            }
            Line::Control { t, command: Command::Mode, args } => {
                let [mode] = <[String; 1]>::try_from(args).map_err(|_| "one mode is changed to")?;
                self.inputs.push(SessionInput { t: in_order(t)?, what: InputKind::Mode(mode) });
            }
            Line::Grant { plugin, tenant, run, approved } => {
                let record = self.header.plugins.iter().find(|record| record.name == plugin);
                let digest = record.and_then(PluginRecord::digest).ok_or("a grant of a plugin that was not there")?;
                let approval = approved.map(|approved| approved.approval(&plugin, digest)).transpose()?;
                self.playback.add_approval(&plugin, &tenant, run, approval)?;
            }
            Line::Rejected { call, reason } => {
                self.rejected.insert(call, reason);
            }
            Line::Deadline { call, starting, fuel, host_calls, shutdown, ceiling } => {
                let limit = if ceiling { TimeLimit::Ceiling } else { TimeLimit::Deadline };
                let place = StopPlace { fuel, host_calls, limit };
                match (call, shutdown) {
                    (Some(call), None) => drop(self.deadlines.insert(call, FuelStop { starting, place })),
                    (None, Some(InstanceRecord { plugin, tenant, generation })) if !starting => {
                        self.shutdowns.insert(Owner { plugin, tenant }.instance(generation), place);
                    }
                    _ => return Err("a deadline is that of one call, or of one shutdown".to_owned()),
                }
            }
            Line::Memory { plugin, tenant, generation, growth, held } => {
                self.refused_growth.push(RefusedGrowth {
                    instance: Owner { plugin, tenant }.instance(generation),
                    growth,
                    held,
                });
            }
            Line::Revoked { t, plugin, tenant, what, capability } => {
                let record = RevokedRecord { plugin, tenant, what, capability: Capability::named(&capability)? };
                self.revoked.push_back((self.inputs.len(), in_order(t)?, record));
            }
            Line::Event { t, plugin, event, body } => {
                let body = match body {
                    Some(body) => Some(body.bytes().ok_or("a message that is no bytes")?),
                    None => None,
                };
                let length = if let PluginEvent::Message { length, .. } = event { Some(length) } else { None };
                if length != body.as_ref().map(Vec::len) {
                    return Err("an event whose message is not as long as it says".to_owned());
                }
                let event = ResidentEvent { event, body: body.map(Into::into) };
                self.inputs.push(SessionInput { t: in_order(t)?, what: InputKind::Event { plugin, event } });
            }
            Line::State { t, plugin, tenant, call, values } => {
                let what = InputKind::State(StateInput { owner: Owner { plugin, tenant }, call, values });
                self.inputs.push(SessionInput { t: in_order(t)?, what });
            }
            Line::End { t } => self.end = Some(t.max(*last)),
            line @ (Line::Fact { .. } | Line::Effect { .. } | Line::Answer { .. }) => self.playback.add(line),
        }
        Ok(())
    }
}

/// The one message that `digits` are the bytes of.
fn message(digits: &str) -> Option<Message> {
    let bytes = unhex(digits)?;
    let (mut parser, mut messages) = (Parser::new(), Vec::new());
    parser.push(&bytes, |message| messages.push(message));
    parser.finish();
    match messages.as_slice() {
        [message] if parser.dropped().total() == 0 => Some(message.clone()),
        _ => None,
    }
}
