//! Effects done for real.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::keys::Typist;
use super::midi_out::MidiOutput;
use super::network::HttpSender;
use super::osc::OscSender;
use super::process::Environment;
use super::reaper::Reaper;
use super::requests::Requests;
use super::requirements::Requirements;
use super::revoked::{Permit, Permits, Revocations};
use super::volume::{LIMIT, Mixer};
use super::volume_queue::WaitingVolume;
use super::words;
use super::worker::Worker;
use crate::config::Config;
use crate::effect::{
    Answer, Command, Effect, EffectError, EffectHandler, InputEffect, Origin, Reply, Request, SentMidi, Variables,
    Volume,
};
use crate::text::{Escape as _, Repeats};

/// The world outside, for real.
///
/// MIDI and OSC go out at once. Programs, the mixer, keys and servers take long, so their effects are checked at once and done by a
/// thread behind a bounded queue; what fails there is logged.
pub struct Live {
    environment: Environment,
    permits: Option<Permits>,
    revocations: Arc<Revocations>,
    /// What failed after it had been accepted, and how programs ended.
    repeats: Arc<Repeats>,
    midi: MidiOutput,
    typist: Typist,
    programs: Worker,
    /// The volume change that came last to `programs`, where changes after it can become one with it: it is for a mapping, and
    /// nothing came behind it.
    last_volume: Mutex<Option<Arc<WaitingVolume>>>,
    reaper: Arc<Reaper>,
    mixer: Arc<Mixer>,
    requests: Requests,
    http: HttpSender,
    osc: OscSender,
}

impl Live {
    /// The world outside. Nothing is opened or started before it is needed. `environment` is what programs find.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        let repeats = Arc::<Repeats>::default();
        let requests = Requests::new();
        Self {
            http: requests.http_sender(),
            osc: OscSender::new(Arc::clone(&repeats)),
            requests,
            environment,
            permits: None,
            revocations: Arc::default(),
            repeats: Arc::clone(&repeats),
            midi: MidiOutput::default(),
            typist: Typist::new(),
            programs: Worker::new("effects"),
            last_volume: Mutex::default(),
            reaper: Arc::new(Reaper::new(repeats)),
            mixer: Arc::default(),
        }
    }

    /// Asks `permits` before each effect of a plugin that had to wait: it is dropped when its plugin has lost what it needs.
    #[must_use]
    pub fn permitted_by(mut self, permits: Permits) -> Self {
        self.permits = Some(permits);
        self
    }

    /// Who tells of effects that were dropped.
    pub fn revocations(&self) -> &Arc<Revocations> {
        &self.revocations
    }

    /// Gets ready for what `config` can ask for, so that the first press finds its MIDI port connected and its keyboard
    /// known to the desktop. What is not there is told; it may come later.
    pub fn prepare(&self, config: &Config) -> Vec<EffectError> {
        let needs = Requirements::of(config);
        let mut missing: Vec<_> = needs.midi_ports.iter().filter_map(|port| self.midi.prepare(port).err()).collect();
        missing.extend(self.typist.prepare(&needs, &self.environment));
        self.http.prepare(config);
        missing.extend(self.osc.prepare(&needs.osc_targets));
        if needs.volume {
            missing.extend(Mixer::present(&self.environment).err());
        }
        missing
    }

    /// Waits until what was accepted is done, at most `limit`; whether it is. Programs that were started run on.
    pub fn drain(&self, limit: Duration) -> bool {
        let done =
            [self.programs.drain(limit), self.typist.drain(limit), self.http.drain(limit), self.osc.drain(limit)];
        done.into_iter().all(|done| done)
    }

    /// Says how often what was not said each time. The session ends.
    pub fn finish(&self) {
        self.repeats.finish();
        self.revocations.finish();
    }

    /// How many programs that were started still run: a test waits for all of them before it looks for zombies.
    #[cfg(any(test, feature = "internals"))]
    pub fn running(&self) -> usize {
        self.reaper.running()
    }

    /// Tells of a failure on another thread.
    fn teller(&self, effect: &Effect) -> impl FnOnce(Result<(), EffectError>) + Send + use<> {
        let (effect, repeats) = (effect.clone(), Arc::clone(&self.repeats));
        move |result| warn_of_failure(&repeats, &effect, result)
    }

    /// What `effect` needs to happen after it had to wait.
    fn permit(&self, effect: &Effect, origin: Origin<'_>) -> Option<Permit> {
        Permit::of(effect, origin, self.permits.as_ref(), &self.revocations)
    }

    fn start(
        &self,
        effect: &Effect,
        origin: Origin<'_>,
        program: &str,
        arguments: Vec<String>,
        variables: Variables,
    ) -> Result<(), EffectError> {
        let file = self.environment.find(program)?;
        let (tell, reaper, environment) = (self.teller(effect), Arc::clone(&self.reaper), self.environment.clone());
        let (label, permit) = (effect.to_string(), self.permit(effect, origin));
        // Whatever changes the volume later does so behind this.
        let mut last_volume = self.last_volume();
        *last_volume = None;
        self.programs.submit(move || match permit {
            Some(permit) if !permit.holds() => permit.drop_effect(),
            _ => {
                let mut command = environment.command(&file);
                command.args(arguments);
                for (name, number) in variables.iter() {
                    match number {
                        Some(number) => command.env(name, number.to_string()),
                        None => command.env_remove(name),
                    };
                }
                tell(reaper.start(command, &file, label));
            }
        })
    }

    fn volume(&self, effect: &Effect, origin: Origin<'_>, volume: &Volume) -> Result<(), EffectError> {
        let of_mapping = origin == Origin::Mapping;
        let mut last = self.last_volume();
        if of_mapping && last.as_ref().is_some_and(|waiting| waiting.join(volume)) {
            return Ok(());
        }
        *last = None;
        Mixer::present(&self.environment)?;
        let (mixer, environment) = (Arc::clone(&self.mixer), self.environment.clone());
        let waiting = WaitingVolume::of(volume).filter(|_| of_mapping);
        if let Some(waiting) = waiting {
            let (begun, repeats) = (Arc::clone(&waiting), Arc::clone(&self.repeats));
            self.programs.submit(move || {
                if let Some(volume) = begun.begin() {
                    let done = mixer.apply(&volume, &environment, LIMIT);
                    warn_of_failure(&repeats, &Effect::Volume(volume), done);
                }
            })?;
            *last = Some(waiting);
            return Ok(());
        }
        let (tell, volume, permit) = (self.teller(effect), volume.clone(), self.permit(effect, origin));
        self.programs.submit(move || match permit {
            Some(permit) if !permit.holds() => permit.drop_effect(),
            _ => tell(mixer.apply(&volume, &environment, LIMIT)),
        })
    }

    fn last_volume(&self) -> MutexGuard<'_, Option<Arc<WaitingVolume>>> {
        self.last_volume.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn input(&self, effect: &Effect, origin: Origin<'_>, input: InputEffect<'_>) -> Result<(), EffectError> {
        self.typist.submit(input, &self.environment, self.permit(effect, origin), self.teller(effect))
    }
}

impl EffectHandler for Live {
    fn perform(&self, effect: &Effect, origin: Origin<'_>) -> Result<Reply, EffectError> {
        match effect {
            Effect::Midi(out) => self.midi.send(out),
            Effect::Feedback(out) => self.midi.tell(out),
            Effect::Shell(Command { line, variables }) => {
                self.start(effect, origin, "/bin/sh", vec!["-c".to_owned(), line.clone()], *variables)
            }
            Effect::Launch(Command { line, variables }) => {
                let (program, arguments) = launch(line)?;
                self.start(effect, origin, &program, arguments, *variables)
            }
            Effect::Volume(volume) => self.volume(effect, origin, volume),
            Effect::Keystroke(keystroke) => self.input(effect, origin, InputEffect::Keystroke(keystroke)),
            Effect::Text(text) => self.input(effect, origin, InputEffect::Text(text)),
            Effect::MouseClick(click) => self.input(effect, origin, InputEffect::Click(click)),
            Effect::MouseScroll(motion) => self.input(effect, origin, InputEffect::Scroll(*motion)),
            Effect::MouseMove(motion) => self.input(effect, origin, InputEffect::Move(*motion)),
            Effect::Http(out) => self.http.send(out, &self.environment, self.teller(effect)),
            Effect::Osc(out) => self.osc.send(out),
        }
        .map(|()| Reply::Done)
    }

    fn has_room(&self) -> bool {
        self.typist.has_room() && self.programs.has_room() && self.http.has_room()
    }

    fn sent_midi(&self) -> Option<Arc<SentMidi>> {
        self.midi.sent()
    }

    fn request(&self, request: &Request, origin: Origin<'_>, limit: Duration) -> Answer {
        self.requests.answer(request, origin, limit, &self.environment, &self.mixer)
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("environment", &self.environment).finish_non_exhaustive()
    }
}

/// Warns that `effect`, which had been accepted, failed.
fn warn_of_failure(repeats: &Repeats, effect: &Effect, result: Result<(), EffectError>) {
    if let Err(error) = result {
        let text = effect.to_string();
        repeats.warn(&text, format_args!("{text}: {error}"));
    }
}

/// The program and arguments of a `Launch`: words, with quotes and backslashes as in a shell, and nothing else of one (no
/// variables, no `|`, no `>`). A text that as a whole is the path of a file is that program, spaces and all.
fn launch(app: &str) -> Result<(String, Vec<String>), EffectError> {
    if app.contains('/') && std::fs::metadata(app).is_ok_and(|file| file.is_file()) {
        return Ok((app.to_owned(), Vec::new()));
    }
    let mut words = words::split(app).unwrap_or_default().into_iter();
    let Some(program) = words.next() else {
        return Err(EffectError::NotFound(format!(
            "Launch needs a program and its arguments; \"{}\" is none (is a quote left open?)",
            app.escaped()
        )));
    };
    Ok((program, words.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_launched_is_split_into_words_and_not_run_by_a_shell() {
        let split = |app| launch(app).map(|(program, arguments)| (program, arguments.join("|")));
        let words = |program: &str, arguments: &str| Ok((program.to_owned(), arguments.to_owned()));
        assert_eq!(split("firefox"), words("firefox", ""));
        assert_eq!(split("firefox --new 'a b' c\\ d"), words("firefox", "--new|a b|c d"));
        assert_eq!(split("echo $HOME;rm -r > x"), words("echo", "$HOME;rm|-r|>|x"));
        for nothing in ["", "  ", "'open"] {
            assert!(split(nothing).is_err(), "{nothing}");
        }
    }

    #[test]
    fn a_path_with_spaces_is_one_program() {
        let file = std::env::temp_dir().join(format!("conductor launch {}", std::process::id()));
        std::fs::write(&file, "").expect("a file");
        let path = file.to_string_lossy().into_owned();
        assert_eq!(launch(&path), Ok((path.clone(), Vec::new())));
        std::fs::remove_file(&file).expect("the file");
    }
}
