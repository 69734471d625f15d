#[micro::service]
pub trait Greeter {
    async fn hello(req: String) -> micro::Result<String>;
}

fn main() {}
