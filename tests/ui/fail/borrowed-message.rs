#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: &str) -> micro::Result<String>;
}

fn main() {}
