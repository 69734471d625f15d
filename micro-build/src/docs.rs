//! Comments of a `.proto` as doc comments: rustdoc must not take them for Rust code.

use syn::{Attribute, Expr, ExprLit, Lit, Meta, visit_mut::VisitMut};

/// The lines of a comment, as after `///`.
pub(crate) fn lines(comments: &prost_build::Comments) -> Vec<String> {
    let between = !comments.leading.is_empty() && !comments.trailing.is_empty();
    let mut lines: Vec<_> = comments
        .leading
        .iter()
        .cloned()
        .chain(between.then(String::new))
        .chain(comments.trailing.iter().cloned())
        .map(|line| match &*line {
            "" => line,
            text if text.starts_with(' ') => line,
            _ => format!(" {line}"),
        })
        .collect();
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    let mut fence = Fence::default();
    for line in &mut lines {
        *line = fence.clean(&brackets(line));
    }
    lines
}

/// `[x]` is no link, unless it is written like one.
fn brackets(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let (mut code, mut link, mut before) = (false, false, ' ');
    for (place, c) in line.char_indices() {
        match c {
            '`' => code = !code,
            '[' if !code && is_link(&line[place..]) => link = true,
            ']' if link => link = false,
            '[' | ']' if !code && before != '\\' => out.push('\\'),
            _ => {}
        }
        out.push(c);
        before = c;
    }
    out
}

/// Whether it begins with `[text](`.
fn is_link(text: &str) -> bool {
    text.find(']')
        .is_some_and(|end| text[end..].starts_with("]("))
}

/// Follows fenced blocks through the lines of one comment.
#[derive(Default)]
struct Fence {
    open: bool,
}

impl Fence {
    /// A line by which no code to be compiled comes about: indented less than code is, and fences
    /// said to hold text.
    fn clean(&mut self, line: &str) -> String {
        let text = line.trim_start_matches([' ', '\t']);
        let indent = &line[..line.len() - text.len()];
        let fence = text.starts_with("```") || text.starts_with("~~~");
        if fence {
            self.open = !self.open;
            if self.open {
                return format!(" {}text", &text[..3]);
            }
        }
        if self.open {
            return line.to_owned();
        }
        // ` ` comes off every line: four more make code of it.
        let most = if indent.contains('\t') || indent.len() > 4 {
            "    "
        } else {
            indent
        };
        format!("{most}{text}")
    }
}

/// Cleans the doc comments of a whole file, which prost has written.
pub(crate) struct Clean;

impl VisitMut for Clean {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        let mut fence = Fence::default();
        for attribute in attributes {
            if let Meta::NameValue(meta) = &mut attribute.meta
                && meta.path.is_ident("doc")
                && let Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) = &mut meta.value
            {
                *text = syn::LitStr::new(&fence.clean(&text.value()), text.span());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(leading: &[&str]) -> Vec<String> {
        lines(&prost_build::Comments {
            leading_detached: Vec::new(),
            leading: leading.iter().map(|&line| line.to_owned()).collect(),
            trailing: Vec::new(),
        })
    }

    #[test]
    fn no_comment_becomes_code() {
        assert_eq!(
            of(&[" Use:", "", "        let x: = 1;", ""]),
            [" Use:", "", "    let x: = 1;"]
        );
        assert_eq!(
            of(&[" ```", "     fn(", " ```", " ```go", " x", " ```"]),
            [" ```text", "     fn(", " ```", " ```text", " x", " ```"]
        );
    }

    #[test]
    fn brackets_are_no_links() {
        assert_eq!(of(&["a [b] `[c]` [d](e)"]), [r" a \[b\] `[c]` [d](e)"]);
        assert_eq!(of(&["[a][b.C]"]), [r" \[a\]\[b.C\]"]);
    }
}
