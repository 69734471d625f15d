//! What goes wrong, for people to read in the output of a failed build.

use std::{fmt, path::Path};

use miette::{Diagnostic, LabeledSpan, SourceCode};

/// What [`compile_protos`](crate::compile_protos) gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong, where, and what to do.
///
/// `Debug` prints the same as `Display`, since that is what Rust prints where `main` fails.
pub struct Error(String);

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// A failure of the file system, with what was being done.
    pub(crate) fn io(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        Self(format!("could not {doing} {}: {error}", path.display()))
    }

    /// What the parser found, with the lines that it found it in.
    ///
    /// `find` knows where a file lies that the parser names as an import would.
    pub(crate) fn parser(error: &dyn Diagnostic, find: &dyn Fn(&str) -> String) -> Self {
        let mut text = String::new();
        render(error, None, find, &mut text);
        Self(text)
    }

    /// The same with one more sentence.
    pub(crate) fn help(mut self, help: &str) -> Self {
        self.0.push_str("\n  = help: ");
        self.0.push_str(help);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

fn render(
    error: &dyn Diagnostic,
    source: Option<&dyn SourceCode>,
    find: &dyn Fn(&str) -> String,
    text: &mut String,
) {
    let source = error.source_code().or(source);
    let labels: Vec<_> = error.labels().into_iter().flatten().collect();
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(&error.to_string());
    if let Some(cause) = error.source() {
        // Some messages have their cause in them.
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text.push_str(&format!(": {cause}"));
        }
    }
    for label in &labels {
        if let Some(source) = source {
            excerpt(label, source, find, text);
        }
    }
    if let Some(help) = error.help() {
        text.push_str(&format!("\n  = help: {help}"));
    }
    for further in error.related().into_iter().flatten() {
        render(further, source, find, text);
    }
}

/// The line that a label is about, with carets under its place.
fn excerpt(
    label: &LabeledSpan,
    source: &dyn SourceCode,
    find: &dyn Fn(&str) -> String,
    text: &mut String,
) {
    let Ok(place) = source.read_span(label.inner(), 0, 0) else {
        return;
    };
    let (row, column) = (place.line() + 1, place.column());
    let file = find(place.name().unwrap_or("the file"));
    // The lines around it, to have its own line whole.
    let Ok(around) = source.read_span(label.inner(), 1, 1) else {
        return;
    };
    let contents = String::from_utf8_lossy(around.data());
    let lines = contents
        .lines()
        .skip(place.line().saturating_sub(around.line()));
    let line = lines.take(1).collect::<String>();
    let before: String = line
        .chars()
        .take(column)
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    let width = line.chars().skip(column).take(label.len().max(1)).count();
    let margin = " ".repeat(row.to_string().len());
    text.push_str(&format!(
        "\n{margin}--> {file}:{row}:{}\n{margin} |\n{row} | {line}\n{margin} | {before}{} {}",
        column + 1,
        "^".repeat(width.max(1)),
        label.label().unwrap_or_default(),
    ));
    text.truncate(text.trim_end().len());
}
