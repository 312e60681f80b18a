//! `Action` → steps: sequence, repeat, delay, conditional, mode change, plugin call, and [`Effect`]s. Pure: what leaves
//! the process goes through [`Outside`], which the `effect` module implements.

mod brokered;
mod effect;
mod held;
mod press;
mod request;
mod request_text;
mod rest;
mod scheduler;
mod secret;
mod sent_midi;
mod step;
mod text;
mod url;

pub use crate::mapping::Facts;
pub use brokered::Brokered;
pub use effect::{Effect, EffectError, Origin, Outside, Reply};
pub use held::{Held, Released};
pub use request::{
    Answer, HttpRequest, HttpResponse, Message, Program, ProgramEnd, Reach, Request, Response, Secrets, SocketOpen,
    System,
};
pub use scheduler::{Left, MAX_VISITS, MAX_WAITING, Scheduler};
pub use secret::{CLOSE, OPEN, placeholder, placeholders};
pub use sent_midi::SentMidi;
pub use step::{Cause, Dropped, Step, Task};
pub(crate) use url::split_port;
pub use url::{Host, Scheme, Url, UrlFault};
