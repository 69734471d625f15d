#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
    #[micro(name = "Hello")]
    async fn greet(&self, req: String) -> micro::Result<String>;
}

fn main() {}
