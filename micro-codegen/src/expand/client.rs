//! ```text
//! pub struct GreeterClient<C>(Stub<C>);
//! impl<C: Client> GreeterClient<C> {
//!     pub fn hello(&self, req: Request) -> Unary<C, Request, Reply> { … }
//! }
//! ```

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{cfgs, docs, rpc};
use crate::{
    model::{Kind, Method, Service},
    names,
};

/// The struct.
pub(super) fn declare(service: &Service) -> TokenStream {
    let (vis, runtime, client) = (
        &service.vis,
        &service.runtime,
        names::client(&service.ident),
    );
    let cfgs = cfgs(&service.attrs);
    let parameter = names::fresh("C", service);
    let docs = format!(
        " Calls [`{}`] by way of a client `{parameter}`.",
        service.ident
    );
    quote! {
        #[doc = #docs]
        #(#cfgs)*
        #[derive(#runtime::__private::v1::Clone, #runtime::__private::v1::Debug)]
        #vis struct #client<#parameter>(#runtime::__private::v1::Stub<#parameter>);
    }
}

/// Its functions.
pub(super) fn print(service: &Service) -> TokenStream {
    let (vis, client) = (&service.vis, names::client(&service.ident));
    let parameter = names::fresh("C", service);
    let methods = service
        .methods
        .iter()
        .map(|method| call(service, method, &parameter));
    quote! {
        impl<#parameter: __v1::Client> #client<#parameter> {
            /// Calls the service registered as `service`.
            #vis fn new(service: impl __v1::Into<__v1::Arc<__v1::str>>, client: #parameter) -> Self {
                Self(__v1::Stub::new(service, client))
            }
            #(#methods)*
        }
    }
}

fn call(service: &Service, method: &Method, parameter: &Ident) -> TokenStream {
    let (vis, rpc) = (&service.vis, rpc(service, method));
    let Method {
        ident,
        argument,
        request,
        response,
        ..
    } = method;
    let docs = match &*method.docs {
        [] => docs(&[format!(" Calls `{ident}`.")]),
        lines => docs(lines),
    };
    let cfgs = cfgs(&method.attrs);
    let deprecated = method
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("deprecated"));
    let many = quote!(impl __v1::Stream<Item = #request> + __v1::Send + 'static);
    let (send, input, kind) = match method.kind {
        Kind::Unary => (quote!(one), quote!(#request), quote!(Unary)),
        Kind::ServerStream => (quote!(one), quote!(#request), quote!(ServerStream)),
        Kind::ClientStream => (quote!(many), many, quote!(ClientStream)),
        Kind::Bidi => (quote!(many), many, quote!(Bidi)),
    };
    quote! {
        #docs
        #(#cfgs)*
        #(#deprecated)*
        #vis fn #ident(&self, #argument: #input) -> __v1::#kind<#parameter, #request, #response> {
            self.0.#send(#rpc, #argument)
        }
    }
}
