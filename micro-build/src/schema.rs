//! What the descriptors say of each message and enum, by where prost puts its Rust type.

use std::collections::HashMap;

use prost_build::Module;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    field_descriptor_proto::{Label, Type},
};

/// All messages and enums.
#[derive(Default)]
pub(crate) struct Schema {
    messages: HashMap<String, Message>,
    enums: HashMap<String, Enum>,
    /// The key and the value of each map, by the name of its entry type.
    entries: HashMap<String, Entry>,
}

/// The key and the value of a map.
pub(crate) type Entry = (FieldDescriptorProto, FieldDescriptorProto);

pub(crate) struct Message {
    /// `package.Outer.Inner`.
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) fields: Vec<Field>,
}

pub(crate) struct Field {
    pub(crate) descriptor: FieldDescriptorProto,
    pub(crate) docs: String,
}

pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) docs: String,
    /// All values; where some share a number, the first is the one that is written.
    pub(crate) values: Vec<(String, i32)>,
}

impl Field {
    pub(crate) fn is(&self, label: Label) -> bool {
        self.descriptor.label() == label
    }

    /// Whether it is a member of a `oneof` that the user wrote.
    pub(crate) fn in_oneof(&self) -> bool {
        self.descriptor.oneof_index.is_some() && !self.descriptor.proto3_optional()
    }

    /// Its name in JSON.
    pub(crate) fn json_name(&self) -> String {
        match &self.descriptor.json_name {
            Some(name) => name.clone(),
            None => camel(self.descriptor.name()),
        }
    }
}

/// `user_name` → `userName`
fn camel(name: &str) -> String {
    let mut up = false;
    let mut camel = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '_' => up = true,
            c if up => {
                camel.extend(c.to_uppercase());
                up = false;
            }
            c => camel.push(c),
        }
    }
    camel
}

/// The name of a module or type without what telling names apart does not need: prost changes case,
/// drops underscores and escapes keywords.
fn plain(name: &str) -> String {
    let name = name.strip_prefix("r#").unwrap_or(name);
    name.chars()
        .filter(|c| *c != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

/// Where a type is: the package's module, then modules and type.
fn key<'a>(module: &str, path: impl Iterator<Item = &'a str>) -> String {
    let mut key = format!("{module}:");
    for name in path {
        key.push('/');
        key.push_str(&plain(name));
    }
    key
}

/// A package's module as a file is called by: `google.r#type` is `google.type`.
pub(crate) fn module_name(module: &Module) -> String {
    let parts: Vec<_> = module
        .parts()
        .map(|part| part.strip_prefix("r#").unwrap_or(part))
        .collect();
    match parts.is_empty() {
        true => "_".to_owned(),
        false => parts.join("."),
    }
}

impl Schema {
    pub(crate) fn new<'a>(files: impl IntoIterator<Item = &'a FileDescriptorProto>) -> Self {
        let mut schema = Self::default();
        for file in files {
            let module = module_name(&Module::from_protobuf_package_name(file.package()));
            let comments = Comments::new(file);
            let mut walk = Walk {
                module: &module,
                package: file.package(),
                names: Vec::new(),
                path: Vec::new(),
                comments: &comments,
            };
            for (place, message) in file.message_type.iter().enumerate() {
                schema.message(&mut walk, [4, place as i32], message);
            }
            for (place, of) in file.enum_type.iter().enumerate() {
                schema.enumeration(&mut walk, [5, place as i32], of);
            }
        }
        schema
    }

    /// The message whose struct is called so, inside these modules.
    pub(crate) fn find_message(&self, module: &str, path: &[String]) -> Option<&Message> {
        self.messages
            .get(&key(module, path.iter().map(String::as_str)))
    }

    /// The enum that is called so, inside these modules.
    pub(crate) fn find_enum(&self, module: &str, path: &[String]) -> Option<&Enum> {
        self.enums
            .get(&key(module, path.iter().map(String::as_str)))
    }

    /// Key and value, where the field is a map.
    pub(crate) fn entry(&self, field: &FieldDescriptorProto) -> Option<&Entry> {
        match field.r#type() {
            Type::Message => self.entries.get(field.type_name()),
            _ => None,
        }
    }

    fn message<'a>(&mut self, walk: &mut Walk<'a>, at: [i32; 2], message: &'a DescriptorProto) {
        walk.enter(at, message.name());
        let name = walk.name();
        let is_map = message
            .options
            .as_ref()
            .is_some_and(|options| options.map_entry());
        if let (true, [entry_key, value]) = (is_map, &*message.field) {
            self.entries
                .insert(format!(".{name}"), (entry_key.clone(), value.clone()));
        } else {
            let fields = message
                .field
                .iter()
                .enumerate()
                .map(|(place, field)| Field {
                    descriptor: field.clone(),
                    docs: walk.docs(&[2, place as i32]),
                });
            let found = Message {
                docs: walk.docs(&[]),
                fields: fields.collect(),
                name,
            };
            self.messages.insert(walk.key(), found);
        }
        for (place, nested) in message.nested_type.iter().enumerate() {
            self.message(walk, [3, place as i32], nested);
        }
        for (place, of) in message.enum_type.iter().enumerate() {
            self.enumeration(walk, [4, place as i32], of);
        }
        walk.leave();
    }

    fn enumeration<'a>(&mut self, walk: &mut Walk<'a>, at: [i32; 2], of: &'a EnumDescriptorProto) {
        walk.enter(at, of.name());
        let values = of
            .value
            .iter()
            .map(|value| (value.name().to_owned(), value.number()));
        let found = Enum {
            name: walk.name(),
            docs: walk.docs(&[]),
            values: values.collect(),
        };
        self.enums.insert(walk.key(), found);
        walk.leave();
    }
}

/// Where in a file we are.
struct Walk<'a> {
    module: &'a str,
    package: &'a str,
    names: Vec<&'a str>,
    path: Vec<i32>,
    comments: &'a Comments<'a>,
}

impl<'a> Walk<'a> {
    fn enter(&mut self, at: [i32; 2], name: &'a str) {
        self.path.extend(at);
        self.names.push(name);
    }

    fn leave(&mut self) {
        self.path.truncate(self.path.len().saturating_sub(2));
        self.names.pop();
    }

    fn key(&self) -> String {
        key(self.module, self.names.iter().copied())
    }

    fn name(&self) -> String {
        let package = Some(self.package).filter(|package| !package.is_empty());
        let names: Vec<_> = package
            .into_iter()
            .chain(self.names.iter().copied())
            .collect();
        names.join(".")
    }

    fn docs(&self, below: &[i32]) -> String {
        let path: Vec<_> = self.path.iter().chain(below).copied().collect();
        self.comments.at(&path)
    }
}

/// The comments of a file by place.
struct Comments<'a>(HashMap<&'a [i32], (&'a str, &'a str)>);

impl<'a> Comments<'a> {
    fn new(file: &'a FileDescriptorProto) -> Self {
        let locations = file.source_code_info.iter().flat_map(|info| &info.location);
        let comments = locations.filter_map(|location| {
            let both = (location.leading_comments(), location.trailing_comments());
            (both != ("", "")).then_some((&*location.path, both))
        });
        Self(comments.collect())
    }

    /// Its text, as people wrote it but for the margin.
    fn at(&self, path: &[i32]) -> String {
        let Some((leading, trailing)) = self.0.get(path) else {
            return String::new();
        };
        let lines: Vec<_> = leading
            .lines()
            .chain(trailing.lines())
            .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
            .collect();
        lines.join("\n").trim().to_owned()
    }
}
