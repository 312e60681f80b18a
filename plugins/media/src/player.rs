//! One player, as `playerctl` reaches it.

use conductor_plugin::{Failure, exec};

/// The program, exactly as `allowed_commands` has to list it.
const PROGRAM: &str = "playerctl";

/// A player by name; without one the player that `playerctl` picks, which is the first it finds.
pub(crate) struct Player<'a>(pub(crate) Option<&'a str>);

impl Player<'_> {
    /// Tells it to do something.
    pub(crate) fn told(&self, words: &[&str]) -> Result<(), Failure> {
        self.run(words).map(|_| ())
    }

    /// Tells it to do something, and takes a refusal for done where its status is one of `already`.
    pub(crate) fn unless(&self, already: &[&str], word: &str) -> Result<(), Failure> {
        self.told(&[word]).or_else(|failure| match self.asked("status") {
            Ok(status) if already.contains(&status.as_str()) => Ok(()),
            _ => Err(failure),
        })
    }

    /// What it says to a question.
    pub(crate) fn asked(&self, word: &str) -> Result<String, Failure> {
        self.run(&[word])
    }

    /// How loud it is, in per cent.
    pub(crate) fn volume(&self) -> Result<i32, Failure> {
        let said = self.asked("volume")?;
        let level: f64 = said.parse().map_err(|_| Failure::new(format!("playerctl says {said:?} of the volume")))?;
        #[allow(clippy::cast_possible_truncation)] // a float becomes the nearest integer there is
        Ok((level * 100.0).round().clamp(0.0, 1_000.0) as i32)
    }

    fn run(&self, words: &[&str]) -> Result<String, Failure> {
        let name = self.0.map(|name| format!("--player={name}"));
        let arguments: Vec<&str> = name.as_deref().into_iter().chain(words.iter().copied()).collect();
        let ran = exec(PROGRAM, &arguments, &[])?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if ran.code == Some(0) {
            return Ok(text(&ran.output));
        }
        Err(Failure::new(self.explained(words, &text(&ran.errors))))
    }

    /// What went wrong, for the person who pressed the pad.
    fn explained(&self, words: &[&str], said: &str) -> String {
        let action = words.first().copied().unwrap_or_default();
        let line = said.lines().next().unwrap_or_default();
        match self.0 {
            Some(name) if line.contains("No players found") => {
                format!("no player {name:?} is running; playerctl --list-all names those that are")
            }
            None if line.contains("No players found") => {
                "no player is running: start one that speaks MPRIS (mpv needs the package mpv-mpris)".to_owned()
            }
            _ if line.contains("No player could handle") => {
                format!("the player cannot do {action:?} now, or not at all")
            }
            _ if line.contains("Could not connect to players") => format!(
                "no session bus, so no player: {line}; where nobody is logged in, sudo loginctl enable-linger USER gives one"
            ),
            _ if line.is_empty() => format!("playerctl {action} failed and did not say why"),
            _ => format!("playerctl {action}: {line}"),
        }
    }
}
