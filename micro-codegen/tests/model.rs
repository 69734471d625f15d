//! What is read of a definition, and that nothing that is read makes the generator panic.
#![allow(missing_docs)]

use std::{fs, path::PathBuf};

use micro_codegen::model::{Kind, Topic};
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::quote;

#[test]
fn a_definition_is_plain_data() {
    let service = micro_codegen::parse(
        quote!(package = "acme", name = "Greetings", crate = other),
        quote! {
            /// Greets.
            #[allow(unused)]
            pub(crate) trait Greeter: Clone {
                /// Says hello.
                #[subscribe(topic = "t", queue = "q")]
                async fn say_hello(&self, req: String) -> Result<Reply>;
                #[micro(idempotent, name = "Look")]
                #[cfg(unix)]
                async fn r#watch(&self, ctx: &Context, req: A) -> Result<impl Stream<Item = Result<B>>>;
                async fn upload(&self, _: Streaming<A>) -> std::result::Result<B, Error>;
                async fn chat(&self, mut all: micro::Streaming<A>) -> Result<impl Stream<Item = Result<B>> + Send>;
            }
        },
    );
    let service = service.expect("it is a service");
    assert_eq!(service.name, "acme.Greetings");
    assert_eq!(service.docs, [" Greets."]);
    assert_eq!((service.attrs.len(), service.methods.len()), (1, 4));
    let [hello, watch, upload, chat] = &*service.methods else {
        panic!("there are four methods");
    };
    let topic = Topic {
        name: "t".into(),
        queue: Some("q".into()),
    };
    assert_eq!((&*hello.name, &hello.topic), ("SayHello", &Some(topic)));
    assert_eq!(
        (&*watch.name, watch.idempotent, watch.attrs.len()),
        ("Look", true, 1)
    );
    let kinds = [hello.kind, watch.kind, upload.kind, chat.kind];
    assert_eq!(
        kinds,
        [
            Kind::Unary,
            Kind::ServerStream,
            Kind::ClientStream,
            Kind::Bidi
        ]
    );
    assert!(hello.argument == "req" && upload.argument == "messages" && chat.argument == "all");
    assert!(chat.request == syn::parse_quote!(A) && chat.response == syn::parse_quote!(B));
    let again = micro_codegen::parse(
        quote!(package = "acme"),
        quote!(
            trait Other {}
        ),
    );
    assert!(again.expect("it is a service") != service);
}

#[test]
fn every_mistake_is_found_at_once() {
    let service = micro_codegen::parse(
        quote!(nme = "Greetings"),
        quote! {
            trait Greeter {
                fn one(&self, req: A) -> Result<B>;
                async fn two(self, req: &A) -> B;
                type Three;
                async fn new(&self, req: A) -> Result<B>;
            }
        },
    );
    let mistakes = service.expect_err("much is wrong").into_iter().count();
    assert_eq!(mistakes, 6);
}

/// The sources of all tests, one token at a time left out.
#[test]
fn nothing_makes_it_panic() {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folders = [here.join("tests/snapshots"), here.join("../tests/ui/fail")];
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("it is there"));
    let mut seen = 0;
    for file in files {
        let path = file.expect("it can be read").path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = fs::read_to_string(path).expect("it can be read");
        for item in syn::parse_file(&source).expect("it is Rust").items {
            let mut attrs = Vec::new();
            if let syn::Item::Trait(syn::ItemTrait { attrs: on, .. })
            | syn::Item::Impl(syn::ItemImpl { attrs: on, .. }) = &item
            {
                attrs.extend(on.iter().filter_map(|attr| attr.meta.require_list().ok()));
            }
            let args: TokenStream = attrs
                .first()
                .map(|list| list.tokens.clone())
                .unwrap_or_default();
            for left_out in without_one(&quote!(#item)) {
                let _ = micro_codegen::attribute(args.clone(), left_out.clone());
                let _ = micro_codegen::describe(left_out);
                seen += 1;
            }
        }
    }
    assert!(seen > 1000, "{seen}");
}

fn without_one(tokens: &TokenStream) -> Vec<TokenStream> {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut all = Vec::new();
    for (place, token) in tokens.iter().enumerate() {
        let with = |instead: Option<TokenTree>| {
            let (before, after) = (&tokens[..place], &tokens[place + 1..]);
            let tokens = before.iter().cloned().chain(instead);
            tokens.chain(after.iter().cloned()).collect::<TokenStream>()
        };
        all.push(with(None));
        if let TokenTree::Group(group) = token {
            for inner in without_one(&group.stream()) {
                all.push(with(Some(Group::new(group.delimiter(), inner).into())));
            }
        }
    }
    all
}
