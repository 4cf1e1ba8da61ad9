//! The ways to name a base model.

use std::path::PathBuf;

use anyhow::Result;

use crate::exit::bad_input;

/// What a user's name for a base model means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// None given.
    Default,
    /// A file that is there.
    Path(PathBuf),
    /// A repository on Hugging Face.
    Hub(HubName),
}

/// `owner/name[:file]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HubName {
    /// `owner/name`.
    pub(super) repository: String,
    /// A `.gguf` file in it; the only one there when not given.
    pub(super) file: Option<String>,
}

impl Name {
    /// A file that is there wins over a repository of the same spelling.
    pub(super) fn parse(name: Option<&str>) -> Result<Self> {
        let Some(name) = name else {
            return Ok(Self::Default);
        };
        let path = PathBuf::from(name);
        if path.is_file() {
            return Ok(Self::Path(path));
        }
        if path.is_dir() {
            return Err(bad_input(format!(
                "base model {name}: found a folder; expected a GGUF file. Name the file in it."
            )));
        }
        match HubName::parse(name) {
            Some(hub) => Ok(Self::Hub(hub)),
            None => Err(bad_input(format!(
                "base model {name}: no such file. Give the path of a `.gguf` file, a Hugging Face \
                 name `owner/name[:file.gguf]`, or no name for the default."
            ))),
        }
    }
}

impl HubName {
    fn parse(name: &str) -> Option<Self> {
        let (repository, file) = match name.split_once(':') {
            Some((repository, file)) => (repository, Some(file)),
            None => (name, None),
        };
        let (owner, model) = repository.split_once('/')?;
        let plain = |part: &str| {
            let character = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !part.is_empty() && !part.starts_with('.') && part.chars().all(character)
        };
        let file_fits = |file: &str| file.ends_with(".gguf") && file.split('/').all(plain);
        // `models/x.gguf` is a mistyped path rather than a repository.
        let fits = plain(owner) && plain(model) && !model.ends_with(".gguf");
        (fits && file.is_none_or(file_fits)).then(|| Self {
            repository: repository.to_owned(),
            file: file.map(str::to_owned),
        })
    }

    /// Beginning of the names of this repository's files in the cache.
    pub(super) fn prefix(&self) -> String {
        format!("{}--", self.repository.replace('/', "--"))
    }

    /// Name of one of its files in the cache.
    pub(super) fn cached(&self, file: &str) -> String {
        format!("{}{}", self.prefix(), file.replace('/', "--"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let hub = |repository: &str, file: Option<&str>| {
            Some(Name::Hub(HubName {
                repository: repository.into(),
                file: file.map(Into::into),
            }))
        };
        let check = |name: Option<&str>, expected: Option<Name>| {
            assert_eq!(Name::parse(name).ok(), expected, "{name:?}");
        };
        check(None, Some(Name::Default));
        check(Some("Cargo.toml"), Some(Name::Path("Cargo.toml".into())));
        check(Some("owner/name"), hub("owner/name", None));
        check(Some("o/n-1.5:q/m.gguf"), hub("o/n-1.5", Some("q/m.gguf")));
        for bad in [
            "",
            "name",
            "a/b/c",
            "o/n:m.bin",
            "models/x.gguf",
            "o/n:../x.gguf",
            "src",
            "/n",
        ] {
            check(Some(bad), None);
        }
    }
}
