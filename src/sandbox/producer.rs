//! Which tools made a module: the flag that mends a build is another for each.

use wasmparser::ProducersSectionReader;

/// The language a module was written in, as far as it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// It does not tell, or names one that is not known here.
    #[default]
    Unknown,
    /// Rust.
    Rust,
    /// C or C++.
    C,
    /// Go.
    Go,
    /// `AssemblyScript`.
    AssemblyScript,
}

impl Language {
    /// What the `producers` section says. A section that cannot be read says nothing.
    pub(super) fn of(producers: ProducersSectionReader<'_>) -> Self {
        let mut found = Self::Unknown;
        for field in producers.into_iter().flatten().filter(|field| field.name == "language") {
            for value in field.values.into_iter().flatten() {
                let language = match value.name {
                    "Rust" => Self::Rust,
                    "Go" => Self::Go,
                    "AssemblyScript" => Self::AssemblyScript,
                    name if name == "C" || name.starts_with("C_") || name.starts_with("C++") || is_c(name) => Self::C,
                    _ => continue,
                };
                // Programs in other languages carry a C library.
                if found == Self::Unknown || found == Self::C {
                    found = language;
                }
            }
        }
        found
    }

    /// How a program in it becomes a library.
    pub(super) fn library_flag(self) -> &'static str {
        match self {
            Self::Unknown | Self::Rust => "build a cdylib (crate-type = [\"cdylib\"])",
            Self::C => "link it as a reactor (-mexec-model=reactor)",
            Self::Go => "build it with -buildmode=c-shared",
            Self::AssemblyScript => "build it with --exportStart _initialize",
        }
    }
}

/// `C89`, `C11` and their like.
fn is_c(name: &str) -> bool {
    name.strip_prefix('C').is_some_and(|year| !year.is_empty() && year.bytes().all(|byte| byte.is_ascii_digit()))
}
