//! Options of extension ranges, `extensions 100 to 199 [declaration = {…}];`, which our parser does
//! not read. They say nothing that generated code depends on.

/// The text with blanks in place of such options, so that all else stays where it is; nothing where
/// there are none.
pub(crate) fn blank(text: &str) -> Option<String> {
    if !text.contains("extensions") {
        return None;
    }
    let mut out = text.as_bytes().to_vec();
    let mut found = false;
    // Whether the statement is `extensions …`, whether it just began, how deep in brackets we are.
    let (mut inside, mut begins, mut depth) = (false, true, 0_usize);
    let mut rest = text;
    while let Some(token) = next(rest) {
        let start = text.len() - rest.len();
        rest = &rest[token.len()..];
        if token.trim().is_empty() || token.starts_with("//") || token.starts_with("/*") {
            continue;
        }
        match token {
            "extensions" if begins => inside = true,
            "[" if inside => depth += 1,
            ";" | "{" | "}" if depth == 0 => inside = false,
            _ => {}
        }
        if depth > 0 {
            found = true;
            // Lines stay lines.
            let place = &mut out[start..start + token.len()];
            place
                .iter_mut()
                .filter(|byte| **byte != b'\n')
                .for_each(|byte| *byte = b' ');
        }
        if token == "]" {
            depth = depth.saturating_sub(1);
        }
        begins = depth == 0 && matches!(token, ";" | "{" | "}");
    }
    // Whole tokens were replaced by as many bytes of ASCII.
    found.then(|| String::from_utf8(out).ok()).flatten()
}

/// The next token: a word, a comment, text in quotes, blanks, or one character.
fn next(text: &str) -> Option<&str> {
    let first = text.chars().next()?;
    let until = |end: Option<usize>| end.unwrap_or(text.len());
    let length = match first {
        '/' if text.starts_with("//") => until(text.find('\n')),
        '/' if text.starts_with("/*") => until(text[2..].find("*/").map(|end| end + 4)),
        '"' | '\'' => {
            let mut escaped = false;
            until(text.char_indices().skip(1).find_map(|(place, c)| {
                let ends = c == first && !escaped;
                escaped = c == '\\' && !escaped;
                ends.then_some(place + 1)
            }))
        }
        c if c.is_alphanumeric() || c == '_' => {
            until(text.find(|c: char| !c.is_alphanumeric() && c != '_'))
        }
        c if c.is_whitespace() => until(text.find(|c: char| !c.is_whitespace())),
        c => c.len_utf8(),
    };
    text.get(..length)
}

#[cfg(test)]
mod tests {
    use super::blank;

    #[test]
    fn the_options_of_ranges_are_blank() {
        let text = "message M {\n  extensions 1 to 9, 11 [\n    declaration = { a: \"];\" /* ] */ },\n    x = [1]\n  ];\n  optional int32 extensions = 3 [default = 1];\n}";
        let blanked = blank(text).unwrap();
        assert_eq!(blanked.len(), text.len());
        let words: Vec<_> = blanked.split_whitespace().collect();
        assert_eq!(
            words.join(" "),
            "message M { extensions 1 to 9, 11 /* ] */ ; optional int32 extensions = 3 [default = 1]; }"
        );
        assert_eq!(blanked.lines().count(), text.lines().count());
    }

    #[test]
    fn all_else_is_left_alone() {
        for text in [
            "message M { extensions 1 to max; }",
            "// extensions 1 [x]\nmessage M { optional string a = 1 [default = \"extensions [\"]; }",
        ] {
            assert_eq!(blank(text), None, "{text}");
        }
    }
}
