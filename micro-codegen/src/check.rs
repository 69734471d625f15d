//! The rules over a whole service; those over one method are where it is read.

use std::collections::HashMap;

use syn::ext::IdentExt;

use crate::{errors::Errors, model::Service, names};

/// Checks the rules and takes methods out that would only lead to further errors.
pub(crate) fn service(service: &mut Service, errors: &mut Errors) {
    reserved(service, errors);
    wire_names(service, errors);
    twice(service, errors);
}

/// Methods whose generated counterparts would have the name of something else.
fn reserved(service: &mut Service, errors: &mut Errors) {
    let client = names::client(&service.ident);
    let mock = names::mock(&service.ident);
    service.methods.retain(|method| {
        let name = method.ident.unraw().to_string();
        let taken = if names::OF_THE_CLIENT.contains(&&*name) {
            &client
        } else if names::OF_THE_MOCK.contains(&&*name) {
            &mock
        } else {
            return true;
        };
        errors.push(
            &method.ident,
            format!(
                "`{taken}` has a function `{name}` of its own: name the method differently, and \
                 keep the name on the wire by `#[micro(name = \"{}\")]`",
                method.name
            ),
        );
        false
    });
}

fn wire_names(service: &Service, errors: &mut Errors) {
    let mut seen = HashMap::new();
    for method in &service.methods {
        if let Some(other) = seen.insert(method.name.clone(), &method.ident)
            && *other != method.ident
        {
            errors.push(
                &method.ident,
                format!(
                    "`{}` and `{other}` are both called `{}` on the wire: give one of them another \
                     name by `#[micro(name = \"…\")]`",
                    method.ident, method.name
                ),
            );
        }
    }
}

/// Methods of the same name, or of names that differ in case alone.
fn twice(service: &mut Service, errors: &mut Errors) {
    let mut seen = HashMap::new();
    service.methods.retain(|method| {
        let Some(other) = seen.insert(names::constant(method), method.ident.clone()) else {
            return true;
        };
        if other == method.ident {
            errors.push(
                &method.ident,
                format!("a second method `{other}`: each needs a name of its own"),
            );
        } else {
            errors.push(
                &method.ident,
                format!(
                    "`{}` and `{other}` differ in case alone: name one of them differently",
                    method.ident
                ),
            );
        }
        false
    });
}
