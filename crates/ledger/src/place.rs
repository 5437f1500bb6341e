//! Where a ledger may lie, and how a finished file gets its name.

use std::fs::File;
use std::path::Path;

use crate::error::Error;

/// Gives a finished file its name, which must be free, and makes both durable.
pub(crate) fn publish(from: &Path, to: &Path) -> Result<(), Error> {
    let synced = |path: &Path| File::open(path)?.sync_all();
    synced(from).map_err(|e| Error::file(from, e))?;
    rename_to_free(from, to).map_err(|error| {
        let taken = error.kind() == std::io::ErrorKind::AlreadyExists;
        if taken { Error::Exists { path: to.to_owned() } } else { Error::file(to, error) }
    })?;
    let folder = folder(to);
    // Windows has no handle on a directory to sync; its journal orders the rename.
    if cfg!(unix) { synced(folder).map_err(|e| Error::file(folder, e)) } else { Ok(()) }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn rename_to_free(from: &Path, to: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems cannot do it in one step.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            link(from, to)
        }
        result => result.map_err(Into::into),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn rename_to_free(from: &Path, to: &Path) -> std::io::Result<()> {
    link(from, to)
}

fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::hard_link(from, to)?;
    std::fs::remove_file(from)
}

/// Two names have two journals: a crash under one name is not repaired under the other.
#[cfg(unix)]
pub(crate) fn refuse_links(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt;
    let links = path.metadata().map_err(|e| Error::file(path, e))?.nlink();
    if links > 1 { Err(Error::Linked { path: path.to_owned(), links }) } else { Ok(()) }
}

#[cfg(not(unix))]
pub(crate) fn refuse_links(_: &Path) -> Result<(), Error> {
    Ok(())
}

/// Locks and write order cannot be relied on over a network.
#[cfg(target_os = "linux")]
pub(crate) fn refuse_network(path: &Path) -> Result<(), Error> {
    let asked = if path.exists() { path } else { folder(path) };
    let found = rustix::fs::statfs(asked).map_err(|e| Error::file(path, e.into()))?;
    // The field's type differs between architectures; the numbers have 32 bits on all.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "magic numbers have 32 bits")]
    let magic = found.f_type as u32;
    match network(magic) {
        Some(kind) => Err(Error::Network { path: path.to_owned(), kind }),
        None => Ok(()),
    }
}

/// The network file system that statfs(2) gives this number for.
#[cfg(target_os = "linux")]
fn network(magic: u32) -> Option<&'static str> {
    const NETWORK: [(u32, &str); 10] = [
        (0x6969, "nfs"),
        (0xff53_4d42, "cifs"),
        (0xfe53_4d42, "smb2"),
        (0x517b, "smb"),
        (0x0102_1997, "9p"),
        (0x00c3_6400, "ceph"),
        (0x5346_414f, "afs"),
        (0x7375_7245, "coda"),
        (0x564c, "ncp"),
        (0x0bd0_0bd0, "lustre"),
    ];
    NETWORK.iter().find(|(number, _)| *number == magic).map(|(_, kind)| *kind)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn refuse_network(_: &Path) -> Result<(), Error> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{network, refuse_network};

    #[test]
    fn network_file_systems_are_known_and_local_ones_are_not() {
        assert_eq!(network(0x6969), Some("nfs"));
        assert_eq!(network(0xff53_4d42), Some("cifs"));
        // ext4, tmpfs, xfs, btrfs, overlayfs
        for local in [0xef53, 0x0102_1994, 0x5846_5342, 0x9123_683e, 0x794c_7630] {
            assert_eq!(network(local), None);
        }
        refuse_network(&std::env::temp_dir()).unwrap();
    }
}
