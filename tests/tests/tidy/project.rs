//! What the project is made of: its files and the manifests of its crates.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

/// Where the workspace is.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace is above")
}

/// The files that belong to the project, by path from the root, with their text.
pub(super) fn files() -> BTreeMap<String, String> {
    let git = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    // Where there is no git, as in an archive, all is walked.
    let paths = match git {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect(),
        _ => walk(root()),
    };
    let text = |path: String| Some((path.clone(), fs::read_to_string(root().join(path)).ok()?));
    paths.into_iter().filter_map(text).collect()
}

fn walk(folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if [".git", ".cache", "target"].contains(&&*name) {
            continue;
        }
        if path.is_dir() {
            paths.extend(walk(&path));
        } else if let Ok(path) = path.strip_prefix(root()) {
            paths.push(path.to_string_lossy().into_owned());
        }
    }
    paths
}

pub(super) fn sources() -> impl Iterator<Item = (String, String)> {
    files()
        .into_iter()
        .filter(|(path, _)| path.ends_with(".rs") && !path.contains("/snapshots/"))
}

/// A `Cargo.toml`, as far as the rules ask.
pub(super) struct Manifest {
    pub(super) folder: String,
    /// The lines of each section.
    sections: BTreeMap<String, Vec<String>>,
}

impl Manifest {
    pub(super) fn name(&self) -> &str {
        let line = self
            .lines("package")
            .find_map(|line| line.strip_prefix("name = "));
        line.unwrap_or_default().trim_matches('"')
    }

    pub(super) fn lines(&self, section: &str) -> impl Iterator<Item = &str> {
        self.sections
            .get(section)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// The dependencies of one kind, each with what is said of it.
    pub(super) fn depends(&self, kind: &str) -> BTreeMap<&str, &str> {
        self.lines(kind)
            .filter_map(|line| line.split_once(['.', ' ', '=']))
            .map(|(name, rest)| (name, rest.trim()))
            .collect()
    }
}

/// The crates of the workspace.
pub(super) fn manifests() -> Vec<Manifest> {
    let files = files();
    let members = files
        .iter()
        .filter_map(|(path, text)| Some((path.strip_suffix("/Cargo.toml")?, text)));
    let read = |(folder, text): (&str, &String)| {
        let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut section = String::new();
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            match line
                .strip_prefix('[')
                .and_then(|line| line.strip_suffix(']'))
            {
                Some(name) => section = name.to_owned(),
                None => sections
                    .entry(section.clone())
                    .or_default()
                    .push(line.to_owned()),
            }
        }
        Manifest {
            folder: folder.to_owned(),
            sections,
        }
    };
    members
        .map(read)
        .filter(|manifest| !manifest.folder.starts_with("benches"))
        .collect()
}
