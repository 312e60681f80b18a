//! The connection to the broker: it is opened, logged in to, kept alive, and opened again when it is lost.

mod traffic;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::BytesMut;
use conductor_plugin::{Event, EventSocket, Failure, Level, Piece, clear_timer, log, set_timer, watch_state};
use mqttbytes::v4::ConnectReturnCode;
use serde_json::Value;

use crate::settings::Settings;
use crate::values::Values;
use crate::wire::{self, Reader};
use crate::{controls, discovery};

/// Timers, by number.
const KEEP_ALIVE: u8 = 1;
const LOGIN: u8 = 2;
const RETRY: u8 = 3;
const FLUSH: u8 = 4;

/// How long the broker may take to answer a login.
const LOGIN_TIME: Duration = Duration::from_secs(10);

/// How long is waited before the first try to connect again, and at most.
const FIRST_REST: u64 = 1;
const LONGEST_REST: u64 = 60;

/// How long is waited where the broker does not take what was sent.
const PAUSE: Duration = Duration::from_millis(50);

/// Messages that may wait for their acknowledgement.
const MAX_UNANSWERED: usize = 64;

/// Retained messages of this box.
const MAX_KEPT: usize = 1024;

/// Bytes of a frame after which the next is begun.
const FRAME: usize = 32 << 10;

/// The connection, and what goes over it.
#[derive(Debug, Default)]
pub(crate) struct Client {
    settings: Option<Settings>,
    link: Link,
    reader: Reader,
    last_id: u16,
    /// What the broker has not acknowledged, by number.
    unanswered: BTreeMap<u16, Message>,
    /// Retained messages of this box, by topic.
    kept: BTreeMap<String, String>,
    /// Those of them that the broker does not have yet.
    unsent: BTreeSet<String>,
    /// Filters in the order in which they were asked for.
    asked: Vec<String>,
    /// Seconds that were waited last.
    rest: u64,
    /// Why there was no connection last, as it was said.
    said: Option<String>,
    pub(crate) values: Values,
}

#[derive(Debug, Clone)]
struct Message {
    topic: String,
    payload: String,
    retain: bool,
}

#[derive(Debug)]
enum Link {
    /// There is none, for this reason.
    Down(String),
    /// The same, and nothing is tried before somebody asks for it.
    Refused(String),
    /// It is being opened, or logged in to.
    Opening(EventSocket),
    Up {
        socket: EventSocket,
        /// A question of ours is not answered yet.
        pinged: bool,
        /// It is the first: what the broker has from before is still coming.
        fresh: bool,
    },
}

impl Default for Link {
    fn default() -> Self {
        Self::Down("it was not tried yet".to_owned())
    }
}

impl Link {
    fn socket(&self) -> Option<EventSocket> {
        match self {
            Self::Opening(socket) | Self::Up { socket, .. } => Some(*socket),
            Self::Down(_) | Self::Refused(_) => None,
        }
    }
}

impl Client {
    /// What the configuration says.
    pub(crate) fn settings(&self) -> Result<&Settings, Failure> {
        self.settings.as_ref().ok_or_else(|| match &self.link {
            Link::Refused(reason) => Failure::new(reason.clone()),
            _ => Failure::new(
                "it keeps a connection, so it has to be resident, and is called for the tenant \"default\"; in its section: \
                 resident = true",
            ),
        })
    }

    /// Whether it was started and its settings are right.
    pub(crate) fn is_started(&self) -> Result<(), Failure> {
        self.settings().map(|_| ())
    }

    /// Something happened.
    pub(crate) fn hear(&mut self, event: &Event) -> Result<(), Failure> {
        let of_ours = |number: &u32| self.link.socket().is_some_and(|socket| socket.number == *number);
        match event {
            Event::Start { .. } => return self.start(),
            Event::Timer { id: RETRY } => self.open(),
            Event::Timer { id: LOGIN } => self.give_up("it does not answer the login"),
            Event::Timer { id: KEEP_ALIVE } => self.keep_alive()?,
            Event::Timer { id: FLUSH } => self.flush(),
            Event::Open { socket, .. } if of_ours(socket) => self.log_in(EventSocket { number: *socket }),
            Event::Message { socket, .. } if of_ours(socket) => {
                let frame = event.message()?;
                if self.is_scrubbed(&frame) {
                    self.values.say("a message was passed over because the password stands in it");
                    return Ok(());
                }
                self.reader.push(&frame);
                if let Err(reason) = self.read() {
                    self.give_up(&reason);
                }
            }
            Event::Closed { socket, reason, .. } if of_ours(socket) => self.lost(reason),
            Event::State { changes } => {
                for (key, value) in changes {
                    self.shared(key, value)?;
                }
                self.flush();
            }
            Event::Stop { .. } => self.goodbye(),
            _ => {}
        }
        Ok(())
    }

    /// Whether the host has taken the password out of it, so that its lengths are wrong, and it is whole by itself.
    fn is_scrubbed(&self, frame: &[u8]) -> bool {
        const PLACEHOLDER: &[u8] = b"{{secret:password}}";
        self.settings.as_ref().is_some_and(|settings| settings.password)
            && self.reader.is_empty()
            && frame.windows(PLACEHOLDER.len()).any(|part| part == PLACEHOLDER)
    }

    fn start(&mut self) -> Result<(), Failure> {
        *self = Self::default();
        self.values.set("connected", Value::Bool(false));
        match Settings::read() {
            Ok(settings) => {
                let share = settings.share.clone();
                for (topic, payload) in discovery::messages(&settings) {
                    self.keep(topic, payload);
                }
                self.settings = Some(settings);
                self.open();
                for prefix in share {
                    watch_state(&prefix)?;
                }
                Ok(())
            }
            Err(failure) => {
                self.link = Link::Refused(failure.to_string());
                Err(failure)
            }
        }
    }

    /// Tries the broker now.
    pub(crate) fn connect(&mut self) -> Result<(), Failure> {
        if self.link.socket().is_none() {
            self.rest = 0;
            clear_timer(RETRY)?;
            self.open();
        }
        Ok(())
    }

    fn open(&mut self) {
        let (Ok(settings), None) = (self.settings(), self.link.socket()) else { return };
        match EventSocket::open(&settings.broker, &[("Sec-WebSocket-Protocol", "mqtt")]) {
            Ok(socket) => {
                self.reader = Reader::default();
                self.link = Link::Opening(socket);
            }
            Err(failure) => self.lost(&failure.to_string()),
        }
    }

    /// The first packet, in which the host puts the password.
    fn log_in(&mut self, socket: EventSocket) {
        let Ok(settings) = self.settings() else { return };
        let text = |text: &str| Piece::U16(vec![Piece::Text(text.to_owned())]);
        // A clean session, and a will that is retained and acknowledged.
        let mut flags = 0x02 | 0x04 | 0x08 | 0x20_u8;
        let mut rest = vec![text(&settings.client), text(&format!("{}/status", settings.prefix)), text("offline")];
        if let Some(user) = &settings.user {
            flags |= 0x80;
            rest.push(text(user));
        }
        if settings.password {
            flags |= 0x40;
            rest.push(Piece::U16(vec![Piece::Secret("password".to_owned())]));
        }
        let head = format!("00044d51545404{flags:02x}{:04x}", settings.keepalive);
        rest.insert(0, Piece::Hex(head));
        let sent = socket.send_pieces(false, &[Piece::Hex("10".to_owned()), Piece::Varint(rest)]);
        match sent.and_then(|()| Ok(set_timer(LOGIN, LOGIN_TIME)?)) {
            Ok(()) => {}
            // It would be the same the next time: a secret is missing, or not for this host.
            Err(failure) => self.refused(&failure.to_string()),
        }
    }

    /// The answer to the login.
    fn answered(&mut self, code: ConnectReturnCode) -> Result<(), String> {
        let Link::Opening(socket) = self.link else { return Err("the broker answered a login twice".to_owned()) };
        let (user, client) = match self.settings() {
            Ok(settings) => (settings.user.clone().unwrap_or_default(), settings.client.clone()),
            Err(failure) => return Err(failure.to_string()),
        };
        let refused = match code {
            ConnectReturnCode::Success => return self.begin(socket).map_err(|failure| failure.to_string()),
            ConnectReturnCode::ServiceUnavailable => return Err("the broker is not available".to_owned()),
            ConnectReturnCode::RefusedProtocolVersion => "the broker does not speak MQTT 3.1.1".to_owned(),
            ConnectReturnCode::BadClientId => format!("the broker does not take the client {client:?}"),
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized if user.is_empty() => {
                "the broker wants a user and a password; in its config, add user = \"NAME\", and in its section \
                 secrets = { password = { env = \"MQTT_PASSWORD\", hosts = [\"…\"] } }"
                    .to_owned()
            }
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
                format!("the broker refused the login of {user:?}: the password is wrong, or there is no such user")
            }
        };
        self.refused(&refused);
        Ok(())
    }

    /// Logged in: everything is asked for and said anew.
    fn begin(&mut self, socket: EventSocket) -> Result<(), Failure> {
        clear_timer(LOGIN)?;
        let settings = self.settings()?;
        let alive = Duration::from_secs(settings.keepalive.into());
        let of_others = settings.subscriptions.iter().map(|one| (one.filter.clone(), one.sure));
        let own =
            controls::commands(settings).into_iter().chain(controls::memories(settings)).map(|filter| (filter, false));
        let filters: Vec<(String, bool)> = of_others.chain(own).collect();
        let status = format!("{}/status", settings.prefix);
        log(Level::Info, &format!("connected to {}", settings.broker));
        self.asked = filters.iter().map(|(filter, _)| filter.clone()).collect();
        let mut out = BytesMut::new();
        if !filters.is_empty() {
            let id = self.next_id();
            wire::subscribe(&mut out, id, filters.iter().map(|(filter, sure)| (filter.as_str(), *sure)));
        }
        wire::publish(&mut out, &status, b"online", 0, true);
        for (id, Message { topic, payload, retain }) in &self.unanswered {
            wire::publish(&mut out, topic, payload.as_bytes(), *id, *retain);
        }
        // Its answer comes behind what the broker has from before.
        out.extend_from_slice(&wire::PING);
        socket.send_bytes(&out)?;
        set_timer(KEEP_ALIVE, alive)?;
        self.link = Link::Up { socket, pinged: true, fresh: true };
        self.unsent = self.kept.keys().cloned().collect();
        self.said = None;
        self.values.set("connected", Value::Bool(true));
        Ok(())
    }

    /// The broker has answered a question.
    fn alive(&mut self) {
        let Link::Up { socket, pinged, fresh } = &mut self.link else { return };
        *pinged = false;
        if !std::mem::take(fresh) {
            // It has held for a while.
            self.rest = 0;
            return;
        }
        let (socket, Some(settings)) = (*socket, &self.settings) else { return };
        // What this box says of itself from now on need not come back. Where that is asked for by the configuration, it does.
        let asked = |filter: &String| settings.subscriptions.iter().any(|one| one.filter == *filter);
        let old: Vec<String> = controls::memories(settings).into_iter().filter(|filter| !asked(filter)).collect();
        if !old.is_empty() {
            let mut out = BytesMut::new();
            wire::unsubscribe(&mut out, self.next_id(), old);
            // Where it is not sent, more is read than need be.
            let _ = socket.send_bytes(&out);
        }
    }

    fn keep_alive(&mut self) -> Result<(), Failure> {
        let alive = Duration::from_secs(self.settings()?.keepalive.into());
        match &mut self.link {
            Link::Up { pinged: true, .. } => self.give_up("it has stopped answering"),
            Link::Up { socket, pinged, .. } => {
                // Where it cannot be sent, there is no answer either.
                let _ = socket.send_bytes(&wire::PING);
                *pinged = true;
                set_timer(KEEP_ALIVE, alive)?;
            }
            Link::Opening(_) | Link::Down(_) | Link::Refused(_) => {}
        }
        Ok(())
    }

    /// Closes the connection, for this reason, to open it again.
    fn give_up(&mut self, reason: &str) {
        if let Some(socket) = self.link.socket() {
            let _ = socket.close();
            self.lost(reason);
        }
    }

    /// The connection is gone; it is opened again after a while.
    fn lost(&mut self, reason: &str) {
        self.down();
        self.rest = (self.rest * 2).clamp(FIRST_REST, LONGEST_REST);
        if self.said.as_deref() != Some(reason) {
            log(Level::Warn, &format!("no connection to the broker: {reason}; trying again until there is one"));
            self.said = Some(reason.to_owned());
        }
        self.link = Link::Down(reason.to_owned());
        // A timer is refused in `shutdown` alone.
        let _ = set_timer(RETRY, Duration::from_secs(self.rest));
    }

    /// The connection is of no use, and will be of none the next time.
    fn refused(&mut self, reason: &str) {
        if let Some(socket) = self.link.socket() {
            let _ = socket.close();
        }
        self.down();
        log(
            Level::Error,
            &format!("{reason}. It is not tried again before Conductor starts, or a mapping has action = \"connect\""),
        );
        self.link = Link::Refused(reason.to_owned());
    }

    fn down(&mut self) {
        for timer in [KEEP_ALIVE, LOGIN, FLUSH] {
            let _ = clear_timer(timer);
        }
        self.values.set("connected", Value::Bool(false));
    }

    /// The session ends.
    fn goodbye(&mut self) {
        if let (Link::Up { socket, .. }, Ok(settings)) = (&self.link, self.settings()) {
            let mut out = BytesMut::new();
            wire::publish(&mut out, &format!("{}/status", settings.prefix), b"offline", 0, true);
            out.extend_from_slice(&wire::GOODBYE);
            // The broker finds out by itself where it is not told.
            let _ = socket.send_bytes(&out);
        }
    }

    /// A number that no message has which waits.
    fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.unanswered.contains_key(&self.last_id) {
                return self.last_id;
            }
        }
    }
}
