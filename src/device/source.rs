//! Where a device's messages come from.

use std::fmt;
use std::path::PathBuf;

use crate::text::Escape as _;

/// Where a device's messages come from, as written in the configuration or after `--input`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An existing sequencer port, by name, beginning of a name, or address.
    Port(String),
    /// An own sequencer port of this name, for other programs to connect to.
    Virtual(String),
    /// A raw byte stream: device node, serial line or FIFO.
    Raw(PathBuf),
    /// Standard input.
    Stdin,
}

impl Source {
    /// What `text` means: `-`, `virtual:NAME`, a path (which begins with `/`, `./` or `../`), else a port.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text == "-" {
            Self::Stdin
        } else if let Some(name) = text.strip_prefix("virtual:") {
            Self::Virtual(name.to_owned())
        } else if ["/", "./", "../"].iter().any(|start| text.starts_with(start)) {
            Self::Raw(text.into())
        } else {
            Self::Port(text.to_owned())
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(name) => f.write_str(name),
            Self::Virtual(name) => write!(f, "virtual:{}", name.escaped()),
            Self::Raw(path) => write!(f, "{}", path.escaped()),
            Self::Stdin => f.write_str("-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_source_tells_its_kind() {
        for (text, source) in [
            ("-", Source::Stdin),
            ("virtual:in", Source::Virtual("in".to_owned())),
            ("/dev/snd/midiC1D0", Source::Raw("/dev/snd/midiC1D0".into())),
            ("./fifo", Source::Raw("./fifo".into())),
            ("20:0", Source::Port("20:0".to_owned())),
            ("Pads/Keys", Source::Port("Pads/Keys".to_owned())),
        ] {
            assert_eq!(Source::parse(text), source);
            assert_eq!(source.to_string(), text);
        }
    }
}
