#[micro::service]
pub trait Greeter {
    async fn größe(&self, req: String) -> micro::Result<String>;
}

fn main() {}
