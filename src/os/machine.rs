//! The machine's memory, as far as this process may use it.

use std::path::{Path, PathBuf};

/// Memory this process can have, in bytes: the machine's, or less where a control group limits it. `None` where neither is told.
#[must_use]
pub fn memory() -> Option<u64> {
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let machine = read(Path::new("/proc/meminfo")).and_then(|text| total(&text));
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let limits = limit_files(&groups).into_iter().filter_map(|file| limit(&read(&file)?));
    // A limit beyond the machine's memory, as old control groups have where there is none, is none.
    machine.into_iter().chain(limits).min()
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// A limit in bytes; `max` is none.
fn limit(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// The files that limit the groups of `/proc/self/cgroup`, from each up to the root: what is above limits what is below. In a
/// container its own group is the root, whatever the path says, and is found there.
fn limit_files(groups: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            list if list.split(',').any(|name| name == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => continue,
        };
        let path = Path::new(path.trim_start_matches('/'));
        if path.components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
            continue; // a group outside this process's view of them
        }
        files.extend(path.ancestors().map(|group| Path::new(root).join(group).join(file)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_memory_is_read_in_bytes() {
        assert_eq!(total("MemTotal:        1015928 kB\nMemFree:  1 kB\n"), Some(1_015_928 * 1024));
        assert_eq!(total("MemFree:  1 kB\n"), None);
        assert_eq!(total("MemTotal: 99999999999999999999 kB\n"), None);
    }

    #[test]
    fn every_group_above_limits_as_well() {
        let files =
            |groups| limit_files(groups).iter().map(|file| file.to_string_lossy().to_string()).collect::<Vec<_>>();
        assert_eq!(
            files("0::/user.slice/me.service\n"),
            [
                "/sys/fs/cgroup/user.slice/me.service/memory.max",
                "/sys/fs/cgroup/user.slice/memory.max",
                "/sys/fs/cgroup/memory.max"
            ]
        );
        assert_eq!(
            files("3:cpu,memory:/box\n2:pids:/box\nnonsense\n"),
            ["/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        );
        assert!(files("0::/../outside\n").is_empty());
    }

    #[test]
    fn a_group_without_a_limit_has_none() {
        assert_eq!((limit("max\n"), limit("536870912\n"), limit("-1\n")), (None, Some(536_870_912), None));
    }
}
