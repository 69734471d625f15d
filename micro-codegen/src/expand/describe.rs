//! ```text
//! impl Describe for Note {
//!     const TYPE: Type = Type::Message(|| &Message { name: "Note", fields: &[…], … });
//! }
//! ```

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{GenericParam, Type};

use super::plain;
use crate::{
    names,
    parse::{Kind, Shape},
};

/// The description of a type.
pub(crate) fn describe(shape: &Shape) -> TokenStream {
    let (runtime, ident) = (&shape.runtime, &shape.ident);
    let (name, docs) = (&shape.name, plain(&shape.docs));
    let kind = match &shape.kind {
        Kind::Message(fields) => {
            let fields = fields.iter().map(|field| {
                let (cfgs, name, docs) = (&field.attrs, &field.name, plain(&field.docs));
                let kind = kind(shape, &field.ty);
                quote! {
                    #(#cfgs)*
                    __v1::Field { name: #name, number: 0, kind: #kind, docs: #docs }
                }
            });
            quote! {
                __v1::Type::Message(|| const {
                    &__v1::Message { name: #name, docs: #docs, fields: &[#(#fields),*] }
                })
            }
        }
        Kind::Enum(variants) => {
            let values = variants
                .iter()
                .map(|(ident, name)| quote!((#name, Self::#ident as i32)));
            quote! {
                __v1::Type::Enum(|| const {
                    &__v1::Enum { name: #name, docs: #docs, values: &[#(#values),*] }
                })
            }
        }
        Kind::Same(ty) => kind(shape, ty),
        Kind::Opaque => quote!(__v1::Type::Opaque(#name)),
    };
    let mut generics = shape.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(syn::parse_quote!(__v1::Describe));
    }
    let (parameters, arguments, clause) = generics.split_for_impl();
    quote! {
        const _: () = {
            use #runtime::__private::v1 as __v1;
            #[automatically_derived]
            #[allow(clippy::all, clippy::pedantic, clippy::nursery)]
            impl #parameters __v1::Describe for #ident #arguments #clause {
                const TYPE: __v1::Type = #kind;
            }
        };
    }
}

/// The description of a field: of a parameter it is asked for, of a type by its name it may be
/// missing.
fn kind(shape: &Shape, ty: &Type) -> TokenStream {
    let tokens = || ty.to_token_stream();
    let mentions = |lifetimes: bool| {
        let parameter = |ident: &Ident| {
            // `Self` is as generic as the type is.
            if ident == "Self" {
                return !lifetimes && !shape.generics.params.is_empty();
            }
            shape
                .generics
                .params
                .iter()
                .any(|parameter| match parameter {
                    GenericParam::Lifetime(parameter) => {
                        lifetimes && parameter.lifetime.ident == *ident
                    }
                    GenericParam::Type(parameter) => !lifetimes && parameter.ident == *ident,
                    GenericParam::Const(parameter) => !lifetimes && parameter.ident == *ident,
                })
        };
        names::mentions(tokens(), &parameter)
    };
    if mentions(true) || matches!(ty, Type::Reference(_)) {
        let name = tokens().to_string();
        quote!(__v1::Type::Opaque(#name))
    } else if mentions(false) {
        quote!(<#ty as __v1::Describe>::TYPE)
    } else {
        quote!(__v1::described!(#ty))
    }
}
