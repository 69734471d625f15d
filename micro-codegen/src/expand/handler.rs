//! ```text
//! impl IntoHandler<GreeterServer<()>> for Hello {
//!     type Handler = GreeterServer<Self>;
//!     fn into_handler(self) -> (Self::Handler, Vec<Subscriber>) { … }
//! }
//! ```

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::{server::Target, subscriber};
use crate::{
    model::{Endpoints, Handler, Subscription},
    names,
};

/// The methods that are not the trait's, in an `impl` of their own.
pub(super) fn beside(handler: &Handler) -> Option<TokenStream> {
    let (moved, ty) = (&handler.moved, &handler.item.self_ty);
    let (generics, _, clause) = handler.item.generics.split_for_impl();
    let attrs = handler.item.attrs.iter().filter(|attr| {
        let about_all = ["cfg", "allow", "warn", "deny", "forbid"];
        about_all.iter().any(|name| attr.path().is_ident(name))
    });
    (!moved.is_empty()).then(|| quote!(#(#attrs)* impl #generics #ty #clause { #(#moved)* }))
}

/// How what handles a service trait becomes a handler.
pub(super) fn of_trait(handler: &Handler) -> TokenStream {
    let (generics, _, clause) = handler.item.generics.split_for_impl();
    into_handler(
        (generics.to_token_stream(), clause.to_token_stream()),
        &handler.item.self_ty.to_token_stream(),
        &handler.server.to_token_stream(),
        &handler.subscriptions,
    )
}

/// How a type with methods of its own becomes a handler.
pub(super) fn of_type(endpoints: &Endpoints) -> TokenStream {
    let target = Target::of_type(endpoints);
    let server = names::server(&endpoints.service.ident);
    into_handler(
        target.generics(),
        &target.handler,
        &server.to_token_stream(),
        &endpoints.subscriptions,
    )
}

fn into_handler(
    (generics, clause): (TokenStream, TokenStream),
    ty: &TokenStream,
    server: &TokenStream,
    subscriptions: &[Subscription],
) -> TokenStream {
    let body = if subscriptions.is_empty() {
        quote!((<Self::Handler>::new(self), __v1::list([])))
    } else {
        let subscribers = subscriptions.iter().map(subscriber::of_handler);
        quote! {
            let this = __v1::Arc::new(self);
            let subscribers = __v1::list([#(#subscribers),*]);
            (<Self::Handler>::new(this), subscribers)
        }
    };
    quote! {
        #[automatically_derived]
        impl #generics __v1::IntoHandler<#server<()>> for #ty #clause {
            type Handler = #server<Self>;
            fn into_handler(self) -> (Self::Handler, __v1::Vec<__v1::Subscriber>) {
                #body
            }
        }
    }
}
