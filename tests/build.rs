//! Generates the services that the tests use.

fn main() -> micro_build::Result<()> {
    micro_build::compile_protos(
        &[
            "proto/kitchen/sink.proto",
            "proto/kitchen/old.proto",
            "proto/no_package.proto",
        ],
        &["proto"],
    )
}
