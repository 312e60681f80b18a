//! What `[plugins.NAME.config]` says.

use std::collections::BTreeSet;

use conductor_plugin::{Failure, config};

use crate::topic;

/// Longest name of a client or a control, in bytes.
const MAX_NAME: usize = 48;

/// Controls of all kinds, and subscriptions, there may be of each.
const MAX_LISTED: usize = 128;

/// Named values that hold something else than a topic.
const RESERVED: [&str; 4] = ["connected", "lamp", "light", "fader"];

/// What the configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where the broker is.
    pub(crate) broker: String,
    /// Which box this is: no two may have one name.
    pub(crate) client: String,
    /// What Home Assistant calls it.
    pub(crate) name: String,
    /// What it says it is.
    pub(crate) model: String,
    pub(crate) user: Option<String>,
    /// There is a secret of this name, called `password`.
    pub(crate) password: bool,
    /// What the topics of this box begin with.
    pub(crate) prefix: String,
    /// Seconds.
    pub(crate) keepalive: u16,
    /// What Home Assistant's topics begin with, where it is to know of this box.
    pub(crate) discovery: Option<String>,
    pub(crate) subscriptions: Vec<Subscription>,
    /// Named values of the session that are published.
    pub(crate) share: Vec<String>,
    pub(crate) controls: Controls,
}

/// What is held as a named value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) filter: String,
    /// The key, where it is not the topic's own.
    pub(crate) key: Option<String>,
    /// The place in the payload's JSON.
    pub(crate) at: Vec<String>,
    /// Each message is acknowledged.
    pub(crate) sure: bool,
}

/// The controls that Home Assistant is told of, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Controls {
    pub(crate) pads: BTreeSet<String>,
    /// Those that stand where the hand has left them.
    pub(crate) faders: BTreeSet<String>,
    /// Those that can be told where to stand.
    pub(crate) motors: BTreeSet<String>,
    /// On or off.
    pub(crate) lamps: BTreeSet<String>,
    /// 0 to 127.
    pub(crate) lights: BTreeSet<String>,
}

impl Settings {
    /// Reads them. The error says what is wrong, and what to write.
    pub(crate) fn read() -> Result<Self, Failure> {
        let text = |key: &str| config(key).map(|value| value.filter(|value| !value.trim().is_empty()));
        let needed = |key: &str, example: &str| {
            text(key)?.ok_or_else(|| Failure::new(format!("its config needs {key}, for example {key} = \"{example}\"")))
        };
        let broker = needed("broker", "ws://192.168.1.10:9001/mqtt")?;
        let client = needed("client", "desk")?;
        name(&client).map_err(|why| Failure::new(format!("client = \"{client}\": {why}")))?;
        let prefix = text("prefix")?.unwrap_or_else(|| format!("conductor/{client}"));
        let discovery = text("discovery")?;
        for (key, value) in [("prefix", Some(&prefix)), ("discovery", discovery.as_ref())] {
            if let Some(value) = value.filter(|value| value.contains(['+', '#', '\0']) || value.len() > 256) {
                return Err(Failure::new(format!("{key} = \"{value}\" is not what topics can begin with")));
            }
        }
        let keepalive = match text("keepalive")? {
            None => 30,
            Some(value) => value.parse().ok().filter(|seconds| (5..=3600).contains(seconds)).ok_or_else(|| {
                Failure::new(format!("keepalive = {value} is not a number of seconds from 5 to 3600"))
            })?,
        };
        let (user, password) = (text("user")?, config("password")?);
        if password.as_ref().is_some_and(|password| !password.starts_with("{{secret:")) {
            return Err(Failure::new(
                "a password is a secret and not part of config; in its section: secrets = { password = { env = \
                 \"MQTT_PASSWORD\", hosts = [\"…\"] } }",
            ));
        }
        let password = password.is_some();
        if password && user.is_none() {
            return Err(Failure::new("there is a password and no user; in its config, add user = \"NAME\""));
        }
        let names = |key: &str| -> Result<BTreeSet<String>, Failure> { names(key, &text(key)?.unwrap_or_default()) };
        let subscribe = text("subscribe")?.unwrap_or_default();
        Ok(Self {
            name: text("name")?.unwrap_or_else(|| client.clone()),
            model: text("model")?.unwrap_or_else(|| "MIDI controller".to_owned()),
            broker,
            client,
            user,
            password,
            prefix,
            keepalive,
            discovery,
            subscriptions: subscriptions(&subscribe).map_err(|why| Failure::new(format!("subscribe: {why}")))?,
            share: words(&text("share")?.unwrap_or_default()).map(str::to_owned).collect(),
            controls: Controls {
                pads: names("pads")?,
                faders: names("faders")?,
                motors: names("motors")?,
                lamps: names("lamps")?,
                lights: names("lights")?,
            },
        })
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| letter.is_whitespace() || letter == ',').filter(|word| !word.is_empty())
}

fn names(key: &str, text: &str) -> Result<BTreeSet<String>, Failure> {
    let mut all = BTreeSet::new();
    for word in words(text) {
        name(word).map_err(|why| Failure::new(format!("{key}: {word:?}: {why}")))?;
        all.insert(word.to_owned());
    }
    if all.len() > MAX_LISTED {
        return Err(Failure::new(format!("{key}: {} of them; at most {MAX_LISTED} are told of", all.len())));
    }
    Ok(all)
}

/// Whether the plugin holds something of its own there.
pub(crate) fn is_reserved(key: &str) -> bool {
    key.split('.').next().is_some_and(|first| RESERVED.contains(&first))
}

/// Whether it can stand in topics, keys and ids alike.
pub(crate) fn name(text: &str) -> Result<(), &'static str> {
    let right = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(right) {
        return Err("a name is 1 to 48 letters, digits, _ and -");
    }
    Ok(())
}

/// One a line, or with commas between: `FILTER [at FIELD] [as KEY] [qos 1]`.
fn subscriptions(text: &str) -> Result<Vec<Subscription>, String> {
    let mut all = Vec::new();
    for line in text.split(['\n', ',']) {
        let mut words = line.split_whitespace();
        let Some(filter) = words.next() else { continue };
        if !topic::is_filter(filter) {
            return Err(format!("{filter:?} is no topic filter: + stands for one whole level, # for all at the end"));
        }
        let mut one = Subscription { filter: filter.to_owned(), key: None, at: Vec::new(), sure: false };
        while let Some(word) = words.next() {
            match (word, words.next()) {
                ("as", Some(key)) => one.key = Some(key.to_owned()),
                ("at", Some(at)) => one.at = at.split('.').map(str::to_owned).collect(),
                ("qos", Some("0")) => one.sure = false,
                ("qos", Some("1")) => one.sure = true,
                _ => {
                    return Err(format!(
                        "{:?}: behind the topic stands at FIELD, as KEY, qos 0 or qos 1, each once",
                        line.trim()
                    ));
                }
            }
        }
        if is_reserved(&one.key.clone().unwrap_or_else(|| topic::key(filter))) {
            return Err(format!("{filter} would be held among the plugin's own values; write {filter} as another.key"));
        }
        all.push(one);
    }
    if all.len() > MAX_LISTED {
        return Err(format!("{} of them; at most {MAX_LISTED} are held, and + and # name many topics", all.len()));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_plugin::testing;

    fn read(values: &[(&str, &str)]) -> Result<Settings, String> {
        testing::reset();
        for (key, value) in values {
            testing::set_config(key, value);
        }
        Settings::read().map_err(|failure| failure.to_string())
    }

    const LEAST: [(&str, &str); 2] = [("broker", "ws://b.lan:9001/mqtt"), ("client", "desk")];

    #[test]
    fn what_is_not_said_is_the_usual() {
        let settings = read(&LEAST).expect("enough");
        assert_eq!(
            (settings.prefix.as_str(), settings.keepalive, settings.name.as_str()),
            ("conductor/desk", 30, "desk")
        );
        assert!(settings.discovery.is_none() && settings.subscriptions.is_empty() && !settings.password);
    }

    #[test]
    fn subscriptions_say_where_and_how_a_topic_is_held() {
        let text = "house/mic/muted, zigbee2mqtt/+ at state\n\n  a/b at color.x as desk.x qos 1";
        let settings = read(&[LEAST[0], LEAST[1], ("subscribe", text)]).expect("settings");
        let short: Vec<_> = settings
            .subscriptions
            .iter()
            .map(|one| (one.filter.as_str(), one.at.join("."), one.key.as_deref(), one.sure))
            .collect();
        assert_eq!(
            short,
            [
                ("house/mic/muted", String::new(), None, false),
                ("zigbee2mqtt/+", "state".to_owned(), None, false),
                ("a/b", "color.x".to_owned(), Some("desk.x"), true),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_write() {
        for (more, words) in [
            (("client", "my desk"), "client = \"my desk\": a name is"),
            (("prefix", "a/#"), "prefix = \"a/#\""),
            (("keepalive", "1"), "keepalive = 1 is not"),
            (("password", "{{secret:password}}"), "add user ="),
            (("pads", "a b/c"), "pads: \"b/c\""),
            (("subscribe", "a/#/b"), "\"a/#/b\" is no topic filter"),
            (("subscribe", "a b"), "behind the topic"),
            (("subscribe", "a at"), "behind the topic"),
            (("subscribe", "lamp/desk"), "lamp/desk as another.key"),
            (("subscribe", "a as connected"), "another.key"),
        ] {
            let error = read(&[LEAST[0], LEAST[1], more]).expect_err("wrong");
            assert!(error.contains(words), "{error}");
        }
        assert!(read(&LEAST[..1]).expect_err("no client").contains("client = \"desk\""));
    }
}
