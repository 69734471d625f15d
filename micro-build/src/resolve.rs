//! Resolves the type names of a file as `protoc` does: looking at the file and its imports alone.
//!
//! Our parser looks at all files that it knows. In a name like `common.v1.Id`, `common` may then be a
//! package of some file that this one never heard of, and the name leads nowhere.

use std::collections::HashMap;

use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

/// Whether a name is of something that holds further names.
type Symbols = HashMap<String, bool>;

/// Adds the names that a file defines.
fn define(file: &FileDescriptorProto, symbols: &mut Symbols) {
    let package = file.package();
    for (end, _) in package.match_indices('.').chain([(package.len(), "")]) {
        symbols.insert(package[..end].to_owned(), true);
    }
    messages(package, &file.message_type, symbols);
    enums(package, &file.enum_type, symbols);
}

fn messages(scope: &str, messages_in: &[DescriptorProto], symbols: &mut Symbols) {
    for message in messages_in {
        let name = join(scope, message.name());
        messages(&name, &message.nested_type, symbols);
        enums(&name, &message.enum_type, symbols);
        symbols.insert(name, true);
    }
}

fn enums(scope: &str, enums_in: &[EnumDescriptorProto], symbols: &mut Symbols) {
    for of in enums_in {
        symbols.insert(join(scope, of.name()), false);
    }
}

fn join(scope: &str, name: &str) -> String {
    match scope {
        "" => name.to_owned(),
        scope => format!("{scope}.{name}"),
    }
}

/// Makes the names of a file absolute where they can be found in these files, which are those that
/// it sees.
pub(crate) fn names<'a>(
    file: &mut FileDescriptorProto,
    visible: impl IntoIterator<Item = &'a FileDescriptorProto>,
) {
    let mut symbols = Symbols::new();
    for file in visible {
        define(file, &mut symbols);
    }
    define(file, &mut symbols);
    let package = file.package().to_owned();
    for message in &mut file.message_type {
        in_message(&package, message, &symbols);
    }
    for field in &mut file.extension {
        set(&mut field.type_name, &package, &symbols);
        set(&mut field.extendee, &package, &symbols);
    }
    for service in &mut file.service {
        let scope = join(&package, service.name());
        for method in &mut service.method {
            set(&mut method.input_type, &scope, &symbols);
            set(&mut method.output_type, &scope, &symbols);
        }
    }
}

fn in_message(scope: &str, message: &mut DescriptorProto, symbols: &Symbols) {
    let scope = join(scope, message.name());
    for field in message.field.iter_mut().chain(&mut message.extension) {
        set(&mut field.type_name, &scope, symbols);
        set(&mut field.extendee, &scope, symbols);
    }
    for nested in &mut message.nested_type {
        in_message(&scope, nested, symbols);
    }
}

fn set(name: &mut Option<String>, scope: &str, symbols: &Symbols) {
    if let Some(relative) = name
        && let Some(absolute) = find(relative, scope, symbols)
    {
        *name = Some(format!(".{absolute}"));
    }
}

/// The full name of what `name` is in `scope`; the innermost scope comes first.
fn find(name: &str, scope: &str, symbols: &Symbols) -> Option<String> {
    if name.starts_with('.') {
        return None;
    }
    let (first, rest) = name.split_once('.').unwrap_or((name, ""));
    let mut scope = Some(scope);
    while let Some(here) = scope {
        match symbols.get(&join(here, first)) {
            // What holds no names can't be the beginning of one.
            Some(holds) if *holds || rest.is_empty() => {
                return Some(join(here, name)).filter(|full| symbols.contains_key(full));
            }
            _ => {}
        }
        scope = match here.rsplit_once('.') {
            Some((outer, _)) => Some(outer),
            None if here.is_empty() => None,
            None => Some(""),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_imported_counts() {
        let file = |package: &str, message: &str| FileDescriptorProto {
            package: Some(package.to_owned()),
            message_type: vec![DescriptorProto {
                name: Some(message.to_owned()),
                ..DescriptorProto::default()
            }],
            ..FileDescriptorProto::default()
        };
        let mut symbols = Symbols::new();
        define(&file("a.common.v1", "Id"), &mut symbols);
        define(&file("a.b.v1", "User"), &mut symbols);
        let find = |name, symbols: &Symbols| find(name, "a.b.v1.User", symbols);
        assert_eq!(
            find("common.v1.Id", &symbols).as_deref(),
            Some("a.common.v1.Id")
        );
        assert_eq!(find("User", &symbols).as_deref(), Some("a.b.v1.User"));
        assert_eq!(find(".a.b.v1.User", &symbols), None);
        assert_eq!(find("v1.Id", &symbols), None);
        define(&file("a.b.common.x", "Y"), &mut symbols);
        assert_eq!(find("common.v1.Id", &symbols), None);
    }
}
