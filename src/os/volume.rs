//! The system's volume, through whichever mixer program is there.

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use super::process::{Ended, Environment, Keep, run};
use super::volume_queue::STEP;
use crate::effect::EffectError;
use crate::effect::Volume;

/// How long a mixer program may take. They answer in tens of milliseconds; one that waits for a dead sound server does
/// not answer at all.
pub(super) const LIMIT: Duration = Duration::from_secs(2);

/// The mixer programs known, the one that knows most about the system first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    /// `wpctl`, which is `PipeWire`'s own.
    Wpctl,
    /// `PulseAudio`, and `PipeWire`'s stand-in for it.
    Pactl,
    /// The sound card itself.
    Amixer,
}

impl Program {
    const ALL: [Self; 3] = [Self::Wpctl, Self::Pactl, Self::Amixer];

    const fn name(self) -> &'static str {
        match self {
            Self::Wpctl => "wpctl",
            Self::Pactl => "pactl",
            Self::Amixer => "amixer",
        }
    }

    /// What to tell it. `current` is the level in per cent where it was asked for.
    fn arguments(self, volume: &Volume, current: Option<u8>) -> Vec<String> {
        let step = |step: &Option<u8>| step.unwrap_or(STEP).min(100);
        let level = match (volume, current) {
            (Volume::Set(level), _) => format!("{}%", (*level).min(100)),
            // No louder than 100 %: a pad pressed once too often must not overdrive the speakers.
            (Volume::Up(by), Some(current)) => format!("{}%", current.saturating_add(step(by)).min(100.max(current))),
            (Volume::Up(by), None) if self == Self::Pactl => format!("+{}%", step(by)),
            (Volume::Up(by), None) => format!("{}%+", step(by)),
            (Volume::Down(by), _) if self == Self::Pactl => format!("-{}%", step(by)),
            (Volume::Down(by), _) => format!("{}%-", step(by)),
            (Volume::Mute | Volume::Unmute | Volume::Toggle, _) => String::new(), // of no use below
        };
        // In the words of each.
        let mute = match volume {
            Volume::Mute => Some(["1", "mute"]),
            Volume::Unmute => Some(["0", "unmute"]),
            Volume::Toggle => Some(["toggle", "toggle"]),
            Volume::Up(_) | Volume::Down(_) | Volume::Set(_) => None,
        };
        let words: Vec<&str> = match (self, mute) {
            (Self::Wpctl, None) => vec!["set-volume", "-l", "1.0", "@DEFAULT_AUDIO_SINK@", &level],
            (Self::Wpctl, Some([word, _])) => vec!["set-mute", "@DEFAULT_AUDIO_SINK@", word],
            (Self::Pactl, None) => vec!["set-sink-volume", "@DEFAULT_SINK@", &level],
            (Self::Pactl, Some([word, _])) => vec!["set-sink-mute", "@DEFAULT_SINK@", word],
            // -M: per cent as the ear counts them, as the other two do.
            (Self::Amixer, None) => vec!["-q", "-M", "sset", "Master", &level],
            (Self::Amixer, Some([_, word])) => vec!["-q", "sset", "Master", word],
        };
        words.into_iter().map(str::to_owned).collect()
    }
}

/// Changes the volume. Remembers which program worked.
#[derive(Debug, Default)]
pub(super) struct Mixer {
    worked: Mutex<Option<Program>>,
}

impl Mixer {
    /// Whether there is a mixer program at all.
    pub(super) fn present(environment: &Environment) -> Result<(), EffectError> {
        if Program::ALL.into_iter().any(|program| environment.find(program.name()).is_ok()) {
            return Ok(());
        }
        Err(EffectError::NotFound(
            "the volume cannot be changed: there is none of wpctl, pactl and amixer in PATH; install wireplumber, \
             pulseaudio-utils or alsa-utils"
                .to_owned(),
        ))
    }

    /// Makes the change, and waits for it, at most `limit` for each program that is tried.
    pub(super) fn apply(&self, volume: &Volume, environment: &Environment, limit: Duration) -> Result<(), EffectError> {
        Self::present(environment)?;
        let worked = *self.worked.lock().unwrap_or_else(PoisonError::into_inner);
        let others = Program::ALL.into_iter().filter(|program| Some(*program) != worked);
        let mut failures = Vec::new();
        for program in worked.into_iter().chain(others) {
            let Ok(file) = environment.find(program.name()) else { continue };
            match change(program, &file, volume, environment, limit.min(LIMIT)) {
                Ok(()) => {
                    *self.worked.lock().unwrap_or_else(PoisonError::into_inner) = Some(program);
                    return Ok(());
                }
                Err(error) => failures.push(format!("{}: {error}", program.name())),
            }
        }
        Err(EffectError::Failed(format!("the volume was not changed: {}", failures.join("; "))))
    }
}

fn change(
    program: Program,
    file: &Path,
    volume: &Volume,
    environment: &Environment,
    limit: Duration,
) -> Result<(), EffectError> {
    let mut current = None;
    if program == Program::Pactl && matches!(volume, Volume::Up(_)) {
        // The only one of the three without a ceiling of its own.
        let words = ["get-sink-volume", "@DEFAULT_SINK@"];
        let asked = run(&environment.clone().with("LC_ALL", "C"), file, words, Keep::Output, limit)?;
        current = first_percentage(&asked.text);
    }
    let Ended { status, text } = run(environment, file, program.arguments(volume, current), Keep::Errors, limit)?;
    if status.success() {
        return Ok(());
    }
    let said = text.lines().next().unwrap_or_default();
    Err(EffectError::Failed(if said.is_empty() { status.to_string() } else { said.trim().to_owned() }))
}

/// The first `N%` in what pactl says of a sink's volume.
fn first_percentage(text: &str) -> Option<u8> {
    let (before, _) = text.split_once('%')?;
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next()?;
    // A sink may stand above 100 %; what no byte holds is far above.
    digits.parse::<u32>().ok().map(|level| u8::try_from(level).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::VolumeOperation;

    fn said(program: Program, operation: VolumeOperation, value: Option<u8>, current: Option<u8>) -> String {
        program.arguments(&Volume::new(operation, value).expect("a level to set"), current).join(" ")
    }

    #[test]
    fn each_program_is_told_in_its_own_words() {
        use VolumeOperation::{Down, Mute, Set, Toggle, Unmute, Up};
        for (program, operation, value, words) in [
            (Program::Wpctl, Up, None, "set-volume -l 1.0 @DEFAULT_AUDIO_SINK@ 5%+"),
            (Program::Wpctl, Down, Some(10), "set-volume -l 1.0 @DEFAULT_AUDIO_SINK@ 10%-"),
            (Program::Wpctl, Set, Some(40), "set-volume -l 1.0 @DEFAULT_AUDIO_SINK@ 40%"),
            (Program::Wpctl, Mute, None, "set-mute @DEFAULT_AUDIO_SINK@ 1"),
            (Program::Pactl, Down, None, "set-sink-volume @DEFAULT_SINK@ -5%"),
            (Program::Pactl, Set, Some(255), "set-sink-volume @DEFAULT_SINK@ 100%"),
            (Program::Pactl, Unmute, None, "set-sink-mute @DEFAULT_SINK@ 0"),
            (Program::Amixer, Up, Some(3), "-q -M sset Master 3%+"),
            (Program::Amixer, Down, Some(3), "-q -M sset Master 3%-"),
            (Program::Amixer, Mute, None, "-q sset Master mute"),
            (Program::Wpctl, Toggle, None, "set-mute @DEFAULT_AUDIO_SINK@ toggle"),
            (Program::Pactl, Toggle, None, "set-sink-mute @DEFAULT_SINK@ toggle"),
            (Program::Amixer, Toggle, Some(3), "-q sset Master toggle"),
        ] {
            assert_eq!(said(program, operation, value, None), words);
        }
    }

    #[test]
    fn louder_stops_at_full_volume_and_never_makes_it_softer() {
        let up = |current| said(Program::Pactl, VolumeOperation::Up, Some(10), Some(current));
        assert_eq!(up(50), "set-sink-volume @DEFAULT_SINK@ 60%");
        assert_eq!(up(95), "set-sink-volume @DEFAULT_SINK@ 100%");
        assert_eq!(up(130), "set-sink-volume @DEFAULT_SINK@ 130%");
    }

    #[test]
    fn the_level_is_read_from_what_pactl_says() {
        let text = "Volume: front-left: 45875 /  70% / -9.29 dB,   front-right: 45875 /  70% / -9.29 dB\n";
        assert_eq!(first_percentage(text), Some(70));
        assert_eq!(first_percentage("Volume: mono: 999999 / 900% / …"), Some(255));
        assert_eq!(first_percentage("Failure: No such entity"), None);
        assert_eq!(first_percentage("ü%"), None);
    }
}
