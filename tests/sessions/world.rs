//! The world of a random session: a clock that may run fast, and an outside and facts that answer at random.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use conductor::internals::action::ConditionSource;
use conductor::internals::effect::{
    Answer, Effect, EffectError, EffectHandler, HttpResponse, Message, NetworkRequest, Origin, ProgramEnd, Reply,
    Request, Response,
};
use conductor::internals::time::{Alarm, Calendar, Clock, FILE_EPOCH_US, Micros};

use super::random::Random;

/// A real clock, but so many times as fast.
#[derive(Debug)]
pub(crate) struct FastClock {
    start: Instant,
    speed: u32,
}

impl FastClock {
    pub(crate) fn start(speed: u32) -> Self {
        Self { start: Instant::now(), speed: speed.max(1) }
    }
}

impl Clock for FastClock {
    fn now(&self) -> Micros {
        // A test ends long before this overflows.
        self.start.elapsed().as_nanos() as u64 / 1_000 * u64::from(self.speed)
    }
    fn epoch(&self) -> u64 {
        FILE_EPOCH_US + 77_123_456_789
    }
    fn sleep(&self, duration: Duration) {
        std::thread::sleep(self.real(duration));
    }
    fn real(&self, duration: Duration) -> Duration {
        duration / self.speed
    }
    fn alarm_at(&self, at: Micros, alarm: &Alarm) {
        alarm.raise_after(self.real(Duration::from_micros(at.saturating_sub(self.now()))));
    }
}

/// An outside that answers at random: of each asker the same questions in the same order get the same answers, but how long they
/// take is up to the machine.
pub(crate) struct RandomOutside {
    seed: u64,
    clock: Arc<dyn Clock>,
    askers: Mutex<BTreeMap<String, Random>>,
}

impl RandomOutside {
    pub(crate) fn new(seed: u64, clock: Arc<dyn Clock>) -> Self {
        Self { seed, clock, askers: Mutex::default() }
    }

    fn random(&self, origin: Origin<'_>) -> Random {
        let asker = match origin {
            Origin::Mapping => String::new(),
            Origin::Plugin { plugin, tenant } => format!("{plugin}/{tenant}"),
        };
        let mut askers = self.askers.lock().unwrap_or_else(PoisonError::into_inner);
        let seed = asker.bytes().fold(self.seed, |seed, byte| Random::new(seed ^ u64::from(byte)).next());
        askers.entry(asker).or_insert_with(|| Random::new(seed)).part()
    }
}

fn error(random: &mut Random) -> EffectError {
    match random.below(6) {
        0 => EffectError::NotFound("it is not there".into()),
        1 => EffectError::NotPermitted("the system does not permit it".into()),
        2 => EffectError::Failed("it failed".into()),
        3 => EffectError::Busy("busy".into()),
        4 => EffectError::TimedOut("it took too long".into()),
        _ => EffectError::Denied("that address is not granted".into()),
    }
}

fn bytes(random: &mut Random) -> Vec<u8> {
    let len = *random.pick(&[0, 1, 30, 200, 3_000]);
    if random.chance(50) {
        (0..len).map(|_| b'a' + random.below(26) as u8).collect()
    } else {
        (0..len).map(|_| random.next() as u8).collect()
    }
}

impl EffectHandler for RandomOutside {
    fn perform(&self, _: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        let mut random = self.random(origin);
        if random.chance(10) { Err(error(&mut random)) } else { Ok(Reply::Done) }
    }

    fn request(&self, request: &Request, origin: Origin<'_>, limit: Duration) -> Answer {
        let mut random = self.random(origin);
        let begun = self.clock.now();
        let longest = 1 << random.within(1, 14);
        let wanted = Duration::from_micros(random.below(longest));
        // Some answers never come: all the time there is passes. Without a limit that would be half a minute.
        let late = random.chance(4) && limit < Duration::from_secs(2);
        let passes = if late { limit } else { wanted.min(limit) };
        if passes > Duration::ZERO {
            self.clock.sleep(passes);
        }
        let waited =
            Duration::from_micros(self.clock.now().saturating_sub(begun)) + Duration::from_nanos(random.below(1_000));
        let result = if late {
            Err(EffectError::TimedOut("no answer came".into()))
        } else if random.chance(10) {
            Err(error(&mut random))
        } else {
            Ok(match request {
                Request::Network(NetworkRequest::Http(_)) => {
                    let status = *random.pick(&[200, 200, 200, 404, 302, 303, 500]);
                    let mut headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
                    if matches!(status, 302 | 303) {
                        let to =
                            *random.pick(&["https://api.example.com/next", "https://denied.example.org/", "/here"]);
                        headers.push(("location".to_owned(), to.to_owned()));
                    }
                    Response::Http(HttpResponse { status, headers, body: bytes(&mut random) })
                }
                Request::Network(NetworkRequest::SocketOpen(_)) => Response::Socket(random.within(1, 9) as u32),
                Request::Network(NetworkRequest::SocketReceive { .. }) => Response::Message(match random.below(3) {
                    0 => None,
                    1 => Some(Message::Text("text".to_owned())),
                    _ => Some(Message::Binary(bytes(&mut random))),
                }),
                Request::Program(_) => Response::Program(ProgramEnd {
                    code: random.below(3) as i32,
                    output: bytes(&mut random),
                    errors: bytes(&mut random),
                    truncated: random.chance(10),
                }),
                _ => Response::Done,
            })
        };
        Answer { result, waited }
    }
}

/// Facts that change from question to question.
#[derive(Debug)]
pub(crate) struct RandomFacts {
    seed: u64,
    asked: AtomicU64,
}

impl RandomFacts {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, asked: AtomicU64::new(0) }
    }

    fn random(&self) -> Random {
        Random::new(self.seed ^ self.asked.fetch_add(1, Ordering::Relaxed))
    }
}

impl ConditionSource for RandomFacts {
    fn minute_of_day(&self) -> u16 {
        self.random().below(1_440) as u16
    }
    fn weekday(&self) -> u8 {
        self.random().within(1, 7) as u8
    }
    fn app_running(&self, _: &str) -> bool {
        self.random().chance(50)
    }
    fn app_frontmost(&self, _: &str) -> bool {
        self.random().chance(50)
    }
}

/// Midnight UTC of the first day there was, at the session's beginning.
impl Calendar for RandomFacts {
    fn unix_at(&self, t: Micros) -> u64 {
        t
    }
    fn offset_at(&self, _: i64) -> i32 {
        0
    }
}
