//! The attributes of micro. Use them through the crate `micro`, where they are documented.
#![allow(missing_docs)]

use proc_macro::TokenStream;

#[proc_macro_attribute]
pub fn service(args: TokenStream, item: TokenStream) -> TokenStream {
    micro_codegen::attribute(args.into(), item.into()).into()
}

#[proc_macro_derive(Describe, attributes(serde, micro))]
pub fn describe(item: TokenStream) -> TokenStream {
    micro_codegen::describe(item.into()).into()
}

#[proc_macro_attribute]
pub fn subscribe(_: TokenStream, item: TokenStream) -> TokenStream {
    micro_codegen::stray_subscribe(item.into()).into()
}
