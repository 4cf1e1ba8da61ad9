//! Reading and writing files so that an error names the file and a crash leaves no half of one.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{exit::bad_input, terminal};

/// The whole of a file the user named.
///
/// # Errors
/// Bad input when it is not there or is a folder; otherwise what the system says.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    match fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(bad_input(format!(
            "{}: no such file. Check the path.",
            path.display()
        ))),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory || path.is_dir() => Err(
            bad_input(format!("{}: is a folder; expected a file.", path.display())),
        ),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// A text file the user named.
///
/// # Errors
/// As [`read`]; bad input when it is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|error| {
        bad_input(format!(
            "{}: byte {} is not UTF-8. Save the file as UTF-8.",
            path.display(),
            error.utf8_error().valid_up_to()
        ))
    })
}

/// A JSON file that this program wrote.
///
/// # Errors
/// As [`read`]; bad input when it does not parse as `T`.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&read(path)?)
        .map_err(|error| bad_input(format!("{}: {error}", path.display())))
}

/// Writes a file whole or not at all: a temporary file beside it, flushed to the disk, renamed. A link
/// is followed; what is no plain file (a device, a pipe) stays what it is and is written to.
///
/// # Errors
/// What the system says, with the file's name and what to do on a full disk; bad input for a folder
/// that is not there.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write_together(&[(path, bytes)])
}

/// Writes files as [`write_atomic`] does, each only once all of them are on the disk beside their places:
/// a folder that is not there or a full disk leaves all of them as they were. What is no plain file is
/// written to before the others take their places, too.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_together(files: &[(&Path, &[u8])]) -> Result<()> {
    let staged = files
        .iter()
        .map(|(path, bytes)| Staged::new(path, bytes).map_err(|error| write_error(path, error)));
    let mut staged: Vec<Staged<'_>> = staged.collect::<Result<_>>()?;
    staged.sort_by_key(|file| file.beside.is_some());
    staged.into_iter().try_for_each(|file| {
        let path = file.path;
        file.put().map_err(|error| write_error(path, error))
    })
}

/// A file on its way to its place.
struct Staged<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    /// The whole of it beside its place, and the place; none for what is no plain file.
    beside: Option<(PathBuf, PathBuf)>,
}

impl<'a> Staged<'a> {
    fn new(path: &'a Path, bytes: &'a [u8]) -> io::Result<Self> {
        let mut staged = Self {
            path,
            bytes,
            beside: None,
        };
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => return Ok(staged),
            _ => {}
        }
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let temporary = format!(".{name}.{}.partial", std::process::id());
        let temporary = place.with_file_name(temporary);
        // Known before it is made, so that what fails on the way is taken away.
        let (temporary, _) = &*staged.beside.insert((temporary, place));
        let mut file = File::create(temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(staged)
    }

    fn put(self) -> io::Result<()> {
        let Some((temporary, place)) = &self.beside else {
            let mut file = File::options().write(true).open(self.path)?;
            return file.write_all(self.bytes);
        };
        fs::rename(temporary, place)?;
        // The rename itself lasts only once the folder is on the disk.
        let folder = place.parent().unwrap_or(Path::new("."));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .or(Ok(()))
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if let Some((temporary, _)) = &self.beside {
            let _ = fs::remove_file(temporary);
        }
    }
}

/// An error of writing, in words a person can act on.
pub fn write_error(path: &Path, error: io::Error) -> anyhow::Error {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    match (error.kind(), folder) {
        (io::ErrorKind::NotFound, Some(folder)) => bad_input(format!(
            "cannot write {}: there is no folder {}. Make it, or name another place.",
            path.display(),
            folder.display()
        )),
        (io::ErrorKind::IsADirectory, _) => bad_input(format!(
            "cannot write {}: it is a folder. Name a file.",
            path.display()
        )),
        (io::ErrorKind::NotADirectory, _) => bad_input(format!(
            "cannot write {}: a file stands where a folder should. Name another place.",
            path.display()
        )),
        (kind, _) => anyhow::anyhow!("cannot write {}: {error}{}", path.display(), advice(kind)),
    }
}

/// What to do about an error of writing, where something can be said.
fn advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ". Free some space, or write to another disk"
        }
        io::ErrorKind::FileTooLarge => {
            ". Raise the limit on the size of a file (`ulimit -f`), or write to another disk"
        }
        io::ErrorKind::PermissionDenied => ". Choose a folder that you may write to",
        io::ErrorKind::NotADirectory => ". A file stands where a folder should: name another place",
        _ => "",
    }
}

/// Writes `value` as indented JSON with a final newline, atomically. `-` is standard output.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let text = json_text(value)?;
    if path == Path::new("-") {
        return terminal::print(&text);
    }
    write_atomic(path, text.as_bytes())
}

/// `value` as indented JSON with a final newline.
///
/// # Errors
/// A value that JSON cannot hold.
pub fn json_text<T: Serialize>(value: &T) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Refuses an output that is one of the inputs: writing it would lose what was read.
///
/// # Errors
/// Bad input that names the file.
pub fn keep_inputs(output: &Path, inputs: &[&Path]) -> Result<()> {
    match inputs.iter().any(|input| is_same_place(output, input)) {
        true => Err(bad_input(format!(
            "{}: would be written over, and it is an input of this command. Name another file.",
            output.display()
        ))),
        false => Ok(()),
    }
}

/// Whether two paths, of files that are there or not, lead to one place.
pub fn is_same_place(a: &Path, b: &Path) -> bool {
    let place = |path: &Path| -> Option<PathBuf> {
        let folder = || {
            let folder = path.parent().filter(|folder| *folder != Path::new(""));
            let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
            Some(folder.join(path.file_name()?))
        };
        let there = path.canonicalize().ok().or_else(folder);
        there.or_else(|| std::path::absolute(path).ok())
    };
    place(a) == place(b)
}

/// Creates a folder and its parents.
///
/// # Errors
/// What the system says, with the folder's name.
pub fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| {
        let advice = advice(error.kind());
        anyhow::anyhow!("cannot make the folder {}: {error}{advice}", path.display())
    })
}

/// sha256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_replace_whole_files_and_leave_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn files_are_written_together_or_not_at_all() {
        let home = tempfile::tempdir().unwrap();
        let place = |name: &str| home.path().join(name);
        fs::create_dir(place("folder")).unwrap();
        fs::write(place("old"), "as it was").unwrap();
        for (wrong, words) in [
            ("folder", "it is a folder. Name a file"),
            ("none/a", "there is no folder"),
            ("old/a", "a file stands where a folder should"),
        ] {
            let files = [place("old"), place("new"), place(wrong)];
            let files: Vec<_> = files.iter().map(|path| (&**path, &b"new"[..])).collect();
            let error = write_together(&files).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            let shown = place(wrong).display().to_string();
            assert!(error.contains(&shown), "{error}");
            assert_eq!(fs::read(place("old")).unwrap(), b"as it was");
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
            write_together(&files[..1]).unwrap();
            assert_eq!(fs::read(place("old")).unwrap(), b"new");
            fs::write(place("old"), "as it was").unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_devices_stay_devices() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::write(place("file"), "one").unwrap();
        symlink(place("file"), place("link")).unwrap();
        write_atomic(&place("link"), b"two").unwrap();
        assert_eq!(fs::read(place("file")).unwrap(), b"two");
        assert!(place("link").is_symlink());
        #[cfg(target_os = "linux")]
        {
            symlink("/dev/full", place("full")).unwrap();
            let error = write_atomic(&place("full"), b"three").unwrap_err();
            assert!(error.to_string().contains("Free some space"), "{error}");
            assert!(place("full").is_symlink());
        }
    }

    #[test]
    fn one_place_is_known_before_there_is_anything() {
        let home = tempfile::tempdir().unwrap();
        let place = |name: &str| home.path().join(name);
        fs::create_dir(place("sub")).unwrap();
        let check = |a: &str, b: &str, same| assert_eq!(is_same_place(&place(a), &place(b)), same);
        check("new", "sub/../new", true);
        check("new", "./new", true);
        check("new", "sub/new", false);
        fs::write(place("new"), "").unwrap();
        check("new", "sub/../new", true);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("file"), "").unwrap();
        let error = create_folder(&home.path().join("file/a/b"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("cannot make the folder"), "{error}");
        assert!(
            error.contains("A file stands where a folder should"),
            "{error}"
        );
    }

    #[test]
    fn errors_name_the_file() {
        let check = |error: anyhow::Error, expected: &str| {
            let text = error.to_string();
            assert!(text.contains(expected), "{text}");
        };
        check(
            read(Path::new("no/such/file")).unwrap_err(),
            "no/such/file: no such file",
        );
        check(read(Path::new(".")).unwrap_err(), "is a folder");
        let full = io::Error::from(io::ErrorKind::StorageFull);
        check(write_error(Path::new("out"), full), "Free some space");
    }

    #[test]
    fn hashes() {
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
