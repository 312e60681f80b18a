//! HTTP requests of the configuration's own, whose answers nobody waits for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::super::process::Environment;
use super::super::worker::Worker;
use super::NetworkOnDemand;
use crate::config::Config;
use crate::effect::{
    EffectError, Host, HttpOut, HttpRequest, HttpResponse, NetworkRequest, Origin, Reach, Response, Secrets, Url,
};
use crate::grant::{BoundSecrets, Denied};
use crate::text::literal;
use crate::time::{Clock, Micros, SystemClock};

/// Threads. All requests to one server go through one of them, in the order they came; a server that does not answer holds up only
/// those that share its thread.
const THREADS: usize = 4;
/// Most redirects that are followed.
const MAX_REDIRECTS: u32 = 5;
/// Longest answer, in bytes; it is read, and thrown away.
const MAX_ANSWER: usize = 4 << 20;

/// Sends requests behind bounded queues.
#[derive(Debug)]
pub(in crate::os) struct HttpSender {
    clock: Arc<SystemClock>,
    network: Arc<NetworkOnDemand>,
    workers: [Worker; THREADS],
    /// Of the configuration.
    secrets: Mutex<Arc<BoundSecrets>>,
}

impl HttpSender {
    pub(in crate::os) fn new(clock: &Arc<SystemClock>, network: &Arc<NetworkOnDemand>) -> Self {
        Self {
            clock: Arc::clone(clock),
            network: Arc::clone(network),
            workers: std::array::from_fn(|_| Worker::new("http")),
            secrets: Mutex::default(),
        }
    }

    /// Takes the secrets of `config`.
    pub(in crate::os) fn prepare(&self, config: &Config) {
        *self.secrets.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(BoundSecrets::for_http(config));
    }

    /// Takes `out` to be sent; `tell` is told what came of it. Its time runs from now on, waiting included.
    pub(in crate::os) fn send(
        &self,
        out: &HttpOut,
        environment: &Environment,
        tell: impl FnOnce(Result<(), EffectError>) + Send + 'static,
    ) -> Result<(), EffectError> {
        let exchange = Exchange {
            clock: Arc::clone(&self.clock),
            network: Arc::clone(&self.network),
            environment: environment.clone(),
            secrets: Arc::clone(&self.secrets.lock().unwrap_or_else(PoisonError::into_inner)),
            end: self.clock.now().saturating_add(Micros::from(out.timeout_ms) * 1000),
            timeout_ms: out.timeout_ms,
        };
        let request = HttpRequest {
            method: out.method.to_owned(),
            url: out.url.clone(),
            headers: out.headers.to_vec(),
            body: out.body.clone().into_bytes(),
            reach: Reach::default(),
            secrets: Secrets::default(),
            max_body_bytes: MAX_ANSWER,
        };
        let share = out.url.origin().bytes().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        // One of them: what is divided by their number leaves less than it.
        self.workers[share % THREADS].submit(move || tell(exchange.run(request)))
    }

    /// Whether less than half of what may wait does, at each thread.
    pub(in crate::os) fn has_room(&self) -> bool {
        self.workers.iter().all(Worker::has_room)
    }

    /// Waits until what was accepted is done, at most `limit`; whether it is.
    pub(in crate::os) fn drain(&self, limit: Duration) -> bool {
        let end = self.clock.now().saturating_add(u64::try_from(limit.as_micros()).unwrap_or(u64::MAX));
        self.workers.iter().all(|worker| worker.drain(Duration::from_micros(end.saturating_sub(self.clock.now()))))
    }
}

/// One request, and what it redirects to.
struct Exchange {
    clock: Arc<SystemClock>,
    network: Arc<NetworkOnDemand>,
    environment: Environment,
    secrets: Arc<BoundSecrets>,
    end: Micros,
    timeout_ms: u32,
}

impl Exchange {
    fn run(&self, mut request: HttpRequest) -> Result<(), EffectError> {
        let named = request.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            request.reach = reach(&named, &request.url);
            let secrets = self.secrets.reaching(&request.url, &request.headers);
            request.secrets = secrets.map_err(|denied| refused(&denied))?;
            let response = self.ask(&request)?;
            let Some(location) = response.location() else {
                return match response.status {
                    status @ ..400 => {
                        log::debug!("{} {}: answered {status}", request.method, request.url.origin());
                        Ok(())
                    }
                    status => Err(EffectError::Failed(format!("answered {status}"))),
                };
            };
            let next = request
                .url
                .join(location)
                .map_err(|fault| EffectError::Denied(format!("it redirects to a URL that is refused: {fault}")))?;
            if next.scheme().websocket() {
                return Err(EffectError::Denied("it redirects to a WebSocket".to_owned()));
            }
            request.redirect(response.status, next);
        }
        Err(EffectError::Failed(format!("more than {MAX_REDIRECTS} redirects")))
    }

    fn ask(&self, request: &HttpRequest) -> Result<HttpResponse, EffectError> {
        let passed = || {
            let ms = self.timeout_ms;
            EffectError::TimedOut(format!("no answer within {ms} ms; the action's timeout_ms can be longer"))
        };
        let left = self.end.saturating_sub(self.clock.now());
        if left == 0 {
            return Err(passed());
        }
        let (asked, left) = (NetworkRequest::Http(request.clone()), Duration::from_micros(left));
        match self.network.request(&asked, Origin::Mapping, left, &self.environment) {
            Ok(Response::Http(response)) => Ok(response),
            Ok(_) => Err(EffectError::Failed("the answer is not one to an HTTP request".to_owned())),
            Err(EffectError::TimedOut(_)) => Err(passed()),
            Err(error) => Err(error),
        }
    }
}

/// Which addresses the host of `url` may have, where the configuration names `named`: what it names is meant, wherever that is.
/// Where a server redirects to is the server's choice, and has to be public.
fn reach(named: &Url, url: &Url) -> Reach {
    let standard = |url: &Url| url.port() == url.scheme().default_port();
    let same_port = url.port() == named.port() || standard(url) && standard(named);
    if url.host() != named.host() || !same_port {
        return Reach::default();
    }
    let listed = if let Host::Address(address) = url.host() { vec![*address] } else { Vec::new() };
    Reach { named: true, listed: listed.into() }
}

/// The error of a secret that is not for the host.
fn refused(denied: &Denied) -> EffectError {
    EffectError::Denied(match denied {
        Denied::Secret { name, origin, variable, hosts } => {
            let hosts: Vec<String> = hosts.iter().chain([origin]).cloned().collect();
            let line = literal::secret(variable, &hosts);
            format!("{denied}; only if that host may have it, in [secrets]: {} = {line}", literal::key(name))
        }
        denied => denied.to_string(),
    })
}
