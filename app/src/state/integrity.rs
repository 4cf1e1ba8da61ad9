//! Hashes, sizes and names of what arrives, checked against what was promised.

use sha2::{Digest, Sha256};
use slm_task::bundle::{FileEntry, Manifest};

use crate::error::AppError;

/// Files that every bundle has.
pub const BUNDLE_FILES: [&str; 7] = [
    "recipe.toml",
    "adapter_config.json",
    "adapter_model.safetensors",
    "test.jsonl",
    "predictions.json",
    "report.json",
    "probes.json",
];

/// sha256 over bytes that arrive piece by piece.
#[derive(Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash in hex.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// sha256 of a whole file, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Enough of a hash to tell two files apart by eye.
pub fn short(sha256: &str) -> String {
    match sha256.get(..12) {
        Some(start) => format!("{start}…"),
        None => sha256.to_owned(),
    }
}

/// A file against its entry in the manifest.
///
/// # Errors
/// Size or hash differs.
pub fn verify(entry: &FileEntry, bytes: &[u8]) -> Result<(), AppError> {
    let damaged = |property, expected: String, found: String| AppError::Damaged {
        name: entry.path.clone(),
        property,
        expected,
        found,
    };
    let size = bytes.len() as u64;
    if size != entry.size {
        return Err(damaged(
            "size",
            format!("{} bytes", entry.size),
            format!("{size} bytes"),
        ));
    }
    let found = sha256(bytes);
    if found != entry.sha256 {
        return Err(damaged("sha256", short(&entry.sha256), short(&found)));
    }
    Ok(())
}

/// Text of a file; what is not UTF-8 becomes a sign that no parser takes for anything else.
pub fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// `manifest.json` of a bundle for the gallery's base, checked.
///
/// # Errors
/// Not a manifest, of another layout or numerics version, for another base, or without a file that
/// every bundle has.
pub fn manifest(bytes: &[u8], base_sha256: &str, numerics: u32) -> Result<Manifest, AppError> {
    let manifest = Manifest::parse(&text(bytes), "manifest.json")?;
    if manifest.base_sha256 != base_sha256 {
        return Err(AppError::WrongBase {
            adapter: short(&manifest.base_sha256),
            base: short(base_sha256),
        });
    }
    if manifest.numerics != numerics {
        return Err(AppError::Numerics {
            bundle: manifest.numerics,
            runtime: numerics,
        });
    }
    for required in BUNDLE_FILES {
        if manifest.entry(required).is_none() {
            let reason = format!("it does not list {required}");
            return Err(AppError::Manifest { reason });
        }
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn files_are_held_to_their_entry() {
        let entry = |size, sha256: &str| FileEntry {
            path: "a.json".into(),
            size,
            sha256: sha256.into(),
        };
        let check = |entry: FileEntry, expected: Option<&str>| {
            let found = verify(&entry, b"abc").err().map(|error| error.to_string());
            assert_eq!(found.as_deref(), expected);
        };
        check(entry(3, ABC), None);
        check(
            entry(4, ABC),
            Some("a.json is damaged: its size is 3 bytes, the manifest says 4 bytes."),
        );
        check(
            entry(3, &"0".repeat(64)),
            Some(
                "a.json is damaged: its sha256 is ba7816bf8f01…, the manifest says 000000000000….",
            ),
        );
    }

    #[test]
    fn pieces_hash_as_the_whole() {
        let mut hasher = Hasher::default();
        hasher.update(b"a");
        hasher.update(b"bc");
        assert_eq!(hasher.finish(), ABC);
    }

    fn manifest_json(change: impl Fn(&mut Manifest)) -> Vec<u8> {
        let mut manifest = Manifest {
            format: slm_task::bundle::FORMAT,
            numerics: 1,
            recipe: "sentiment".into(),
            base_sha256: "b".repeat(64),
            files: BUNDLE_FILES
                .map(|path| FileEntry {
                    path: path.into(),
                    size: 0,
                    sha256: "a".repeat(64),
                })
                .to_vec(),
            licences: vec![],
        };
        change(&mut manifest);
        serde_json::to_vec(&manifest).unwrap()
    }

    #[test]
    fn a_manifest_is_refused_with_the_reason() {
        let check = |change: &dyn Fn(&mut Manifest), expected: Option<&str>| {
            let bytes = manifest_json(change);
            let found = manifest(&bytes, &"b".repeat(64), 1).err();
            let found = found.map(|error| error.to_string());
            assert_eq!(found.as_deref(), expected);
        };
        check(&|_| {}, None);
        check(
            &|manifest| manifest.numerics = 2,
            Some("the bundle was made with numerics version 2; this page has version 1."),
        );
        check(
            &|manifest| manifest.base_sha256 = "c".repeat(64),
            Some(
                "the adapter belongs to another base model: it was trained on cccccccccccc…, this gallery serves bbbbbbbbbbbb….",
            ),
        );
        check(
            &|manifest| manifest.files.truncate(1),
            Some("the manifest of this recipe is wrong: it does not list adapter_config.json."),
        );
    }

    #[test]
    fn what_is_no_manifest_is_named() {
        let found = manifest(b"<!doctype html>", "", 1).unwrap_err().to_string();
        assert!(found.starts_with("manifest.json:1: found "), "{found}");
    }
}
