//! From Rust tokens to the model.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Expr, ExprLit, Item as Source, Lit, Meta};

use crate::{
    errors::Errors,
    expand::Extra,
    model::{Endpoints, Handler, Service},
};

mod args;
mod describe;
mod handler;
mod item;
mod lifetimes;
mod method;
mod types;

pub(crate) use describe::{Kind, Shape, describe};

/// What `#[micro::service]` stands on.
pub(crate) enum Item {
    /// A service definition.
    Trait(Box<(Service, Extra)>),
    /// An `impl` of a service trait.
    Handler(Box<Handler>),
    /// An `impl` of a type's own methods.
    Endpoints(Box<Endpoints>),
    /// Something else, or something too wrong to be read: to be printed as it is.
    Other(TokenStream),
}

/// Reads the item that `#[micro::service(args)]` stands on.
pub(crate) fn item(args: TokenStream, item: TokenStream, errors: &mut Errors) -> Item {
    let args = args::service(args, errors);
    match syn::parse2::<Source>(item.clone()) {
        Ok(Source::Trait(source)) => item::service(source, args, errors),
        Ok(Source::Impl(source)) if source.trait_.is_some() => {
            handler::handler(source, args, errors)
        }
        Ok(Source::Impl(source)) => handler::endpoints(source, args, errors),
        Ok(other) => {
            errors.push(
                head(&other),
                "`#[micro::service]` belongs on a trait, on an `impl` of such a trait, or on an \
                 `impl` of a type's own methods",
            );
            Item::Other(item)
        }
        Err(error) => {
            errors.add(error);
            Item::Other(item)
        }
    }
}

/// The first token after the attributes: the place to complain about an item as a whole.
fn head(item: &Source) -> TokenStream {
    let tokens = item.to_token_stream().into_iter();
    let mut attribute = false;
    tokens
        .skip_while(|token| {
            let text = token.to_string();
            let skip = attribute || text == "#";
            attribute = text == "#";
            skip
        })
        .take(1)
        .collect()
}

/// Takes the doc comment out of the attributes, line by line.
fn docs(attrs: &mut Vec<Attribute>) -> Vec<String> {
    let mut docs = Vec::new();
    attrs.retain(|attr| match &attr.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => {
                let text = text.value();
                docs.extend(text.split('\n').map(str::to_owned));
                false
            }
            _ => true,
        },
        _ => true,
    });
    docs
}
