//! What may leave the process, as values: [`Effect`]s that are done and forgotten, [`Request`]s that are answered, and the trait
//! that carries them out, [`EffectHandler`]. What does it for real is in [`crate::os`].

mod brokered;
mod command;
#[allow(clippy::module_inception)] // the noun that the room is named by
mod effect;
mod error;
mod feedback_out;
mod handler;
mod held;
mod input;
mod midi_out;
mod network_out;
mod pieces;
mod press;
mod request;
mod secret;
mod socket_events;
mod sent_midi;
mod text;
mod url;
mod volume;

pub use brokered::Brokered;
pub use command::{Command, Variables};
pub use effect::{Effect, Origin, Reply};
pub use error::{EffectError, EffectErrorKind};
pub use feedback_out::{FeedbackOut, FeedbackPort};
pub use handler::EffectHandler;
pub use held::{Held, Released};
pub use input::{InputEffect, KeyModifier, Keystroke, MouseButton, MouseClick, MouseMotion, Stroke};
pub use midi_out::MidiOut;
pub use network_out::{HttpOut, OscArg, OscOut, Single, UdpTarget};
pub use pieces::{Pieces, PiecesFault};
pub(crate) use press::{Press, Pressing};
pub use request::{
    Answer, Brightness, HttpRequest, HttpResponse, Message, NetworkRequest, Program, ProgramEnd, Reach, Request,
    Response, SocketOpen, System,
};
pub use secret::{CLOSE, OAuthClient, OPEN, SecretSource, Secrets, placeholder, placeholders};
pub use sent_midi::SentMidi;
pub use socket_events::{SocketEvent, SocketEvents, SocketOwner, Wake};
pub(crate) use url::split_port;
pub use url::{Host, Scheme, Url, UrlFault};
pub use volume::{Volume, VolumeOperation};
