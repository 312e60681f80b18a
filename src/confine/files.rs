//! Which files a confined thread reaches: Landlock.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

/// The newest version of Landlock whose restrictions are asked for. An older kernel gives those it knows.
const VERSION: ABI = ABI::V6;

/// Directories that stay within reach.
#[derive(Debug)]
pub(super) struct Files {
    /// Absent where the kernel has no Landlock.
    rules: Option<RulesetCreated>,
}

impl Files {
    pub(super) fn below<'a>(directories: impl IntoIterator<Item = &'a Path>) -> Self {
        let rules = rules(directories).unwrap_or_else(|error| {
            log::debug!("Landlock: {error}");
            None
        });
        Self { rules }
    }

    /// Restricts this thread; whether that holds.
    pub(super) fn restrict(&self) -> bool {
        let Some(rules) = self.rules.as_ref().and_then(|rules| rules.try_clone().ok()) else { return false };
        rules.restrict_self().is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
    }
}

/// What may be done below a data directory: what WASI can ask for. Programs, devices, sockets and pipes are not among it.
fn permitted() -> BitFlags<AccessFs> {
    let never = AccessFs::Execute
        | AccessFs::MakeChar
        | AccessFs::MakeBlock
        | AccessFs::MakeSock
        | AccessFs::MakeFifo
        | AccessFs::IoctlDev;
    AccessFs::from_all(VERSION) & !never
}

fn rules<'a>(directories: impl IntoIterator<Item = &'a Path>) -> Result<Option<RulesetCreated>, RulesetError> {
    // The first version is of no use: it forbids every rename from one directory into another, which guests may do.
    if Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(AccessFs::Refer).is_err() {
        return Ok(None);
    }
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(VERSION))?
        .handle_access(AccessNet::from_all(VERSION))?
        .scope(Scope::from_all(VERSION))?
        .create()?;
    // One that cannot be opened cannot be used either; whoever wants it says why.
    for directory in directories.into_iter().filter_map(|path| PathFd::new(path).ok()) {
        rules = rules.add_rule(PathBeneath::new(directory, permitted()))?;
    }
    Ok(Some(rules))
}

/// The newest version of Landlock that this kernel and this program know, found by asking for what each has brought.
pub(super) fn version() -> Option<u32> {
    let has = |version: ABI| {
        let rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        let rules = rules.handle_access(AccessFs::from_all(version));
        let rules = if version >= ABI::V4 {
            rules.and_then(|rules| rules.handle_access(AccessNet::from_all(version)))
        } else {
            rules
        };
        let rules =
            if version >= ABI::V6 { rules.and_then(|rules| rules.scope(Scope::from_all(version))) } else { rules };
        rules.is_ok()
    };
    [ABI::V6, ABI::V5, ABI::V4, ABI::V3, ABI::V2, ABI::V1]
        .into_iter()
        .find(|known| has(*known))
        .map(|known| known as u32)
}
