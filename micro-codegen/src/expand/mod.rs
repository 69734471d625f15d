//! From the model to Rust: the list of what is printed. Each kind of item is a file of its own.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Meta, Signature, TypeParamBound};

use crate::{
    model::{Endpoints, Handler, Method, Service},
    names,
};

mod client;
mod describe;
mod descriptor;
mod handler;
mod mock;
mod server;
mod service;
mod subscriber;

pub(crate) use describe::describe;
pub(crate) use service::signature;

/// What a trait has beside its methods, there only where the definition is Rust.
#[derive(Default)]
pub(crate) struct Extra {
    /// Those that the user asks for.
    pub(crate) supertraits: Vec<TypeParamBound>,
    /// The methods as they were written, with all that handlers may leave out: what the user
    /// imported for them is then used.
    pub(crate) signatures: Vec<Signature>,
    /// Items that could not be read, printed so that one mistake gives one error.
    pub(crate) kept: Vec<TokenStream>,
}

/// A service definition: the trait, and all that calls and serves it.
pub(crate) fn service(service: &Service, extra: &Extra) -> TokenStream {
    let definition = service::print(service, extra);
    let stubs = stubs(
        service,
        &server::Target::of_trait(service),
        TokenStream::new(),
    );
    quote!(#definition #stubs)
}

/// An `impl` of a service trait: itself, the methods that are not the trait's, and how it becomes
/// a handler.
pub(crate) fn handler(handler: &Handler) -> TokenStream {
    let Handler { runtime, item, .. } = handler;
    let cfgs = cfgs(&item.attrs);
    let beside = handler::beside(handler);
    let into = handler::of_trait(handler);
    quote! {
        #item
        #beside
        #(#cfgs)*
        const _: () = {
            use #runtime::__private::v1 as __v1;
            #into
        };
    }
}

/// An `impl` of a type's own methods: itself, all that calls and serves them, and how it becomes a
/// handler.
pub(crate) fn endpoints(endpoints: &Endpoints) -> TokenStream {
    let target = server::Target::of_type(endpoints);
    let stubs = stubs(&endpoints.service, &target, handler::of_type(endpoints));
    let item = &endpoints.item;
    quote!(#item #stubs)
}

/// All that calls and serves: the types beside the definition, their functions in a block of their
/// own, where `__v1` can't be mistaken for something of the user's.
fn stubs(service: &Service, target: &server::Target<'_>, more: TokenStream) -> TokenStream {
    let cfgs = cfgs(&service.attrs);
    let runtime = &service.runtime;
    let types = [
        client::declare(service),
        server::declare(service),
        mock::declare(service),
    ];
    let allow = allow(service);
    let (client, server) = (names::client(&service.ident), names::server(&service.ident));
    let (vis, name, mock) = (&service.vis, &service.name, names::mock(&service.ident));
    let functions = [
        descriptor::print(service),
        client::print(service),
        server::print(service, target),
        mock::print(service),
    ];
    quote! {
        #(#types)*
        #(#cfgs)* #allow
        const _: () = {
            use #runtime::__private::v1 as __v1;
            #(#functions)*
            __v1::common!(#vis #client, #server, #mock, #name);
            #more
        };
    }
}

/// Programs seldom use all that is printed, and lints are about code that somebody wrote.
fn allow(service: &Service) -> TokenStream {
    let attrs = service.methods.iter().flat_map(|method| &method.attrs);
    let deprecated = attrs
        .chain(&service.attrs)
        .any(|attr| attr.path().is_ident("deprecated"))
        .then(|| quote!(deprecated,));
    quote!(#[allow(#deprecated dead_code, unreachable_pub, clippy::all, clippy::pedantic, clippy::nursery)])
}

/// The conditions under which it is there.
fn cfgs(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> + Clone {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg"))
}

/// The conditions as one: `all(unix, feature = "x")`.
fn condition(method: &Method) -> Option<TokenStream> {
    let conditions: Vec<_> = cfgs(&method.attrs)
        .filter_map(|attr| match &attr.meta {
            Meta::List(list) => Some(&list.tokens),
            _ => None,
        })
        .collect();
    (!conditions.is_empty()).then(|| quote!(all(#(#conditions),*)))
}

/// What rustdoc shows for an item of its own.
fn docs(lines: &[String]) -> TokenStream {
    quote!(#(#[doc = #lines])*)
}

/// A doc comment as it reads: for descriptors.
fn plain(lines: &[String]) -> String {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.join("\n").trim().to_owned()
}
