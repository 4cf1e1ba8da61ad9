//! A recipe folder from a data file: what the recipe says is inferred from the rows, and dev and
//! test rows are cut from training rows where they are not given.

mod folder;
mod knobs;
mod ordered;
mod schema;
mod source;
mod split;
mod text;

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Result;
use serde::Serialize;
use slm_task::Shape;

use crate::exit::bad_input;
use source::{Row, Source};
use split::{Cut, Item};

/// Most rows that a cut part has.
const MOST_ROWS: usize = 1000;
/// A cut part is one row in this many.
const ONE_IN: usize = 10;
/// Seed of the cut.
const SEED: u64 = 0;

/// What to make a recipe of.
#[derive(Debug)]
pub struct Request {
    /// The folder to make.
    pub folder: PathBuf,
    /// What the rows are.
    pub shape: Shape,
    /// Training rows.
    pub train: PathBuf,
    /// Rows for checkpoint selection; cut from the training rows where absent.
    pub dev: Option<PathBuf>,
    /// Rows for the report; cut from the training rows where absent.
    pub test: Option<PathBuf>,
}

/// What was made.
#[derive(Debug, Serialize)]
pub struct Made {
    /// The recipe's folder.
    pub folder: PathBuf,
    /// The recipe's id.
    pub id: String,
    /// The labels, by number of rows.
    pub labels: Vec<String>,
    /// Rows of each file.
    pub rows: [usize; 3],
    /// Which of `dev` and `test` were cut from the training rows.
    pub cut: Vec<&'static str>,
    /// What was decided, a sentence each.
    pub decisions: Vec<String>,
    /// What to look at before training, a sentence each.
    pub warnings: Vec<String>,
}

/// The rows that each file of the recipe gets.
struct Parts<'a> {
    train: Vec<&'a Row>,
    dev: Vec<&'a Row>,
    test: Vec<&'a Row>,
    cut: Vec<&'static str>,
}

/// Makes the folder, whole or not at all.
///
/// # Errors
/// Bad input: a folder that is not empty, rows that are not of the shape, fewer than two labels, or
/// too few rows to cut from. A shape whose rows cannot be read yet. A failing disk.
pub fn make(request: &Request) -> Result<Made> {
    folder::check_empty(&request.folder)?;
    request.shape.built("reading rows")?;
    let shape = request.shape;
    let train = Source::read(&request.train, shape)?;
    let read = |path: &Option<PathBuf>| {
        let path = path.as_ref();
        path.map(|path| Source::read(path, shape)).transpose()
    };
    let (dev, test) = (read(&request.dev)?, read(&request.test)?);
    let given: Vec<&Source> = [Some(&train), dev.as_ref(), test.as_ref()]
        .into_iter()
        .flatten()
        .collect();
    // Rows that hold no labels are told apart from rows that are too few, so they come first.
    let labels = text::labels(request, &given)?;
    let parts = divide(&train, dev.as_ref(), test.as_ref())?;
    let plan = text::plan(request, &given, &parts, labels)?;
    folder::write(request, &given, &parts, &plan)?;
    Ok(Made {
        folder: request.folder.clone(),
        id: plan.id,
        labels: plan.labels,
        rows: [parts.train.len(), parts.dev.len(), parts.test.len()],
        cut: parts.cut,
        decisions: plan.decisions,
        warnings: plan.warnings,
    })
}

/// What keeps rows from being spared, and what to add.
fn too_few(texts: &BTreeMap<&str, usize>, cut: &[&str]) -> String {
    const SHOWN: usize = 8;
    let mut rarest: Vec<(usize, &str)> = texts.iter().map(|(class, n)| (*n, *class)).collect();
    rarest.sort_unstable();
    let shown = rarest
        .iter()
        .take(SHOWN)
        .map(|(texts, class)| match *class {
            "" => format!("{texts} without a label"),
            class => format!("{texts} of {class:?}"),
        });
    format!(
        "a row is spared when each of its labels has at least {} different texts, one for training \
         and one for {}; found, of the rarest, {}. Add rows of them, or give rows with --{}.",
        1 + cut.len(),
        cut.join(" and for "),
        shown.collect::<Vec<_>>().join(", "),
        cut.join(" and --")
    )
}

/// Gives each file its rows.
fn divide<'a>(
    train: &'a Source,
    dev: Option<&'a Source>,
    test: Option<&'a Source>,
) -> Result<Parts<'a>> {
    let cut: Vec<&'static str> = [("dev", dev), ("test", test)]
        .into_iter()
        .filter(|(_, given)| given.is_none())
        .map(|(name, _)| name)
        .collect();
    let items: Vec<Item<'_>> = train
        .rows
        .iter()
        .map(|row| Item {
            text: &row.text,
            classes: &row.classes,
        })
        .collect();
    let fixed: Vec<&str> = [dev, test]
        .into_iter()
        .flatten()
        .flat_map(|source| source.rows.iter().map(|row| row.text.as_str()))
        .collect();
    let size = (items.len() / ONE_IN).clamp(1, MOST_ROWS);
    let Cut { train: stay, parts } = match cut.is_empty() {
        true => Cut {
            train: (0..items.len()).collect(),
            parts: Vec::new(),
        },
        false => split::cut(&items, &fixed, &vec![size; cut.len()], SEED),
    };
    if let Some((name, _)) = cut.iter().zip(&parts).find(|(_, part)| part.is_empty()) {
        let texts = split::different_texts(&items, &fixed);
        return Err(bad_input(format!(
            "{}: no rows can be spared for {name}: {}",
            train.path.display(),
            too_few(&texts, &cut)
        )));
    }
    let pick = |rows: &[usize]| rows.iter().map(|&row| &train.rows[row]).collect();
    let mut parts = parts.iter();
    let mut part = |given: Option<&'a Source>| match given {
        Some(source) => source.rows.iter().collect(),
        None => pick(parts.next().expect("a part for each file that is cut")),
    };
    Ok(Parts {
        dev: part(dev),
        test: part(test),
        train: pick(&stay),
        cut,
    })
}

#[cfg(test)]
mod tests;
