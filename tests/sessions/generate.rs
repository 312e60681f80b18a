//! Random sessions.

use conductor::internals::capability::Capability;

use super::approvals::Change;
use super::operations;
use super::plan::{ActionPlan, MODES, MappingPlan, Plan, PluginPlan};
use super::random::Random;
use super::script::Script;

/// Real time a session takes at most between its first message and its last, in milliseconds.
const REAL_MS: u64 = 150;

/// The session of this seed.
pub(crate) fn plan(seed: u64) -> Plan {
    let mut random = Random::new(seed);
    let random = &mut random;
    let length_ms = *random.pick(&[60, 300, 2_000, 6_000, 20_000]);
    let speed = (length_ms / REAL_MS).max(1) as u32;
    let mut plugins: Vec<PluginPlan> =
        (0..random.within(1, 4)).map(|number| plugin(random, &format!("p{number}"), speed)).collect();
    let mut settings = Vec::new();
    if random.chance(50) {
        settings.push(("max_instances", random.within(1, 4).to_string()));
    }
    if random.chance(60) {
        settings.push(("instance_ttl_s", random.within(1, 4).to_string()));
    }
    if random.chance(25) {
        // So little that what others hold decides whether a plugin's memory grows.
        settings.push(("max_total_memory_bytes", random.within(1 << 20, 3 << 20).to_string()));
    }
    // Many of them now and then, for what all instances share.
    let tenants = if random.chance(4) { 20 } else { random.within(1, 4) };
    let count = random.within(3, 14);
    let mappings = (0..count).map(|number| mapping(random, &plugins, tenants, 36 + number)).collect();
    let messages = messages(random, length_ms, count);
    let approvals = approvals(random, &mut plugins, length_ms);
    let stop_after = random.chance(15).then(|| random.within(1, 40));
    Plan { seed, speed, data: random.chance(40), stop_after, settings, plugins, mappings, approvals, messages }
}

fn plugin(random: &mut Random, name: &str, speed: u32) -> PluginPlan {
    let script = operations::script(&mut random.part());
    let mut settings = grants(random, &script);
    let by_clock = script.is_endless() && random.chance(75);
    if by_clock {
        // One to four real milliseconds: a deadline that fires.
        let ms = u64::from(speed) * random.within(1, 4);
        settings.push(("max_fuel", "300_000_000".to_owned()));
        settings.push(("max_execution_ms", ms.to_string()));
    } else {
        // Mostly enough.
        let fuel = 16_000 << if random.chance(20) { random.within(0, 5) } else { random.within(6, 10) };
        settings.push(("max_fuel", fuel.to_string()));
        settings.push(("max_execution_ms", "3_600_000".to_owned()));
    }
    let mut maybe = |key, percent, values: &[&str]| {
        if random.chance(percent) {
            settings.push((key, (*random.pick(values)).to_owned()));
        }
    };
    maybe("max_memory_bytes", 30, &["131_072", "200_000", "1_000_000", "16_777_216"]);
    maybe("max_table_elements", 30, &["4", "100", "9_000"]);
    maybe("max_output_bytes", 30, &["0", "17", "20", "1_000"]);
    maybe("max_data_bytes", 30, &["0", "100", "10_000", "1_000_000"]);
    maybe("queue", 50, &["1", "2", "5"]);
    maybe("isolation", 30, &["\"call\"", "\"tenant\""]);
    maybe("instance_ttl_s", 20, &["1", "2", "5"]);
    PluginPlan { name: name.to_owned(), script, settings }
}

/// Has what some plugins may do approved beside the configuration, and changed in the middle of the session.
fn approvals(random: &mut Random, plugins: &mut [PluginPlan], length_ms: u64) -> Vec<Change> {
    let mut changes = Vec::new();
    for PluginPlan { name, settings, .. } in plugins {
        let granted = settings.iter_mut().find(|(key, _)| *key == "granted_capabilities");
        let Some((_, granted)) = granted.filter(|_| random.chance(25)) else { continue };
        let named = |capability: &Capability| granted.contains(&format!("\"{}\"", capability.name()));
        let all: Vec<Capability> = Capability::ALL.into_iter().filter(named).collect();
        "[]".clone_into(granted);
        changes.push(Change { t: 0, plugin: name.clone(), capabilities: all.clone() });
        for _ in 0..random.within(1, 4) {
            let t = 1 + random.below(length_ms * 1_000);
            let capabilities = all.iter().copied().filter(|_| random.chance(60)).collect();
            changes.push(Change { t, plugin: name.clone(), capabilities });
        }
    }
    changes.sort_by_key(|change| change.t);
    changes
}

fn grants(random: &mut Random, script: &Script) -> Vec<(&'static str, String)> {
    let mut capabilities = Vec::new();
    let functions = script.functions();
    let uses = |start: &[&str]| functions.iter().any(|name| start.iter().any(|start| name.starts_with(start)));
    for (name, start) in [
        ("Midi", &["midi_"][..]),
        ("Network", &["http_", "ws_"]),
        ("Subprocess", &["exec"]),
        ("Filesystem", &["path_", "fd_"]),
        ("Audio", &["audio_"]),
        ("SystemControl", &["system_", "keys_"]),
    ] {
        if uses(start) && random.chance(97) {
            capabilities.push(format!("\"{name}\""));
        }
    }
    let mut settings = vec![
        ("granted_capabilities", format!("[{}]", capabilities.join(", "))),
        ("allowed_ports", "[\"out\"]".to_owned()),
        ("config", format!("{{ market = \"DE\", long = \"{}\" }}", "v".repeat(400))),
    ];
    if random.chance(95) {
        settings.push(("allowed_hosts", "[\"api.example.com\", \"*.example.net\"]".to_owned()));
        settings.push(("allowed_commands", "[\"tool\"]".to_owned()));
    }
    if random.chance(20) {
        let scope =
            *random.pick(&["[\"/d\"]", "{ read = [\"/\"], write = [\"/d\"] }", "{ read = [\"/d\"], write = [\"/\"] }"]);
        settings.push(("allowed_paths", scope.to_owned()));
    }
    settings
}

fn mapping(random: &mut Random, plugins: &[PluginPlan], tenants: u64, note: u64) -> MappingPlan {
    let trigger = match random.below(21) {
        0..13 => format!("{{ Note = {{ note = {note} }} }}"),
        13 => format!("{{ VelocityRange = {{ note = {note} }} }}"),
        14 => format!("{{ LongPress = {{ note = {note}, duration_ms = {} }} }}", random.within(20, 400)),
        15 => format!("{{ DoubleTap = {{ note = {note}, timeout_ms = {} }} }}", random.within(20, 400)),
        16 => format!("{{ NoteChord = {{ notes = [{note}, {}] }} }}", note + 1),
        17 => format!("{{ CC = {{ cc = {} }} }}", random.below(3)),
        19 => format!("{{ Every = {{ seconds = 0.{} }} }}", random.within(10, 99)),
        18 => format!("{{ EncoderTurn = {{ cc = {}, mode = \"TwosComplement\" }} }}", random.below(3)),
        _ => "{ PitchBend = {} }".to_owned(),
    };
    let mode = *random.pick(&[Some(0), Some(0), None, None, Some(1)]);
    MappingPlan { mode, trigger, action: action(random, plugins, tenants, 0) }
}

fn action(random: &mut Random, plugins: &[PluginPlan], tenants: u64, depth: u32) -> ActionPlan {
    let call = |random: &mut Random| ActionPlan::Call {
        plugin: random.pick(plugins).name.clone(),
        tenant: format!("t{}", random.below(tenants)),
        params: format!("action = \"a{}\", n = {}", random.below(3), random.below(100)),
    };
    let inner = |random: &mut Random| Box::new(action(random, plugins, tenants, depth + 1));
    match random.below(if depth < 2 { 100 } else { 75 }) {
        0..62 => call(random),
        62..75 => ActionPlan::Plain(plain(random)),
        75..87 => {
            let mut actions = Vec::new();
            for _ in 0..random.within(2, 4) {
                actions.push(*inner(random));
                if random.chance(60) {
                    actions.push(ActionPlan::Plain(format!("{{ Delay = {{ ms = {} }} }}", delay(random))));
                }
            }
            ActionPlan::Sequence(actions)
        }
        87..94 => {
            ActionPlan::Repeat { count: random.within(2, 8) as u32, delay_ms: delay(random), action: inner(random) }
        }
        _ => ActionPlan::Conditional {
            condition: (*random.pick(&[
                "{ TimeRange = { start = \"08:00\", end = \"20:00\" } }",
                "{ DayOfWeek = { days = [1, 3, 5] } }",
                "{ ModeIs = { mode = \"Other\" } }",
                "{ AppRunning = { app_name = \"obs\" } }",
                "{ State = { key = \"toggle.b\", equals = true } }",
                "{ State = { key = \"pressed.36\", equals = true } }",
                "{ State = { key = \"var.x\", min = 1 } }",
                "{ Not = { condition = { AppFrontmost = { app_name = \"firefox\" } } } }",
            ]))
            .to_owned(),
            then: inner(random),
            otherwise: inner(random),
        },
    }
}

/// Milliseconds: mostly short, sometimes longer than an instance lives.
fn delay(random: &mut Random) -> u32 {
    if random.chance(15) { random.within(900, 2_500) as u32 } else { random.within(1, 60) as u32 }
}

fn plain(random: &mut Random) -> String {
    match random.below(10) {
        0 | 1 => format!("{{ ModeChange = {{ mode = \"{}\" }} }}", random.pick(&MODES)),
        2 => "{ SendMidi = { port = \"out\", message_type = \"CC\", channel = 1, controller = 1, value = 5 } }"
            .to_owned(),
        7 => format!(
            "{{ Toggle = {{ name = \"{}\", on = {{ Text = {{ text = \"on\" }} }} }} }}",
            random.pick(&["a", "b"])
        ),
        8 => "{ Cycle = { name = \"c\", actions = [{ Text = { text = \"one\" } }, { Delay = { ms = 20 } }] } }"
            .to_owned(),
        9 => format!("{{ Set = {{ key = \"var.x\", value = {} }} }}", random.below(3)),
        3 => "{ Text = { text = \"hello\" } }".to_owned(),
        4 => "{ Keystroke = { keys = \"space\" } }".to_owned(),
        5 => "{ VolumeControl = { operation = \"Up\", value = 2 } }".to_owned(),
        _ => "{ Shell = { command = \"true\" } }".to_owned(),
    }
}

fn messages(random: &mut Random, length_ms: u64, notes: u64) -> Vec<(u64, Vec<u8>)> {
    let count = random.within(5, 60);
    let mean = (length_ms / count).max(1);
    let mut messages = Vec::new();
    let mut burst = 0;
    for _ in 0..count {
        // Bursts, for queues to fill, and pauses, for instances to expire.
        let pause = if burst > 0 {
            burst -= 1;
            0
        } else if random.chance(15) {
            burst = random.within(3, 20);
            0
        } else if random.chance(10) {
            mean * random.within(2, 6)
        } else {
            random.below(2 * mean)
        };
        // Now and then one that nothing is mapped to.
        let note = 36 + random.below(notes + 1) as u8;
        match random.below(20) {
            0 => messages.push((pause, vec![0xb0, random.below(3) as u8, random.within(1, 127) as u8])),
            1 => messages.push((pause, vec![0xe0, random.below(128) as u8, random.below(128) as u8])),
            2 => messages.push((pause, vec![0xc0, random.below(128) as u8])),
            _ => {
                messages.push((pause, vec![0x90, note, random.within(1, 127) as u8]));
                messages.push((random.below(mean.min(20) + 1), vec![0x80, note, 0]));
            }
        }
    }
    messages
}
