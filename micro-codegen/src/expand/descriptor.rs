//! ```text
//! const HELLO: &Rpc<Request, Reply> = rpc!("Greeter/Hello", "", Unary, Request, Reply);
//! impl GreeterServer<()> {
//!     pub const SERVICE: &Service = &Service::new("Greeter", "", &[HELLO.method]);
//! }
//! ```

use proc_macro2::TokenStream;
use quote::quote;

use super::{cfgs, condition, plain};
use crate::{
    model::{Kind, Method, Service},
    names,
};

/// The constants that say what there is to call.
pub(super) fn print(service: &Service) -> TokenStream {
    let server = names::server(&service.ident);
    let (vis, name, docs) = (&service.vis, &service.name, plain(&service.docs));
    let methods = service.methods.iter().map(|method| rpc(service, method));
    let places = places(service);
    let list = service.methods.iter().map(|method| {
        let (cfgs, constant) = (cfgs(&method.attrs), names::constant(method));
        quote!(#(#cfgs)* #constant.method)
    });
    let set = service
        .descriptor_set
        .as_ref()
        .map(|set| quote!(.descriptor_set(#set)));
    let list = if service.methods.is_empty() {
        quote!(&[])
    } else {
        quote!(const { &[#(#list),*] })
    };
    quote! {
        #(#methods)*
        #(#places)*
        impl #server<()> {
            /// What the service offers.
            #vis const SERVICE: &__v1::Service =
                &__v1::Service::new(#name, #docs, #list)#set;
        }
    }
}

/// The constant of a method.
fn rpc(service: &Service, method: &Method) -> TokenStream {
    let constant = names::constant(method);
    let cfgs = cfgs(&method.attrs);
    let (request, response) = (&method.request, &method.response);
    let path = names::path(service, method);
    let docs = plain(&method.docs);
    let kind = match method.kind {
        Kind::Unary => quote!(Unary),
        Kind::ClientStream => quote!(ClientStream),
        Kind::ServerStream => quote!(ServerStream),
        Kind::Bidi => quote!(Bidi),
    };
    let idempotent = method.idempotent.then(|| quote!(.idempotent()));
    let topic = method.topic.as_ref().map(|topic| {
        let name = &topic.name;
        quote!(.topic(#name))
    });
    quote! {
        #(#cfgs)*
        const #constant: &__v1::Rpc<#request, #response> =
            &__v1::rpc!(#path, #docs, #kind, #request, #response)#idempotent #topic;
    }
}

/// Where a method is there under a condition only, the places of those after it depend on that.
fn places(service: &Service) -> Vec<TokenStream> {
    if !service
        .methods
        .iter()
        .any(|method| condition(method).is_some())
    {
        return Vec::new();
    }
    let mut next = quote!(0);
    let places = service.methods.iter().map(|method| {
        let (place, at) = (names::place(method), next.clone());
        let one = match condition(method) {
            Some(condition) => quote!(::core::cfg!(#condition) as usize),
            None => quote!(1),
        };
        next = quote!(#place + #one);
        quote!(const #place: usize = #at;)
    });
    places.collect()
}

/// The pattern by which the server finds a method.
pub(super) fn place(service: &Service, method: &Method, place: usize) -> TokenStream {
    if !service
        .methods
        .iter()
        .any(|method| condition(method).is_some())
    {
        let place = proc_macro2::Literal::usize_unsuffixed(place);
        return quote!(#place);
    }
    let constant = names::place(method);
    quote!(#constant)
}
