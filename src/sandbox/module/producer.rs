//! Which tools made a module: the flag that mends a build is another for each, and so is what its allocator expects.

use wasmparser::ProducersSectionReader;

/// What a plugin built by Go has to export, and why.
pub(in crate::sandbox) const ALLOC_IN_GO: &str = "it is built by Go, whose allocator takes memory that the host adds for its own; so it has to \
     give room itself, and keep it: export alloc(size: i32) -> i32, in Go: //go:wasmexport alloc above func alloc(size uint32) \
     unsafe.Pointer (docs/plugins.md has all of it)";

/// The language a module was written in, as far as it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// It does not tell, or names one that is not known here.
    #[default]
    Unknown,
    /// Rust, by `rustc`.
    Rust,
    /// C or C++.
    C,
    /// Go, by its own compiler or by `TinyGo`.
    Go,
    /// `AssemblyScript`, by its own compiler.
    AssemblyScript,
}

/// A name in the table of functions that Go's runtime needs, and that stays when all custom sections are stripped.
const GO_FUNCTION: &[u8] = b"\0runtime.mallocgc\0";

impl Language {
    /// What the `producers` section says. A section that cannot be read says nothing.
    pub(in crate::sandbox) fn of(producers: ProducersSectionReader<'_>) -> Self {
        let mut found = Self::Unknown;
        for field in producers.into_iter().flatten() {
            for value in field.values.into_iter().flatten() {
                let language = match (field.name, value.name) {
                    ("language", "Rust") => Self::Rust,
                    ("language", "Go" | "TinyGo") => Self::Go,
                    // TinyGo names C as its language, for the debugger.
                    ("processed-by", name) if name == "TinyGo" || name.starts_with("Go ") || name == "Go" => Self::Go,
                    ("language", "AssemblyScript") => Self::AssemblyScript,
                    ("language", name)
                        if name == "C" || name.starts_with("C_") || name.starts_with("C++") || is_c(name) =>
                    {
                        Self::C
                    }
                    _ => continue,
                };
                found = found.or(language);
            }
        }
        found
    }

    /// What the name of a custom section says: Go's linker has some of its own.
    pub(in crate::sandbox) fn of_custom_section(name: &str) -> Self {
        if name.starts_with("go:") || name.starts_with("go.") { Self::Go } else { Self::Unknown }
    }

    /// What the bytes of a data segment say.
    pub(in crate::sandbox) fn of_data(data: &[u8]) -> Self {
        // The table holds names that end in a zero byte, so each of them is a piece of its own.
        let mut names = data.split_inclusive(|byte| *byte == 0);
        let go = names.any(|name| name == &GO_FUNCTION[1..]);
        if go { Self::Go } else { Self::Unknown }
    }

    /// The language that two signs together tell of. Programs in other languages carry a C library.
    #[must_use]
    pub(in crate::sandbox) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, other) => other,
            (Self::C, other) if other != Self::Unknown => other,
            (this, _) => this,
        }
    }

    /// Whether its allocator takes for its own whatever memory the host adds: both Go's and `TinyGo`'s go by addresses they keep
    /// themselves, and would sooner or later put their objects where the host puts requests.
    pub(in crate::sandbox) fn claims_added_memory(self) -> bool {
        self == Self::Go
    }

    /// How a program in it becomes a library.
    pub(in crate::sandbox) fn library_flag(self) -> &'static str {
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
