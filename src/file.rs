//! Small files: read with a cap, replaced as a whole, edited by one process at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The content of `path`, a regular file of at most `limit` bytes. Does not wait for whoever would write to a pipe.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    read_open(&file, limit)
}

/// The rest of `file`, which has to be at most `limit` bytes long.
pub(crate) fn read_open(file: &File, limit: u64) -> io::Result<Vec<u8>> {
    let expected = file.metadata()?.len().min(limit);
    // One byte more, so that the end is found without growing.
    let mut bytes = Vec::with_capacity(usize::try_from(expected + 1).unwrap_or_default());
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// The directory `path` is in.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the directory `path` will be in, for this user alone where it is new.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory(path))
}

/// Replaces the content of `path` as a whole: a reader sees the old or the new one, also after a power failure.
/// A symbolic link keeps pointing where it points.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, None)
}

/// Replaces the content of `path` as a whole; afterwards only this user may read it, whoever might before.
#[cfg(feature = "http")]
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, Some(0o600))
}

/// Replaces `path`; it has the mode that it had, or `mode` from its first byte on.
fn replace_with(path: &Path, bytes: &[u8], mode: Option<u32>) -> io::Result<()> {
    let path = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let temporary = temporary_name(&path);
    let written = (|| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if let Some(mode) = mode {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        }
        let mut file = options.open(&temporary)?;
        if mode.is_none()
            && let Ok(old) = fs::metadata(&path)
        {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    })();
    if written.is_err() {
        // The error that matters is the one above.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    sync_directory(&path)
}

/// Creates `path`, which must not exist yet, with `mode`.
#[cfg(feature = "plugin-signing")]
pub(crate) fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let mut file = options.open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a file is worse than none; the error that matters is the one above.
        let _ = fs::remove_file(path);
        return written;
    }
    sync_directory(path)
}

/// Makes a rename or a new name last, on file systems that know how to for directories.
fn sync_directory(path: &Path) -> io::Result<()> {
    match File::open(directory(path))?.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

/// A name beside `path` that nobody else uses.
fn temporary_name(path: &Path) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}

/// Keeps other processes from editing files in the same directory while it lives.
#[derive(Debug)]
pub(crate) struct EditLock(#[allow(dead_code)] File); // closing it is what unlocks

impl EditLock {
    /// Waits for the directory of `path`, which has to exist.
    pub(crate) fn take(path: &Path) -> io::Result<Self> {
        let directory = File::open(directory(path))?;
        rustix::fs::flock(&directory, rustix::fs::FlockOperation::LockExclusive)?;
        Ok(Self(directory))
    }

    /// The lock of the directory of `path`, which has to exist, unless somebody else has it.
    #[cfg(feature = "http")]
    pub(crate) fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let directory = File::open(directory(path))?;
        match rustix::fs::flock(&directory, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self(directory))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("conductor-file-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_mode_and_its_link() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = scratch("replace");
        let (file, link) = (directory.join("file"), directory.join("link"));
        replace(&file, b"one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
        fs::remove_dir_all(directory).unwrap();
    }

    #[cfg(feature = "http")]
    #[test]
    fn a_private_file_is_nobody_elses_even_where_it_was() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = scratch("private");
        let file = directory.join("file");
        let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        replace_private(&file, b"one").unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        replace_private(&file, b"two").unwrap();
        assert_eq!((mode(), fs::read(&file).unwrap()), (0o600, b"two".to_vec()));
        fs::remove_dir_all(directory).unwrap();
    }

    #[cfg(feature = "http")]
    #[test]
    fn a_lock_that_somebody_has_is_not_waited_for() {
        let directory = scratch("lock");
        let file = directory.join("file");
        let taken = EditLock::try_take(&file).unwrap().expect("nobody has it");
        assert!(EditLock::try_take(&file).unwrap().is_none());
        drop(taken);
        assert!(EditLock::try_take(&file).unwrap().is_some());
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_file_above_the_cap_is_not_read() {
        let directory = scratch("cap");
        let file = directory.join("file");
        fs::write(&file, [0; 9]).unwrap();
        assert_eq!(read(&file, 9).unwrap().len(), 9);
        assert_eq!(read(&file, 8).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        fs::remove_dir_all(directory).unwrap();
    }
}
