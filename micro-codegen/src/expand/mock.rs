//! ```text
//! pub struct MockGreeter(Mock);
//! impl MockGreeter {
//!     pub fn hello(self, answer: impl Answer<Request, Reply>) -> Self { … }
//! }
//! ```

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::cfgs;
use crate::{
    model::{Kind, Method, Service},
    names,
};

/// The struct.
pub(super) fn declare(service: &Service) -> TokenStream {
    let (vis, runtime, mock) = (&service.vis, &service.runtime, names::mock(&service.ident));
    let cfgs = cfgs(&service.attrs);
    let v1 = quote!(#runtime::__private::v1);
    let docs = format!(
        " Stands in for a [`{}`] in tests: answers by closures and logs the calls.",
        service.ident
    );
    quote! {
        #[doc = #docs]
        #(#cfgs)*
        #[derive(Clone, Debug, Default)]
        #vis struct #mock(#v1::Mock);
    }
}

/// Its functions.
pub(super) fn print(service: &Service) -> TokenStream {
    let mock = names::mock(&service.ident);
    let fresh = names::fresh("R", service);
    let answers = service
        .methods
        .iter()
        .map(|method| answer(service, method, &fresh));
    quote! {
        impl #mock {
            #(#answers)*
        }
    }
}

fn answer(service: &Service, method: &Method, fresh: &Ident) -> TokenStream {
    let (vis, cfgs, rpc) = (&service.vis, cfgs(&method.attrs), names::constant(method));
    let Method {
        ident,
        request,
        response,
        ..
    } = method;
    let docs = format!(" Answers `{ident}`.");
    let (kind, answer) = match method.kind {
        Kind::Unary => (
            quote!(unary),
            quote!(impl __v1::Answer<#request, #response>),
        ),
        Kind::ServerStream => (
            quote!(server_stream),
            quote!(impl __v1::Answer<#request, #fresh>),
        ),
        Kind::ClientStream => (
            quote!(client_stream),
            quote!(impl __v1::LateAnswer<__v1::Streaming<#request>, #fresh>),
        ),
        Kind::Bidi => (
            quote!(bidi),
            quote!(impl __v1::Answer<__v1::Streaming<#request>, #fresh>),
        ),
    };
    let parameter = match method.kind {
        Kind::Unary => None,
        Kind::ClientStream => Some(quote!(<#fresh: __v1::Reply<#response>>)),
        Kind::ServerStream | Kind::Bidi => Some(quote!(<#fresh: __v1::Replies<#response>>)),
    };
    quote! {
        #[doc = #docs]
        #(#cfgs)*
        #vis fn #ident #parameter(self, answer: #answer) -> Self {
            self.0.#kind(#rpc, answer);
            self
        }
    }
}
