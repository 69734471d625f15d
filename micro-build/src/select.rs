//! Which packages are printed: not those that the runtime has already.

use std::collections::{BTreeMap, HashSet};

use prost_build::Module;
use prost_types::{DescriptorProto, FileDescriptorProto};

use crate::{schema::module_name, source::OPTIONS_NAME};

/// The types of `google.protobuf` that the runtime has, and their Rust paths.
pub(crate) fn well_known(v1: &str) -> Vec<(&'static str, String)> {
    let own = [
        "Any",
        "Duration",
        "FieldMask",
        "ListValue",
        "NullValue",
        "Struct",
        "Timestamp",
        "Value",
    ];
    let rust = [
        ("BoolValue", "bool".to_owned()),
        ("BytesValue", format!("{v1}::prost::alloc::vec::Vec<u8>")),
        ("DoubleValue", "f64".to_owned()),
        ("Empty", "()".to_owned()),
        ("FloatValue", "f32".to_owned()),
        ("Int32Value", "i32".to_owned()),
        ("Int64Value", "i64".to_owned()),
        ("StringValue", format!("{v1}::prost::alloc::string::String")),
        ("UInt32Value", "u32".to_owned()),
        ("UInt64Value", "u64".to_owned()),
    ];
    let own = own
        .into_iter()
        .map(|name| (name, format!("{v1}::protobuf::{name}")));
    own.chain(rust).collect()
}

/// The modules to print, with the names of the files that each comes from.
pub(crate) fn modules<'a>(
    files: &'a [FileDescriptorProto],
    asked: Option<&[String]>,
) -> BTreeMap<String, Vec<&'a str>> {
    let googles = asked.is_some_and(|asked| asked.iter().any(|name| is_googles(name)))
        || uses_descriptors(files);
    let mut modules = BTreeMap::<_, Vec<_>>::new();
    for file in files {
        let name = file.name();
        if name == OPTIONS_NAME || (is_googles(name) && !googles) {
            continue;
        }
        let module = Module::from_protobuf_package_name(file.package());
        modules.entry(module_name(&module)).or_default().push(name);
    }
    modules
}

/// Whether a message of an `Any` can be one of these.
pub(crate) fn uses_any(files: &[FileDescriptorProto]) -> bool {
    let mut users = files.iter().filter(|file| !is_googles(file.name()));
    users.any(|file| {
        file.dependency
            .iter()
            .any(|name| name == "google/protobuf/any.proto")
    })
}

fn is_googles(name: &str) -> bool {
    name.starts_with("google/protobuf/")
}

/// Whether a field or a method has a type of `google.protobuf` that the runtime has not, like
/// `FileDescriptorProto`. Most files import those for the options alone.
fn uses_descriptors(files: &[FileDescriptorProto]) -> bool {
    let known: HashSet<_> = well_known("")
        .into_iter()
        .map(|(name, _)| format!(".google.protobuf.{name}"))
        .collect();
    let is_new = |name: &str| name.starts_with(".google.protobuf.") && !known.contains(name);
    files
        .iter()
        .filter(|file| !is_googles(file.name()))
        .any(|file| {
            let mut methods = file.service.iter().flat_map(|service| &service.method);
            methods.any(|method| is_new(method.input_type()) || is_new(method.output_type()))
                || file
                    .message_type
                    .iter()
                    .any(|message| has_field(message, &is_new))
        })
}

fn has_field(message: &DescriptorProto, is: &dyn Fn(&str) -> bool) -> bool {
    message.field.iter().any(|field| is(field.type_name()))
        || message
            .nested_type
            .iter()
            .any(|nested| has_field(nested, is))
}
