//! Which crate may use which, read from `cargo metadata` and `cargo tree`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{shell, workspace};

/// Each crate of ours with those of ours that it may use. Tests see everything but the page, which
/// they meet in a browser; `app` and `trainer-native` never meet.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("slm-task", &[]),
    ("slm-kernels", &[]),
    ("slm-view", &["slm-task"]),
    ("slm-model", &["slm-task", "slm-kernels"]),
    ("slm-train", &["slm-task", "slm-kernels", "slm-model"]),
    (
        "slm-app",
        &[
            "slm-task",
            "slm-kernels",
            "slm-model",
            "slm-train",
            "slm-view",
        ],
    ),
    (
        "trainer-native",
        &[
            "slm-task",
            "slm-kernels",
            "slm-model",
            "slm-train",
            "slm-view",
        ],
    ),
    (
        "slm-tests",
        &[
            "slm-task",
            "slm-kernels",
            "slm-model",
            "slm-train",
            "slm-view",
            "trainer-native",
        ],
    ),
    (
        "slm-bench",
        &[
            "slm-task",
            "slm-kernels",
            "slm-model",
            "slm-train",
            "slm-tests",
        ],
    ),
    ("xtask", &[]),
];

/// Fails with every edge that is not allowed.
pub fn check() -> Result<()> {
    let metadata = workspace::metadata()?;
    let mut faults = wrong_edges(&metadata)?;
    faults.extend(view_chooses_a_renderer(&metadata)?);
    faults.extend(wrong_renderer(
        "slm-app",
        Some(workspace::WASM),
        "csr",
        "ssr",
    )?);
    faults.extend(wrong_renderer("trainer-native", None, "ssr", "csr")?);
    if !faults.is_empty() {
        bail!("\n  {}", faults.join("\n  "));
    }
    Ok(())
}

/// The folder of each crate of ours.
pub fn member_folders() -> Result<Vec<PathBuf>> {
    let metadata = workspace::metadata()?;
    packages(&metadata)?
        .iter()
        .map(|package| {
            let manifest = text(package, "manifest_path")?;
            Ok(Path::new(manifest)
                .parent()
                .context("a manifest without a folder")?
                .to_path_buf())
        })
        .collect()
}

fn wrong_edges(metadata: &Value) -> Result<Vec<String>> {
    let ours: BTreeSet<&str> = packages(metadata)?
        .iter()
        .map(|package| text(package, "name"))
        .collect::<Result<_>>()?;
    let mut faults = Vec::new();
    for package in packages(metadata)? {
        let name = text(package, "name")?;
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == name) else {
            faults.push(format!(
                "{name} is not in MAY_USE of xtask/src/directions.rs: add it there"
            ));
            continue;
        };
        for dependency in dependencies(package)? {
            let other = text(dependency, "name")?;
            // Tests of a crate may look further than the crate does.
            let for_tests = dependency["kind"].as_str() == Some("dev");
            if ours.contains(other) && !for_tests && !allowed.contains(&other) {
                faults.push(format!("{name} must not depend on {other}"));
            }
        }
    }
    Ok(faults)
}

/// slm-view leaves the choice between the page and static HTML to whoever uses it.
fn view_chooses_a_renderer(metadata: &Value) -> Result<Option<String>> {
    let view = packages(metadata)?
        .iter()
        .find(|package| package["name"] == "slm-view")
        .context("cargo metadata names no slm-view")?;
    for dependency in dependencies(view)? {
        let features = dependency["features"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        for feature in ["csr", "ssr", "hydrate"] {
            if features.iter().any(|on| on == feature) && dependency["kind"].is_null() {
                let other = text(dependency, "name")?;
                return Ok(Some(format!(
                    "slm-view must not turn on {other}'s feature {feature}"
                )));
            }
        }
    }
    Ok(None)
}

/// What `package` is built with: its leptos must have one renderer and not the other, or event
/// handlers silently vanish.
fn wrong_renderer(
    package: &str,
    target: Option<&str>,
    wanted: &str,
    unwanted: &str,
) -> Result<Vec<String>> {
    let mut tree = workspace::cargo("tree");
    tree.args([
        "--package",
        package,
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p} {f}",
    ]);
    if let Some(target) = target {
        tree.args(["--target", target]);
    }
    Ok(renderer_faults(
        &shell::capture(&mut tree)?,
        package,
        wanted,
        unwanted,
    ))
}

/// The faults in what `cargo tree` printed: lines of `name version [(path)] feature,feature`.
fn renderer_faults(tree: &str, package: &str, wanted: &str, unwanted: &str) -> Vec<String> {
    let leptos = tree.lines().find(|line| line.starts_with("leptos v"));
    let features: BTreeSet<&str> = leptos
        .and_then(|line| line.split(' ').nth(2))
        .map(|list| list.split(',').collect())
        .unwrap_or_default();
    let mut faults = Vec::new();
    if !features.contains(wanted) {
        faults.push(format!(
            "{package} is built without leptos's feature {wanted}"
        ));
    }
    if features.contains(unwanted) {
        faults.push(format!(
            "{package} is built with leptos's feature {unwanted}"
        ));
    }
    faults
}

fn packages(metadata: &Value) -> Result<&Vec<Value>> {
    metadata["packages"]
        .as_array()
        .context("cargo metadata has no packages")
}

fn dependencies(package: &Value) -> Result<&Vec<Value>> {
    package["dependencies"]
        .as_array()
        .context("a package without dependencies in cargo metadata")
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key]
        .as_str()
        .with_context(|| format!("cargo metadata: no text under {key:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(package: &str, dependency: &str, kind: Option<&str>, features: &[&str]) -> Value {
        let edge = json!({"name": dependency, "kind": kind, "features": features});
        json!({"packages": [
            {"name": package, "dependencies": [edge]},
            {"name": dependency, "dependencies": []},
        ]})
    }

    #[test]
    fn edges_go_one_way() {
        let check = |package: &str, dependency: &str, kind: Option<&str>, faults: &[&str]| {
            let found = wrong_edges(&metadata(package, dependency, kind, &[])).unwrap();
            assert_eq!(found, faults, "{package} -> {dependency}");
        };
        check("slm-view", "slm-task", None, &[]);
        check(
            "slm-task",
            "slm-view",
            None,
            &["slm-task must not depend on slm-view"],
        );
        check(
            "slm-app",
            "trainer-native",
            None,
            &["slm-app must not depend on trainer-native"],
        );
        check("slm-model", "slm-train", Some("dev"), &[]);
        check(
            "slm-task",
            "slm-kernels",
            Some("build"),
            &["slm-task must not depend on slm-kernels"],
        );
    }

    #[test]
    fn an_unknown_crate_is_a_fault() {
        let found = wrong_edges(&metadata("slm-new", "slm-task", None, &[])).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("slm-new is not in MAY_USE"));
    }

    #[test]
    fn the_view_turns_on_no_renderer() {
        let check = |features: &[&str], fault: Option<&str>| {
            let found = view_chooses_a_renderer(&metadata("slm-view", "leptos", None, features));
            assert_eq!(found.unwrap().as_deref(), fault);
        };
        check(&[], None);
        check(&["nightly"], None);
        check(
            &["csr"],
            Some("slm-view must not turn on leptos's feature csr"),
        );
    }

    #[test]
    fn one_renderer_and_not_the_other() {
        let check = |tree: &str, faults: &[&str]| {
            assert_eq!(
                renderer_faults(tree, "slm-app", "csr", "ssr"),
                faults,
                "{tree}"
            );
        };
        check("slm-app v0.1.0 (/x) \nleptos v0.8.23 csr,default\n", &[]);
        check(
            "leptos v0.8.23 csr,ssr",
            &["slm-app is built with leptos's feature ssr"],
        );
        check(
            "leptos_dom v0.8.0 csr",
            &["slm-app is built without leptos's feature csr"],
        );
    }
}
