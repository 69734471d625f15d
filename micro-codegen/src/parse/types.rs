//! What can be seen of a type from its tokens.

use quote::ToTokens;
use syn::{GenericArgument, Path, PathArguments, ReturnType, Type, TypeParamBound, TypeReference};

/// `&Context`, by whatever path.
pub(super) fn is_context(ty: &Type) -> bool {
    matches!(ty, Type::Reference(TypeReference { elem, .. }) if is_named(elem, "Context"))
}

/// Whether it is a path that ends in `name`.
pub(super) fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if last_is(&path.path, name))
}

fn last_is(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}

/// `T` of `Streaming<T>`.
pub(super) fn streaming(ty: &Type) -> Option<&Type> {
    only(ty, "Streaming")
}

/// `T` of `Result<T>` and of `Result<T, E>`.
pub(super) fn result(ty: &Type) -> Option<&Type> {
    only(ty, "Result")
}

fn only<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(ty) if last.ident == name => Some(ty),
        _ => None,
    }
}

/// What a method gives.
pub(super) enum Reply<'a> {
    /// `Result<T>`
    One(&'a Type),
    /// `Result<impl Stream<Item = Result<T>>>`
    Many(&'a Type),
}

/// Reads a return type, or says what is wrong with it and where.
pub(super) fn reply<'a>(
    output: &'a ReturnType,
) -> Result<Reply<'a>, (Option<&'a dyn ToTokens>, &'static str)> {
    let ReturnType::Type(_, ty) = output else {
        return Err((
            None,
            "what does it reply? Write `-> micro::Result<Reply>`, `micro::Result<()>` for nothing",
        ));
    };
    let Some(reply) = result(ty) else {
        return Err((
            Some(ty),
            "a call may fail, so a method returns `micro::Result<…>`",
        ));
    };
    let Type::ImplTrait(opaque) = reply else {
        return match streaming(reply) {
            Some(_) => Err((
                Some(reply),
                "`Streaming` is what a method takes; a method that replies with a stream returns \
                 `micro::Result<impl Stream<Item = micro::Result<…>>>`",
            )),
            None => Ok(Reply::One(reply)),
        };
    };
    let Some(item) = opaque.bounds.iter().find_map(item) else {
        return Err((
            Some(reply),
            "the one `impl Trait` that can be a reply is `impl Stream<Item = micro::Result<…>>`",
        ));
    };
    match result(item) {
        Some(message) => Ok(Reply::Many(message)),
        None => Err((
            Some(item),
            "a stream may fail half-way, so its items are `micro::Result<…>`",
        )),
    }
}

/// `T` of `Stream<Item = T>`.
fn item(bound: &TypeParamBound) -> Option<&Type> {
    let TypeParamBound::Trait(bound) = bound else {
        return None;
    };
    let last = bound.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(assoc) if last.ident == "Stream" && assoc.ident == "Item" => {
            Some(&assoc.ty)
        }
        _ => None,
    })
}
