//! An account: its devices, its player, and what that can be told.

use std::cell::RefCell;

use conductor_plugin::Failure;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::api::{Api, ApiAnswer, Refusal};
use crate::nothing_plays;
use crate::player::{Device, Player, Repeat};

thread_local! {
    /// The device that played last, which is asked again when none does.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The account that the token is for.
pub(crate) struct Account(Api);

/// What is to be played; nothing for going on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Playable {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uris: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offset: Option<Offset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) position_ms: Option<u64>,
}

/// Where in it to begin: mappings write a number, from 0, or a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", from = "Place")]
pub(crate) enum Offset {
    Position(u32),
    Uri(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Place {
    Position(u32),
    Uri(String),
}

impl From<Place> for Offset {
    fn from(place: Place) -> Self {
        match place {
            Place::Position(position) => Self::Position(position),
            Place::Uri(uri) => Self::Uri(uri),
        }
    }
}

/// The body of a transfer.
#[derive(Serialize)]
struct Transfer<'a> {
    device_ids: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    play: Option<bool>,
}

/// A command to the player.
struct Command {
    method: &'static str,
    path: &'static str,
    /// What stands in the query.
    query: Option<(&'static str, String)>,
    body: Option<Vec<u8>>,
    /// What `actions.disallows` calls it.
    disallowed: &'static str,
}

impl Account {
    pub(crate) fn of_this_call() -> Result<Self, Failure> {
        Api::of_this_call().map(Self)
    }

    /// What plays; none when nothing has for a while.
    pub(crate) fn player(&self) -> Result<Option<Player>, Failure> {
        let body = self.0.ask("GET", "/me/player", None)?.map_err(Failure::from)?;
        let player: Option<Player> = if body.is_empty() { None } else { Some(read(&body)?) };
        let device = player.as_ref().and_then(|player| player.device.as_ref());
        if let Some(id) = device.and_then(|device| device.id.clone()) {
            LAST.set(Some(id));
        }
        Ok(player)
    }

    /// What plays, where something has to.
    pub(crate) fn playing(&self) -> Result<Player, Failure> {
        self.player()?.ok_or_else(nothing_plays)
    }

    fn devices(&self) -> Result<Vec<Device>, Failure> {
        #[derive(Deserialize)]
        struct Devices {
            devices: Vec<Device>,
        }
        let body = self.0.ask("GET", "/me/player/devices", None)?.map_err(Failure::from)?;
        Ok(read::<Devices>(&body)?.devices)
    }

    /// The device called `name`, in any case.
    pub(crate) fn device_called(&self, name: &str) -> Result<Device, Failure> {
        let mut devices = self.devices()?;
        let exact = devices.iter().position(|device| device.name == name);
        let found = exact.or_else(|| devices.iter().position(|device| device.name.eq_ignore_ascii_case(name)));
        let Some(found) = found else {
            let names: Vec<_> = devices.iter().map(|device| format!("{:?}", device.name)).collect();
            let there =
                if names.is_empty() { "there is none".to_owned() } else { format!("there are {}", names.join(", ")) };
            return Err(Failure::new(format!("no device is called {name:?}; {there}")));
        };
        let device = devices.swap_remove(found);
        if device.id.is_none() || device.is_restricted {
            return Err(Failure::new(format!("the device {name:?} lets nobody steer it from outside")));
        }
        Ok(device)
    }

    pub(crate) fn play(&self, device: Option<&Device>, what: &Playable) -> Result<(), Failure> {
        let body = if *what == Playable::default() { None } else { Some(serde_json::to_vec(what)?) };
        let goes_on = body.is_none();
        let command = Command { method: "PUT", path: "/me/player/play", query: None, body, disallowed: "resuming" };
        // Going on is done when something plays; playing something else is not.
        self.tell(&command, device, |player| goes_on && player.is_playing)
    }

    pub(crate) fn pause(&self, device: Option<&Device>) -> Result<(), Failure> {
        let command =
            Command { method: "PUT", path: "/me/player/pause", query: None, body: None, disallowed: "pausing" };
        match self.once(&command, device)? {
            Ok(_) => Ok(()),
            // Where no device plays, nothing does.
            Err(refusal) if refusal.no_device() && device.is_none() => Ok(()),
            Err(refusal) => self.explained(&command, refusal, |player| !player.is_playing),
        }
    }

    pub(crate) fn skip(&self, to: &str, device: Option<&Device>) -> Result<(), Failure> {
        let (path, disallowed) = match to {
            "next" => ("/me/player/next", "skipping_next"),
            _ => ("/me/player/previous", "skipping_prev"),
        };
        let command = Command { method: "POST", path, query: None, body: None, disallowed };
        self.tell(&command, device, |_| false)
    }

    pub(crate) fn seek(&self, ms: i64, device: Option<&Device>) -> Result<(), Failure> {
        let command = Command {
            method: "PUT",
            path: "/me/player/seek",
            query: Some(("position_ms", ms.to_string())),
            body: None,
            disallowed: "seeking",
        };
        self.tell(&command, device, |_| false)
    }

    pub(crate) fn volume(&self, percent: i64, device: Option<&Device>) -> Result<(), Failure> {
        let command = Command {
            method: "PUT",
            path: "/me/player/volume",
            query: Some(("volume_percent", percent.to_string())),
            body: None,
            disallowed: "",
        };
        self.tell(&command, device, |player| {
            player.device.as_ref().is_some_and(|device| device.volume_percent == Some(percent))
        })
    }

    pub(crate) fn shuffle(&self, on: bool, device: Option<&Device>) -> Result<(), Failure> {
        let command = Command {
            method: "PUT",
            path: "/me/player/shuffle",
            query: Some(("state", on.to_string())),
            body: None,
            disallowed: "toggling_shuffle",
        };
        self.tell(&command, device, |player| player.shuffle_state == Some(on))
    }

    pub(crate) fn repeat(&self, repeat: Repeat, device: Option<&Device>) -> Result<(), Failure> {
        let command = Command {
            method: "PUT",
            path: "/me/player/repeat",
            query: Some(("state", repeat.word().to_owned())),
            body: None,
            disallowed: if repeat == Repeat::Track { "toggling_repeat_track" } else { "toggling_repeat_context" },
        };
        self.tell(&command, device, |player| player.repeat() == repeat)
    }

    /// Has `device` play on what plays elsewhere.
    pub(crate) fn transfer(&self, device: &Device, play: Option<bool>) -> Result<(), Failure> {
        let device_ids = [device.id.as_deref().unwrap_or_default()];
        let body = Some(serde_json::to_vec(&Transfer { device_ids, play })?);
        let command =
            Command { method: "PUT", path: "/me/player", query: None, body, disallowed: "transferring_playback" };
        let answered = self.once(&command, None)?;
        let there = |player: &Player| player.device.as_ref().is_some_and(|now| now.id == device.id);
        answered.map_or_else(|refusal| self.explained(&command, refusal, there), |_| Ok(()))
    }

    /// Tells the player to do something. Where no device plays, one that can is told once. Where Spotify refuses what is so `already`, it is
    /// done.
    fn tell(
        &self,
        command: &Command,
        device: Option<&Device>,
        already: impl Fn(&Player) -> bool,
    ) -> Result<(), Failure> {
        let refusal = match self.once(command, device)? {
            Ok(_) => return Ok(()),
            Err(refusal) if refusal.no_device() && device.is_none() => {
                let Some(device) = self.one_that_can()? else { return Err(refusal.into()) };
                match self.once(command, Some(&device))? {
                    Ok(_) => return Ok(()),
                    Err(refusal) => refusal,
                }
            }
            Err(refusal) => refusal,
        };
        self.explained(command, refusal, already)
    }

    fn once(&self, command: &Command, device: Option<&Device>) -> Result<ApiAnswer, Failure> {
        let id = device.and_then(|device| device.id.as_deref());
        let query = command.query.iter().map(|(key, value)| (*key, value.as_str()));
        let mut target = command.path.to_owned();
        for (key, value) in query.chain(id.map(|id| ("device_id", id))) {
            target.push(if target.contains('?') { '&' } else { '?' });
            target.push_str(key);
            target.push('=');
            escape(value, &mut target);
        }
        self.0.ask(command.method, &target, command.body.as_deref())
    }

    /// A device that takes commands: the one that does, or did last, or any.
    fn one_that_can(&self) -> Result<Option<Device>, Failure> {
        let last = LAST.with_borrow(Clone::clone);
        let able = self.devices()?.into_iter().filter(|device| device.id.is_some() && !device.is_restricted);
        // Of several alike, the first is kept.
        Ok(able.rev().max_by_key(|device| (device.is_active, device.id == last)))
    }

    /// What a refusal comes to, in the light of what plays.
    fn explained(&self, command: &Command, refusal: Refusal, already: impl Fn(&Player) -> bool) -> Result<(), Failure> {
        if refusal.already() {
            return Ok(());
        }
        if refusal.restricted() {
            let player = self.player()?;
            if player.as_ref().is_some_and(already) || player.is_none() && command.path == "/me/player/pause" {
                return Ok(());
            }
            if player.is_some_and(|player| player.disallows(command.disallowed)) {
                return Err(Failure::new("Spotify does not allow this for what plays now"));
            }
        }
        Err(refusal.into())
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| Failure::new(format!("Spotify's answer is not what it says it would be: {error}")))
}

fn escape(part: &str, text: &mut String) {
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or_default().to_ascii_uppercase());
            }
        }
    }
}

/// Forgets which device played last.
#[cfg(test)]
pub(crate) fn forget() {
    LAST.set(None);
}
