//! What stands in the parentheses of our attributes.

use proc_macro2::TokenStream;
use syn::{
    Attribute, Expr, ExprLit, ExprPath, Ident, Lit, LitStr, Meta, Path, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    parse_quote,
    punctuated::Punctuated,
};

use super::docs;
use crate::{errors::Errors, model::Topic, names};

/// Those of `#[micro::service(…)]`.
pub(super) struct ServiceArgs {
    pub(super) runtime: Path,
    pub(super) name: Option<LitStr>,
    pub(super) package: Option<LitStr>,
}

/// The attributes of a method.
#[derive(Default)]
pub(super) struct MethodArgs {
    /// Those that are not ours.
    pub(super) attrs: Vec<Attribute>,
    pub(super) docs: Vec<String>,
    pub(super) idempotent: Option<Ident>,
    pub(super) skip: Option<Ident>,
    pub(super) name: Option<LitStr>,
    pub(super) topic: Option<Topic>,
    /// Where `#[subscribe]` stands, whether or not it could be read.
    pub(super) subscribe: Option<Path>,
}

/// `key` or `key = value`
struct Arg {
    key: Ident,
    value: Option<Expr>,
}

impl Parse for Arg {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = input.call(Ident::parse_any)?;
        let value = input
            .parse::<Option<Token![=]>>()?
            .map(|_| input.parse())
            .transpose()?;
        Ok(Self { key, value })
    }
}

/// Reads `#[micro::service(crate = path, name = "…", package = "…")]`.
pub(super) fn service(args: TokenStream, errors: &mut Errors) -> ServiceArgs {
    let mut read = ServiceArgs {
        runtime: parse_quote!(::micro),
        name: None,
        package: None,
    };
    let known = ["crate", "name", "package"];
    for arg in list(args, "#[micro::service]", &known, errors) {
        if arg.key == "crate" {
            if let Some(runtime) = path(&arg, errors) {
                read.runtime = runtime;
            }
        } else if arg.key == "name" {
            read.name = text(&arg, errors).filter(|name| wire_name(name, "a service", errors));
        } else {
            read.package = text(&arg, errors).filter(|name| package(name, errors));
        }
    }
    read
}

/// Reads and takes out `#[micro(…)]`, `#[subscribe(…)]` and the doc comment.
pub(super) fn method(mut attrs: Vec<Attribute>, errors: &mut Errors) -> MethodArgs {
    let mut read = MethodArgs {
        docs: docs(&mut attrs),
        ..MethodArgs::default()
    };
    for attr in attrs {
        if attr.path().is_ident("micro") {
            micro(&attr, &mut read, errors);
        } else if is_subscribe(attr.path()) {
            subscribe(&attr, &mut read, errors);
        } else {
            read.attrs.push(attr);
        }
    }
    read
}

/// Whether the generator takes the attribute away.
pub(super) fn is_ours(attr: &Attribute) -> bool {
    attr.path().is_ident("micro") || is_subscribe(attr.path())
}

/// `#[subscribe]`, `#[micro::subscribe]`
fn is_subscribe(path: &Path) -> bool {
    path.segments
        .last()
        .is_some_and(|last| last.ident == "subscribe")
}

fn micro(attr: &Attribute, read: &mut MethodArgs, errors: &mut Errors) {
    let Some(args) = inner(attr, errors) else {
        return;
    };
    let known = ["idempotent", "name", "skip"];
    for arg in list(args, "#[micro]", &known, errors) {
        if arg.key == "name" {
            if read.name.is_some() {
                errors.push(&arg.key, "`name` is there already");
            }
            read.name = text(&arg, errors).filter(|name| wire_name(name, "a method", errors));
        } else {
            flag(&arg, errors);
            let slot = if arg.key == "skip" {
                &mut read.skip
            } else {
                &mut read.idempotent
            };
            *slot = Some(arg.key);
        }
    }
}

fn subscribe(attr: &Attribute, read: &mut MethodArgs, errors: &mut Errors) {
    if read.subscribe.is_some() {
        errors.push(
            attr,
            "a second `#[subscribe]`: a method follows one topic; write another method for the other",
        );
        return;
    }
    read.subscribe = Some(attr.path().clone());
    let args = match &attr.meta {
        Meta::Path(_) => TokenStream::new(),
        _ => match inner(attr, errors) {
            Some(args) => args,
            None => return,
        },
    };
    let (mut topic, mut queue, mut wrong) = (None, None, false);
    for arg in list(args, "#[subscribe]", &["topic", "queue"], errors) {
        let text = text(&arg, errors).filter(|text| {
            let filled = !text.value().is_empty();
            if !filled {
                errors.push(
                    text,
                    format!("`{0}` is empty: `{0} = \"user.created\"`", arg.key),
                );
            }
            filled
        });
        wrong |= text.is_none();
        let slot = if arg.key == "topic" {
            &mut topic
        } else {
            &mut queue
        };
        *slot = text.map(|text| text.value());
    }
    match topic {
        Some(name) => read.topic = Some(Topic { name, queue }),
        None if wrong => {}
        None => errors.push(
            attr,
            "which topic? `#[subscribe(topic = \"user.created\")]`",
        ),
    }
}

/// The tokens in the parentheses.
fn inner(attr: &Attribute, errors: &mut Errors) -> Option<TokenStream> {
    match &attr.meta {
        Meta::List(list) => Some(list.tokens.clone()),
        other => {
            let path = other.path().segments.last()?.ident.clone();
            errors.push(
                attr,
                format!("`#[{path}]` says nothing without parentheses: `#[{path}(…)]`"),
            );
            None
        }
    }
}

/// The arguments that are known and not there twice.
fn list(args: TokenStream, of: &str, known: &[&str], errors: &mut Errors) -> Vec<Arg> {
    let parse = Punctuated::<Arg, Token![,]>::parse_terminated;
    let args = errors.keep(parse.parse2(args)).unwrap_or_default();
    let mut good: Vec<Arg> = Vec::new();
    for arg in args {
        if !known.iter().any(|known| arg.key == known) {
            let known: Vec<_> = known.iter().map(|known| format!("`{known}`")).collect();
            errors.push(
                &arg.key,
                format!(
                    "`{of}` knows no `{}`; it knows {}",
                    arg.key,
                    known.join(", ")
                ),
            );
        } else if good.iter().any(|other| other.key == arg.key) {
            errors.push(&arg.key, format!("`{}` is there already", arg.key));
        } else {
            good.push(arg);
        }
    }
    good
}

fn text(arg: &Arg, errors: &mut Errors) -> Option<LitStr> {
    if let Some(Expr::Lit(ExprLit {
        lit: Lit::Str(text),
        ..
    })) = &arg.value
    {
        return Some(text.clone());
    }
    let message = format!("`{0}` takes text: `{0} = \"…\"`", arg.key);
    match &arg.value {
        Some(value) => errors.push(value, message),
        None => errors.push(&arg.key, message),
    }
    None
}

fn path(arg: &Arg, errors: &mut Errors) -> Option<Path> {
    if let Some(Expr::Path(ExprPath { path, .. })) = &arg.value {
        return Some(path.clone());
    }
    let message = "`crate` takes the path of the runtime: `crate = ::micro`";
    match &arg.value {
        Some(value) => errors.push(value, message),
        None => errors.push(&arg.key, message),
    }
    None
}

fn flag(arg: &Arg, errors: &mut Errors) {
    if let Some(value) = &arg.value {
        errors.push(value, format!("`{}` takes no value", arg.key));
    }
}

fn wire_name(name: &LitStr, of: &str, errors: &mut Errors) -> bool {
    let good = names::is_wire_name(&name.value());
    if !good {
        errors.push(
            name,
            format!(
                "{of} name is made of ASCII letters, digits and `_`, and begins with a letter{}",
                if name.value().contains('.') {
                    "; a package goes into `package = \"…\"`"
                } else {
                    ""
                }
            ),
        );
    }
    good
}

fn package(name: &LitStr, errors: &mut Errors) -> bool {
    let good = name.value().split('.').all(names::is_wire_name);
    if !good {
        errors.push(
            name,
            "a package is made of names with dots in between: `package = \"acme.greeter\"`",
        );
    }
    good
}
