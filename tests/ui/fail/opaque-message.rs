#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: impl Send) -> micro::Result<String>;
}

fn main() {}
