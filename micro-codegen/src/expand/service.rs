//! ```text
//! pub trait Greeter: Send + Sync + 'static {
//!     fn hello(&self, ctx: &Context, req: Request) -> impl Future<Output = Result<Reply>> + Send;
//! }
//! ```

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Path, ReturnType, Signature};

use super::{Extra, docs};
use crate::model::{Kind, Method, Service};

/// The trait.
pub(super) fn print(service: &Service, extra: &Extra) -> TokenStream {
    let Service {
        attrs,
        vis,
        ident,
        runtime,
        ..
    } = service;
    let docs = docs(&service.docs);
    let methods = service.methods.iter().map(|method| {
        let mut written = extra.signatures.iter();
        let written = written.find(|written| written.ident == method.ident);
        signature(method, written, runtime)
    });
    let Extra {
        supertraits, kept, ..
    } = extra;
    quote! {
        #docs
        #(#attrs)*
        #vis trait #ident: #runtime::__private::v1::Send + #runtime::__private::v1::Sync + 'static #(+ #supertraits)* {
            #(#methods)*
            #(#kept)*
        }
    }
}

/// A method of the trait. Its future is `Send`, which `async fn` in a trait can't say; handlers
/// write `async fn` all the same.
pub(crate) fn signature(
    method: &Method,
    written: Option<&Signature>,
    runtime: &Path,
) -> TokenStream {
    let v1 = quote!(#runtime::__private::v1);
    let Method {
        attrs,
        ident,
        argument,
        request,
        response,
        ..
    } = method;
    let docs = docs(&method.docs);
    // What the compiler has to say of the method, it says at its name.
    let at = ident.span().resolved_at(Span::call_site());
    if let Some(Signature {
        inputs,
        output: ReturnType::Type(_, output),
        ..
    }) = written
    {
        return quote_spanned! {at=>
            #docs
            #(#attrs)*
            fn #ident(#inputs) -> impl #v1::Future<Output = #output> + #v1::Send;
        };
    }
    let ctx = if argument == "ctx" {
        format_ident!("_")
    } else {
        format_ident!("ctx")
    };
    let message = match method.kind {
        Kind::Unary | Kind::ServerStream => quote!(#request),
        Kind::ClientStream | Kind::Bidi => quote!(#v1::Streaming<#request>),
    };
    let reply = match method.kind {
        Kind::Unary | Kind::ClientStream => quote!(#response),
        Kind::ServerStream | Kind::Bidi => {
            quote!(impl #v1::Stream<Item = #v1::Result<#response>> + #v1::Send)
        }
    };
    quote_spanned! {at=>
        #docs
        #(#attrs)*
        fn #ident(&self, #ctx: &#v1::Context, #argument: #message)
            -> impl #v1::Future<Output = #v1::Result<#reply>> + #v1::Send;
    }
}
