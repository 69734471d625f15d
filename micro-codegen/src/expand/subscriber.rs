//! ```text
//! subscriber(this, "user.created", wire!(Event), |this, ctx, event| async move { … }).queue("mailer")
//! ```

use proc_macro2::TokenStream;
use quote::quote;

use super::{cfgs, server::Target};
use crate::{
    model::{Service, Subscription, Topic},
    names,
};

/// Those of the methods of a service that follow a topic beside their calls.
pub(super) fn of_methods(service: &Service, target: &Target<'_>) -> Option<TokenStream> {
    let methods = service.methods.iter();
    let list: Vec<_> = methods
        .filter_map(|method| {
            let topic = method.topic.as_ref()?;
            let (rpc, cfgs) = (names::constant(method), cfgs(&method.attrs));
            let (path, ident) = (&target.path, &method.ident);
            let (binding, ctx) = context(target.takes_context(method));
            let run = quote!(|this, #binding, event| async move {
                #path::#ident(&*this.0, #ctx event).await.map(__v1::drop)
            });
            let subscriber = print(&quote!(self), topic, &quote!(#rpc.request), &run);
            Some(quote!(#(#cfgs)* #subscriber))
        })
        .collect();
    (!list.is_empty()).then(|| {
        quote! {
            fn subscribers(self: &__v1::Arc<Self>) -> __v1::Vec<__v1::Subscriber> {
                __v1::list([#(#list),*])
            }
        }
    })
}

/// A method that only follows a topic, of the handler `this`.
pub(super) fn of_handler(subscription: &Subscription) -> TokenStream {
    let Subscription { ident, event, .. } = subscription;
    let cfgs = cfgs(&subscription.attrs);
    let (binding, ctx) = context(subscription.context);
    let run = quote!(|this, #binding, event| async move { Self::#ident(&this, #ctx event).await });
    let wire = quote!(__v1::wire!(#event));
    let subscriber = print(&quote!(&this), &subscription.topic, &wire, &run);
    quote!(#(#cfgs)* #subscriber)
}

/// How the context is taken, and how it is handed on.
fn context(taken: bool) -> (TokenStream, Option<TokenStream>) {
    if taken {
        (quote!(ctx), Some(quote!(&ctx,)))
    } else {
        (quote!(_), None)
    }
}

fn print(this: &TokenStream, topic: &Topic, wire: &TokenStream, run: &TokenStream) -> TokenStream {
    let name = &topic.name;
    let queue = topic.queue.as_ref().map(|queue| quote!(.queue(#queue)));
    quote!(__v1::subscriber(#this, #name, #wire, #run)#queue)
}
