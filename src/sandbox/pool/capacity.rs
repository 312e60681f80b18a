//! How many instances there can be.

use crate::sandbox::instance::wasi::MAX_DESCRIPTORS;
use crate::sandbox::pool::workers::{BASE, MOST};

/// Instances that may be alive at once where plugins can have this many descriptors of the process, at least one.
///
/// Each may open as many as the shim lets it. There can be more instances than are alive in the table: one that has to go is there
/// until the worker that has it is done, and so is one that lives for a single call. That is one for each worker, and there are no
/// more workers than instances.
#[must_use]
pub fn instances_for(descriptors: u64) -> u32 {
    let whole = descriptors / u64::from(MAX_DESCRIPTORS);
    let (base, most) = (BASE as u64, MOST as u64);
    let instances = if whole >= 2 * most { whole - most } else { (whole / 2).min(whole.saturating_sub(base)) };
    u32::try_from(instances).unwrap_or(u32::MAX).max(1)
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn every_instance_and_every_worker_has_its_descriptors() {
        // What a soft limit of 1,024, of 4,096 and of 65,536 leaves to plugins.
        assert_eq!([768, 3_072, 64_512].map(instances_for), [6, 24, 944]);
        for descriptors in (0..100_000).step_by(61) {
            let instances = u64::from(instances_for(descriptors));
            let workers = instances.clamp(2, 64);
            assert!(instances == 1 || (instances + workers) * 64 <= descriptors, "{descriptors}: {instances}");
        }
    }
}
