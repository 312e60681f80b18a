//! Amounts and names as messages write them: byte counts, numbers with underscores, sections of the configuration.

use std::fmt;

use crate::text::literal;

/// The section of the configuration a plugin's settings stand in, its name in quotes where TOML wants them.
#[derive(Clone, Copy)]
pub(in crate::sandbox) struct Section<'a>(pub(in crate::sandbox) &'a str);

impl fmt::Display for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(plugin) = self;
        write!(f, "[plugins.{}]", literal::shown_key(plugin))
    }
}

/// A byte count as people write limits: `128 MiB`, or exact when it is no whole unit.
pub(in crate::sandbox) struct Bytes(pub(in crate::sandbox) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        match bytes {
            0..1024 => write!(f, "{bytes} bytes"),
            _ if bytes % (1 << 30) == 0 => write!(f, "{} GiB", bytes >> 30),
            _ if bytes % (1 << 20) == 0 => write!(f, "{} MiB", bytes >> 20),
            _ if bytes % (1 << 10) == 0 && bytes < 10 << 20 => write!(f, "{} KiB", bytes >> 10),
            // Rounded up, so that what was asked for never reads like less than the limit it exceeded.
            _ if bytes >= 1 << 20 => {
                let tenths = bytes.saturating_mul(10).div_ceil(1 << 20);
                write!(f, "{}.{} MiB", tenths / 10, tenths % 10)
            }
            _ => write!(f, "{} bytes", grouped(bytes)),
        }
    }
}

/// A number with the underscores TOML allows: `100_000_000`.
pub(in crate::sandbox) fn grouped(number: u64) -> String {
    crate::text::number::grouped(number, '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_as_people_write_them() {
        let text = |bytes| Bytes(bytes).to_string();
        assert_eq!(text(1 << 20), "1 MiB");
        assert_eq!(text(64 << 10), "64 KiB");
        assert_eq!(text((128 << 20) + (64 << 10)), "128.1 MiB");
        assert_eq!(text(17), "17 bytes");
    }
}
