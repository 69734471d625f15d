//! `#[derive(micro::Describe)]`: the shape of a message as serde writes it.

use proc_macro2::{Ident, TokenStream};
use syn::{
    Attribute, Data, DeriveInput, Expr, Fields, Generics, LitStr, Path, Token, Type, ext::IdentExt,
    meta::ParseNestedMeta, parse_quote, token,
};

use super::docs;
use crate::{errors::Errors, names};

/// A type, and what it is made of.
pub(crate) struct Shape {
    pub(crate) runtime: Path,
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) docs: Vec<String>,
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What a type is made of.
pub(crate) enum Kind {
    /// A message with these fields.
    Message(Vec<Field>),
    /// One of these variants, by the names that they have on the wire.
    Enum(Vec<(Ident, String)>),
    /// Just what this type is.
    Same(Box<Type>),
    /// Neither: tuples, and enums whose variants hold something.
    Opaque,
}

/// A field of a message.
pub(crate) struct Field {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) docs: Vec<String>,
    pub(crate) name: String,
    pub(crate) ty: Type,
}

/// What serde was told.
#[derive(Default)]
struct Serde {
    rename: Option<String>,
    rename_all: Option<String>,
    skip: bool,
    flatten: bool,
    transparent: bool,
    runtime: Option<Path>,
}

/// Reads a type.
pub(crate) fn describe(item: TokenStream, errors: &mut Errors) -> Option<Shape> {
    let mut item: DeriveInput = errors.keep(syn::parse2(item))?;
    let serde = serde(&item.attrs, errors);
    let case = serde.rename_all.as_deref().map_or(Case::None, Case::read);
    let kind = match item.data {
        Data::Struct(data) => fields(data.fields, serde.transparent, case, errors),
        Data::Enum(data)
            if data
                .variants
                .iter()
                .any(|v| !matches!(v.fields, Fields::Unit)) =>
        {
            Kind::Opaque
        }
        Data::Enum(data) => {
            let mut variants = Vec::new();
            for variant in data.variants {
                let serde = self::serde(&variant.attrs, errors);
                let name = variant.ident.unraw().to_string();
                let name = serde.rename.unwrap_or_else(|| case.variant(&name));
                if !serde.skip {
                    variants.push((variant.ident, name));
                }
            }
            Kind::Enum(variants)
        }
        Data::Union(data) => {
            errors.push(
                data.union_token,
                "a union can't be sent as a message: describe a struct or an enum",
            );
            return None;
        }
    };
    Some(Shape {
        runtime: serde.runtime.unwrap_or_else(|| parse_quote!(::micro)),
        name: serde
            .rename
            .unwrap_or_else(|| item.ident.unraw().to_string()),
        docs: docs(&mut item.attrs),
        ident: item.ident,
        generics: item.generics,
        kind,
    })
}

fn fields(fields: Fields, transparent: bool, case: Case, errors: &mut Errors) -> Kind {
    let named = match fields {
        Fields::Unit => return Kind::Message(Vec::new()),
        Fields::Unnamed(fields) => {
            let mut types = fields.unnamed.into_iter().map(|field| field.ty);
            // Serde writes a tuple of one as that one.
            return match (types.next(), types.next()) {
                (Some(only), None) => Kind::Same(Box::new(only)),
                _ => Kind::Opaque,
            };
        }
        Fields::Named(fields) => fields.named,
    };
    let mut read = Vec::new();
    for mut field in named {
        let serde = serde(&field.attrs, errors);
        // The fields of a flattened field are known to its own type only.
        if serde.skip || serde.flatten {
            continue;
        }
        let rust = field
            .ident
            .map(|ident| ident.unraw().to_string())
            .unwrap_or_default();
        let docs = docs(&mut field.attrs);
        field.attrs.retain(|attr| attr.path().is_ident("cfg"));
        read.push(Field {
            attrs: field.attrs,
            docs,
            name: serde.rename.unwrap_or_else(|| case.field(&rust)),
            ty: field.ty,
        });
    }
    match &*read {
        [only] if transparent => Kind::Same(Box::new(only.ty.clone())),
        _ => Kind::Message(read),
    }
}

/// Reads what concerns us of `#[serde(…)]`, and `#[micro(crate = path)]`; serde complains of the
/// rest.
fn serde(attrs: &[Attribute], errors: &mut Errors) -> Serde {
    let mut read = Serde::default();
    for attr in attrs {
        let result = if attr.path().is_ident("serde") {
            attr.parse_nested_meta(|meta| one(&meta, &mut read))
        } else if attr.path().is_ident("micro") {
            attr.parse_nested_meta(|meta| {
                if !meta.path.is_ident("crate") {
                    return Err(meta.error("`#[micro]` knows `crate` here"));
                }
                read.runtime = Some(meta.value()?.call(Path::parse_mod_style)?);
                Ok(())
            })
        } else {
            Ok(())
        };
        errors.keep(result);
    }
    read
}

fn one(meta: &ParseNestedMeta<'_>, read: &mut Serde) -> syn::Result<()> {
    let is = |name: &str| meta.path.is_ident(name);
    if is("rename") && meta.input.peek(Token![=]) {
        read.rename = Some(meta.value()?.parse::<LitStr>()?.value());
    } else if is("rename_all") && meta.input.peek(Token![=]) {
        read.rename_all = Some(meta.value()?.parse::<LitStr>()?.value());
    } else if is("rename") || is("rename_all") {
        // What is written counts, as the replies are what a listing is read for.
        return meta.parse_nested_meta(|inner| {
            let text: LitStr = inner.value()?.parse()?;
            match (inner.path.is_ident("serialize"), is("rename")) {
                (true, true) => read.rename = Some(text.value()),
                (true, false) => read.rename_all = Some(text.value()),
                _ => {}
            }
            Ok(())
        });
    } else if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(token::Paren) {
        let inner;
        syn::parenthesized!(inner in meta.input);
        inner.parse::<TokenStream>()?;
    }
    read.skip |= is("skip") || is("skip_serializing");
    read.flatten |= is("flatten");
    read.transparent |= is("transparent");
    Ok(())
}

/// The cases that serde knows.
#[derive(Clone, Copy)]
enum Case {
    None,
    Lower,
    Upper,
    Pascal,
    Camel,
    /// Words joined by this.
    Joined(&'static str),
    /// The same in capitals.
    Screaming(&'static str),
}

impl Case {
    /// Of one that it does not know, serde says so.
    fn read(text: &str) -> Self {
        match text {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Joined("_"),
            "kebab-case" => Self::Joined("-"),
            "SCREAMING_SNAKE_CASE" => Self::Screaming("_"),
            "SCREAMING-KEBAB-CASE" => Self::Screaming("-"),
            _ => Self::None,
        }
    }

    /// From `snake_case`.
    fn field(self, name: &str) -> String {
        match self {
            Self::None | Self::Lower | Self::Joined("_") => name.to_owned(),
            Self::Upper | Self::Screaming("_") => name.to_uppercase(),
            Self::Pascal => names::pascal(name),
            Self::Camel => lower_first(&names::pascal(name)),
            Self::Joined(by) => name.replace('_', by),
            Self::Screaming(by) => name.to_uppercase().replace('_', by),
        }
    }

    /// From `PascalCase`.
    fn variant(self, name: &str) -> String {
        match self {
            Self::None | Self::Pascal => name.to_owned(),
            Self::Lower => name.to_lowercase(),
            Self::Upper => name.to_uppercase(),
            Self::Camel => lower_first(name),
            Self::Joined(by) => words(name, by),
            Self::Screaming(by) => words(name, by).to_uppercase(),
        }
    }
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn words(name: &str, by: &str) -> String {
    let mut joined = String::new();
    for (place, letter) in name.char_indices() {
        if place > 0 && letter.is_uppercase() {
            joined.push_str(by);
        }
        joined.extend(letter.to_lowercase());
    }
    joined
}
