//! Where a browser comes back to after a login: a port of this machine, or a line that the user pastes.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::form;
use crate::text::clean;
use crate::time::{Clock as _, Micros, SystemClock};

/// Path of the address that browsers come back to.
const PATH: &str = "/callback";

/// Most connections that are open at once: browsers open some that they never use. The oldest makes place.
const MAX_CONNECTIONS: usize = 16;

/// Longest request, and longest pasted line, in bytes.
const MAX_BYTES: usize = 16 << 10;

/// Longest words of a refusal that are shown, in bytes.
const MAX_WORDS: usize = 200;

/// What a browser brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returned {
    /// What is exchanged for a token.
    Code(String),
    /// The user, or the service, does not agree; in words.
    Refused(String),
}

/// Why nothing came back.
#[derive(Debug)]
pub enum WaitError {
    /// The time is over.
    TimedOut,
    /// The port cannot be served.
    Io(io::Error),
}

/// A port that only this machine reaches.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    redirect: String,
}

/// A connection whose request is not whole yet.
struct Visitor {
    stream: TcpStream,
    request: Vec<u8>,
}

impl Loopback {
    /// Opens `port`, or any that is free.
    pub fn open(port: Option<u16>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0)))?;
        listener.set_nonblocking(true)?;
        // The literal address, which services accept where they refuse the name `localhost` (RFC 8252).
        let redirect = format!("http://{}{PATH}", listener.local_addr()?);
        Ok(Self { listener, redirect })
    }

    /// The address that the browser is to come back to.
    #[must_use]
    pub fn redirect(&self) -> &str {
        &self.redirect
    }

    /// Waits, at most `limit`, for what comes back with `state`: to the port, or as a line of `pasted`. A line that is not the address
    /// is told to `misread`.
    pub fn wait(
        &self,
        state: &str,
        mut pasted: Option<BorrowedFd<'_>>,
        limit: Duration,
        mut misread: impl FnMut(),
    ) -> Result<Returned, WaitError> {
        let clock = SystemClock::start();
        let end = Micros::try_from(limit.as_micros()).unwrap_or(Micros::MAX);
        let (mut visitors, mut typed): (Vec<Visitor>, Vec<u8>) = (Vec::new(), Vec::new());
        loop {
            let left = end.saturating_sub(clock.now());
            if left == 0 {
                return Err(WaitError::TimedOut);
            }
            let ready = self.ready(&visitors, pasted, left).map_err(WaitError::Io)?;
            let [at_port, at_input] = ready.first;
            if at_input && let Some(input) = pasted {
                let more = more_typed(input, &mut typed);
                if !more {
                    pasted = None; // nobody will type any more
                    typed.push(b'\n');
                }
                while let Some(line_end) = typed.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = typed.drain(..=line_end).collect();
                    let line = String::from_utf8_lossy(&line).trim().to_owned();
                    if line.is_empty() {
                        continue;
                    }
                    match returned(line.split_once('?').map_or(&*line, |(_, query)| query), state) {
                        Some(returned) => return Ok(returned),
                        None => misread(),
                    }
                }
            }
            // From behind, so that the numbers of those before hold.
            for number in ready.visitors.into_iter().rev() {
                match visitors[number].read() {
                    Progress::More => {}
                    Progress::Gone => drop(visitors.swap_remove(number)),
                    Progress::Whole => {
                        let visitor = visitors.swap_remove(number);
                        if let Some(returned) = visitor.serve(state) {
                            return Ok(returned);
                        }
                    }
                }
            }
            if at_port {
                self.accept(&mut visitors).map_err(WaitError::Io)?;
            }
        }
    }

    /// Waits until something can be read.
    fn ready(&self, visitors: &[Visitor], pasted: Option<BorrowedFd<'_>>, left: Micros) -> io::Result<Ready> {
        let mut watched = vec![PollFd::new(&self.listener, PollFlags::IN)];
        watched.extend(visitors.iter().map(|visitor| PollFd::new(&visitor.stream, PollFlags::IN)));
        watched.extend(pasted.map(|input| PollFd::from_borrowed_fd(input, PollFlags::IN)));
        let left = Duration::from_micros(left);
        let left = Timespec::try_from(left).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
        match poll(&mut watched, Some(&left)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(error.into()),
        }
        let mut is_ready = watched.iter().map(|watched| !watched.revents().is_empty());
        let at_port = is_ready.next().unwrap_or_default();
        let of_visitors = is_ready.by_ref().take(visitors.len()).enumerate();
        let ready: Vec<usize> = of_visitors.filter_map(|(number, is_ready)| is_ready.then_some(number)).collect();
        Ok(Ready { first: [at_port, is_ready.next().unwrap_or_default()], visitors: ready })
    }

    fn accept(&self, visitors: &mut Vec<Visitor>) -> io::Result<()> {
        use ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
        let stream = match self.listener.accept() {
            Ok((stream, _)) => stream,
            // It is gone again.
            Err(error) if matches!(error.kind(), WouldBlock | Interrupted | ConnectionAborted | ConnectionReset) => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        stream.set_nonblocking(true)?;
        if visitors.len() >= MAX_CONNECTIONS {
            visitors.remove(0); // there are some
        }
        visitors.push(Visitor { stream, request: Vec::new() });
        Ok(())
    }
}

/// What can be read.
#[derive(Default)]
struct Ready {
    /// The port, and the lines that are pasted.
    first: [bool; 2],
    visitors: Vec<usize>,
}

enum Progress {
    More,
    Gone,
    Whole,
}

impl Visitor {
    fn read(&mut self) -> Progress {
        let mut chunk = [0; 2048];
        match self.stream.read(&mut chunk) {
            Ok(0) => return Progress::Gone,
            Ok(count) => self.request.extend_from_slice(&chunk[..count]), // what `read` promises
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => return Progress::Gone,
        }
        let whole = self.request.windows(4).any(|window| window == b"\r\n\r\n");
        if whole || self.request.len() > MAX_BYTES { Progress::Whole } else { Progress::More }
    }

    /// Answers the request, and gives what it brings with `state`.
    fn serve(mut self, state: &str) -> Option<Returned> {
        let line = self.request.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let target = line.strip_prefix("GET ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let found = if path == PATH { returned(query, state) } else { None };
        let (status, text) = match &found {
            Some(Returned::Code(_)) => {
                ("200 OK", "Conductor has the answer. This window can be closed; the terminal says how it went.")
            }
            Some(Returned::Refused(_)) => ("200 OK", "The login was refused. This window can be closed."),
            None if path == PATH => ("400 Bad Request", "This is not the answer to the login that waits."),
            None => ("404 Not Found", "There is nothing here."),
        };
        let body = format!("<!doctype html><meta charset=utf-8><title>Conductor</title><p>{text}\n");
        let response = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
             referrer-policy: no-referrer\r\ncontent-security-policy: default-src 'none'\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        // It is a courtesy: what was brought counts, whether the browser reads this or not.
        let _ = self.stream.write_all(response.as_bytes());
        found
    }
}

/// What `query` brings, if it brings `state`.
fn returned(query: &str, state: &str) -> Option<Returned> {
    let query = query.split('#').next().unwrap_or_default();
    if form::value(query, "state").as_deref() != Some(state) {
        return None;
    }
    if let Some(error) = form::value(query, "error") {
        let words = form::value(query, "error_description").map_or(error.clone(), |words| format!("{error}: {words}"));
        return Some(Returned::Refused(clean(&words, MAX_WORDS)));
    }
    form::value(query, "code").filter(|code| !code.is_empty()).map(Returned::Code)
}

/// Reads what was typed; whether more may come.
fn more_typed(input: BorrowedFd<'_>, typed: &mut Vec<u8>) -> bool {
    let mut chunk = [0; 2048];
    match rustix::io::read(input.as_fd(), &mut chunk) {
        Ok(0) => false,
        Ok(count) => {
            if typed.len() + count > MAX_BYTES {
                typed.clear(); // no address is so long
            }
            typed.extend_from_slice(&chunk[..count]); // what `read` promises
            true
        }
        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => true,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_with_the_state_counts() {
        assert_eq!(returned("code=a%2Fb&state=s", "s"), Some(Returned::Code("a/b".to_owned())));
        assert_eq!(returned("state=s&code=x#_=_", "s"), Some(Returned::Code("x".to_owned())));
        let refused = Returned::Refused("access_denied: no [1m".to_owned());
        assert_eq!(returned("state=s&error=access_denied&error_description=no%1b[1m", "s"), Some(refused));
        for query in ["", "code=a", "code=a&state=t", "code=a&state=", "state=s", "code=&state=s"] {
            assert_eq!(returned(query, "s"), None, "{query}");
        }
    }
}
