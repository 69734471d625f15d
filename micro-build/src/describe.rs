//! Prints what a message is made of, for listings and tools.

use proc_macro2::{Ident, TokenStream};
use prost_types::{
    FieldDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use quote::quote;

use crate::{
    messages::{Field, Message},
    rust,
};

/// ```ignore
/// impl __v1::Describe for HelloRequest {
///     const TYPE: __v1::Type = __v1::Type::Message(|| &__v1::Message {
///         name: "greeter.HelloRequest",
///         docs: "…",
///         fields: &[__v1::Field { name: "userName", number: 1, kind: __v1::Type::String, docs: "…" }],
///     });
/// }
/// ```
pub(crate) fn message(ident: &Ident, message: &Message<'_>) -> TokenStream {
    let (name, docs) = (&message.schema.name, &message.schema.docs);
    let fields = message.fields.iter().map(|field| {
        let (name, docs) = (field.schema.json_name(), &field.schema.docs);
        let number = field.schema.descriptor.number().unsigned_abs();
        let kind = kind(field);
        quote!(__v1::Field { name: #name, number: #number, kind: #kind, docs: #docs })
    });
    quote! {
        impl __v1::Describe for #ident {
            const TYPE: __v1::Type = __v1::Type::Message(|| &__v1::Message {
                name: #name,
                docs: #docs,
                fields: &[#(#fields),*],
            });
        }
    }
}

fn kind(field: &Field<'_>) -> TokenStream {
    let descriptor = &field.schema.descriptor;
    if let Some((key, value)) = field.entry {
        let (key, value) = (one(key, field), one(value, field));
        return quote!(__v1::Type::Map(&#key, &#value));
    }
    let kind = one(descriptor, field);
    if field.schema.is(Label::Repeated) {
        quote!(__v1::Type::List(&#kind))
    } else if field.optional || field.schema.in_oneof() {
        quote!(__v1::Type::Optional(&#kind))
    } else {
        kind
    }
}

/// The type of one value of a field.
fn one(descriptor: &FieldDescriptorProto, field: &Field<'_>) -> TokenStream {
    match descriptor.r#type() {
        Type::Bool => quote!(__v1::Type::Bool),
        Type::Int32 | Type::Sint32 | Type::Sfixed32 => quote!(__v1::Type::Int(32)),
        Type::Uint32 | Type::Fixed32 => quote!(__v1::Type::Uint(32)),
        Type::Int64 | Type::Sint64 | Type::Sfixed64 => quote!(__v1::Type::Int(64)),
        Type::Uint64 | Type::Fixed64 => quote!(__v1::Type::Uint(64)),
        Type::Float => quote!(__v1::Type::Float(32)),
        Type::Double => quote!(__v1::Type::Float(64)),
        Type::String => quote!(__v1::Type::String),
        Type::Bytes => quote!(__v1::Type::Bytes),
        Type::Enum => {
            let path = &field.enumeration;
            quote!(<#path as __v1::Describe>::TYPE)
        }
        Type::Message | Type::Group => well_known(descriptor.type_name()).unwrap_or_else(|| {
            let ty = rust::innermost(&field.ty);
            quote!(<#ty as __v1::Describe>::TYPE)
        }),
    }
}

/// The wrappers, whose Rust types are what they wrap.
fn well_known(name: &str) -> Option<TokenStream> {
    Some(match name.strip_prefix(".google.protobuf.")? {
        "BoolValue" => quote!(__v1::Type::Bool),
        "Int32Value" => quote!(__v1::Type::Int(32)),
        "UInt32Value" => quote!(__v1::Type::Uint(32)),
        "Int64Value" => quote!(__v1::Type::Int(64)),
        "UInt64Value" => quote!(__v1::Type::Uint(64)),
        "FloatValue" => quote!(__v1::Type::Float(32)),
        "DoubleValue" => quote!(__v1::Type::Float(64)),
        "StringValue" => quote!(__v1::Type::String),
        "BytesValue" => quote!(__v1::Type::Bytes),
        "Empty" => quote!(<() as __v1::Describe>::TYPE),
        _ => return None,
    })
}
