//! `conductor plugin login`.

use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use argh::FromArgs;

use super::super::output::say;
use super::super::{Exit, Failure, Output};
use super::configured::ConfiguredPlugins;
use crate::config::Environment;
use crate::os::{self, Login as Authorization, Loopback, Network, Returned, WaitError};
use crate::text::Escape as _;
use crate::text::literal;
use crate::time::SystemClock;

/// How long somebody may take to agree: services let their pages expire, too.
const LIMIT: Duration = Duration::from_secs(600);

/// Log in to the service that a plugin acts for you at.
#[derive(FromArgs, Debug)]
#[argh(
    subcommand,
    name = "login",
    example = "{command_name} spotify",
    note = "The plugin needs a section [plugins.NAME.oauth]. The address that is printed is for a browser, on this machine or any\nother. On this one the answer comes back by itself. On another one the browser ends at an address of 127.0.0.1 that it\ncannot show: paste that whole address here and press Enter.\n\nThe token is kept below `$XDG_STATE_HOME`, for this user alone, and renewed before it ends. The plugin never sees it.\nA running daemon uses it from the next request on.\n\nExit codes: 0 logged in; 1 not logged in: the service or its user refused, or nobody answered within ten minutes; 2 wrong\nusage, or something could not be carried out."
)]
pub(super) struct Login {
    /// the plugin's name in the configuration
    #[argh(positional)]
    plugin: String,
    /// configuration file; default conductor/config.toml below `$XDG_CONFIG_HOME`
    #[argh(option, arg_name = "file")]
    config: Option<PathBuf>,
}

impl Login {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let known = ConfiguredPlugins::read(self.config.as_deref(), &Environment::of_process())?;
        let name = self.plugin.escaped();
        let Some(oauth) = &known.plugin(&self.plugin)?.oauth else {
            let section = format!("[plugins.{}.oauth]", literal::shown_key(&self.plugin));
            return Err(Failure::operation(format!("plugin \"{name}\" has no login; its section would be {section}")));
        };
        let port = |error: &dyn std::fmt::Display| {
            let which = oauth.redirect_port.map_or_else(|| "a port".to_owned(), |port| format!("port {port}"));
            Failure::operation(format!("cannot open {which} of 127.0.0.1 for the browser to come back to: {error}"))
        };
        let clock = Arc::new(SystemClock::start());
        let network =
            Network::of(clock, &os::Environment::inherited()).map_err(|error| Failure::operation(error.to_string()))?;
        let loopback = Loopback::open(oauth.redirect_port).map_err(|error| port(&error))?;
        let login = Authorization::begin(Arc::clone(&oauth.client), loopback.redirect().to_owned())
            .map_err(|error| Failure::operation(format!("the system gives no random bytes: {error}")))?;
        say(
            "open this address in a browser and agree; if that is on another machine, paste the address it ends at here:",
        );
        out.line(format_args!("{}", login.address()))?;
        out.flush()?;
        let returned = loopback.wait(login.state(), Some(std::io::stdin().as_fd()), LIMIT, || {
            let begins = loopback.redirect();
            say(&format!(
                "that is not the address the browser ended at, which begins with {begins}?; paste all of it:"
            ));
        });
        let code = match returned {
            Ok(Returned::Code(code)) => code,
            Ok(Returned::Refused(words)) => {
                return Err(Failure::negative(format!("plugin \"{name}\" is not logged in: the answer was {words}")));
            }
            Err(WaitError::TimedOut) => {
                let minutes = LIMIT.as_secs() / 60;
                return Err(Failure::negative(format!(
                    "plugin \"{name}\" is not logged in: no answer within {minutes} minutes"
                )));
            }
            Err(WaitError::Io(error)) => return Err(port(&error)),
        };
        let token = match login.redeem(&network, &code).map_err(|error| Failure::operation(error.to_string()))? {
            Ok(token) => token,
            Err(words) => return Err(Failure::negative(format!("plugin \"{name}\" is not logged in: {words}"))),
        };
        out.line(format_args!("logged in: {}", self.plugin))?;
        out.flush()?;
        let given = |scope: &str| token.scope().is_none_or(|given| given.split(' ').any(|given| given == scope));
        let asked = oauth.client.scopes.iter().map(String::as_str);
        let missing: Vec<&str> = asked.filter(|scope| !given(scope)).collect();
        if !missing.is_empty() {
            say(&format!("the service did not give all that was asked for; missing: {}", missing.join(", ").escaped()));
        }
        if !token.renews() {
            say("the service gave nothing to renew the token with: when it ends, log in again");
        }
        Ok(Exit::Done)
    }
}
