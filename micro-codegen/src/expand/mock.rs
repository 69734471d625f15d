//! ```text
//! pub struct MockGreeter(Mock);
//! impl MockGreeter {
//!     pub fn hello(self, answer: impl FnMut(Request) -> Result<Reply> + Send + 'static) -> Self { … }
//! }
//! ```

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{cfgs, rpc};
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
        #[derive(#v1::Clone, #v1::Debug, #v1::Default)]
        #vis struct #mock(#v1::Mock);
    }
}

/// Its functions.
pub(super) fn print(service: &Service) -> TokenStream {
    let vis = &service.vis;
    let (mock, client) = (names::mock(&service.ident), names::client(&service.ident));
    let name = &service.name;
    let fresh = names::fresh("R", service);
    let answers = service
        .methods
        .iter()
        .map(|method| answer(service, method, &fresh));
    quote! {
        impl #mock {
            /// A mock without answers.
            #vis fn new() -> Self {
                Self(__v1::Default::default())
            }
            /// A client that calls this mock.
            #vis fn client(&self) -> #client<__v1::MockClient> {
                #client::new(#name, self.0.clone())
            }
            /// The calls so far.
            #vis fn calls(&self) -> __v1::Vec<__v1::MockCall> {
                self.0.calls()
            }
            #(#answers)*
        }
    }
}

fn answer(service: &Service, method: &Method, fresh: &Ident) -> TokenStream {
    let (vis, cfgs, rpc) = (&service.vis, cfgs(&method.attrs), rpc(service, method));
    let Method {
        ident,
        request,
        response,
        ..
    } = method;
    let docs = format!(" Answers `{ident}`.");
    let replies = quote!(__v1::Stream<Item = __v1::Result<#response>>);
    let reply = quote!(__v1::Future<Output = __v1::Result<#response>>);
    let (kind, parameter, closure) = match method.kind {
        Kind::Unary => (
            quote!(unary),
            None,
            quote!((#request) -> __v1::Result<#response>),
        ),
        Kind::ServerStream => (
            quote!(server_stream),
            Some(replies),
            quote!((#request) -> __v1::Result<#fresh>),
        ),
        Kind::ClientStream => (
            quote!(client_stream),
            Some(reply),
            quote!((__v1::Streaming<#request>) -> #fresh),
        ),
        Kind::Bidi => (
            quote!(bidi),
            Some(replies),
            quote!((__v1::Streaming<#request>) -> __v1::Result<#fresh>),
        ),
    };
    let parameter = parameter.map(|bound| quote!(<#fresh: #bound + __v1::Send + 'static>));
    quote! {
        #[doc = #docs]
        #(#cfgs)*
        #vis fn #ident #parameter(self, answer: impl __v1::FnMut #closure + __v1::Send + 'static) -> Self {
            self.0.#kind(#rpc, answer);
            self
        }
    }
}
