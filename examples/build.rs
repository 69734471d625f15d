//! What a project with `.proto` files has in its `build.rs`.

fn main() -> micro_build::Result<()> {
    micro_build::compile_protos(&["proto/chess.proto"], &["proto"])
}
