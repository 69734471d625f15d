#[micro::service]
pub trait Greeter {
    async fn hello(&self, ctx: micro::Context, req: String) -> micro::Result<String>;
}

fn main() {}
