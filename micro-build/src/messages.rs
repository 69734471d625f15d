//! Goes through what prost printed for a package and prints, behind each message and enum, its JSON
//! form and its description.

use std::collections::HashMap;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Fields, Item, ItemEnum, ItemStruct, Path, Type};

use crate::{
    Error, Result, describe, json,
    rust::{self, Prost},
    schema::{self, Schema},
};

/// How to print.
pub(crate) struct Printer<'a> {
    pub(crate) schema: &'a Schema,
    /// The runtime's versioned module: `::micro::__private::v1`.
    pub(crate) v1: &'a TokenStream,
    /// The module's name, as [`schema::module_name`] has it.
    pub(crate) module: &'a str,
    pub(crate) json: bool,
    /// Whether an `Any` may hold these messages.
    pub(crate) known: bool,
}

/// A message with all that is known of its fields.
pub(crate) struct Message<'a> {
    pub(crate) schema: &'a schema::Message,
    /// In the order of the `.proto`.
    pub(crate) fields: Vec<Field<'a>>,
}

/// A field, from both sides.
pub(crate) struct Field<'a> {
    pub(crate) schema: &'a schema::Field,
    pub(crate) entry: Option<&'a schema::Entry>,
    /// The struct's field: of a member of a `oneof`, the one for the whole.
    pub(crate) ident: Ident,
    /// The variant's path, in a `oneof`.
    pub(crate) variant: Option<Path>,
    pub(crate) ty: Type,
    pub(crate) optional: bool,
    pub(crate) boxed: bool,
    pub(crate) enumeration: Option<Path>,
}

/// One member of a oneof's enum.
struct Variant {
    tag: i32,
    ident: Ident,
    ty: Type,
    enumeration: Option<Path>,
}

/// The oneofs in the modules beside the messages, by `module::Enum`.
type Oneofs = HashMap<String, Vec<Variant>>;

impl Printer<'_> {
    /// Prints behind every type in these items, and in the modules among them.
    pub(crate) fn print(&self, items: &mut Vec<Item>, path: &mut Vec<String>) -> Result<()> {
        let oneofs = self.oneofs(items)?;
        let mut out = Vec::with_capacity(items.len());
        for mut item in items.drain(..) {
            let mut printed = TokenStream::new();
            match &mut item {
                Item::Struct(of) => printed = self.message(of, path, &oneofs)?,
                Item::Enum(of) if rust::derives(&of.attrs, "Enumeration") => {
                    printed = self.enumeration(of, path);
                }
                Item::Mod(module) => {
                    if let Some((_, inside)) = &mut module.content {
                        path.push(module.ident.to_string());
                        self.print(inside, path)?;
                        path.pop();
                    }
                }
                _ => {}
            }
            out.push(item);
            if !printed.is_empty() {
                out.push(self.parse(printed)?);
            }
        }
        *items = out;
        Ok(())
    }

    /// What is wrong here is wrong in this crate, so it says where.
    fn parse<T: syn::parse::Parse>(&self, tokens: TokenStream) -> Result<T> {
        syn::parse2(tokens).map_err(|error| self.unexpected(&error))
    }

    fn unexpected(&self, error: &syn::Error) -> Error {
        Error::new(format!(
            "package {}: the generated code is malformed: {error}",
            self.module
        ))
    }

    fn oneofs(&self, items: &[Item]) -> Result<Oneofs> {
        let mut oneofs = Oneofs::new();
        for item in items {
            let Item::Mod(module) = item else { continue };
            for inside in module.content.iter().flat_map(|(_, items)| items) {
                let Item::Enum(of) = inside else { continue };
                if rust::derives(&of.attrs, "Oneof") {
                    let name = format!("{}::{}", module.ident, of.ident);
                    let variants = of
                        .variants
                        .iter()
                        .filter_map(|variant| match &variant.fields {
                            Fields::Unnamed(one) => Some((variant, &one.unnamed.first()?.ty)),
                            _ => None,
                        });
                    let read = variants.map(|(variant, ty)| {
                        let prost = Prost::of(&variant.attrs)?;
                        Ok(Variant {
                            tag: prost.tags.first().copied().unwrap_or_default(),
                            ident: variant.ident.clone(),
                            ty: ty.clone(),
                            enumeration: prost.enumeration,
                        })
                    });
                    let read = read.collect::<syn::Result<_>>();
                    oneofs.insert(name, read.map_err(|error| self.unexpected(&error))?);
                }
            }
        }
        Ok(oneofs)
    }

    fn message(&self, of: &ItemStruct, path: &[String], oneofs: &Oneofs) -> Result<TokenStream> {
        let mut full = path.to_vec();
        full.push(of.ident.to_string());
        let Some(schema) = self.schema.find_message(self.module, &full) else {
            return Ok(TokenStream::new());
        };
        let mut by_tag = HashMap::new();
        for field in &of.fields {
            let Some(ident) = &field.ident else { continue };
            let prost = Prost::of(&field.attrs).map_err(|error| self.unexpected(&error))?;
            match &prost.oneof {
                Some(oneof) => self.members(ident, oneof, oneofs, &mut by_tag),
                None => {
                    let found = Found {
                        ident: ident.clone(),
                        variant: None,
                        ty: field.ty.clone(),
                        optional: prost.optional,
                        boxed: prost.boxed,
                        enumeration: prost.enumeration,
                    };
                    by_tag.extend(prost.tags.first().map(|tag| (*tag, found)));
                }
            }
        }
        let fields = schema.fields.iter().filter_map(|field| {
            let found = by_tag.remove(&field.descriptor.number())?;
            Some(Field {
                schema: field,
                entry: self.schema.entry(&field.descriptor),
                ident: found.ident,
                variant: found.variant,
                ty: found.ty,
                optional: found.optional,
                boxed: found.boxed,
                enumeration: found.enumeration,
            })
        });
        let message = Message {
            fields: fields.collect(),
            schema,
        };
        Ok(self.block(&of.ident, &message))
    }

    /// The members of a `oneof` by tag.
    fn members(
        &self,
        ident: &Ident,
        oneof: &Path,
        oneofs: &Oneofs,
        by_tag: &mut HashMap<i32, Found>,
    ) {
        let (Some(module), Some(name)) = (oneof.segments.first(), oneof.segments.last()) else {
            return;
        };
        let (module, name) = (&module.ident, &name.ident);
        for variant in oneofs
            .get(&format!("{module}::{name}"))
            .into_iter()
            .flatten()
        {
            let variant_ident = &variant.ident;
            let boxed = rust::is_box(&variant.ty);
            let found = Found {
                ident: ident.clone(),
                variant: Some(syn::parse_quote!(#module::#name::#variant_ident)),
                ty: rust::outward_type(rust::innermost(&variant.ty), module),
                optional: false,
                boxed,
                enumeration: variant
                    .enumeration
                    .as_ref()
                    .map(|path| rust::outward(path, module)),
            };
            by_tag.insert(variant.tag, found);
        }
    }

    /// ```ignore
    /// #[allow(deprecated)]
    /// const _: () = {
    ///     use ::micro::__private::v1 as __v1;
    ///     use ::micro::__private::v1::json as __json;
    ///     impl __json::Message for HelloRequest { … }
    ///     __v1::message! { HelloRequest }
    ///     impl __v1::Describe for HelloRequest { … }
    /// };
    /// ```
    fn block(&self, ident: &Ident, message: &Message<'_>) -> TokenStream {
        let v1 = self.v1;
        let json = self.json.then(|| {
            let message = json::message(ident, message);
            quote! {
                use #v1::json as __json;
                #message
                __v1::message! { #ident }
            }
        });
        let known = (self.json && self.known).then(|| {
            quote! { __v1::inventory::submit! { __v1::Known::new::<#ident>() } }
        });
        let describe = describe::message(ident, message);
        quote! {
            #[allow(deprecated, clippy::all, clippy::pedantic, clippy::nursery)]
            const _: () = {
                use #v1 as __v1;
                #json
                #known
                #describe
            };
        }
    }

    /// ```ignore
    /// const _: () = {
    ///     use ::micro::__private::v1 as __v1;
    ///     impl __v1::json::Names for Color { … }
    ///     impl __v1::Describe for Color { … }
    /// };
    /// ```
    fn enumeration(&self, of: &ItemEnum, path: &[String]) -> TokenStream {
        let mut full = path.to_vec();
        full.push(of.ident.to_string());
        let Some(schema) = self.schema.find_enum(self.module, &full) else {
            return TokenStream::new();
        };
        let (v1, ident) = (self.v1, format_ident!("{}", of.ident));
        let (name, docs) = (&schema.name, &schema.docs);
        let values = schema
            .values
            .iter()
            .map(|(name, number)| quote!((#name, #number)));
        let values = quote!(&[#(#values),*]);
        let names = self.json.then(|| {
            quote! {
                impl __v1::json::Names for #ident {
                    const NAME: &'static str = #name;
                    const NAMES: &'static [(&'static str, i32)] = #values;
                }
            }
        });
        quote! {
            #[allow(clippy::all, clippy::pedantic, clippy::nursery)]
            const _: () = {
                use #v1 as __v1;
                #names
                impl __v1::Describe for #ident {
                    const TYPE: __v1::Type = __v1::Type::Enum(|| &__v1::Enum {
                        name: #name,
                        docs: #docs,
                        values: #values,
                    });
                }
            };
        }
    }
}

/// A field as the struct has it.
struct Found {
    ident: Ident,
    variant: Option<Path>,
    ty: Type,
    optional: bool,
    boxed: bool,
    enumeration: Option<Path>,
}
