//! The tree of modules that includes the files of all packages, as the paths between them expect.

use std::collections::BTreeMap;

#[derive(Default)]
struct Tree {
    file: Option<String>,
    inside: BTreeMap<String, Self>,
}

/// Prints the tree: for each package the parts of its module's path, and its file.
pub(crate) fn tree<'a>(packages: impl IntoIterator<Item = (Vec<&'a str>, String)>) -> String {
    let mut root = Tree::default();
    for (path, file) in packages {
        let mut here = &mut root;
        for part in path {
            here = here.inside.entry(part.to_owned()).or_default();
        }
        here.file = Some(file);
    }
    let mut text = String::new();
    root.print(0, &mut text);
    text
}

impl Tree {
    fn print(&self, depth: usize, text: &mut String) {
        let margin = "    ".repeat(depth);
        if let Some(file) = &self.file {
            text.push_str(&format!("{margin}include!({file:?});\n"));
        }
        for (name, inside) in &self.inside {
            text.push_str(&format!(
                "{margin}#[allow(missing_docs, unreachable_pub)]\n{margin}pub mod {name} {{\n"
            ));
            inside.print(depth + 1, text);
            text.push_str(&format!("{margin}}}\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn modules_nest_as_packages_do() {
        let packages = [
            (vec!["a", "b"], "a.b.rs".to_owned()),
            (vec!["a", "r#type"], "a.type.rs".to_owned()),
            (vec!["a"], "a.rs".to_owned()),
        ];
        let text = super::tree(packages).replace("#[allow(missing_docs, unreachable_pub)]", "");
        let words: Vec<_> = text.split_whitespace().collect();
        assert_eq!(
            words.join(" "),
            "pub mod a { include!(\"a.rs\"); pub mod b { include!(\"a.b.rs\"); } \
             pub mod r#type { include!(\"a.type.rs\"); } }"
        );
    }
}
