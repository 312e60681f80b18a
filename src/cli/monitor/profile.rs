//! `conductor monitor --profile`: a profile, written control by control.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::{Exit, Failure, Output};
use super::answers::{Answers, Touched};
use crate::config::{ControlAddress, ControlNumber, Environment, FirstChannel, Profile, Source, paths, profiles};
use crate::file;
use crate::text::Escape as _;
use crate::text::{is_unsafe, literal};

/// The file that `--profile` means: a path, or a name in the folder of profiles beside the configuration.
pub(super) fn path(written: &str, config: Option<&Path>) -> Result<PathBuf, Failure> {
    if profiles::is_path(written) {
        return Ok(written.into());
    }
    if !profiles::is_name(written) {
        return Err(Failure::usage(format!(
            "conductor monitor: \"{}\" is no name of a profile: letters, digits, - and _, at most 64; or give a path that ends in .toml",
            written.escaped()
        )));
    }
    let directory = match config.and_then(Path::parent) {
        Some(directory) => directory.to_owned(),
        None => paths::config_directory(&Environment::of_process())
            .map_err(|error| Failure::operation(format!("conductor monitor: {error}")))?,
    };
    Ok(profiles::file_of(&directory, written))
}

/// The profile as far as it is written.
pub(super) struct Writing<'a> {
    out: &'a mut Output,
    path: PathBuf,
    /// What a configuration calls it.
    written: String,
    profile: Profile,
    first: FirstChannel,
    text: String,
}

impl<'a> Writing<'a> {
    /// The profile in `path`, which is gone on with where it is there.
    pub(super) fn of(written: &str, path: PathBuf, out: &'a mut Output) -> Result<Self, Failure> {
        let (text, there) = match profiles::read(&path) {
            Ok(source) => (source.text().to_owned(), true),
            Err(error) if error.kind() == ErrorKind::NotFound => (head(&path)?, false),
            Err(error) => return Err(failed(&path, &error)),
        };
        let (profile, first) = read(&path, &text)?;
        if there {
            let count = profile.controls.len();
            out.live_line(format_args!(
                "{} is there, with {count} control{}: what it says stays, and new controls are added",
                path.escaped(),
                if count == 1 { "" } else { "s" }
            ))?;
        } else if profiles::shipped(written).is_some() {
            out.live_line(format_args!("a profile {written} is built in; yours will be taken in its place"))?;
        }
        Ok(Self { out, path, written: written.to_owned(), profile, first, text })
    }

    /// Asks for controls until there are no more.
    pub(super) fn ask(&mut self, answers: &mut impl Answers) -> Result<Exit, Failure> {
        let mut added = 0;
        'controls: loop {
            self.out.live_line(format_args!("name of a control, for example pad.1 (Enter alone ends):"))?;
            let Some(name) = answers.name()?.filter(|name| !name.is_empty()) else { break };
            if let Some(control) = self.profile.controls.get(&name) {
                let number = control.input.number;
                self.out
                    .live_line(format_args!("  {name} is there already ({number}); to change it, edit the file"))?;
                continue;
            }
            self.out.live_line(format_args!("  touch {name} (Enter leaves it out)"))?;
            let address = loop {
                match answers.touch()? {
                    Touched::LeftOut => {
                        self.out.live_line(format_args!("  left out"))?;
                        continue 'controls;
                    }
                    Touched::Ended => {
                        self.out.live_line(format_args!("  the input ended"))?;
                        break 'controls;
                    }
                    Touched::Control(address) => match self.profile.at(address) {
                        Some((known, _)) => self.out.live_line(format_args!("  that is {known}; touch {name}"))?,
                        None => break address,
                    },
                }
            };
            if self.add(&name, address)? {
                added += 1;
            }
        }
        let path = self.path.escaped();
        if added == 0 {
            self.out.line(format_args!("{path}: nothing was added"))?;
        } else {
            let (count, written) = (self.profile.controls.len(), literal::shown(&self.written));
            self.out.line(format_args!("{path}: {count} control{}", if count == 1 { "" } else { "s" }))?;
            self.out.line(format_args!("in the configuration, below the name of the device: profile = {written}"))?;
        }
        Ok(Exit::Done)
    }

    /// Adds a control to the file, and tells whether it could be.
    fn add(&mut self, name: &str, address: ControlAddress) -> Result<bool, Failure> {
        let ControlAddress { number, channel } = address;
        let (key, value) = match number {
            ControlNumber::Note(note) => ("note", note),
            ControlNumber::Cc(cc) => ("cc", cc),
        };
        let quoted = literal::string(name);
        let channel = channel.map(|channel| self.first.number(channel));
        let on = channel.map_or_else(String::new, |channel| format!("channel = {channel}\n"));
        let lines = format!("\n[controls.{quoted}]\n{key} = {value}\n{on}");
        file::create_directory(&self.path).map_err(|error| failed(&self.path, &error))?;
        let _lock = file::EditLock::take(&self.path).map_err(|error| failed(&self.path, &error))?;
        // What somebody wrote into the file meanwhile stays.
        match profiles::read(&self.path) {
            Ok(source) => source.text().clone_into(&mut self.text),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&self.path, &error)),
        }
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        let text = format!("{}{lines}", self.text);
        let read = Profile::from_source(&Source::new(&self.path.escaped().to_string(), &text)).ok();
        let fits = text.len() as u64 <= profiles::MAX_PROFILE;
        let Some((profile, first)) = read.filter(|_| fits) else {
            self.out.live_line(format_args!(
                "  {name} cannot be added: a name has 1 to 64 bytes and a profile at most {} KiB, and the section [controls] has to be a table of its own",
                profiles::MAX_PROFILE >> 10
            ))?;
            return Ok(false);
        };
        file::replace(&self.path, text.as_bytes()).map_err(|error| failed(&self.path, &error))?;
        (self.profile, self.first, self.text) = (profile, first, text);
        match channel {
            Some(channel) => self.out.live_line(format_args!("  {name} is {number} on channel {channel}"))?,
            None => self.out.live_line(format_args!("  {name} is {number}"))?,
        }
        Ok(true)
    }
}

/// The first lines of a new profile.
fn head(path: &Path) -> Result<String, Failure> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let quoted = literal::string(&name);
    if name.contains(is_unsafe) {
        return Err(Failure::usage("conductor monitor: the profile's name has control characters"));
    }
    Ok(format!(
        "# Controls as `conductor monitor --profile` heard them. Where a lamp listens to something else than its control sends,\n\
         # add below the control: feedback = {{ cc = 48 }}. What makes lamps lit is the section [feedback]: docs/profiles.md.\n\
         name = {quoted}\nchannels_from = 1\n"
    ))
}

fn read(path: &Path, text: &str) -> Result<(Profile, FirstChannel), Failure> {
    Profile::from_source(&Source::new(&path.escaped().to_string(), text)).map_err(|invalid| {
        Failure::operation(format!(
            "{invalid}\n\n{}: nothing was changed; mend it, or give another name",
            path.escaped()
        ))
    })
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::operation(format!("conductor monitor: {}: {error}", path.escaped()))
}
