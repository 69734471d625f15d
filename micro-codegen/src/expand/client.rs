//! ```text
//! pub struct GreeterClient<C>(Stub<C>);
//! impl<C: Client> GreeterClient<C> {
//!     pub fn hello(&self, req: Request) -> Unary<C, Request, Reply> { … }
//! }
//! ```

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{cfgs, docs};
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
        #[derive(Clone, Debug)]
        #vis struct #client<#parameter>(#runtime::__private::v1::Stub<#parameter>);
    }
}

/// Its functions.
pub(super) fn print(service: &Service) -> TokenStream {
    let client = names::client(&service.ident);
    let parameter = names::fresh("C", service);
    let methods = service
        .methods
        .iter()
        .map(|method| call(service, method, &parameter));
    quote! {
        impl<#parameter: __v1::Client> #client<#parameter> {
            #(#methods)*
        }
    }
}

fn call(service: &Service, method: &Method, parameter: &Ident) -> TokenStream {
    let (vis, rpc) = (&service.vis, names::constant(method));
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
    let many = quote!(impl __v1::Messages<#request>);
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
