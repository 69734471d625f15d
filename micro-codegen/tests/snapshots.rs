//! What is printed for the sources in `snapshots/`, as a reader of it would like to see it.
//!
//! `UPDATE=1 cargo test -p micro-codegen` writes the snapshots again. The crate `tests` compiles
//! them against the runtime.
#![allow(missing_docs)]

use std::{fs, path::PathBuf};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Item};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")
}

/// Does as the compiler does with our attributes.
fn expanded(source: &str) -> String {
    let mut file = syn::parse_file(source).expect("a source is Rust");
    let mut items = Vec::new();
    for item in file.items.drain(..) {
        items.extend(
            syn::parse2::<syn::File>(one(item))
                .expect("what is printed is Rust")
                .items,
        );
    }
    file.items = items;
    prettyplease::unparse(&file)
}

fn one(mut item: Item) -> TokenStream {
    let attrs = match &mut item {
        Item::Trait(item) => &mut item.attrs,
        Item::Impl(item) => &mut item.attrs,
        Item::Struct(item) => &mut item.attrs,
        Item::Enum(item) => &mut item.attrs,
        _ => return item.into_token_stream(),
    };
    if let Some(args) = take(attrs, "service") {
        return micro_codegen::attribute(args, item.into_token_stream());
    }
    if take(attrs, "describe").is_some() {
        let described = micro_codegen::describe(item.to_token_stream());
        let mut printed = item.into_token_stream();
        printed.extend(described);
        return printed;
    }
    item.into_token_stream()
}

/// The arguments of the attribute of that name, which is taken out.
fn take(attrs: &mut Vec<Attribute>, name: &str) -> Option<TokenStream> {
    let ours = |attr: &Attribute| attr.path().segments.last().is_some_and(|s| s.ident == name);
    let place = attrs.iter().position(ours)?;
    match attrs.remove(place).meta {
        syn::Meta::List(list) => Some(list.tokens),
        _ => Some(TokenStream::new()),
    }
}

#[test]
fn what_is_printed_is_what_was_reviewed() {
    let mut sources: Vec<_> = fs::read_dir(folder())
        .expect("the snapshots are there")
        .map(|entry| entry.expect("the snapshots can be read").path())
        .filter(|path| path.to_string_lossy().ends_with(".in.rs"))
        .collect();
    sources.sort();
    assert!(!sources.is_empty());
    for source in sources {
        let snapshot = PathBuf::from(source.to_string_lossy().replace(".in.rs", ".rs"));
        let printed = expanded(&fs::read_to_string(&source).expect("a source can be read"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&snapshot, printed).expect("a snapshot can be written");
            continue;
        }
        let reviewed = fs::read_to_string(&snapshot).unwrap_or_default();
        assert!(
            printed == reviewed,
            "{} is not what is printed now; UPDATE=1 writes it again:\n{printed}",
            snapshot.display()
        );
    }
}

/// Lines that are neither blank nor documentation.
fn lines(source: &str) -> usize {
    let printed = expanded(source);
    let lines = printed.lines().map(str::trim_start);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}

/// Thin code is printed: what loops, branches or allocates is in the runtime.
#[test]
fn a_service_is_forty_lines_and_thirty_for_each_method() {
    let count = |methods: &[&str]| {
        let methods = methods.concat();
        lines(&format!(
            "/** Greets. */ #[service] pub trait Greeter {{ {methods} }}"
        ))
    };
    let methods = [
        "/** Says hello. */ async fn hello(&self, req: HelloRequest) -> Result<HelloReply>;",
        "#[micro(idempotent)] async fn say(&self, req: SayRequest) -> Result<SayReply>;",
        "async fn watch(&self, req: Room) -> Result<impl Stream<Item = Result<Note>>>;",
        "async fn upload(&self, notes: Streaming<Note>) -> Result<Summary>;",
        "async fn chat(&self, notes: Streaming<Note>) -> Result<impl Stream<Item = Result<Note>>>;",
        "#[subscribe(topic = \"heard\", queue = \"q\")] async fn hear(&self, event: Heard) -> Result<()>;",
    ];
    // As it is printed for a `.proto`, where nothing is known of how the user would have written it.
    let count_model = |method: &str| {
        let service = syn::parse_str(&format!("pub trait Greeter {{ {method} }}"));
        let service = micro_codegen::parse(TokenStream::new(), service.expect("it is Rust"));
        let printed = micro_codegen::expand(&service.expect("it is a service"));
        lines(&printed.to_string())
    };
    let mut over = Vec::new();
    for count_of in 0..=methods.len() {
        let printed = count(&methods[..count_of]);
        if printed > 40 + 30 * count_of {
            over.push(format!("{count_of} methods: {printed}"));
        }
    }
    for method in methods {
        let printed = count(&[method]).max(count_model(method));
        if printed > 70 {
            over.push(format!("{printed} with {method}"));
        }
    }
    assert!(over.is_empty(), "{over:#?}");
}
