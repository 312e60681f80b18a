//! Whether a plugin that runs would still be admitted.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::cell::lock;
use super::stamp::Stamp;
use crate::confine::unconfined;

/// Says why the plugin would no longer be admitted.
type Reconsider = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// Looks at a trust store, and asks anew about a plugin when it changed.
pub(super) struct TrustWatch {
    store: PathBuf,
    reconsider: Reconsider,
    last: Mutex<LastLook>,
}

struct LastLook {
    /// What the file looked like when the plugin was admitted, or asked about last.
    stamp: Option<Stamp>,
    distrusted: bool,
}

impl fmt::Debug for TrustWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustWatch").field("store", &self.store).finish_non_exhaustive()
    }
}

impl TrustWatch {
    /// A watch over the store at `path`. `reconsider` says why the plugin would no longer be admitted; it is asked at once, in case
    /// the store changed since the plugin was.
    pub(super) fn new(path: &Path, reconsider: Reconsider) -> Self {
        let stamp = Stamp::of(path);
        let distrusted = reconsider().is_some();
        Self { store: path.into(), reconsider, last: Mutex::new(LastLook { stamp, distrusted }) }
    }

    /// Whether the plugin would no longer be admitted. One `stat` when the store did not change; why not is logged once a change.
    pub(super) fn look(&self) -> bool {
        let stamp = Stamp::of(&self.store);
        let mut last = lock(&self.last);
        if stamp != last.stamp {
            last.stamp = stamp;
            // Asked on a guest's thread, which opens neither the store nor the plugin.
            let reconsider = Arc::clone(&self.reconsider);
            let refusal = unconfined(move || reconsider());
            last.distrusted = refusal.is_some();
            if let Some(refusal) = refusal {
                log::warn!("{refusal}\n  the plugin is called no more; what it was to do is dropped");
            }
        }
        last.distrusted
    }
}
