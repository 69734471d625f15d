#[micro::service]
pub trait Greeter {
    async fn hello(&mut self, req: String) -> micro::Result<String>;
}

fn main() {}
