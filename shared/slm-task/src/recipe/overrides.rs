//! Changing single keys of a recipe, as `--set key=value` does.

use super::{
    Recipe,
    keys::{self, KEYS, Kind},
};
use crate::error::{Place, TaskError, nearest};

impl Recipe {
    /// Sets the key at a dotted path (`sft.lr`) to a value written as in TOML. Texts need no
    /// quotes, and a list of names may be written `q_proj,v_proj`,
    /// a section `IBAN=0.9,EMAIL=0.8`.
    ///
    /// # Errors
    /// An unknown key, with the nearest one; a value that a recipe file could not have there. The
    /// recipe is then unchanged.
    pub fn set(&mut self, path: &str, value: &str) -> Result<(), TaskError> {
        let file = format!("--set {path}={value}");
        let Some(key) = keys::find(path) else {
            return Err(TaskError::UnknownKey {
                place: Place::file(&file).into(),
                advice: unknown_advice(path),
            });
        };
        let mut root: toml::Table = toml::from_str(&self.to_toml()).expect("our own TOML parses");
        let (section, name) = key.split();
        let table = match section {
            "" => &mut root,
            section => root
                .entry(section)
                .or_insert_with(|| toml::Table::new().into())
                .as_table_mut()
                .expect("our own TOML has sections"),
        };
        table.insert(name.to_string(), read(key.kind, value));
        let text = toml::to_string(&root).expect("a table is TOML");
        *self = Self::parse(&text, &file).map_err(without_line)?;
        Ok(())
    }
}

/// The value in the form that its key wants; whether it is acceptable is found out by parsing.
fn read(kind: Kind, written: &str) -> toml::Value {
    let parsed = |written: &str| {
        let line = format!("value = {written}");
        let table: Option<toml::Table> = toml::from_str(&line).ok();
        table.and_then(|mut t| t.remove("value"))
    };
    let as_toml = || parsed(written.trim());
    let text = || toml::Value::String(written.to_string());
    match kind {
        Kind::Text | Kind::FreeText | Kind::Id | Kind::Path | Kind::Schema | Kind::Choice(_) => {
            as_toml().filter(|v| v.is_str()).unwrap_or_else(text)
        }
        Kind::Texts | Kind::Labels | Kind::Choices(_) => as_toml()
            .filter(|v| v.is_array())
            .unwrap_or_else(|| written.split(',').map(str::trim).collect::<Vec<_>>().into()),
        Kind::Layers => as_toml()
            .filter(|v| v.is_array())
            .or_else(|| parsed(&format!("[{written}]")))
            .unwrap_or_else(text),
        Kind::Shares => as_toml()
            .filter(|v| v.is_table())
            .or_else(|| parsed(&format!("{{{written}}}")))
            .unwrap_or_else(text),
        Kind::Integer { .. } | Kind::NotNegative | Kind::Positive | Kind::Passes | Kind::Share => {
            as_toml().unwrap_or_else(text)
        }
    }
}

fn unknown_advice(path: &str) -> String {
    let paths: Vec<&str> = KEYS.iter().map(|k| k.path).collect();
    let by_name = KEYS.iter().find(|k| k.split().1 == path).map(|k| k.path);
    match by_name.or_else(|| nearest(path, &paths)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => keys::advice(path),
    }
}

/// Lines of the text that `set` writes for itself mean nothing to the user.
fn without_line(mut error: TaskError) -> TaskError {
    if let TaskError::Input { place, .. } | TaskError::UnknownKey { place, .. } = &mut error {
        place.line = None;
    }
    error
}
