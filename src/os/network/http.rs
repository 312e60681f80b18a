//! One HTTP exchange over a connection that stands already.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use ureq::config::Config;
use ureq::http::{Method, Uri};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport};
use ureq::{Agent, Error};

use super::deadline::Deadline;
use super::wire::Connection;
use crate::effect::{EffectError, HttpRequest, HttpResponse};
use crate::text::Escape as _;

/// Most bytes of a response's head.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// Most headers handed to a plugin.
const MAX_RESPONSE_HEADERS: usize = 128;
/// How much is read at once.
const CHUNK_BYTES: usize = 16 << 10;
/// What servers are told.
const USER_AGENT: &str = concat!("conductor/", env!("CARGO_PKG_VERSION"));

/// Sends `request` with `headers` over `connection` and reads the whole response.
pub(super) fn exchange(
    connection: Connection,
    request: &HttpRequest,
    headers: &[(String, String)],
    deadline: &Deadline,
) -> Result<HttpResponse, EffectError> {
    let config = Config::builder()
        .proxy(None) // the default reads the environment
        .max_redirects(0) // each is held against the grant by whoever asked
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(USER_AGENT)
        .max_response_header_size(MAX_HEAD_BYTES)
        .max_idle_connections(0)
        .timeout_global(Some(deadline.left()?))
        .build();
    let agent = Agent::with_parts(config, StandingConnection(Mutex::new(Some(connection))), Nowhere);
    let failed = |error: &Error| tell(error, request, deadline);
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| EffectError::Failed(format!("\"{}\" is no method", request.method.escaped())))?;
    let mut builder = ureq::http::Request::builder().method(method).uri(request.url.to_string());
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    // A method that has a body says that it is empty: chunks of nothing are what servers answer 411 to.
    let bodiless = request.body.is_empty() && !matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    let response = if bodiless {
        builder.body(()).map_err(Error::Http).and_then(|request| agent.run(request))
    } else {
        builder.body(request.body.as_slice()).map_err(Error::Http).and_then(|request| agent.run(request))
    }
    .map_err(|error| failed(&error))?;
    let (parts, body) = response.into_parts();
    let headers = parts.headers.iter().filter_map(|(name, value)| {
        // A value that is not text is of no use to a plugin that reads JSON.
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    Ok(HttpResponse {
        status: parts.status.as_u16(),
        headers: headers.take(MAX_RESPONSE_HEADERS).collect(),
        body: read_body(body.into_reader(), request, deadline)?,
    })
}

/// Reads to the end, or to the cap; what a server says about its length is not believed.
fn read_body(mut reader: impl Read, request: &HttpRequest, deadline: &Deadline) -> Result<Vec<u8>, EffectError> {
    let mut body = Vec::new();
    let mut chunk = [0; CHUNK_BYTES];
    loop {
        let count = reader.read(&mut chunk).map_err(|error| tell(&Error::from(error), request, deadline))?;
        if count == 0 {
            return Ok(body);
        }
        if body.len() + count > request.max_body_bytes {
            return Err(EffectError::Failed(format!(
                "the response of {} is larger than {} bytes",
                request.url.origin(),
                request.max_body_bytes
            )));
        }
        body.extend_from_slice(&chunk[..count]); // count <= chunk.len(): what `read` promises
    }
}

fn tell(error: &Error, request: &HttpRequest, deadline: &Deadline) -> EffectError {
    match error {
        Error::Timeout(_) => deadline.passed(),
        Error::Io(error) if error.kind() == ErrorKind::TimedOut => deadline.passed(),
        error => EffectError::Failed(format!("{} {}: {error}", request.method, request.url.origin())),
    }
}

/// Hands the standing connection to the one request that is made over it.
struct StandingConnection(Mutex<Option<Connection>>);

impl fmt::Debug for StandingConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Standing")
    }
}

impl Connector for StandingConnection {
    type Out = Carrier;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Carrier>, Error> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A second request over the same agent would mean a redirect was followed.
        let connection = slot.take().ok_or(Error::ConnectionFailed)?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Carrier { connection, buffers }))
    }
}

/// Looks nothing up: the connection stands.
#[derive(Debug)]
struct Nowhere;

impl Resolver for Nowhere {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        addresses.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        Ok(addresses)
    }
}

/// Carries HTTP over a connection, which keeps its own deadline.
struct Carrier {
    connection: Connection,
    buffers: LazyBuffers,
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carrier")
    }
}

impl Transport for Carrier {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }
    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        let output = &self.buffers.output()[..amount]; // what the caller just wrote there
        self.connection.write_all(output)?;
        Ok(self.connection.flush()?)
    }
    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        let amount = self.connection.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }
    fn is_open(&mut self) -> bool {
        false // never used twice
    }
    fn is_tls(&self) -> bool {
        self.connection.encrypted()
    }
}
