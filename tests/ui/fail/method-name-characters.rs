#[micro::service]
pub trait Greeter {
    #[micro(name = "say-hello")]
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
