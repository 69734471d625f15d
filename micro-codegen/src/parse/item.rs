//! A service definition: `#[micro::service]` on a trait.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    FnArg, ItemTrait, Pat, Path, Signature, TraitItem, TraitItemFn, ext::IdentExt, parse_quote,
};

use super::{Item, args, args::ServiceArgs, docs, handler, method};
use crate::{
    errors::Errors,
    expand::Extra,
    model::{Method, Service},
    names,
};

/// Reads a trait.
pub(super) fn service(mut source: ItemTrait, args: ServiceArgs, errors: &mut Errors) -> Item {
    let whole = whole(&source, errors);
    let docs = docs(&mut source.attrs);
    let mut extra = Extra::default();
    let mut methods = Vec::new();
    for item in std::mem::take(&mut source.items) {
        match item {
            TraitItem::Fn(item) => match one(&item, errors) {
                Some(method) => {
                    extra
                        .signatures
                        .push(written(item.sig, &method, &args.runtime));
                    methods.push(method);
                }
                None => extra.kept.push(unread(item, &args.runtime)),
            },
            other => {
                foreign(&other, errors);
                extra.kept.push(other.to_token_stream());
            }
        }
    }
    if !whole {
        let signatures = methods
            .iter()
            .map(|method| crate::expand::signature(method, None, &args.runtime));
        let (attrs, vis, ident) = (&source.attrs, &source.vis, &source.ident);
        let (generics, unsafety) = (&source.generics, &source.unsafety);
        let (colon, supertraits) = (source.colon_token, &source.supertraits);
        let (kept, clause) = (&extra.kept, &generics.where_clause);
        return Item::Other(quote! {
            #(#attrs)* #vis #unsafety trait #ident #generics #colon #supertraits #clause {
                #(#signatures)*
                #(#kept)*
            }
        });
    }
    extra.supertraits.extend(source.supertraits);
    let name = full_name(&source.ident, &args, errors);
    let service = Service {
        attrs: source.attrs,
        vis: source.vis,
        ident: source.ident,
        name,
        docs,
        methods,
        runtime: args.runtime,
        descriptor_set: None,
    };
    Item::Trait(Box::new((service, extra)))
}

/// `helloworld.Greeter`
pub(super) fn full_name(ident: &syn::Ident, args: &ServiceArgs, errors: &mut Errors) -> String {
    let name = match &args.name {
        Some(name) => name.value(),
        None => ident.unraw().to_string(),
    };
    if !names::is_wire_name(&name) {
        errors.push(
            ident,
            "on the wire, names are ASCII letters, digits and `_`: give it one by \
             `#[micro::service(name = \"…\")]`",
        );
    }
    match &args.package {
        Some(package) => format!("{}.{name}", package.value()),
        None => name,
    }
}

/// What keeps a client and a server from being made at all.
fn whole(source: &ItemTrait, errors: &mut Errors) -> bool {
    let mut whole = true;
    let mut wrong = |at: &dyn ToTokens, message: &str| {
        errors.push(at, message);
        whole = false;
    };
    if !source.generics.params.is_empty() {
        wrong(
            &source.generics.params,
            "a service is one and the same for every caller, so its trait can't be generic; what \
             handles it can: `impl<T> Greeter for Hello<T>`",
        );
    } else if let Some(clause) = &source.generics.where_clause {
        wrong(
            clause,
            "a service trait has no `where`: ask for it where it is handled",
        );
    }
    if let Some(at) = &source.unsafety {
        wrong(
            at,
            "a service trait can't be `unsafe`: its callers are elsewhere",
        );
    }
    if let Some(at) = &source.modifiers.auto_token {
        wrong(at, "a service trait can't be `auto`");
    }
    whole
}

/// Reads a method.
fn one(item: &TraitItemFn, errors: &mut Errors) -> Option<Method> {
    let args = args::method(item.attrs.clone(), errors);
    if let Some(skip) = &args.skip {
        errors.push(
            skip,
            "every method of a service trait is part of the service; `skip` is for an `impl` of a \
             type's own methods",
        );
    }
    for argument in method::typed(&item.sig) {
        if !matches!(&*argument.pat, Pat::Ident(_) | Pat::Wild(_)) {
            errors.push(
                &argument.pat,
                "the definition names the argument, `req: Request`; the handler can take it apart",
            );
        }
    }
    let read = method::endpoint(&item.sig, args, errors);
    if let Some(body) = &item.default {
        let open = body.brace_token.span.open();
        errors.add(syn::Error::new(
            open,
            "a service trait says what can be called, not what happens then: end with `;` and put \
             the body into the `impl`",
        ));
        return None;
    }
    read.map(|(method, _)| method)
}

/// The signature with the context, and with a name where the message had a pattern.
fn written(mut sig: Signature, method: &Method, runtime: &Path) -> Signature {
    if let Some(FnArg::Typed(message)) = sig.inputs.last_mut() {
        let name = &method.argument;
        *message.pat = parse_quote!(#name);
    }
    let ctx = if method.argument == "ctx" { "_" } else { "ctx" };
    handler::adapt(&mut sig, &format_ident!("{ctx}"), runtime);
    sig
}

/// A method that could not be read, as nearly as handlers will have it: what is wrong with it is
/// said once, not again for each `impl`.
fn unread(mut item: TraitItemFn, runtime: &Path) -> TokenStream {
    item.attrs = args::method(item.attrs, &mut Errors::default()).attrs;
    handler::adapt(&mut item.sig, &format_ident!("_"), runtime);
    let clause = item.sig.generics.make_where_clause();
    clause.predicates.push(parse_quote!(Self: Sized));
    item.attrs.push(parse_quote!(#[allow(async_fn_in_trait)]));
    item.into_token_stream()
}

/// What is no method.
fn foreign(item: &TraitItem, errors: &mut Errors) {
    match item {
        TraitItem::Type(item) => errors.push(
            &item.ident,
            "a service trait has methods only: message types are written out, not associated",
        ),
        TraitItem::Const(item) => errors.push(
            &item.ident,
            "a service trait has methods only: put the constant beside it",
        ),
        TraitItem::Macro(item) => errors.push(
            &item.mac.path,
            "what this macro gives can't be seen from here: write the methods out",
        ),
        other => errors.push(other, "a service trait has methods only"),
    }
}
