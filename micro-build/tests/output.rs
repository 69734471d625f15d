//! What a build script's author sees: files, what Cargo is told, and what is wrong where.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A folder of files, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        for (path, text) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn compile(&self, proto: &str) -> micro_build::Result<()> {
        micro_build::configure()
            .out_dir(self.0.join("out"))
            .compile_protos(&[self.0.join(proto)], &[self.0.join("proto")])
    }

    fn out(&self, name: &str) -> String {
        fs::read_to_string(self.0.join("out").join(name)).unwrap()
    }

    /// What is wrong, as `fn main() -> micro_build::Result<()>` shows it, without the folder's path.
    fn error(&self, proto: &str) -> String {
        let error = self.compile(proto).unwrap_err();
        let folder = format!("{}/", self.0.display());
        format!("{error:?}").replace(&folder, "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn mistakes_are_shown_in_their_place() {
    let folder = Folder::new(
        "mistakes",
        &[
            (
                "proto/syntax.proto",
                "syntax = \"proto3\";\nmessage A {\n\tstring name 1;\n}\n",
            ),
            (
                "proto/type.proto",
                "syntax = \"proto3\";\n\nmessage A {\n  Missing b = 1;\n}\n",
            ),
            (
                "proto/import.proto",
                "syntax = \"proto3\";\nimport \"not/there.proto\";\n",
            ),
        ],
    );
    assert_eq!(
        folder.error("proto/syntax.proto"),
        "\
expected '=', but found '1'
 --> proto/syntax.proto:3:14
  |
3 | \tstring name 1;
  | \t            ^ found here"
    );
    assert_eq!(
        folder.error("proto/type.proto"),
        "\
name 'Missing' is not defined
 --> proto/type.proto:4:3
  |
4 |   Missing b = 1;
  |   ^^^^^^^ found here"
    );
    assert_eq!(
        folder.error("proto/import.proto"),
        "\
import 'not/there.proto' not found
 --> proto/import.proto:2:1
  |
2 | import \"not/there.proto\";
  | ^^^^^^^^^^^^^^^^^^^^^^^^^ imported here"
    );
    assert_eq!(
        folder.error("proto/no.proto").lines().next(),
        Some("could not read proto/no.proto: there is no such file")
    );
    let error = micro_build::configure()
        .out_dir(folder.0.join("out"))
        .compile_protos(
            &[folder.0.join("proto/type.proto")],
            &[folder.0.join("nowhere")],
        )
        .unwrap_err();
    assert!(error.to_string().contains("the include directory"));
}

#[test]
fn options_are_checked() {
    let service = |inside: &str| {
        format!(
            "syntax = \"proto3\";\nimport \"micro/options.proto\";\nmessage A {{}}\nservice S {{\n{inside}\n}}\n"
        )
    };
    let stream = service("rpc X(stream A) returns (A) { option (micro.topic) = {name: \"t\"}; }");
    let empty = service("rpc X(A) returns (A) { option (micro.topic) = {name: \"\"}; }");
    let wrong = service("rpc X(A) returns (A) { option (micro.topic) = {title: \"t\"}; }");
    let folder = Folder::new(
        "options",
        &[
            ("proto/stream.proto", &*stream),
            ("proto/empty.proto", &*empty),
            ("proto/wrong.proto", &*wrong),
        ],
    );
    assert!(
        folder
            .error("proto/stream.proto")
            .starts_with("S/X: a topic gives one message")
    );
    assert!(
        folder
            .error("proto/empty.proto")
            .starts_with("S/X: the option (micro.topic) has no name")
    );
    assert!(
        folder
            .error("proto/wrong.proto")
            .contains("--> proto/wrong.proto:5")
    );
}

#[test]
fn an_edition_asks_for_protoc() {
    let folder = Folder::new(
        "edition",
        &[(
            "proto/e.proto",
            "// New.\nedition = \"2023\";\nmessage A {}\n",
        )],
    );
    // Where PROTOC is set this is read.
    if std::env::var_os("PROTOC").is_none() {
        assert!(
            folder
                .error("proto/e.proto")
                .contains("set PROTOC to its path")
        );
    }
}

#[test]
fn one_file_for_each_package() {
    let folder = Folder::new(
        "packages",
        &[
            (
                "proto/a.proto",
                "syntax = \"proto3\";\npackage shop.type.v1;\nimport \"b.proto\";\nmessage A { shop.B b = 1; }\nservice S { rpc Get(A) returns (shop.B); }\n",
            ),
            (
                "proto/b.proto",
                "syntax = \"proto3\";\npackage shop;\nmessage B {}\n",
            ),
        ],
    );
    folder.compile("proto/a.proto").unwrap();
    let text = folder.out("shop.type.v1.rs");
    assert!(text.starts_with("// @generated by micro-build from a.proto.\n"));
    assert!(text.contains("include_bytes!(\"shop.type.v1.descriptors.bin\")"));
    assert!(text.contains("super::super::B"));
    assert!(folder.out("shop.rs").contains("pub struct B"));
    let tree: String = folder.out("_includes.rs").split_whitespace().collect();
    assert!(tree.contains("include!(\"shop.rs\");"));
    assert!(tree.contains("include!(\"shop.type.v1.rs\");"));
    let set = fs::read(folder.0.join("out/shop.type.v1.descriptors.bin")).unwrap();
    let set: prost_types::FileDescriptorSet = prost::Message::decode(&*set).unwrap();
    let names: Vec<_> = set.file.iter().map(|file| file.name()).collect();
    assert_eq!(names, ["b.proto", "a.proto"]);
    assert!(set.file.iter().all(|file| file.source_code_info.is_none()));

    // The same from a descriptor set.
    let bytes = fs::read(folder.0.join("out/shop.type.v1.descriptors.bin")).unwrap();
    micro_build::configure()
        .out_dir(folder.0.join("again"))
        .compile_descriptor_set(bytes)
        .unwrap();
    assert_eq!(
        fs::read_to_string(folder.0.join("again/shop.type.v1.rs")).unwrap(),
        text
    );
    let error = micro_build::configure()
        .out_dir(folder.0.join("again"))
        .compile_descriptor_set(vec![1, 2, 3])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the descriptor set is malformed")
    );
}

#[test]
fn the_runtime_may_be_elsewhere() {
    let folder = Folder::new(
        "runtime",
        &[(
            "proto/a.proto",
            "syntax = \"proto3\";\npackage a;\nimport \"google/protobuf/timestamp.proto\";\nmessage A { google.protobuf.Timestamp at = 1; }\nservice S { rpc Get(A) returns (A); }\n",
        )],
    );
    micro_build::configure()
        .out_dir(folder.0.join("out"))
        .runtime("crate::deps::micro")
        .compile_protos(&[folder.0.join("proto/a.proto")], &[folder.0.join("proto")])
        .unwrap();
    let text = folder.out("a.rs");
    assert!(
        !text.contains("::micro::") || !text.contains(" ::micro"),
        "{text}"
    );
    assert!(text.contains("crate::deps::micro::__private::v1::protobuf::Timestamp"));
}
