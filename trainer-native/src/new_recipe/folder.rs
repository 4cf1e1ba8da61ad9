//! The recipe's folder on the disk: made beside its place, read once as training would read it, and
//! put in place whole.

use std::{fs, io, path::Path};

use anyhow::Result;

use super::{
    Parts, Request,
    source::{Row, Source},
    text::Plan,
};
use crate::{exit::bad_input, files, recipe_file::RecipeFile, rows};

/// That nothing would be overwritten.
///
/// # Errors
/// Bad input: a file, or a folder with anything in it.
pub fn check_empty(folder: &Path) -> Result<()> {
    let what = match fs::read_dir(folder).map(Iterator::count) {
        Ok(0) => return Ok(()),
        Ok(_) => "the folder is not empty",
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(_) => "is no folder that can be read",
    };
    Err(bad_input(format!(
        "{}: {what}. Name a folder that is not there yet.",
        folder.display()
    )))
}

/// Writes the folder. The user's own files are read with the new recipe first, so that an error
/// names their lines.
///
/// # Errors
/// Bad input: rows that the recipe's reader refuses. A failing disk.
pub fn write(request: &Request, given: &[&Source], parts: &Parts<'_>, plan: &Plan) -> Result<()> {
    let place = std::path::absolute(&request.folder)
        .map_err(|error| files::write_error(&request.folder, error))?;
    let parent = place.parent().unwrap_or(&place);
    files::create_folder(parent)?;
    let staged = tempfile::Builder::new()
        .prefix(".new-recipe-")
        .tempdir_in(parent)
        .map_err(|error| files::write_error(parent, error))?;
    let folder = staged.path().join(&plan.id);
    files::create_folder(&folder)?;
    files::write_atomic(&folder.join("recipe.toml"), plan.recipe.as_bytes())?;
    if let Some(schema) = &plan.schema {
        files::write_atomic(&folder.join("schema.json"), schema.as_bytes())?;
    }
    let file = RecipeFile::load(&folder.display().to_string(), &[]).map_err(|error| {
        let text = error
            .to_string()
            .replace(&folder.display().to_string(), "the new recipe");
        bad_input(text)
    })?;
    for source in given {
        rows::load(&source.path, &file.recipe)?;
    }
    for (name, rows) in [
        ("train", &parts.train),
        ("dev", &parts.dev),
        ("test", &parts.test),
    ] {
        let own = given_bytes(name, request, given);
        let bytes = own.map_or_else(|| lines(rows), <[u8]>::to_vec);
        files::write_atomic(&folder.join(format!("{name}.jsonl")), &bytes)?;
    }
    // An empty folder may stand there; a rename does not replace it on every system.
    if place.is_dir() {
        fs::remove_dir(&place).map_err(|error| files::write_error(&place, error))?;
    }
    fs::rename(&folder, &place).map_err(|error| files::write_error(&place, error))
}

/// The bytes of a file that the user gave for a part, copied as they are.
fn given_bytes<'a>(name: &str, request: &Request, given: &[&'a Source]) -> Option<&'a [u8]> {
    let path = match name {
        "dev" => request.dev.as_ref(),
        "test" => request.test.as_ref(),
        _ => None,
    }?;
    let source = given.iter().skip(1).find(|source| source.path == *path)?;
    Some(&source.bytes)
}

fn lines(rows: &[&Row]) -> Vec<u8> {
    let line = |row: &&Row| format!("{}\n", row.json);
    rows.iter().map(line).collect::<String>().into_bytes()
}
