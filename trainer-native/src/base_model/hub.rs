//! A base model from Hugging Face.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use hf_hub::{
    Cache,
    api::sync::{ApiBuilder, ApiError, ApiRepo},
};

use super::{Progress, Step, name::HubName};
use crate::exit::bad_input;

/// Times a broken download is taken up again before giving up.
const RETRIES: usize = 3;

/// Where to download from and to.
pub(super) struct Download<'a> {
    /// Where Hugging Face is.
    pub(super) endpoint: &'a str,
    /// Token for gated repositories.
    pub(super) token: Option<String>,
    /// Unfinished files are kept here, so that a later call goes on with them.
    pub(super) folder: &'a Path,
}

/// A downloaded file.
pub(super) struct Fetched {
    /// Where it lies.
    pub(super) path: PathBuf,
    /// Its path in the repository.
    pub(super) file: String,
    /// sha256 in hex, where the server states one.
    pub(super) sha256: Option<String>,
}

impl Download<'_> {
    /// Downloads the named file, or the only GGUF of the repository.
    pub(super) fn fetch(&self, name: &HubName, progress: &dyn Progress) -> Result<Fetched> {
        let mut builder = ApiBuilder::from_cache(Cache::new(self.folder.to_owned()))
            .with_endpoint(self.endpoint.to_owned())
            .with_retries(RETRIES)
            .with_progress(false);
        // Without one, the library would look for a token beside the cache.
        builder = builder.with_token(self.token.clone());
        let failed = |error| explain(&name.repository, error);
        let repository = builder
            .build()
            .map_err(failed)?
            .model(name.repository.clone());
        let file = match &name.file {
            Some(file) => file.clone(),
            None => only_gguf(name, &repository)?,
        };
        let pointer = repository
            .download_with_progress(
                &file,
                Reporter {
                    progress,
                    step: None,
                    done: 0,
                },
            )
            .map_err(failed)?;
        // The library names files by the server's ETag, which for large files is their sha256.
        let path = pointer.canonicalize()?;
        let tag = path.file_name().unwrap_or_default().to_string_lossy();
        let is_hash = tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok(Fetched {
            sha256: is_hash.then(|| tag.to_ascii_lowercase()),
            path: path.clone(),
            file,
        })
    }
}

fn only_gguf(name: &HubName, repository: &ApiRepo) -> Result<String> {
    let info = repository
        .info()
        .map_err(|error| explain(&name.repository, error))?;
    let mut files: Vec<String> = (info.siblings.into_iter())
        .map(|sibling| sibling.rfilename)
        .filter(|file| file.ends_with(".gguf"))
        .collect();
    files.sort();
    match files.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(bad_input(format!(
            "{}: the repository has no GGUF file. Name one that has; they often end in `-GGUF`.",
            name.repository
        ))),
        many => Err(bad_input(format!(
            "{0}: the repository has {1} GGUF files. Name one as {0}:FILE, out of:\n  {2}",
            name.repository,
            many.len(),
            many.join("\n  ")
        ))),
    }
}

/// An error of the library with what to do.
fn explain(repository: &str, error: ApiError) -> anyhow::Error {
    let text = error.to_string();
    let advice = if text.contains("404") {
        return bad_input(format!(
            "{repository}: no such repository or file on Hugging Face ({text}). Check the spelling."
        ));
    } else if text.contains("401") || text.contains("403") {
        "The repository does not exist, or is not open to you: check the spelling, or set HF_TOKEN \
         to a token that may read it."
    } else if is_full(&error) {
        "Free some space, or set SLM_HOME to a folder on another disk."
    } else {
        "Check the network connection; what was downloaded is kept, and pulling again goes on \
         with it."
    };
    anyhow!("cannot download {repository}: {text}. {advice}")
}

fn is_full(error: &ApiError) -> bool {
    match error {
        ApiError::IoError(error) => error.kind() == std::io::ErrorKind::StorageFull,
        ApiError::TooManyRetries(error) => is_full(error),
        _ => false,
    }
}

/// Our progress behind the library's.
struct Reporter<'a> {
    progress: &'a dyn Progress,
    step: Option<Step<'a>>,
    done: u64,
}

impl hf_hub::api::Progress for Reporter<'_> {
    /// Called again when a broken download goes on.
    fn init(&mut self, size: usize, _file: &str) {
        let step = Step::new(self.progress, "downloading the base model", size as u64);
        (self.step, self.done) = (Some(step), 0);
    }

    fn update(&mut self, size: usize) {
        self.done += size as u64;
        if let Some(step) = &mut self.step {
            step.at(self.done);
        }
    }

    fn finish(&mut self) {
        if let Some(step) = self.step.take() {
            step.finish();
        }
    }
}
