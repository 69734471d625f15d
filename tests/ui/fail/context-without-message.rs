#[micro::service]
pub trait Greeter {
    async fn hello(&self, ctx: &micro::Context) -> micro::Result<String>;
}

fn main() {}
