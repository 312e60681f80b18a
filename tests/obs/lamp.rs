//! A pad's lamp follows what somebody else does to OBS.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use conductor::internals::config::{Config, Environment as ConfigEnvironment};
use conductor::internals::effect::{Answer, Effect, EffectError, EffectHandler, Origin, Reply, Request, SocketEvents};
use conductor::internals::midi::{Channel, Message};
use conductor::internals::os::{Environment, Live};
use conductor::internals::plugins::PluginSet;
use conductor::internals::run::{Feed, LiveRun, run_live};
use conductor::internals::sandbox::Services;
use conductor::internals::time::SystemClock;
use serde_json::json;

use crate::studio::{PATIENCE, Studio, section};
use crate::support::conditions::Still;
use crate::support::sandbox::load;

/// From the change to the message for the lamp, at most; a device adds what its wire takes.
const AT_MOST: Duration = Duration::from_millis(100);

/// The real world, but for lamps: what they are told, and when.
struct Lamps {
    world: Live,
    told: Mutex<Sender<(Instant, String)>>,
}

impl EffectHandler for Lamps {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        let Effect::Feedback(out) = effect else { return self.world.perform(effect, origin) };
        let told = self.told.lock().expect("a sender").send((Instant::now(), out.to_string()));
        told.map(|()| Reply::Done).map_err(|_| EffectError::Failed("the test is over".to_owned()))
    }
    fn request(&self, request: &Request, origin: Origin<'_>, limit: Duration) -> Answer {
        self.world.request(request, origin, limit)
    }
    fn socket_events(&self) -> Option<Arc<SocketEvents>> {
        self.world.socket_events()
    }
}

#[track_caller]
fn told(lamps: &Receiver<(Instant, String)>, wanted: &str) -> Instant {
    loop {
        let (at, lamp) = lamps.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{wanted}"));
        if lamp == wanted {
            return at;
        }
    }
}

#[test]
#[ignore = "needs OBS Studio: .ci/run obs"]
fn a_lamp_follows_within_100_ms() {
    let studio = Studio::start(None);
    let text = format!(
        "[[device]]\nname = \"Pads\"\nalias = \"pads\"\n[device.feedback]\npalette = {{ red = 5, green = 21 }}\n{}\
         [[global_mappings]]\ntrigger = {{ Note = {{ note = 36, device = \"pads\" }} }}\n\
         action = {{ WasmPlugin = {{ plugin = \"obs\", params = {{ action = \"mute\", input = \"Clip\" }} }} }}\n\
         feedback = {{ when = {{ State = {{ key = \"plugin.obs.muted.Clip\", equals = true }} }}, on = \"red\", off = \"green\" }}\n\
         [[feedback]]\ndevice = \"pads\"\nnote = 37\nwhen = {{ State = {{ key = \"plugin.obs.scene\", equals = \"Break\" }} }}\n\
         [[feedback]]\ndevice = \"pads\"\ncc = 48\nfrom = \"plugin.obs.volume.Clip\"\nin = [-60, 0]\nto = [0, 127]\n",
        section(studio.port).replace("secrets = { password = \"OBS_PASSWORD\" }\n", "")
    );
    let loaded = Config::from_text(&text, "config.toml", Path::new(""), &ConfigEnvironment::default());
    let config = Arc::new(loaded.unwrap_or_else(|error| panic!("{error}\n{text}")).config);
    let wasm = std::fs::read(&config.plugins["obs"].path).expect("the plugin");
    let plugin = load("obs", &wasm, &config.plugins["obs"]).expect("it loads");
    let (sender, lamps) = channel();
    let outside = Arc::new(Lamps { world: Live::new(Environment::inherited()), told: Mutex::new(sender) });
    let services = Services::new(Arc::new(SystemClock::start()), outside, [7; 32]);
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&over);
    // A press that comes long after.
    let last = Message::NoteOn { channel: Channel::new(1).expect("a channel"), note: 99, velocity: 1 };
    let run = LiveRun {
        config,
        plugins: PluginSet { plugins: vec![plugin], ..PluginSet::default() },
        feed: Feed::Paced(vec![(600_000_000, last)]),
        services: Arc::new(Services { live: true, ..services }),
        dry_run: None,
        revocations: None,
        recorder: None,
        surroundings: Arc::new(Still::default()),
        ordered: None,
        desk: Arc::default(),
    };
    let running = std::thread::spawn(move || run_live(run, &Still::default(), move |_| !ended.load(Ordering::SeqCst)));
    told(&lamps, "feedback pads: 90 24 15");
    let mut somebody = studio.client();
    // From the request on; and from OBS's word that it is done, because what OBS takes for it is not the lamp's.
    let (mut all, mut late) = (Vec::new(), Vec::new());
    for round in 0..50 {
        let (muted, lamp) = if round % 2 == 0 { (true, "05") } else { (false, "15") };
        let from = Instant::now();
        somebody.does("SetInputMute", &json!({"inputName": "Clip", "inputMuted": muted}));
        let (done, at) = (Instant::now(), told(&lamps, &format!("feedback pads: 90 24 {lamp}")));
        all.push(at - from);
        late.push(at.saturating_duration_since(done));
    }
    for (db, position) in [(-60.0, "00"), (-30.0, "40"), (0.0, "7f")] {
        let from = Instant::now();
        somebody.does("SetInputVolume", &json!({"inputName": "Clip", "inputVolumeDb": db}));
        let (done, at) = (Instant::now(), told(&lamps, &format!("feedback pads: b0 30 {position}")));
        all.push(at - from);
        late.push(at.saturating_duration_since(done));
    }
    // Its event comes after the fade, which takes 300 ms.
    for (scene, lamp) in [("Break", "7f"), ("Main", "00"), ("Break", "7f")] {
        let from = Instant::now();
        somebody.does("SetCurrentProgramScene", &json!({"sceneName": scene}));
        let (done, at) = (Instant::now(), told(&lamps, &format!("feedback pads: 90 25 {lamp}")));
        all.push(at - from);
        late.push(at.saturating_duration_since(done));
    }
    all.sort();
    late.sort();
    println!(
        "a lamp after a change at OBS: p50 {:?}, slowest of {} {:?}",
        all[all.len() / 2],
        all.len(),
        all[all.len() - 1]
    );
    assert!(late[late.len() - 1] < AT_MOST, "{late:?}");
    over.store(true, Ordering::SeqCst);
    // The next line of the account finds that it is over.
    somebody.does("SetInputMute", &json!({"inputName": "Clip", "inputMuted": true}));
    running.join().expect("it ends").expect("it ran");
}
