//! The one connection to OBS: opened at the start, and again after each end but those that OBS meant.

use std::time::Duration;

use conductor_plugin::{Event, EventSocket, Failure, Level, clear_timer, config, log, set_timer};

use crate::action::Ask;
use crate::answer::{explained, follows};
use crate::frame::{Answer, Frame, Happened, Hello, RPC_VERSION, SECRET, identify, login, request};
use crate::queue::Queue;
use crate::shown::Shown;
use crate::sync::{Changed, Look, Sync};

/// Where OBS listens by default.
const URL: &str = "ws://127.0.0.1:4455";

/// Timers: connect again; see whether OBS is there; ask again what it was not ready for; look at everything again; at the scene again.
const RETRY: u8 = 0;
const WATCH: u8 = 1;
const AGAIN: u8 = 2;
const LOOK: u8 = 3;
const SCENE: u8 = 4;

/// The first wait before connecting again, which doubles, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long OBS may take to say who it is, and how long it may be silent when asked.
const PATIENCE: Duration = Duration::from_secs(10);
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Longest message that is read, in bytes: a scene of 250 items takes less, and reading four times as much would take all fuel of a call.
const LONGEST: usize = 256 << 10;

/// Between two attempts while OBS is not ready, and how many there are.
const NOT_READY: Duration = Duration::from_millis(500);
const ATTEMPTS: u32 = 20;

/// A transition begins a moment before its scene counts.
const MOMENT: Duration = Duration::from_millis(30);

/// After something came or went, so that a hundred of them are looked at once.
const SETTLE: Duration = Duration::from_millis(200);

/// The connection, and all that is known over it.
#[derive(Default)]
pub(crate) struct Connection {
    state: State,
    /// Attempts since it was last connected.
    attempts: u32,
    /// What was last said of why there is none, so that it is said once.
    said: String,
    version: String,
    last_id: u32,
    /// Actions in their order. OBS answers requests on several threads, so one is asked when the one before is answered.
    waiting: Queue,
    flying: Option<Flying>,
    sync: Sync,
    shown: Shown,
    /// Something came since the last look at the clock.
    heard: bool,
    /// That something came that is no frame was said.
    garbled: bool,
}

/// An action that OBS has not answered.
struct Flying {
    id: u32,
    ask: Ask,
    attempts: u32,
    /// It was there already when the clock was looked at.
    old: bool,
}

/// How far it is.
#[derive(Default)]
enum State {
    /// Not begun: nobody has called `on_event`.
    #[default]
    New,
    /// Being opened, and then until OBS knows us.
    Greeting(EventSocket),
    Ready(EventSocket),
    /// Closed, and to be tried again.
    Waiting(String),
    /// Closed, and not to be tried again unless somebody asks for it.
    Refused(String),
}

impl Connection {
    /// Fails where nothing is kept between calls.
    pub(crate) fn is_kept(&self) -> Result<(), Failure> {
        match self.state {
            State::New => Err(Failure::new(
                "the connection to OBS is kept between calls: add resident = true to the plugin's section, and leave out tenant in the mapping",
            )),
            _ => Ok(()),
        }
    }

    /// Asks for something as soon as what was asked before is done.
    pub(crate) fn ask(&mut self, ask: Ask) -> Result<(), Failure> {
        match &self.state {
            State::Ready(_) => {}
            State::Refused(reason) => return Err(Failure::new(reason.clone())),
            State::Waiting(reason) => {
                let failure = Failure::new(format!("{reason}; trying again now"));
                self.attempts = 0;
                self.open();
                return Err(failure);
            }
            State::New | State::Greeting(_) => return Err(Failure::new("not connected to OBS yet; press again")),
        }
        if self.flying.is_none() {
            return self.send(ask, 1);
        }
        self.waiting.push(ask)
    }

    /// Connects now, also where OBS had refused.
    pub(crate) fn connect_now(&mut self) -> Result<(), Failure> {
        if let State::Waiting(_) | State::Refused(_) = self.state {
            self.attempts = 0;
            self.said.clear();
            self.open();
        }
        match &self.state {
            State::Waiting(reason) | State::Refused(reason) => Err(Failure::new(reason.clone())),
            _ => Ok(()),
        }
    }

    /// Takes in an event.
    pub(crate) fn hear(&mut self, event: &Event) -> Result<(), Failure> {
        let ours = |number: u32| matches!(self.state, State::Greeting(socket) | State::Ready(socket) if socket.number == number);
        match event {
            Event::Start { .. } => {
                self.shown.flag("connected", false);
                self.open();
            }
            Event::Timer { id: RETRY } if matches!(self.state, State::Waiting(_)) => self.open(),
            Event::Timer { id: WATCH } => return self.watch(),
            Event::Timer { id: AGAIN } => {
                if let Some(Flying { ask, attempts, .. }) = self.flying.take() {
                    return self.send(ask, attempts + 1);
                }
            }
            Event::Timer { id: id @ (LOOK | SCENE) } if matches!(self.state, State::Ready(_)) => {
                match *id {
                    LOOK => self.sync.begin(&mut self.shown),
                    _ => self.sync.look(Look::Program),
                }
                return self.look_on();
            }
            Event::Open { socket, .. } if ours(*socket) => set_timer(WATCH, PATIENCE)?,
            Event::Message { socket, kind, length } if ours(*socket) => {
                self.heard = true;
                if kind == "text" && *length <= LONGEST {
                    return self.frame(&event.message()?);
                }
                self.garbage();
            }
            Event::Closed { socket, code, reason } if ours(*socket) => self.closed(*code, reason),
            _ => {}
        }
        Ok(())
    }

    /// Begins to connect. What comes of it is an event.
    fn open(&mut self) {
        // Without a timer the next press tries.
        let _ = clear_timer(RETRY);
        let url = match config("url") {
            Ok(url) => url.unwrap_or_else(|| URL.to_owned()),
            Err(error) => return self.wait(format!("the address of OBS cannot be read: {error}")),
        };
        match EventSocket::open(&url, &[("sec-websocket-protocol", "obswebsocket.json")]) {
            Ok(socket) => self.state = State::Greeting(socket),
            Err(failure) => self.wait(failure.to_string()),
        }
    }

    /// The connection has ended, or did not come to be.
    fn closed(&mut self, code: Option<u16>, reason: &str) {
        // There is nothing left to close.
        let was_ready = matches!(std::mem::take(&mut self.state), State::Ready(_));
        match code {
            Some(4009) => self.refuse(format!(
                "OBS does not take the password: correct what secrets = {{ {SECRET} = … }} in the plugin's section leads to, and start \
                 anew or call the action connect"
            )),
            Some(4010) => self.refuse(format!("this OBS speaks no version {RPC_VERSION} of its protocol: {reason}")),
            Some(4011) => self.refuse(
                "OBS has ended the session, so it is not opened again by itself; the action connect does".to_owned(),
            ),
            _ if was_ready => self.wait(format!("the connection to OBS is gone: {reason}")),
            _ => self.wait(format!(
                "no OBS: {reason}; is it running, with Tools, WebSocket Server Settings, Enable WebSocket server?"
            )),
        }
    }

    /// Waits before it is tried again, longer each time.
    fn wait(&mut self, reason: String) {
        self.leave(&reason);
        let wait = FIRST_WAIT.saturating_mul(1 << self.attempts.min(8)).min(LONGEST_WAIT);
        self.attempts = self.attempts.saturating_add(1);
        self.state = State::Waiting(reason);
        if let Err(error) = set_timer(RETRY, wait) {
            log(Level::Warn, &format!("it is not tried again by itself: {error}"));
        }
    }

    /// Waits for somebody to ask for it.
    fn refuse(&mut self, reason: String) {
        self.leave(&reason);
        self.state = State::Refused(reason);
    }

    /// Forgets all that held for the connection there was, and closes it where that is for us to do.
    fn leave(&mut self, reason: &str) {
        if let State::Greeting(socket) | State::Ready(socket) = self.state {
            // One that has ended has nothing to close.
            let _ = socket.close();
        }
        let lost = self.waiting.len() + usize::from(self.flying.is_some());
        if lost > 0 {
            log(Level::Warn, &format!("OBS has not said what came of {lost} of the last actions"));
        }
        if self.said != reason {
            log(Level::Warn, reason);
            reason.clone_into(&mut self.said);
        }
        self.waiting = Queue::default();
        self.flying = None;
        self.sync = Sync::default();
        self.garbled = false;
        self.shown.forget();
        self.shown.flag("connected", false);
        for id in [WATCH, AGAIN, LOOK, SCENE] {
            // One that is not set is taken back all the same.
            let _ = clear_timer(id);
        }
    }

    /// Looks whether OBS is still there, by asking it something.
    fn watch(&mut self) -> Result<(), Failure> {
        match self.state {
            State::Greeting(_) => self.wait("what listens there does not speak as OBS does".to_owned()),
            State::Ready(_) if !std::mem::take(&mut self.heard) => {
                self.wait("the connection to OBS is gone: it does not answer".to_owned());
            }
            State::Ready(_) => {
                set_timer(WATCH, HEARTBEAT)?;
                self.sync.give_up(&mut self.shown);
                self.sync.look(Look::Record);
                self.look_on()?;
                if self.flying.as_mut().is_some_and(|flying| std::mem::replace(&mut flying.old, true)) {
                    let kind = self.flying.take().map_or("", |flying| flying.ask.kind);
                    self.next()?;
                    return Err(Failure::new(format!("OBS has not answered {kind} and does other things meanwhile")));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes in a message.
    fn frame(&mut self, body: &[u8]) -> Result<(), Failure> {
        match (Frame::read(body), matches!(self.state, State::Ready(_))) {
            (Some(Frame::Hello(hello)), false) => return self.greet(hello),
            (Some(Frame::Identified), false) => return self.identified(),
            (Some(Frame::Event(Happened { event_type, event_data })), true) => {
                let facts = event_data.unwrap_or_default();
                match self.sync.happened(&event_type, &facts, &mut self.shown) {
                    Changed::Things => set_timer(LOOK, SETTLE)?,
                    Changed::Scene => set_timer(SCENE, MOMENT)?,
                    Changed::Values => {}
                }
                return self.look_on();
            }
            (Some(Frame::Answer(answer)), true) => return self.answered(answer),
            // What a later version says beside.
            (Some(_), true) => {}
            (Some(_), false) | (None, _) => self.garbage(),
        }
        Ok(())
    }

    /// Something came that is none of OBS's frames.
    fn garbage(&mut self) {
        if !matches!(self.state, State::Ready(_)) {
            self.wait("what listens there does not speak as OBS does".to_owned());
        } else if !std::mem::replace(&mut self.garbled, true) {
            log(
                Level::Warn,
                "OBS sent something that is no frame of obs-websocket 5; it is passed over, as is more of it",
            );
        }
    }

    /// Says who we are.
    fn greet(&mut self, hello: Hello) -> Result<(), Failure> {
        let State::Greeting(socket) = self.state else { return Ok(()) };
        self.version = hello.obs_web_socket_version;
        if hello.rpc_version < RPC_VERSION {
            self.refuse(format!("this OBS speaks version {} of its protocol only", hello.rpc_version));
            return Ok(());
        }
        let Some(challenge) = hello.authentication else { return Ok(socket.send_text(&identify())?) };
        if config(SECRET)?.is_none() {
            self.refuse(format!(
                "OBS wants a password: add secrets = {{ {SECRET} = \"OBS_PASSWORD\" }} to the plugin's section, and set that variable where \
                 Conductor is started"
            ));
            return Ok(());
        }
        match socket.send_pieces(true, &login(challenge)) {
            Ok(()) => Ok(()),
            Err(failure) => {
                self.refuse(format!("the password cannot be sent: {failure}"));
                Ok(())
            }
        }
    }

    /// OBS knows us.
    fn identified(&mut self) -> Result<(), Failure> {
        let State::Greeting(socket) = self.state else { return Ok(()) };
        self.state = State::Ready(socket);
        self.attempts = 0;
        self.said.clear();
        self.heard = true;
        log(Level::Info, &format!("connected to OBS, whose obs-websocket has version {}", self.version));
        self.shown.flag("connected", true);
        set_timer(WATCH, HEARTBEAT)?;
        self.sync.begin(&mut self.shown);
        self.look_on()
    }

    /// Asks what is to be asked to show how OBS stands.
    fn look_on(&mut self) -> Result<(), Failure> {
        let State::Ready(socket) = self.state else { return Ok(()) };
        loop {
            let id = self.fresh();
            let Some((kind, data)) = self.sync.next(id).map(Look::request) else { return Ok(()) };
            socket.send_text(&request(id, kind, &data)?)?;
        }
    }

    /// A number for a request.
    fn fresh(&mut self) -> u32 {
        self.last_id = self.last_id.wrapping_add(1);
        self.last_id
    }

    /// Sends an action.
    fn send(&mut self, ask: Ask, attempts: u32) -> Result<(), Failure> {
        let State::Ready(socket) = self.state else { return Ok(()) };
        let id = self.fresh();
        socket.send_text(&request(id, ask.kind, &ask.data)?)?;
        self.flying = Some(Flying { id, ask, attempts, old: false });
        Ok(())
    }

    /// Sends the action that waits longest.
    fn next(&mut self) -> Result<(), Failure> {
        match self.waiting.pop() {
            Some(ask) => self.send(ask, 1),
            None => Ok(()),
        }
    }

    /// Takes in an answer.
    fn answered(&mut self, answer: Answer) -> Result<(), Failure> {
        let Answer { request_id, request_status: status, response_data } = answer;
        let Ok(id) = request_id.parse::<u32>() else { return Ok(()) };
        if let Some(look) = self.sync.take(id) {
            // What OBS has not is not shown: an input without sound, a replay buffer that is not set up.
            if status.result {
                self.sync.found(look, response_data.unwrap_or_default(), &mut self.shown);
            }
            self.sync.settle(&mut self.shown);
            return self.look_on();
        }
        let Some(Flying { ask, attempts, .. }) = self.flying.take_if(|flying| flying.id == id) else { return Ok(()) };
        if status.code == 207 && attempts < ATTEMPTS {
            self.flying = Some(Flying { id, ask, attempts, old: false });
            return Ok(set_timer(AGAIN, NOT_READY)?);
        }
        let came = match follows(&ask, &status, &response_data.unwrap_or_default()) {
            Ok(Some(next)) => return self.send(next, 1),
            Ok(None) => Ok(()),
            Err(code) => Err(explained(ask.kind, code, status.comment, &self.version)),
        };
        self.next()?;
        came
    }
}
