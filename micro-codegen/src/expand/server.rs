//! ```text
//! pub struct GreeterServer<S>(Arc<S>);
//! impl<S: Greeter> Handler for GreeterServer<S> {
//!     async fn call(&self, method: usize, call: Call) -> Result<Response> { match method { … } }
//! }
//! ```

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Generics, spanned::Spanned};

use super::{cfgs, descriptor, subscriber};
use crate::{
    model::{Endpoints, Kind, Method, Service},
    names,
};

/// Whose methods a server calls.
pub(super) struct Target<'a> {
    generics: Generics,
    /// The type of the handler.
    pub(super) handler: TokenStream,
    /// What the methods are found by: `Greeter`, `<Hello<D>>`.
    pub(super) path: TokenStream,
    /// More that holds for the handler.
    bounds: Option<TokenStream>,
    /// Methods that do not take the context.
    without_context: &'a [Ident],
}

impl<'a> Target<'a> {
    /// Any `S: Greeter`.
    pub(super) fn of_trait(service: &Service) -> Self {
        let handler = names::fresh("S", service);
        let path = &service.ident;
        Self {
            generics: syn::parse_quote!(<#handler: #path>),
            handler: handler.into_token_stream(),
            path: path.into_token_stream(),
            bounds: None,
            without_context: &[],
        }
    }

    /// One type with methods of its own.
    pub(super) fn of_type(endpoints: &'a Endpoints) -> Self {
        let handler = &endpoints.item.self_ty;
        let at = handler.span().resolved_at(Span::call_site());
        Self {
            generics: endpoints.item.generics.clone(),
            handler: handler.into_token_stream(),
            path: quote!(<#handler>),
            bounds: Some(quote_spanned!(at=> #handler: __v1::Send + __v1::Sync + 'static)),
            without_context: &endpoints.without_context,
        }
    }

    /// `impl<D: Db>`, and its `where`.
    pub(super) fn generics(&self) -> (TokenStream, TokenStream) {
        let mut generics = self.generics.clone();
        if let Some(bounds) = &self.bounds {
            let clause = generics.make_where_clause();
            clause.predicates.push(syn::parse_quote!(#bounds));
        }
        let (parameters, _, clause) = generics.split_for_impl();
        (parameters.to_token_stream(), clause.to_token_stream())
    }

    /// Whether a method of the handler has the context as its first argument.
    pub(super) fn takes_context(&self, method: &Method) -> bool {
        !self.without_context.contains(&method.ident)
    }
}

/// The struct.
pub(super) fn declare(service: &Service) -> TokenStream {
    let (vis, runtime, server) = (
        &service.vis,
        &service.runtime,
        names::server(&service.ident),
    );
    let cfgs = cfgs(&service.attrs);
    let parameter = names::fresh("S", service);
    let docs = format!(" Serves a [`{}`].", service.ident);
    quote! {
        #[doc = #docs]
        #(#cfgs)*
        #[derive(Debug)]
        #vis struct #server<#parameter>(#runtime::__private::v1::Arc<#parameter>);
    }
}

/// Its functions: the way from a method's number to the user's method.
pub(super) fn print(service: &Service, target: &Target<'_>) -> TokenStream {
    let server = names::server(&service.ident);
    let (generics, clause) = target.generics();
    let handler = &target.handler;
    let call = dispatch(service, target);
    let subscribers = subscriber::of_methods(service, target);
    quote! {
        impl #generics __v1::Handler for #server<#handler> #clause {
            fn service(&self) -> &'static __v1::Service {
                #server::SERVICE
            }
            #call
            #subscribers
        }
    }
}

fn dispatch(service: &Service, target: &Target<'_>) -> TokenStream {
    let server = names::server(&service.ident);
    let nothing = quote!(__v1::Err(__v1::no_method(#server::SERVICE, method)));
    if service.methods.is_empty() {
        return quote! {
            async fn call(&self, method: usize, _: __v1::Call) -> __v1::Answered {
                let _ = &self.0;
                #nothing
            }
        };
    }
    let mut methods = service.methods.iter();
    let ctx = if methods.any(|method| target.takes_context(method)) {
        quote!(ctx)
    } else {
        quote!(_)
    };
    let arms = service.methods.iter().enumerate().map(|(place, method)| {
        let place = descriptor::place(service, method, place);
        arm(method, &place, target)
    });
    quote! {
        async fn call(&self, method: usize, call: __v1::Call) -> __v1::Answered {
            let this = &*self.0;
            let (#ctx, input, output) = call.split();
            match method {
                #(#arms)*
                _ => #nothing,
            }
        }
    }
}

fn arm(method: &Method, place: &TokenStream, target: &Target<'_>) -> TokenStream {
    let (cfgs, rpc) = (cfgs(&method.attrs), names::constant(method));
    let (path, ident) = (&target.path, &method.ident);
    let ctx = target.takes_context(method).then(|| quote!(&ctx,));
    let message = match method.kind {
        Kind::Unary | Kind::ServerStream => quote!(input.message(#rpc)?),
        Kind::ClientStream | Kind::Bidi => quote!(input.stream(#rpc)),
    };
    let reply = quote!(#path::#ident(this, #ctx #message).await);
    let answer = match method.kind {
        Kind::Unary | Kind::ClientStream => quote!(output.reply(#rpc, reply)),
        Kind::ServerStream | Kind::Bidi => quote!(output.stream(#rpc, reply).await),
    };
    quote! {
        #(#cfgs)*
        #place => {
            let reply = #reply;
            #answer
        }
    }
}
