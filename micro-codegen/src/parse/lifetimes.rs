//! Handlers that borrow, which they can't.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericParam, ItemImpl, Lifetime};

use crate::{errors::Errors, names};

/// Complains of the lifetimes of a handler and takes each for `'static`, so that nothing more has
/// to be said of them.
pub(super) fn settle(mut source: ItemImpl, errors: &mut Errors) -> ItemImpl {
    let mut lifetimes = Vec::new();
    let params = std::mem::take(&mut source.generics.params);
    for param in params {
        match param {
            GenericParam::Lifetime(param) if !param.bounds.iter().any(is_static) => {
                complain(&param.lifetime, errors);
                lifetimes.push(param.lifetime.ident);
            }
            other => source.generics.params.push(other),
        }
    }
    let anonymous = |ident: &Ident| ident == "_";
    let ty = source.self_ty.to_token_stream();
    if lifetimes.is_empty() && !names::mentions(ty.clone(), &anonymous) {
        return source;
    }
    if lifetimes.is_empty() {
        complain(&source.self_ty, errors);
        let settled = replace(ty, &anonymous);
        if let Ok(ty) = syn::parse2(settled) {
            source.self_ty = ty;
        }
        return source;
    }
    let settled = replace(source.to_token_stream(), &|ident| lifetimes.contains(ident));
    syn::parse2(settled).unwrap_or(source)
}

fn complain(at: &dyn ToTokens, errors: &mut Errors) {
    errors.push(
        at,
        "a handler lives as long as its server, so it can't borrow: let it own, or share by `Arc`",
    );
}

fn is_static(bound: &Lifetime) -> bool {
    bound.ident == "static"
}

/// `'static` for the lifetimes that are meant.
fn replace(tokens: TokenStream, meant: &dyn Fn(&Ident) -> bool) -> TokenStream {
    let mut tick = false;
    let replaced = tokens.into_iter().map(|token| {
        let after_tick = std::mem::replace(
            &mut tick,
            matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\''),
        );
        match token {
            TokenTree::Ident(ident) if after_tick && meant(&ident) => {
                Ident::new("static", ident.span()).into()
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), replace(group.stream(), meant));
                inner.set_span(group.span());
                inner.into()
            }
            other => other,
        }
    });
    replaced.collect()
}
