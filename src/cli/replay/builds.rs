//! Which file of a plugin is replayed.

use std::fmt;
use std::path::{Path, PathBuf};

use super::super::Failure;
use crate::config::PluginConfig;
use crate::host;
use crate::package::{AdmittedPlugin, Policy, Refusal, admit};
use crate::sandbox::Description;
use crate::text::Escape as _;

/// The plugin files that `--plugins` gives.
pub(super) struct Builds(Vec<PathBuf>);

/// The plugin a file is looked for.
pub(super) struct Search<'a> {
    pub(super) name: &'a str,
    pub(super) settings: &'a PluginConfig,
    /// Digest of the one that was recorded, if any was.
    pub(super) recorded: Option<&'a str>,
    /// Another one than that will do.
    pub(super) changed: bool,
    /// The configuration has no other plugin.
    pub(super) alone: bool,
}

/// The file of a plugin.
pub(super) struct Found {
    pub(super) admitted: AdmittedPlugin,
    /// As it was given, or as the configuration has it.
    shown: String,
}

impl Builds {
    /// Lists the files, in the order in which directories were given and then of names.
    pub(super) fn read(given: &[PathBuf]) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for path in given {
            if path.is_file() {
                files.push(path.clone());
                continue;
            }
            let failed = |error: std::io::Error| Failure::operation(format!("--plugins: {}: {error}", path.escaped()));
            let first = files.len();
            for entry in std::fs::read_dir(path).map_err(failed)? {
                let file = entry.map_err(failed)?.path();
                if file.extension().is_some_and(|extension| extension == "wasm") {
                    files.push(file);
                }
            }
            files[first..].sort(); // at most the length
        }
        Ok(Self(files))
    }

    /// The one of `search`. Recorded is recorded, whatever it is called, unless another one will do: then the one of its name
    /// comes first. Where nothing has its digest, its name tells it: that of the configured file, its own in the configuration,
    /// the one it gives itself; and what is there alone needs none.
    pub(super) fn given(&self, search: &Search<'_>) -> Option<Found> {
        let configured = search.settings.path.file_name();
        let called = |path: &Path| path.file_name() == configured;
        let named = |path: &Path| path.file_stem().is_some_and(|stem| stem == search.name);
        let by_path = |matches: &dyn Fn(&Path) -> bool| {
            self.0.iter().filter(|path| matches(path)).find_map(|path| search.admit(path).ok())
        };
        let by_name = || by_path(&called).or_else(|| by_path(&named)).or_else(|| self.find(search, &names_itself));
        let by_digest = || self.find(search, &|found, search| search.recorded.is_some_and(|digest| found.is(digest)));
        let found = if search.changed { by_name().or_else(by_digest) } else { by_digest().or_else(by_name) };
        found.or_else(|| match &self.0[..] {
            [only] if search.alone => search.admit(only).ok(),
            _ => None,
        })
    }

    fn find(&self, search: &Search<'_>, matches: &dyn Fn(&Found, &Search<'_>) -> bool) -> Option<Found> {
        self.0.iter().filter_map(|path| search.admit(path).ok()).find(|found| matches(found, search))
    }
}

/// Whether the plugin calls itself what the configuration calls it.
fn names_itself(found: &Found, search: &Search<'_>) -> bool {
    let description = Description::read(found.admitted.bytes(), host::TABLE);
    description.is_ok_and(|description| description.metadata.is_some_and(|metadata| metadata.name == search.name))
}

impl Search<'_> {
    /// The file at the configuration's path.
    pub(super) fn configured(&self) -> Result<Found, Failure> {
        let Self { name, settings, .. } = self;
        self.admit(&settings.path).map_err(|refusal| {
            let why = if settings.path.exists() {
                refusal.to_string()
            } else {
                format!("there is no file at {}", settings.written.escaped())
            };
            Failure::operation(format!(
                "plugin {}: {why}\n  give the directory the recorded one is in with --plugins",
                name.escaped()
            ))
        })
    }

    fn admit(&self, path: &Path) -> Result<Found, Refusal> {
        let admitted = admit(path, &Policy { name: self.name.to_owned(), ..Policy::default() })?;
        let configured = path == self.settings.path;
        let shown = if configured { self.settings.written.clone() } else { path.to_string_lossy().into_owned() };
        Ok(Found { admitted, shown })
    }
}

impl Found {
    fn is(&self, digest: &str) -> bool {
        self.admitted.digest().to_string() == digest
    }

    /// Says so where it is not the one that was recorded.
    pub(super) fn differs(&self, search: &Search<'_>) -> Option<String> {
        let recorded = search.recorded.filter(|digest| !self.is(digest))?;
        Some(format!(
            "plugin {}: not the one of the recording\n  journal: {}\n  {}: {}",
            search.name.escaped(),
            recorded.escaped(),
            self.shown.escaped(),
            self.admitted.digest()
        ))
    }
}

/// Which it is.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, digest) = (self.admitted.name().escaped(), self.admitted.digest());
        write!(f, "plugin {name}: {} (digest {digest})", self.shown.escaped())
    }
}
