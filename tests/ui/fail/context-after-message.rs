#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String, ctx: &micro::Context) -> micro::Result<String>;
}

fn main() {}
