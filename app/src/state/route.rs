//! Addresses inside the page: `#/` and `#/recipe/<id>/<tab>`. Hashes need nothing of the host.

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// All recipes.
    Gallery,
    /// One recipe.
    Recipe {
        /// Its id.
        id: String,
        /// The open tab.
        tab: Tab,
    },
}

/// Tabs of a recipe, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Type and see.
    Try,
    /// Score the test rows here.
    Evaluate,
    /// The shipped report.
    Report,
}

impl Tab {
    /// All tabs, in order.
    pub const ALL: [Self; 3] = [Self::Try, Self::Evaluate, Self::Report];

    /// Word in the address and in element ids.
    pub fn id(self) -> &'static str {
        match self {
            Self::Try => "try",
            Self::Evaluate => "evaluate",
            Self::Report => "report",
        }
    }

    /// Word on the tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Try => "Try",
            Self::Evaluate => "Evaluate",
            Self::Report => "Report",
        }
    }

    /// The tab that a key moves to, by the conventions for tab lists: arrows wrap around.
    pub fn after_key(self, key: &str) -> Option<Self> {
        let at = Self::ALL.iter().position(|tab| *tab == self)?;
        let last = Self::ALL.len() - 1;
        let to = match key {
            "ArrowRight" => (at + 1) % Self::ALL.len(),
            "ArrowLeft" => at.checked_sub(1).unwrap_or(last),
            "Home" => 0,
            "End" => last,
            _ => return None,
        };
        Some(Self::ALL[to])
    }
}

impl Route {
    /// Reads a hash; whatever is not understood is the gallery, or the first tab.
    pub fn parse(hash: &str) -> Self {
        let mut parts = hash.trim_start_matches('#').trim_matches('/').split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("recipe"), Some(id), tab) if !id.is_empty() => Self::Recipe {
                id: id.to_owned(),
                tab: Tab::ALL
                    .into_iter()
                    .find(|known| Some(known.id()) == tab)
                    .unwrap_or(Tab::Try),
            },
            _ => Self::Gallery,
        }
    }

    /// The hash that [`Route::parse`] reads back.
    pub fn hash(&self) -> String {
        match self {
            Self::Gallery => "#/".to_owned(),
            Self::Recipe { id, tab } => format!("#/recipe/{id}/{}", tab.id()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        let recipe = |id: &str, tab| Route::Recipe { id: id.into(), tab };
        let check =
            |hash: &str, expected: Route| assert_eq!(Route::parse(hash), expected, "{hash}");
        check("", Route::Gallery);
        check("#/", Route::Gallery);
        check("#/nonsense", Route::Gallery);
        check("#/recipe/", Route::Gallery);
        check("#/recipe/sentiment", recipe("sentiment", Tab::Try));
        check(
            "#/recipe/sentiment/report",
            recipe("sentiment", Tab::Report),
        );
        check("#/recipe/sentiment/nonsense", recipe("sentiment", Tab::Try));
        for tab in Tab::ALL {
            check(&recipe("a-1", tab).hash(), recipe("a-1", tab));
        }
        check(&Route::Gallery.hash(), Route::Gallery);
    }

    #[test]
    fn arrow_keys_walk_the_tabs_in_a_circle() {
        let check = |from: Tab, key, to| assert_eq!(from.after_key(key), to, "{from:?} {key}");
        check(Tab::Try, "ArrowRight", Some(Tab::Evaluate));
        check(Tab::Report, "ArrowRight", Some(Tab::Try));
        check(Tab::Try, "ArrowLeft", Some(Tab::Report));
        check(Tab::Try, "End", Some(Tab::Report));
        check(Tab::Report, "Home", Some(Tab::Try));
        check(Tab::Try, "a", None);
    }
}
