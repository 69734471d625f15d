#[micro::service]
pub trait Greeter {
    #[micro]
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
