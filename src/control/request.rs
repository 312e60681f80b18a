//! What a client sends.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::response::{ErrorCode, Reply};

/// A line from a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Comes back in the answer; whatever the client likes.
    #[serde(default)]
    pub id: Value,
    /// Which command, in capitals.
    pub command: String,
    /// Of what; which there are depends on the command.
    #[serde(default, skip_serializing_if = "Args::is_empty")]
    pub args: Args,
}

/// The arguments of all commands. Each takes only its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// A mode or a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A name of state, or its first parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Args {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Request {
    /// Most bytes of a request, its end of line included.
    pub const MAX: usize = 1 << 20;

    /// A request of `command`, without arguments.
    #[must_use]
    pub fn new(command: ControlCommand) -> Self {
        Self { id: Value::from(1), command: command.name().to_owned(), args: Args::default() }
    }

    /// The request that `line` is.
    pub(super) fn read(line: &[u8]) -> Result<Self, Reply> {
        serde_json::from_slice(line).map_err(|error| {
            Reply::Error(
                ErrorCode::InvalidRequest,
                format!("this is no request: {error}; one is {{\"id\": 1, \"command\": \"STATUS\"}}"),
            )
        })
    }

    /// Its command, with the arguments that belong to it and no others.
    pub(super) fn command(&self) -> Result<ControlCommand, Reply> {
        let Some(command) = ControlCommand::ALL.into_iter().find(|command| command.name() == self.command) else {
            let known: Vec<&str> = ControlCommand::ALL.into_iter().map(ControlCommand::name).collect();
            let said = format!("there is no such command; there are: {}", known.join(" "));
            return Err(Reply::Error(ErrorCode::UnknownCommand, said));
        };
        let Args { name, key, path } = &self.args;
        let [takes_name, takes_key, takes_path] = match command {
            ControlCommand::Mode | ControlCommand::GetDevice => [true, false, false],
            ControlCommand::State => [false, true, false],
            ControlCommand::ValidateConfig => [false, false, true],
            _ => [false; 3],
        };
        for (given, takes, word) in [
            (name.is_some(), takes_name, "name"),
            (key.is_some(), takes_key, "key"),
            (path.is_some(), takes_path, "path"),
        ] {
            if given && !takes {
                return Err(Reply::Error(ErrorCode::InvalidArgs, format!("{} takes no \"{word}\"", command.name())));
            }
        }
        if takes_name && name.is_none() {
            return Err(Reply::Error(
                ErrorCode::InvalidArgs,
                format!("{} needs \"args\": {{\"name\": …}}", command.name()),
            ));
        }
        Ok(command)
    }
}

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlCommand {
    /// Whether somebody is there.
    Ping,
    /// How the session stands.
    Status,
    /// That it end.
    Stop,
    /// Whether a configuration is valid, by default the one that is at work.
    ValidateConfig,
    /// Which devices there are.
    ListDevices,
    /// One of them.
    GetDevice,
    /// That the mode change.
    Mode,
    /// Named values.
    State,
    /// What happens, from here on.
    Watch,
    /// Which plugins there are, and how they do.
    Plugins,
    /// That devices be told anew what to show.
    FeedbackRefresh,
}

impl ControlCommand {
    const ALL: [Self; 11] = [
        Self::Ping,
        Self::Status,
        Self::Stop,
        Self::ValidateConfig,
        Self::ListDevices,
        Self::GetDevice,
        Self::Mode,
        Self::State,
        Self::Watch,
        Self::Plugins,
        Self::FeedbackRefresh,
    ];

    /// How it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ping => "PING",
            Self::Status => "STATUS",
            Self::Stop => "STOP",
            Self::ValidateConfig => "VALIDATE_CONFIG",
            Self::ListDevices => "LIST_DEVICES",
            Self::GetDevice => "GET_DEVICE",
            Self::Mode => "MODE",
            Self::State => "STATE",
            Self::Watch => "WATCH",
            Self::Plugins => "PLUGINS",
            Self::FeedbackRefresh => "FEEDBACK_REFRESH",
        }
    }
}
