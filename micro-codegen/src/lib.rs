//! The code generator of micro: `parse` (Rust tokens) or micro-build's `lower` (a `.proto`) →
//! [`model`] → `check` → `expand`.
//!
//! It reads no file and no environment: what it prints follows from what it is given.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod check;
mod errors;
mod expand;
pub mod model;
mod names;
mod parse;

use proc_macro2::TokenStream;

use errors::Errors;

/// What `#[micro::service(args)]` makes of the item it stands on. Mistakes are printed as
/// `compile_error!`, all of them at once, beside whatever could be made.
#[must_use]
pub fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut printed = match parse::item(args, item, &mut errors) {
        parse::Item::Trait(mut read) => {
            check::service(&mut read.0, &mut errors);
            expand::service(&read.0, &read.1)
        }
        parse::Item::Handler(handler) => expand::handler(&handler),
        parse::Item::Endpoints(mut endpoints) => {
            check::service(&mut endpoints.service, &mut errors);
            expand::endpoints(&endpoints)
        }
        parse::Item::Other(item) => item,
    };
    printed.extend(errors.print());
    printed
}

/// What `#[derive(micro::Describe)]` makes of a type.
#[must_use]
pub fn describe(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut printed = parse::describe(item, &mut errors)
        .map(|shape| expand::describe(&shape))
        .unwrap_or_default();
    printed.extend(errors.print());
    printed
}

/// What `#[subscribe]` makes of an item where no `#[micro::service]` reads it: the item, and the
/// reason why it does nothing there.
#[must_use]
pub fn stray_subscribe(mut item: TokenStream) -> TokenStream {
    let error = syn::Error::new(
        proc_macro2::Span::call_site(),
        "`#[subscribe]` marks methods of a trait or an `impl` that is marked `#[micro::service]`",
    );
    item.extend(error.into_compile_error());
    item
}

/// Prints all that a service definition stands for.
#[must_use]
pub fn expand(service: &model::Service) -> TokenStream {
    expand::service(service, &expand::Extra::default())
}

/// Reads a service definition, `pub trait Greeter { … }`, as `#[micro::service(args)]` does.
///
/// # Errors
/// All that is wrong with it, as one error.
pub fn parse(args: TokenStream, item: TokenStream) -> syn::Result<model::Service> {
    let mut errors = Errors::default();
    match parse::item(args, item.clone(), &mut errors) {
        parse::Item::Trait(mut read) => {
            check::service(&mut read.0, &mut errors);
            errors.finish().map(|()| read.0)
        }
        _ => {
            errors.finish()?;
            Err(syn::Error::new_spanned(
                item,
                "not the definition of a service",
            ))
        }
    }
}

/// Checks the rules over a whole service definition, like names that are there twice.
///
/// # Errors
/// All that are broken, as one error.
pub fn check(service: &model::Service) -> syn::Result<()> {
    let mut errors = Errors::default();
    check::service(&mut service.clone(), &mut errors);
    errors.finish()
}
