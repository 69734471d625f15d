//! Reads what prost printed: which Rust name and type each field has. Its own output is the only
//! thing that knows how it was set up.

use syn::{
    Attribute, GenericArgument, Ident, Path, PathArguments, PathSegment, Token, Type,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

/// What stands in `#[prost(…)]`.
#[derive(Default)]
pub(crate) struct Prost {
    pub(crate) tags: Vec<i32>,
    pub(crate) optional: bool,
    pub(crate) repeated: bool,
    pub(crate) boxed: bool,
    /// The path of the enum, also where it is a map's value.
    pub(crate) enumeration: Option<Path>,
    pub(crate) oneof: Option<Path>,
}

impl Prost {
    /// Reads the attributes of a field or variant.
    pub(crate) fn of(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut prost = Self::default();
        for attribute in attributes {
            if attribute.path().is_ident("prost") {
                attribute.parse_args_with(|input: ParseStream<'_>| prost.read(input))?;
            }
        }
        Ok(prost)
    }

    fn read(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        while !input.is_empty() {
            let name = Ident::parse_any(input)?;
            let mut value = None;
            if input.peek(Token![=]) {
                input.parse::<Token![=]>()?;
                value = Some(input.parse::<syn::LitStr>()?.value());
            } else if input.peek(syn::token::Paren) {
                let inside;
                syn::parenthesized!(inside in input);
                inside.parse::<proc_macro2::TokenStream>()?;
            }
            let value = value.unwrap_or_default();
            match &*name.to_string() {
                "optional" => self.optional = true,
                "repeated" => self.repeated = true,
                "boxed" => self.boxed = true,
                "enumeration" => self.enumeration = Some(syn::parse_str(&value)?),
                "oneof" => self.oneof = Some(syn::parse_str(&value)?),
                "tag" | "tags" => {
                    self.tags = value
                        .split(',')
                        .filter_map(|tag| tag.trim().parse().ok())
                        .collect();
                }
                "map" | "btree_map" | "hash_map" => self.enumeration = map_enumeration(&value)?,
                _ => {}
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }
}

/// The enum in `string, enumeration(path)`.
fn map_enumeration(value: &str) -> syn::Result<Option<Path>> {
    let path = value
        .split_once("enumeration(")
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    path.map(syn::parse_str).transpose()
}

/// The type inside a type, as many layers down as it is an option, a list or a box: the message.
/// Of a map it is the value.
pub(crate) fn innermost(ty: &Type) -> &Type {
    let mut ty = ty;
    while let Some(segment) = last(ty)
        && ["Option", "Vec", "Box", "HashMap", "BTreeMap"]
            .iter()
            .any(|name| segment.ident == name)
        && let PathArguments::AngleBracketed(arguments) = &segment.arguments
        && let Some(GenericArgument::Type(inner)) = arguments.args.last()
    {
        ty = inner;
    }
    ty
}

/// Whether it is a `Box<…>`.
pub(crate) fn is_box(ty: &Type) -> bool {
    last(ty).is_some_and(|segment| segment.ident == "Box" && !segment.arguments.is_none())
}

fn last(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// A path that holds inside the module `inside`, said from the outside of it.
pub(crate) fn outward(path: &Path, inside: &Ident) -> Path {
    let Some(first) = path.segments.first() else {
        return path.clone();
    };
    if path.leading_colon.is_some() || first.ident == "crate" {
        return path.clone();
    }
    let mut path = path.clone();
    if first.ident == "super" {
        path.segments = path.segments.into_iter().skip(1).collect();
    } else {
        path.segments.insert(0, inside.clone().into());
    }
    path
}

/// The same for a type that is a path.
pub(crate) fn outward_type(ty: &Type, inside: &Ident) -> Type {
    match ty {
        Type::Path(path) if path.qself.is_none() => {
            let mut path = path.clone();
            path.path = outward(&path.path, inside);
            Type::Path(path)
        }
        _ => ty.clone(),
    }
}

/// One argument list of words, read and passed over.
pub(crate) struct Words(pub(crate) Vec<String>);

impl Parse for Words {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let paths = input.parse_terminated(Path::parse_mod_style, Token![,])?;
        let last = |path: Path| {
            path.segments
                .last()
                .map(|segment| segment.ident.to_string())
        };
        Ok(Self(paths.into_iter().filter_map(last).collect()))
    }
}

/// Whether a type derives this, whatever the path.
pub(crate) fn derives(attributes: &[Attribute], name: &str) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("derive"))
        .filter_map(|attribute| attribute.parse_args::<Words>().ok())
        .any(|words| words.0.iter().any(|word| word == name))
}
