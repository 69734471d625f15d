//! The rules over one method, whoever calls it: a client, or the messages of a topic.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::{
    FnArg, Pat, PatType, ReceiverKind, ReturnType, Safety, Signature, Type, ext::IdentExt,
    spanned::Spanned,
};

use super::{
    args::MethodArgs,
    types::{self, Reply},
};
use crate::{
    errors::Errors,
    model::{Kind, Method, Subscription},
    names,
};

/// A method that can be called, and whether it takes the context.
pub(super) fn endpoint(
    sig: &Signature,
    args: MethodArgs,
    errors: &mut Errors,
) -> Option<(Method, bool)> {
    let head = head(sig, errors);
    let arguments = arguments(sig, errors);
    let reply = types::reply(&sig.output);
    let reply = reply.map_err(|(at, message)| match at {
        Some(at) => errors.push(at, message),
        None => errors.push(&sig.ident, message),
    });
    let name = wire_name(sig, &args, errors);
    let ((), (message, context), reply, name) = (head?, arguments?, reply.ok()?, name?);

    let stream = types::streaming(&message.ty);
    let (kind, request, response) = match (stream, reply) {
        (None, Reply::One(reply)) => (Kind::Unary, &*message.ty, reply),
        (Some(item), Reply::One(reply)) => (Kind::ClientStream, item, reply),
        (None, Reply::Many(reply)) => (Kind::ServerStream, &*message.ty, reply),
        (Some(item), Reply::Many(reply)) => (Kind::Bidi, item, reply),
    };
    let good = owned(request, "a message", errors) & owned(response, "a reply", errors);
    if let (Some(_), Some(at)) = (&args.topic, &args.subscribe)
        && kind != Kind::Unary
    {
        errors.push(
            at,
            "a topic brings one message at a time: a method that follows one neither takes nor \
             gives a stream",
        );
    }
    if let (Some(at), Some(_)) = (&args.idempotent, stream) {
        errors.push(
            at,
            "a stream that was sent once is gone, so this call can't be sent again: leave \
             `idempotent` out",
        );
    }
    let method = Method {
        ident: sig.ident.clone(),
        name,
        kind,
        idempotent: args.idempotent.is_some(),
        topic: args.topic.filter(|_| kind == Kind::Unary),
        argument: binding(&message.pat, stream.is_some()),
        request: request.clone(),
        response: response.clone(),
        attrs: args.attrs,
        docs: args.docs,
    };
    good.then_some((method, context))
}

/// A method that only follows a topic.
pub(super) fn subscriber(
    sig: &Signature,
    args: MethodArgs,
    errors: &mut Errors,
) -> Option<Subscription> {
    let head = head(sig, errors);
    let arguments = arguments(sig, errors);
    let reply = match &sig.output {
        ReturnType::Type(_, ty) if types::result(ty).is_some_and(is_unit) => Some(()),
        other => {
            let message = "nobody waits for an answer: a subscriber returns `micro::Result<()>`";
            match other {
                ReturnType::Default => errors.push(&sig.ident, message),
                ReturnType::Type(_, ty) => errors.push(ty, message),
            }
            None
        }
    };
    for (at, key) in [(&args.idempotent, "idempotent"), (&args.skip, "skip")] {
        if let Some(at) = at {
            errors.push(at, format!("`{key}` says nothing of a subscriber"));
        }
    }
    if let Some(name) = &args.name {
        errors.push(name, "a subscriber has no name on the wire: its topic is");
    }
    let ((), (message, context), ()) = (head?, arguments?, reply?);
    if types::streaming(&message.ty).is_some() {
        errors.push(
            &message.ty,
            "a topic brings one message at a time: take the message, not a stream",
        );
        return None;
    }
    owned(&message.ty, "an event", errors).then_some(())?;
    Some(Subscription {
        attrs: args.attrs,
        ident: sig.ident.clone(),
        topic: args.topic?,
        event: (*message.ty).clone(),
        context,
    })
}

/// What stands before the arguments, and `self`.
fn head(sig: &Signature, errors: &mut Errors) -> Option<()> {
    if sig.asyncness.is_none() {
        errors.push(
            sig.fn_token,
            format!(
                "write `async fn {}`: every call waits for something",
                sig.ident
            ),
        );
    }
    let mut good = true;
    let mut wrong = |at: &dyn ToTokens, message: &str| {
        errors.push(at, message);
        good = false;
    };
    if let Safety::Unsafe(at) = &sig.safety {
        wrong(
            at,
            "anybody may call a method of a service, so it can't be `unsafe`",
        );
    }
    if let Some(at) = &sig.abi {
        wrong(
            at,
            "a method of a service is called by micro only: leave `extern` out",
        );
    }
    if !sig.generics.params.is_empty() {
        wrong(
            &sig.generics.params,
            "a method has one message type, the one that goes over the wire: it can't be generic",
        );
    } else if let Some(at) = &sig.generics.where_clause {
        wrong(at, "a method that can't be generic needs no `where`");
    }
    let by_ref = "calls run at the same time, so a method takes `&self`";
    match sig.inputs.first() {
        Some(FnArg::Receiver(this)) => match &this.kind {
            ReceiverKind::Reference(_, None, None) => {}
            ReceiverKind::Reference(_, _, Some(_)) => wrong(
                this,
                "calls run at the same time, so a method takes `&self`; what it changes goes \
                 behind a `Mutex`",
            ),
            ReceiverKind::Reference(_, Some(lifetime), None) => {
                wrong(lifetime, "leave the lifetime out: `&self`");
            }
            _ => wrong(this, by_ref),
        },
        _ => wrong(
            &sig.ident,
            "a method begins with `&self`: the handler that serves it",
        ),
    }
    good.then_some(())
}

/// The message argument, and whether the context stands before it.
fn arguments<'a>(sig: &'a Signature, errors: &mut Errors) -> Option<(&'a PatType, bool)> {
    let typed: Vec<&PatType> = typed(sig).collect();
    let wrong = |at: &dyn ToTokens, message: &str, errors: &mut Errors| {
        errors.push(at, message);
        None
    };
    match &*typed {
        [] => wrong(
            &sig.ident,
            "which message does it take? `req: Request`, or `_: ()` for none",
            errors,
        ),
        [only] if types::is_context(&only.ty) => wrong(
            only,
            "which message does it take? It comes after the context: `req: Request`, or `_: ()` \
             for none",
            errors,
        ),
        [message] => Some((message, false)),
        [context, message] if types::is_context(&context.ty) => Some((message, true)),
        [context, _] if types::is_named(&context.ty, "Context") => {
            wrong(&context.ty, "the context is lent: `ctx: &Context`", errors)
        }
        [_, context] if types::is_context(&context.ty) => {
            wrong(context, "the context comes first, after `&self`", errors)
        }
        [_, second, ..] => wrong(
            second,
            "a method takes one message: put all into one struct",
            errors,
        ),
    }
}

/// The arguments after `self`.
pub(super) fn typed(sig: &Signature) -> impl Iterator<Item = &PatType> {
    sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    })
}

/// Whether a message of this type can outlive the bytes that it came in.
fn owned(ty: &Type, what: &str, errors: &mut Errors) -> bool {
    let message = match ty {
        Type::Reference(_) => format!("{what} is owned, not borrowed: leave the `&` out"),
        Type::ImplTrait(_) if what == "a message" => {
            "a message has one type; a stream of messages is taken as `Streaming<Message>`".into()
        }
        Type::ImplTrait(_) | Type::TraitObject(_) | Type::Infer(_) => {
            format!("{what} has one type, by its name")
        }
        _ if types::streaming(ty).is_some() => "a stream of streams can't be sent".into(),
        _ if names::mentions(ty.to_token_stream(), &|ident| ident == "Self") => {
            format!("{what} is the same whoever handles it, so its type can't name `Self`")
        }
        _ => return true,
    };
    errors.push(ty, message);
    false
}

fn wire_name(sig: &Signature, args: &MethodArgs, errors: &mut Errors) -> Option<String> {
    if let Some(name) = &args.name {
        return Some(name.value());
    }
    let name = names::pascal(&sig.ident.unraw().to_string());
    if names::is_wire_name(&name) {
        return Some(name);
    }
    errors.push(
        &sig.ident,
        "on the wire, names are ASCII letters, digits and `_`: give it one by \
         `#[micro(name = \"…\")]`",
    );
    None
}

/// How generated functions call the argument.
fn binding(pat: &Pat, stream: bool) -> Ident {
    match pat {
        Pat::Ident(pat) => pat.ident.clone(),
        other if stream => Ident::new("messages", call_site(other.span())),
        other => Ident::new("message", call_site(other.span())),
    }
}

fn call_site(span: Span) -> Span {
    span.resolved_at(Span::call_site())
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}
