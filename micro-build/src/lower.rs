//! From a service of a `.proto` to the generator's model.

use std::collections::{HashMap, HashSet};

use micro_codegen::model::{Kind, Method, Service, Topic};
use syn::{Expr, Ident, Path, Visibility, ext::IdentExt, parse::Parser, parse_quote};

use crate::{Error, Result, docs};

/// What lowering needs to know beside the service.
pub(crate) struct Surroundings<'a> {
    /// Where the runtime is: `::micro`.
    pub(crate) runtime: &'a Path,
    /// The topics of methods by `package.Service/Method`.
    pub(crate) topics: &'a HashMap<String, Topic>,
    /// The names of the Rust types in the package.
    pub(crate) types: &'a HashSet<String>,
    /// The bytes of the descriptor set.
    pub(crate) descriptor_set: Option<Expr>,
}

/// Lowers a service.
pub(crate) fn service(of: &prost_build::Service, around: &Surroundings<'_>) -> Result<Service> {
    let name = match &*of.package {
        "" => of.proto_name.clone(),
        package => format!("{package}.{}", of.proto_name),
    };
    let mut taken = HashSet::new();
    let methods = of
        .methods
        .iter()
        .map(|each| method(each, &name, around, &mut taken));
    Ok(Service {
        attrs: Vec::new(),
        vis: Visibility::Public(Default::default()),
        ident: ident(&free_name(&of.name, around.types), &name)?,
        docs: with_deprecation(docs::lines(&of.comments), of.options.deprecated()),
        methods: methods.collect::<Result<_>>()?,
        runtime: around.runtime.clone(),
        descriptor_set: around.descriptor_set.clone(),
        name,
    })
}

/// A name for the service whose generated types are no messages yet.
fn free_name(name: &str, types: &HashSet<String>) -> String {
    let mut name = name.to_owned();
    let clashes = |name: &str| {
        let printed = [
            name.to_owned(),
            format!("{name}Client"),
            format!("{name}Server"),
            format!("Mock{name}"),
        ];
        printed.iter().any(|printed| types.contains(printed))
    };
    while clashes(&name) {
        name.push_str("Service");
    }
    name
}

fn method(
    of: &prost_build::Method,
    service: &str,
    around: &Surroundings<'_>,
    taken: &mut HashSet<String>,
) -> Result<Method> {
    use prost_types::method_options::IdempotencyLevel;
    let path = format!("{service}/{}", of.proto_name);
    let kind = match (of.client_streaming, of.server_streaming) {
        (false, false) => Kind::Unary,
        (true, false) => Kind::ClientStream,
        (false, true) => Kind::ServerStream,
        (true, true) => Kind::Bidi,
    };
    let topic = around.topics.get(&path).cloned();
    if topic.is_some() && kind != Kind::Unary {
        return Err(Error::new(format!(
            "{path}: a topic gives one message at a time, but the method streams"
        ))
        .help("leave out `stream`, or the option (micro.topic)"));
    }
    let argument = match of.client_streaming {
        true => parse_quote!(stream),
        false => parse_quote!(req),
    };
    Ok(Method {
        attrs: Vec::new(),
        ident: free_method(ident(&of.name, &path)?, taken),
        name: of.proto_name.clone(),
        docs: with_deprecation(docs::lines(&of.comments), of.options.deprecated()),
        kind,
        idempotent: of.options.idempotency_level() != IdempotencyLevel::IdempotencyUnknown,
        topic,
        argument,
        request: ty(&of.input_type, &path)?,
        response: ty(&of.output_type, &path)?,
    })
}

/// A method's name that neither another method has, nor something else that is printed.
fn free_method(name: Ident, taken: &mut HashSet<String>) -> Ident {
    let mut plain = name.unraw().to_string();
    let mut free = name;
    // Constants are called as the methods are, in upper case.
    while matches!(&*plain, "new" | "client" | "calls") || taken.contains(&plain.to_uppercase()) {
        plain.push('_');
        free = Ident::new(&plain, free.span());
    }
    taken.insert(plain.to_uppercase());
    free
}

fn ident(name: &str, of: &str) -> Result<Ident> {
    Ident::parse_any
        .parse_str(name)
        .map_err(|_| Error::new(format!("{of}: `{name}` is no Rust name")))
}

fn ty(name: &str, of: &str) -> Result<syn::Type> {
    syn::parse_str(name).map_err(|_| Error::new(format!("{of}: `{name}` is no Rust type")))
}

/// Says in the docs that something is deprecated. The attribute would warn in generated code, and in
/// that of everyone who serves the method.
fn with_deprecation(mut docs: Vec<String>, deprecated: bool) -> Vec<String> {
    if deprecated
        && !docs
            .iter()
            .any(|line| line.to_lowercase().contains("deprecated"))
    {
        if !docs.is_empty() {
            docs.push(String::new());
        }
        docs.push(" Deprecated.".to_owned());
    }
    docs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lowers the one service of a file.
    fn lowered(text: &str) -> Service {
        let file = protox::file::File::from_source("test.proto", text).unwrap();
        let mut compiler = protox::Compiler::with_file_resolver(Files(file));
        compiler.include_source_info(true).include_imports(true);
        compiler.open_file("test.proto").unwrap();
        let set = compiler.encode_file_descriptor_set();
        let files = compiler.file_descriptor_set().file;
        let settings = crate::generate::Settings {
            runtime: parse_quote!(::micro),
            json: true,
        };
        let (_, services) = crate::generate::prost(Default::default(), &settings, &files).unwrap();
        let around = Surroundings {
            runtime: &settings.runtime,
            topics: &crate::options::topics(&set).unwrap(),
            types: &HashSet::from(["PanClient".to_owned()]),
            descriptor_set: None,
        };
        service(services.values().flatten().next().unwrap(), &around).unwrap()
    }

    struct Files(protox::file::File);

    impl protox::file::FileResolver for Files {
        fn open_file(&self, name: &str) -> Result<protox::file::File, protox::Error> {
            match name {
                "test.proto" => Ok(self.0.clone()),
                "micro/options.proto" => {
                    protox::file::File::from_source(name, crate::source::OPTIONS)
                }
                _ => protox::file::GoogleFileResolver::new().open_file(name),
            }
        }
    }

    /// A `.proto` and a trait that say the same are the same to the generator.
    #[test]
    fn a_proto_is_a_trait() {
        let proto = lowered(
            r#"
            syntax = "proto3";
            import "micro/options.proto";
            message HelloRequest {}
            message Note {}
            // Greets.
            //
            // All day.
            service Greeter {
              // Says hello.
              rpc Hello(HelloRequest) returns (Note);
              rpc Watch(HelloRequest) returns (stream Note) {
                option idempotency_level = NO_SIDE_EFFECTS;
              }
              rpc Upload(stream Note) returns (HelloRequest);
              rpc Chat(stream Note) returns (stream Note);
              rpc Welcome(Note) returns (Note) {
                option (micro.topic) = {name: "user.created", queue: "mailer"};
              }
            }"#,
        );
        // A trait is printed as its types were written; here they are as the generator writes them.
        let from_trait = micro_codegen::attribute(
            quote::quote!(),
            quote::quote! {
                /// Greets.
                ///
                /// All day.
                pub trait Greeter {
                    /// Says hello.
                    async fn hello(&self, req: HelloRequest) -> ::micro::__private::v1::Result<Note>;
                    #[micro(idempotent)]
                    async fn watch(&self, req: HelloRequest)
                        -> ::micro::__private::v1::Result<impl ::micro::__private::v1::Stream<Item = ::micro::__private::v1::Result<Note>>>;
                    async fn upload(&self, stream: ::micro::__private::v1::Streaming<Note>) -> ::micro::__private::v1::Result<HelloRequest>;
                    async fn chat(&self, stream: ::micro::__private::v1::Streaming<Note>)
                        -> ::micro::__private::v1::Result<impl ::micro::__private::v1::Stream<Item = ::micro::__private::v1::Result<Note>>>;
                    #[subscribe(topic = "user.created", queue = "mailer")]
                    async fn welcome(&self, req: Note) -> ::micro::__private::v1::Result<Note>;
                }
            },
        );
        let pretty = |tokens| prettyplease::unparse(&syn::parse2(tokens).unwrap());
        assert_eq!(pretty(micro_codegen::expand(&proto)), pretty(from_trait));
    }

    #[test]
    fn names_that_are_taken() {
        let model = lowered(
            r#"
            syntax = "proto3";
            package a.b;
            message M {}
            service Pan {
              rpc New(M) returns (M);
              rpc client(M) returns (M);
              rpc Type(M) returns (M);
              rpc Self(M) returns (M);
              rpc GetIt(M) returns (M);
              rpc getIt(M) returns (M);
              rpc GET_IT(M) returns (M) { option deprecated = true; }
            }"#,
        );
        assert_eq!(model.name, "a.b.Pan");
        assert_eq!(model.ident, "PanService");
        let names: Vec<_> = model.methods.iter().map(|m| m.ident.to_string()).collect();
        assert_eq!(
            names,
            [
                "new_", "client_", "r#type", "self_", "get_it", "get_it_", "get_it__"
            ]
        );
        let wire: Vec<_> = model.methods.iter().map(|m| &*m.name).collect();
        assert_eq!(
            wire,
            ["New", "client", "Type", "Self", "GetIt", "getIt", "GET_IT"]
        );
        assert_eq!(model.methods[6].docs, [" Deprecated."]);
        micro_codegen::check(&model).unwrap();
    }
}
