//! Tokens of services that a user has logged in to (OAuth 2.0, authorization code with PKCE), for the headers of plugins' requests.
//!
//! A plugin writes a placeholder. The token stands in a file of the user's, goes into the header on its way out, and nowhere else.

mod answer;
mod form;
mod login;
mod loopback;
mod refresh;
mod store;
mod token;

pub use login::Login;
pub use loopback::{Loopback, Returned, WaitError};
pub(super) use refresh::Tokens;
pub use store::TokenStore;
pub use token::Token;
