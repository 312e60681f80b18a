//! What `--input` means.

use std::fmt;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::midi_file::{MidiFile, MidiFileError, Reading};
use super::port::{PortList, PortsError, list_ports};
use super::source::Source;
use crate::midi::{Port, find_port};
use crate::text::Escape as _;

/// An input named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file, to be played in virtual time or paced.
    File(MidiFile),
    /// A device, to be read as it comes.
    Live(Source),
}

/// Why an input cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputError {
    /// The file cannot be played.
    File(MidiFileError),
    /// There is neither such a file nor such a port.
    NotFound {
        /// What was asked for.
        input: String,
        /// The input ports there are.
        ports: Vec<Port>,
    },
    /// It is a port that Conductor itself sends from.
    Own {
        /// What was asked for.
        input: String,
        /// The port of Conductor's own that has the name.
        port: Port,
    },
    /// There is no such file, and no sequencer to ask for a port.
    NoPorts {
        /// What was asked for.
        input: String,
        /// Why there are no ports.
        error: PortsError,
    },
    /// It is something messages cannot be read from: a directory, a socket, a disk.
    Unreadable {
        /// What was asked for.
        path: PathBuf,
    },
    /// An own port needs a name.
    NoName,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::NotFound { input, ports } => {
                write!(f, "{}: there is no such file and no MIDI input port of that name", input.escaped())?;
                let names = ports.iter().flat_map(|port| [port.client.as_str(), &port.name]);
                if let Some(nearest) = crate::text::nearest(input, names) {
                    write!(f, "; did you mean {nearest:?}?")?;
                }
                if ports.is_empty() {
                    f.write_str("; there are no input ports at all")
                } else {
                    f.write_str("\ninput ports:")?;
                    ports
                        .iter()
                        .try_for_each(|port| write!(f, "\n  {:<7} {}", port.address.to_string(), port.full_name()))
                }
            }
            Self::Own { input, port } => write!(
                f,
                "{}: {} ({}) is a port that Conductor sends from, and never an input; aseqdump -p {} shows what is sent",
                input.escaped(),
                port.full_name(),
                port.address,
                port.address
            ),
            Self::NoPorts { input, error } => {
                write!(f, "{}: there is no such file, and it cannot be a MIDI port: {error}", input.escaped())
            }
            Self::Unreadable { path } => write!(
                f,
                "{}: neither a file nor a FIFO nor a character device; nothing can be played from it",
                path.escaped()
            ),
            Self::NoName => f.write_str("virtual: needs a name for the port, as in virtual:in"),
        }
    }
}

impl std::error::Error for InputError {}

/// Decides what `input` means: `-` is standard input, `virtual:NAME` an own port, an existing path a file (read at once),
/// FIFO or device, anything else a sequencer port that must be there now. `reading` is how to take a file.
pub fn resolve_as(input: &str, reading: Reading) -> Result<Input, InputError> {
    match Source::parse(input) {
        Source::Stdin => stdin(reading),
        Source::Virtual(name) if name.is_empty() => Err(InputError::NoName),
        Source::Virtual(name) => Ok(Input::Live(Source::Virtual(name))),
        Source::Raw(path) => file(&path, reading),
        Source::Port(name) => {
            let path = Path::new(input);
            if path.exists() {
                return file(path, reading);
            }
            match list_ports() {
                Ok(PortList { inputs, own, .. }) => {
                    match (find_port(&inputs, &name, None, &[]), find_port(&own, &name, None, &[])) {
                        (Some(_), _) => Ok(Input::Live(Source::Port(name))),
                        (None, Some(port)) => Err(InputError::Own { input: input.to_owned(), port: port.clone() }),
                        (None, None) => Err(InputError::NotFound { input: input.to_owned(), ports: inputs }),
                    }
                }
                Err(error) => Err(InputError::NoPorts { input: input.to_owned(), error }),
            }
        }
    }
}

/// Standard input is a file to be played when a file was redirected into it.
fn stdin(reading: Reading) -> Result<Input, InputError> {
    let descriptor = std::io::stdin().as_fd().try_clone_to_owned().map(File::from);
    match descriptor {
        Ok(file) if file.metadata().is_ok_and(|metadata| metadata.is_file()) => {
            let file = MidiFile::from_file(file, Path::new("standard input"), reading);
            file.map(said).map_err(InputError::File)
        }
        _ => Ok(Input::Live(Source::Stdin)),
    }
}

/// Says what there is to say of a file.
fn said(file: MidiFile) -> Input {
    for warning in file.warnings() {
        log::warn!("{warning}");
    }
    Input::File(file)
}

fn file(path: &Path, reading: Reading) -> Result<Input, InputError> {
    let metadata =
        std::fs::metadata(path).map_err(|error| InputError::File(MidiFileError::unreadable(path, &error)))?;
    let kind = metadata.file_type();
    if kind.is_file() {
        MidiFile::read(path, reading).map(said).map_err(InputError::File)
    } else if kind.is_fifo() || kind.is_char_device() {
        Ok(Input::Live(Source::Raw(path.to_owned())))
    } else {
        Err(InputError::Unreadable { path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::midi::Address;

    #[test]
    fn a_port_that_is_not_there_is_answered_with_those_that_are_and_the_nearest() {
        let port = |client: u8, name: &str| Port {
            address: Address { client, port: 0 },
            client: name.to_owned(),
            name: format!("{name} MIDI 1"),
        };
        let ports = vec![port(14, "Midi Through"), port(20, "Launchpad")];
        let text = InputError::NotFound { input: "Lanchpad".to_owned(), ports }.to_string();
        assert_eq!(
            text,
            "Lanchpad: there is no such file and no MIDI input port of that name; did you mean \"Launchpad\"?\n\
             input ports:\n  14:0    Midi Through:Midi Through MIDI 1\n  20:0    Launchpad:Launchpad MIDI 1"
        );
        let text = InputError::NotFound { input: "Lanchpad\u{1b}[2J".to_owned(), ports: Vec::new() }.to_string();
        assert_eq!(
            text,
            "Lanchpad\\u{1b}[2J: there is no such file and no MIDI input port of that name; there are no input ports at all"
        );
    }
}
