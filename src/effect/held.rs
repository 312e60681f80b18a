//! The account of what is down. Whoever presses something outside may be cut off before it lets go: the session ends, a plugin
//! faults or loses its grant. So the way out of the process keeps an account of what was pressed, and lets go what is left.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::press::{Press, Pressing};
use super::{Answer, Brokered, Effect, EffectError, EffectHandler, Origin, Reply, Request, SentMidi, SocketEvents};
use crate::midi::Channel;

/// Notes and pedals that one holder may have down at once: all of an output with sixteen channels, and as many again.
const MAX_DOWN: usize = 4_096;

/// How often one note may be down. A note that was sent twice is let go twice, since an instrument may have given it two voices;
/// no instrument gives it more than this.
const MAX_TIMES: u8 = 32;

/// Something that was let go by the host, because who had pressed it could not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// What let it go.
    pub effect: Effect,
    /// What came of it.
    pub result: Result<(), EffectError>,
}

impl Released {
    /// About how many bytes of memory it holds.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.effect.held_bytes() + self.result.as_ref().err().map_or(0, EffectError::held_bytes)
    }
}

/// An outside that knows what is down. It is the outermost: what it lets go is recorded like any effect.
///
/// Mappings hold together; a plugin holds for each tenant by itself, so that what is let go does not depend on how calls of
/// different plugins overlapped.
pub struct Held {
    inner: Arc<dyn EffectHandler>,
    holders: Mutex<BTreeMap<Holder, Down>>,
}

/// Plugin and tenant; none for mappings.
type Holder = Option<(String, String)>;

/// What one holder has down, and how often.
type Down = BTreeMap<(String, Channel, Press), u8>;

impl Held {
    /// `inner`, with an account of what is down; nothing is yet.
    #[must_use]
    pub fn new(inner: Arc<dyn EffectHandler>) -> Arc<Self> {
        Arc::new(Self { inner, holders: Mutex::default() })
    }

    /// An account is whole between two changes, so a poisoned lock holds a whole one.
    fn holders(&self) -> MutexGuard<'_, BTreeMap<Holder, Down>> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plugins that have something down, with their tenants.
    pub fn plugins(&self) -> Vec<(String, String)> {
        self.holders().keys().flatten().cloned().collect()
    }

    /// Lets go whatever is down, whoever pressed it.
    pub fn release_all(&self) {
        let holders: Vec<Holder> = self.holders().keys().cloned().collect();
        for holder in holders {
            self.let_go(&holder, &|_| false);
        }
    }

    /// Forgets what is down: the recording of a session that was cut off has nothing of its being let go.
    pub fn forget(&self) {
        self.holders().clear();
    }

    fn let_go(&self, holder: &Holder, reach: &dyn Fn(&str) -> bool) -> Vec<Released> {
        let Some(down) = self.holders().remove(holder) else { return Vec::new() };
        let (kept, mut down): (Down, Down) = down.into_iter().partition(|((port, ..), _)| reach(port));
        if !kept.is_empty() {
            self.holders().insert(holder.clone(), kept);
        }
        let mut released = Vec::new();
        // Everything once, then what is down more often: where an output has no room for all, each note has had its turn.
        while !down.is_empty() {
            for (port, channel, press) in down.keys() {
                let effect = Effect::Midi(press.release(port, *channel));
                let result = Brokered(&self.inner).perform(&effect, origin(holder)).map(|_| ());
                released.push(Released { effect, result });
            }
            down.retain(|_, times| {
                *times = times.saturating_sub(1);
                *times > 0
            });
        }
        released
    }
}

fn holder(origin: Origin<'_>) -> Holder {
    match origin {
        Origin::Mapping => None,
        Origin::Plugin { plugin, tenant } => Some((plugin.to_owned(), tenant.to_owned())),
    }
}

fn origin(holder: &Holder) -> Origin<'_> {
    match holder {
        None => Origin::Mapping,
        Some((plugin, tenant)) => Origin::Plugin { plugin, tenant },
    }
}

impl EffectHandler for Held {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        let pressing = match effect {
            Effect::Midi(out) => Pressing::of(&out.message).map(|pressing| (&out.port, pressing)),
            _ => None,
        };
        let Some((port, Pressing { channel, press, down })) = pressing else {
            return Brokered(&self.inner).perform(effect, origin);
        };
        let (holder, key) = (holder(origin), (port.clone(), channel, press));
        if down {
            let mine = self.holders();
            let mine = mine.get(&holder);
            if mine.is_some_and(|mine| mine.len() >= MAX_DOWN && !mine.contains_key(&key)) {
                return Err(EffectError::Busy(format!(
                    "{MAX_DOWN} notes and pedals are down already; let some of them go first"
                )));
            }
        }
        let reply = Brokered(&self.inner).perform(effect, origin)?;
        // Whoever holds does one thing after the other, so nothing has changed in its account meanwhile.
        let mut holders = self.holders();
        if down {
            let times = holders.entry(holder).or_default().entry(key).or_default();
            let most = if let Press::Note(_) = press { MAX_TIMES } else { 1 };
            *times = times.saturating_add(1).min(most);
        } else if let Some(mine) = holders.get_mut(&holder) {
            if let Some(times) = mine.get_mut(&key) {
                *times = times.saturating_sub(1);
                if *times == 0 {
                    mine.remove(&key);
                }
            }
            if mine.is_empty() {
                holders.remove(&holder);
            }
        }
        Ok(reply)
    }

    /// What has to leave a confined thread is handed on below.
    fn stays_inside(&self) -> bool {
        true
    }

    fn has_room(&self) -> bool {
        self.inner.has_room()
    }

    fn socket_events(&self) -> Option<Arc<SocketEvents>> {
        self.inner.socket_events()
    }

    fn sent_midi(&self) -> Option<Arc<SentMidi>> {
        self.inner.sent_midi()
    }

    fn request(&self, request: &Request, origin: Origin<'_>, limit: Duration) -> Answer {
        Brokered(&self.inner).request(request, origin, limit)
    }

    fn release(&self, origin: Origin<'_>, reach: &dyn Fn(&str) -> bool) -> Vec<Released> {
        self.let_go(&holder(origin), reach)
    }
}

/// The last net: a session that ends by a panic lets go as well.
impl Drop for Held {
    fn drop(&mut self) {
        self.release_all();
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::MidiOut;
    use crate::midi::Message;

    /// An outside that writes down what it did, and has no port called `gone`.
    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    impl EffectHandler for Lines {
        fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
            let text = effect.to_string();
            if text.contains("gone") {
                return Err(EffectError::NotFound("no such port".to_owned()));
            }
            let who = if origin == Origin::Mapping { "" } else { "plugin: " };
            self.0.lock().expect("no panic holds it").push(format!("{who}{text}"));
            Ok(Reply::Done)
        }
    }

    fn held() -> (Arc<Held>, Arc<Lines>) {
        let lines = Arc::<Lines>::default();
        (Held::new(Arc::<Lines>::clone(&lines)), lines)
    }

    fn send(held: &Held, port: &str, bytes: [u8; 3], origin: Origin<'_>) -> Result<Reply, EffectError> {
        let mut message = None;
        crate::midi::Parser::with_sysex_limit(8).push(&bytes, |parsed| message = Some(parsed));
        let message: Message = message.expect("a message");
        held.perform(&Effect::Midi(MidiOut { port: port.to_owned(), message: message.into() }), origin)
    }

    fn take(lines: &Lines) -> Vec<String> {
        std::mem::take(&mut *lines.0.lock().expect("no panic holds it"))
    }

    const PLUGIN: Origin<'static> = Origin::Plugin { plugin: "p", tenant: "t" };

    #[test]
    fn what_is_down_is_let_go_once_for_each_time_it_was_pressed() {
        let (held, lines) = held();
        for bytes in
            [[0x90, 60, 1], [0x91, 60, 1], [0x90, 60, 9], [0x90, 61, 1], [0x90, 61, 0], [0xb0, 64, 127], [0xb0, 64, 90]]
        {
            send(&held, "a", bytes, Origin::Mapping).expect("a note");
        }
        send(&held, "b", [0x90, 62, 1], Origin::Mapping).expect("a note");
        send(&held, "b", [0x80, 62, 1], Origin::Mapping).expect("its end");
        send(&held, "gone", [0x90, 62, 1], Origin::Mapping).expect_err("no port");
        send(&held, "a", [0xb0, 7, 127], Origin::Mapping).expect("a controller that is no pedal");
        take(&lines);
        let released = held.release(Origin::Mapping, &|_| false);
        assert_eq!(
            take(&lines),
            [
                "midi a: note off ch 1 60:0",
                "midi a: cc ch 1 64:0",
                "midi a: note off ch 2 60:0",
                "midi a: note off ch 1 60:0"
            ]
        );
        assert!(released.iter().all(|released| released.result.is_ok()) && released.len() == 4);
        assert_eq!((held.release(Origin::Mapping, &|_| false), take(&lines)), (vec![], vec![]));
    }

    #[test]
    fn a_plugin_holds_for_itself() {
        let (held, lines) = held();
        send(&held, "a", [0x90, 60, 1], PLUGIN).expect("a note");
        send(&held, "a", [0x90, 60, 1], Origin::Mapping).expect("a note");
        send(&held, "a", [0x80, 60, 1], Origin::Mapping).expect("its end");
        assert_eq!(held.release(Origin::Mapping, &|_| false), []);
        assert_eq!(held.plugins(), [("p".to_owned(), "t".to_owned())]);
        take(&lines);
        held.release(PLUGIN, &|_| false);
        assert_eq!(take(&lines), ["plugin: midi a: note off ch 1 60:0"]);
        assert_eq!(held.plugins(), []);
    }

    #[test]
    fn a_session_that_just_ends_lets_go() {
        let (held, lines) = held();
        send(&held, "a", [0x90, 60, 1], Origin::Mapping).expect("a note");
        take(&lines);
        drop(held);
        assert_eq!(take(&lines), ["midi a: note off ch 1 60:0"]);
    }

    #[test]
    fn the_account_is_bounded_and_what_does_not_fit_is_not_pressed() {
        let (held, lines) = held();
        let press = |port: &str, bytes| send(&held, port, bytes, PLUGIN);
        for (port, status, note) in (0..2).flat_map(|port| {
            (0x90..=0x9f).flat_map(move |status| (0..128).map(move |note| (["a", "b"][port], status, note)))
        }) {
            press(port, [status, note, 1]).expect("room");
        }
        assert!(matches!(press("c", [0x90, 1, 1]), Err(EffectError::Busy(_))));
        press("a", [0x90, 1, 1]).expect("what is down already");
        for _ in 0..1_000 {
            press("a", [0x90, 1, 1]).expect("what is down already");
        }
        take(&lines);
        assert_eq!(held.release(PLUGIN, &|_| false).len(), MAX_DOWN + usize::from(MAX_TIMES) - 1);
    }
}
