#[micro::service]
pub trait Greeter {
    async fn new(&self, req: String) -> micro::Result<String>;
}

fn main() {}
