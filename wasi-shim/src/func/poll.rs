//! `poll_oneoff`: reading what is asked, finding what has happened, saying how long to wait.

use crate::Errno;
use crate::abi::Rights;
use crate::abi::memory::Guest;
use crate::abi::types::{Event, Subject, Subscription};
use crate::clock::ClockId;
use crate::ctx::WasiCtx;
use crate::limits::MAX_SUBSCRIPTIONS;
use crate::meta::Meta;
use crate::stdio::Readiness;
use crate::table::{Kind, Stream};

/// While a stream is waited for it is looked at this often, in nanoseconds.
pub(crate) const GLANCE: u64 = 1_000_000;

/// The subscriptions of one call, with clocks turned into moments.
pub(crate) struct Poll {
    subscriptions: Vec<Waiting>,
}

struct Waiting {
    subscription: Subscription,
    /// When a clock subscription is due, or why it never will be.
    due: Option<Result<(ClockId, u64), Errno>>,
}

/// What there is to do next.
pub(crate) enum Next {
    /// These happened.
    Events(Vec<Event>),
    /// Nothing yet: look again after so many nanoseconds.
    Wait(u64),
}

impl Poll {
    /// Reads the subscriptions, before anything is waited for.
    pub(crate) fn load(
        ctx: &mut WasiCtx,
        guest: &Guest<'_>,
        input: u32,
        output: u32,
        count: u32,
        stored: u32,
    ) -> Result<Self, Errno> {
        if count == 0 || count > MAX_SUBSCRIPTIONS {
            return Err(Errno::Inval);
        }
        guest.bytes(input, count * Subscription::SIZE)?;
        guest.bytes(output, count * Event::SIZE)?;
        guest.bytes(stored, 4)?;
        let mut subscriptions = Vec::with_capacity(count as usize);
        for index in 0..count {
            let subscription = Subscription::load(guest, input + index * Subscription::SIZE)?;
            let due = match subscription.subject {
                Subject::Clock { id, timeout, absolute } => Some(ClockId::parse(id).and_then(|id| match id {
                    ClockId::Realtime | ClockId::Monotonic if absolute => Ok((id, timeout)),
                    ClockId::Realtime | ClockId::Monotonic => Ok((id, ctx.time(id).saturating_add(timeout))),
                    // Sleeping uses no CPU time: such a moment would never come.
                    ClockId::ProcessCpu | ClockId::ThreadCpu => Err(Errno::Notsup),
                })),
                Subject::Read(_) | Subject::Write(_) => None,
            };
            subscriptions.push(Waiting { subscription, due });
        }
        Ok(Self { subscriptions })
    }

    /// Looks whether anything has happened.
    pub(crate) fn look(&self, ctx: &mut WasiCtx) -> Next {
        let mut events = Vec::new();
        let mut wait = u64::MAX;
        for waiting in &self.subscriptions {
            let happened = match (waiting.due, waiting.subscription.subject) {
                (Some(Err(error)), _) => Some(Err(error)),
                (Some(Ok((id, due))), _) => match due.saturating_sub(ctx.time(id)) {
                    0 => Some(Ok((0, false))),
                    left => {
                        wait = wait.min(left);
                        None
                    }
                },
                (None, Subject::Read(fd)) => readable(ctx, fd).transpose(),
                (None, Subject::Write(fd)) => Some(writable(ctx, fd)),
                (None, Subject::Clock { .. }) => None,
            };
            match happened {
                Some(result) => events.push(event(&waiting.subscription, result)),
                None if waiting.due.is_none() => wait = wait.min(GLANCE),
                None => {}
            }
        }
        if events.is_empty() { Next::Wait(wait) } else { Next::Events(events) }
    }
}

/// Hands the events over.
pub(crate) fn store(guest: &mut Guest<'_>, events: &[Event], output: u32, stored: u32) -> Result<(), Errno> {
    for (at, event) in (output..).step_by(Event::SIZE as usize).zip(events) {
        guest.write(at, &event.bytes())?;
    }
    // At most MAX_SUBSCRIPTIONS.
    guest.write_u32(stored, events.len() as u32)
}

fn event(subscription: &Subscription, result: Result<(u64, bool), Errno>) -> Event {
    let (nbytes, hangup) = result.unwrap_or((0, false));
    Event { userdata: subscription.userdata, error: result.err(), kind: subscription.event_type(), nbytes, hangup }
}

/// Bytes there to be read and whether the other side is gone; `None` while there is nothing.
fn readable(ctx: &mut WasiCtx, fd: u32) -> Result<Option<(u64, bool)>, Errno> {
    let descriptor = ctx.table.get(fd)?;
    match &descriptor.kind {
        Kind::Stream(Stream::Input) => {
            descriptor.require(Rights::POLL_FD_READWRITE)?;
            Ok(match ctx.stdin.readiness() {
                Readiness::Waiting => None,
                Readiness::Bytes(count) => Some((count, false)),
                Readiness::End => Some((0, true)),
            })
        }
        Kind::Stream(Stream::Output | Stream::Error) | Kind::Directory(_) => Err(Errno::Badf),
        Kind::File(handle) => {
            descriptor.require(Rights::POLL_FD_READWRITE)?;
            let size = Meta::of(handle.fd())?.size;
            Ok(Some((size.saturating_sub(rustix::fs::tell(handle.fd())?), false)))
        }
    }
}

/// Sinks and files always take more.
fn writable(ctx: &WasiCtx, fd: u32) -> Result<(u64, bool), Errno> {
    let descriptor = ctx.table.get(fd)?;
    match descriptor.kind {
        Kind::Stream(Stream::Input) | Kind::Directory(_) => Err(Errno::Badf),
        Kind::Stream(Stream::Output | Stream::Error) | Kind::File(_) => {
            descriptor.require(Rights::POLL_FD_READWRITE)?;
            Ok((0, false))
        }
    }
}
