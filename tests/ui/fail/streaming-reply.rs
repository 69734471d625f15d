#[micro::service]
pub trait Greeter {
    async fn watch(&self, req: String) -> micro::Result<micro::Streaming<String>>;
}

fn main() {}
