//! Makes the gRPC glue of the tonic contestant; it needs no `protoc`, since the messages are
//! written by hand.

use tonic_build::manual::{Builder, Method, Service};

fn method(name: &str, route: &str, up: bool, down: bool) -> Method {
    let mut method = Method::builder()
        .name(name)
        .route_name(route)
        .input_type("crate::message::Msg")
        .output_type("crate::message::Msg")
        .codec_path("tonic_prost::ProstCodec");
    if up {
        method = method.client_streaming();
    }
    if down {
        method = method.server_streaming();
    }
    method.build()
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.lock");
    Builder::new().compile(&[Service::builder()
        .name("Echo")
        .package("bench")
        .method(method("echo", "Echo", false, false))
        .method(method("wait", "Wait", false, false))
        .method(method("down", "Down", false, true))
        .method(method("up", "Up", true, false))
        .method(method("chat", "Chat", true, true))
        .build()]);
    versions();
}

/// What the lock file says of the contestants: a table without versions is worth little.
fn versions() {
    let lock = std::fs::read_to_string("Cargo.lock").unwrap_or_default();
    let mut found = Vec::new();
    for package in lock.split("[[package]]") {
        let field = |name: &str| {
            let line = package.lines().find(|line| line.starts_with(name))?;
            Some(line.split('"').nth(1)?.to_owned())
        };
        if let (Some(name), Some(version)) = (field("name = "), field("version = ")) {
            let shown = [
                "micro", "tonic", "prost", "tarpc", "axum", "hyper", "ttrpc", "tokio",
            ];
            if shown.contains(&name.as_str()) {
                found.push(format!("{name} {version}"));
            }
        }
    }
    println!("cargo::rustc-env=BENCH_VERSIONS={}", found.join(", "));
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = std::process::Command::new(rustc).arg("--version").output();
    let version = version.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    println!(
        "cargo::rustc-env=BENCH_RUSTC={}",
        version.unwrap_or_default()
    );
}
