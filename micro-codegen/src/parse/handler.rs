//! What handles calls: `#[micro::service]` on an `impl`.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident};
use syn::{
    FnArg, GenericArgument, GenericParam, Generics, ImplItem, ImplItemFn, ItemImpl, Path,
    PathArguments, ReceiverKind, ReturnType, Signature, Token, Type, TypeParamBound, Visibility,
    parse_quote,
};

use super::{Item, args, args::ServiceArgs, docs, item, lifetimes, method, types};
use crate::{
    errors::Errors,
    model::{Endpoints, Handler, Service},
    names,
};

/// Reads `impl Greeter for Hello`.
pub(super) fn handler(source: ItemImpl, args: ServiceArgs, errors: &mut Errors) -> Item {
    for name in [&args.name, &args.package].into_iter().flatten() {
        errors.push(name, "the trait says what the service is called");
    }
    if let Some(not) = &source.modifiers.polarity {
        errors.push(not, "`#[micro::service]` is for what handles the service");
        return Item::Other(TokenStream::new());
    }
    let mut source = lifetimes::settle(source, errors);
    let Some(server) = server(&source, errors) else {
        return Item::Other(stripped(source).into_token_stream());
    };
    let mut moved = Vec::new();
    let mut subscriptions = Vec::new();
    for item in std::mem::take(&mut source.items) {
        let ImplItem::Fn(mut item) = item else {
            source.items.push(item);
            continue;
        };
        let args_of = args::method(item.attrs.clone(), errors);
        clean(&mut item);
        if args_of.subscribe.is_some() {
            subscriptions.extend(method::subscriber(&item.sig, args_of, errors));
            moved.push(item);
            continue;
        }
        let ours = [&args_of.idempotent, &args_of.skip];
        let name = args_of.name.as_ref().map(ToTokens::to_token_stream);
        let ours = ours.into_iter().flatten().map(ToTokens::to_token_stream);
        for at in ours.chain(name) {
            errors.push(at, "the trait says this of the method: write it there");
        }
        if item.sig.asyncness.is_none() && !returns_future(&item.sig.output) {
            errors.push(
                item.sig.fn_token,
                format!("write `async fn {}`, as in the trait", item.sig.ident),
            );
            item.sig.asyncness = Some(Token![async](item.sig.fn_token.span));
        }
        adapt(&mut item.sig, &format_ident!("_"), &args.runtime);
        source.items.push(ImplItem::Fn(item));
    }
    Item::Handler(Box::new(Handler {
        runtime: args.runtime,
        item: source,
        server,
        moved,
        subscriptions,
    }))
}

/// Reads `impl Hello`.
pub(super) fn endpoints(source: ItemImpl, args: ServiceArgs, errors: &mut Errors) -> Item {
    let mut source = lifetimes::settle(source, errors);
    let Some(ident) = own_name(&source.self_ty) else {
        errors.push(
            &source.self_ty,
            "the service is called like the type, so this must be the name of one",
        );
        return Item::Other(stripped(source).into_token_stream());
    };
    let mut service = Service {
        attrs: source.attrs.clone(),
        vis: Visibility::Inherited,
        name: item::full_name(&ident, &args, errors),
        ident,
        docs: docs(&mut source.attrs.clone()),
        methods: Vec::new(),
        runtime: args.runtime,
        descriptor_set: None,
    };
    let mut without_context = Vec::new();
    let mut subscriptions = Vec::new();
    for item in &mut source.items {
        let ImplItem::Fn(item) = item else { continue };
        let args = args::method(item.attrs.clone(), errors);
        clean(item);
        if args.subscribe.is_some() {
            subscriptions.extend(method::subscriber(&item.sig, args, errors));
        } else if args.skip.is_none() && is_endpoint(&item.sig) {
            errors.hint(
                "; a method that is not to be called from outside is marked `#[micro(skip)]`",
            );
            let read = method::endpoint(&item.sig, args, errors);
            errors.hint("");
            let Some((method, context)) = read else {
                continue;
            };
            if generic(&source.generics, &method.request, errors)
                | generic(&source.generics, &method.response, errors)
            {
                continue;
            }
            if !context {
                without_context.push(method.ident.clone());
            }
            service.vis = wider(service.vis, &item.vis);
            service.methods.push(method);
        }
    }
    Item::Endpoints(Box::new(Endpoints {
        service,
        item: source,
        without_context,
        subscriptions,
    }))
}

/// `api::GreeterServer` for `api::Greeter`.
fn server(source: &ItemImpl, errors: &mut Errors) -> Option<Path> {
    let (path, _) = source.trait_.as_ref()?;
    let mut server = path.clone();
    let last = server.segments.last_mut()?;
    if !last.arguments.is_none() {
        errors.push(&last.arguments, "a service trait is never generic");
        return None;
    }
    last.ident = names::server(&last.ident);
    Some(server)
}

/// Makes a signature that of the trait: inserts the context where it is left out, and says of
/// streams that they are `Send`.
pub(super) fn adapt(sig: &mut Signature, name: &Ident, runtime: &Path) {
    let context = method::typed(sig).any(|typed| types::is_context(&typed.ty));
    if !context && sig.receiver().is_some() {
        let context: FnArg = parse_quote!(#name: &#runtime::__private::v1::Context);
        sig.inputs.insert(1, context);
    }
    let ReturnType::Type(_, ty) = &mut sig.output else {
        return;
    };
    let Type::Path(ty) = &mut **ty else { return };
    let Some(PathArguments::AngleBracketed(arguments)) =
        ty.path.segments.last_mut().map(|last| &mut last.arguments)
    else {
        return;
    };
    for argument in &mut arguments.args {
        if let GenericArgument::Type(Type::ImplTrait(opaque)) = argument
            && !opaque.bounds.iter().any(is_send)
        {
            opaque
                .bounds
                .push(parse_quote!(#runtime::__private::v1::Send));
        }
    }
}

fn is_send(bound: &TypeParamBound) -> bool {
    matches!(bound, TypeParamBound::Trait(bound)
        if bound.path.segments.last().is_some_and(|last| last.ident == "Send"))
}

/// Whether the return type may be a future that is written out.
fn returns_future(output: &ReturnType) -> bool {
    matches!(output, ReturnType::Type(_, ty) if types::result(ty).is_none())
}

/// Whether a method of a type's own is to be called from outside unless it says otherwise.
fn is_endpoint(sig: &Signature) -> bool {
    let this = sig.receiver().map(|this| &this.kind);
    sig.asyncness.is_some() && matches!(this, Some(ReceiverKind::Reference(_, _, None)))
}

/// The name of `Hello<D>`.
fn own_name(ty: &Type) -> Option<Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.clone()),
        Type::Group(group) => own_name(&group.elem),
        Type::Paren(paren) => own_name(&paren.elem),
        _ => None,
    }
}

/// Complains of a message type that differs from handler to handler.
fn generic(generics: &Generics, message: &Type, errors: &mut Errors) -> bool {
    let parameter = |ident: &Ident| {
        generics.params.iter().any(|param| match param {
            GenericParam::Lifetime(param) => param.lifetime.ident == *ident,
            GenericParam::Type(param) => param.ident == *ident,
            GenericParam::Const(param) => param.ident == *ident,
        })
    };
    let generic = names::mentions(message.to_token_stream(), &parameter);
    if generic {
        errors.push(
            message,
            "callers know the message type, so it can't be a parameter of the handler",
        );
    }
    generic
}

/// The more visible of both.
fn wider(one: Visibility, other: &Visibility) -> Visibility {
    match (&one, other) {
        (Visibility::Public(_), _) | (_, Visibility::Inherited) => one,
        (_, Visibility::Public(_)) | (Visibility::Inherited, _) => other.clone(),
        _ => one,
    }
}

/// Leaves the attributes that are not ours.
fn clean(item: &mut ImplItemFn) {
    item.attrs.retain(|attr| !args::is_ours(attr));
}

/// The `impl` without our attributes.
fn stripped(mut source: ItemImpl) -> ItemImpl {
    for item in &mut source.items {
        if let ImplItem::Fn(item) = item {
            clean(item);
        }
    }
    source
}
