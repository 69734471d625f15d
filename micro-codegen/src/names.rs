//! All names that are made of other names.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt;

use crate::model::{Method, Service};

/// What generated clients have beside one method for each of the service's.
pub(crate) const OF_THE_CLIENT: &[&str] = &["new"];
/// What generated mocks have beside one method for each of the service's.
pub(crate) const OF_THE_MOCK: &[&str] = &["new", "client", "calls"];

/// `GreeterClient`
pub(crate) fn client(service: &Ident) -> Ident {
    format_ident!("{}Client", service.unraw(), span = service.span())
}

/// `GreeterServer`
pub(crate) fn server(service: &Ident) -> Ident {
    format_ident!("{}Server", service.unraw(), span = service.span())
}

/// `MockGreeter`
pub(crate) fn mock(service: &Ident) -> Ident {
    format_ident!("Mock{}", service.unraw(), span = service.span())
}

/// `SAY_HELLO`: the constant that describes a method.
pub(crate) fn constant(method: &Method) -> Ident {
    let name = method.ident.unraw().to_string().to_uppercase();
    Ident::new(&name, method.ident.span().resolved_at(Span::call_site()))
}

/// `SAY_HELLO_PLACE`: the constant for a method's place, where that depends on a `#[cfg]`.
pub(crate) fn place(method: &Method) -> Ident {
    format_ident!("{}_PLACE", constant(method))
}

/// `say_hello` → `SayHello`
pub(crate) fn pascal(name: &str) -> String {
    let mut pascal = String::with_capacity(name.len());
    for word in name.split('_') {
        let mut letters = word.chars();
        if let Some(first) = letters.next() {
            pascal.extend(first.to_uppercase());
            pascal.push_str(letters.as_str());
        }
    }
    pascal
}

/// Whether it can be a name of protobuf's: a letter, then letters, digits and underscores.
pub(crate) fn is_wire_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `helloworld.Greeter/SayHello`
pub(crate) fn path(service: &Service, method: &Method) -> String {
    format!("{}/{}", service.name, method.name)
}

/// A generic parameter called `wish`, or something longer where a message type has that name.
pub(crate) fn fresh(wish: &str, service: &Service) -> Ident {
    let mut name = wish.to_owned();
    let types = || {
        let methods = service.methods.iter();
        methods.flat_map(|method| [&method.request, &method.response])
    };
    let used = |name: &str| {
        service.ident == name || types().any(|ty| mentions(ty.to_token_stream(), &|i| i == name))
    };
    while used(&name) {
        name.push('_');
    }
    Ident::new(&name, Span::call_site())
}

/// Whether one of the identifiers in there is meant.
pub(crate) fn mentions(tokens: TokenStream, meant: &dyn Fn(&Ident) -> bool) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => meant(&ident),
        TokenTree::Group(group) => mentions(group.stream(), meant),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_names_become_wire_names() {
        for (rust, wire) in [
            ("hello", "Hello"),
            ("say_hello", "SayHello"),
            ("get_v2", "GetV2"),
            ("_hidden__twice", "HiddenTwice"),
            ("sayHello", "SayHello"),
        ] {
            assert_eq!(pascal(rust), wire);
        }
    }

    #[test]
    fn wire_names_are_those_of_protobuf() {
        assert!(is_wire_name("Hello_2"));
        for bad in ["", "2x", "a.b", "a/b", "ä", "a b"] {
            assert!(!is_wire_name(bad), "{bad}");
        }
    }
}
