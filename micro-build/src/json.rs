//! Prints the JSON form of a message: one call for each field, by the runtime's names for how a
//! value goes.

use proc_macro2::{Ident, TokenStream};
use prost_types::{
    FieldDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use quote::quote;
use syn::Path;

use crate::messages::{Field, Message};

/// ```ignore
/// impl __json::Message for HelloRequest {
///     const NAME: &'static str = "greeter.HelloRequest";
///     const FIELDS: &'static [(&'static str, &'static str)] = &[("userName", "user_name")];
///     fn write<…>(&self, out: …) -> … {
///         out.field::<__json::Text, _>("userName", &self.user_name)?;
///         ::core::result::Result::Ok(())
///     }
///     fn read<…>(&mut self, field: usize, input: …) -> … {
///         match field {
///             0usize => input.field::<__json::Text, _>(&mut self.user_name),
///             _ => ::core::result::Result::Ok(()),
///         }
///     }
/// }
/// ```
pub(crate) fn message(ident: &Ident, message: &Message<'_>) -> TokenStream {
    let name = &message.schema.name;
    let names = message.fields.iter().map(|field| {
        let (json, proto) = (field.schema.json_name(), field.schema.descriptor.name());
        quote!((#json, #proto))
    });
    let writes = message.fields.iter().map(write);
    let reads = message
        .fields
        .iter()
        .enumerate()
        .map(|(place, field)| read(place, field));
    quote! {
        impl __json::Message for #ident {
            const NAME: &'static str = #name;
            const FIELDS: &'static [(&'static str, &'static str)] = &[#(#names),*];

            #[allow(unused_variables)]
            fn write<M: __v1::serde::ser::SerializeMap>(
                &self,
                out: &mut __json::Writer<M>,
            ) -> ::core::result::Result<(), M::Error> {
                #(#writes)*
                ::core::result::Result::Ok(())
            }

            #[allow(unused_variables)]
            fn read<'de, A: __v1::serde::de::MapAccess<'de>>(
                &mut self,
                field: usize,
                input: &mut __json::Reader<'_, A>,
            ) -> ::core::result::Result<(), A::Error> {
                match field {
                    #(#reads)*
                    _ => ::core::result::Result::Ok(()),
                }
            }
        }
    }
}

fn write(field: &Field<'_>) -> TokenStream {
    let (ident, kind, json) = (&field.ident, kind(field), field.schema.json_name());
    match &field.variant {
        Some(variant) => quote! {
            if let ::core::option::Option::Some(#variant(value)) = &self.#ident {
                out.member::<#kind, _>(#json, value)?;
            }
        },
        None if field.schema.is(Label::Required) => {
            quote!(out.member::<#kind, _>(#json, &self.#ident)?;)
        }
        None => quote!(out.field::<#kind, _>(#json, &self.#ident)?;),
    }
}

fn read(place: usize, field: &Field<'_>) -> TokenStream {
    let (ident, kind) = (&field.ident, kind(field));
    match &field.variant {
        Some(variant) => {
            quote!(#place => input.member::<#kind, _, _>(&mut self.#ident, #variant),)
        }
        None => quote!(#place => input.field::<#kind, _>(&mut self.#ident),),
    }
}

/// How a field goes: `__json::Opt<__json::Boxed<__json::Nested>>`.
fn kind(field: &Field<'_>) -> TokenStream {
    let descriptor = &field.schema.descriptor;
    if let Some((_, value)) = field.entry {
        let value = one(value, field.enumeration.as_ref());
        return quote!(__json::Map<#value>);
    }
    let mut kind = one(descriptor, field.enumeration.as_ref());
    if field.boxed {
        kind = quote!(__json::Boxed<#kind>);
    }
    if field.optional {
        kind = quote!(__json::Opt<#kind>);
    }
    if field.schema.is(Label::Repeated) {
        kind = quote!(__json::List<#kind>);
    }
    kind
}

/// How one value of a field goes.
fn one(field: &FieldDescriptorProto, enumeration: Option<&Path>) -> TokenStream {
    match field.r#type() {
        Type::Bool => quote!(__json::Bool),
        Type::Int32 | Type::Sint32 | Type::Sfixed32 => quote!(__json::Int),
        Type::Uint32 | Type::Fixed32 => quote!(__json::Uint),
        Type::Int64 | Type::Sint64 | Type::Sfixed64 => quote!(__json::Long),
        Type::Uint64 | Type::Fixed64 => quote!(__json::Ulong),
        Type::Float => quote!(__json::Float),
        Type::Double => quote!(__json::Double),
        Type::String => quote!(__json::Text),
        Type::Bytes => quote!(__json::Blob),
        Type::Enum if field.type_name() == ".google.protobuf.NullValue" => quote!(__json::Null),
        Type::Enum => quote!(__json::Enum<#enumeration>),
        Type::Message | Type::Group => well_known(field.type_name()),
    }
}

/// How a message goes: some of Google's have forms of their own.
fn well_known(name: &str) -> TokenStream {
    match name.strip_prefix(".google.protobuf.").unwrap_or_default() {
        "BoolValue" => quote!(__json::Bool),
        "Int32Value" => quote!(__json::Int),
        "UInt32Value" => quote!(__json::Uint),
        "Int64Value" => quote!(__json::Long),
        "UInt64Value" => quote!(__json::Ulong),
        "FloatValue" => quote!(__json::Float),
        "DoubleValue" => quote!(__json::Double),
        "StringValue" => quote!(__json::Text),
        "BytesValue" => quote!(__json::Blob),
        "Empty" => quote!(__json::Empty),
        "Value" => quote!(__json::Value),
        _ => quote!(__json::Nested),
    }
}
