#[micro::service]
pub trait Greeter {
    const LIMIT: u32;
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
