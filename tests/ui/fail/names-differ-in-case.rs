#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
    #[allow(non_snake_case)]
    #[micro(name = "Shout")]
    async fn HELLO(&self, req: String) -> micro::Result<String>;
}

fn main() {}
