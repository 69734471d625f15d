#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
