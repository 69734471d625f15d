#[micro::service]
pub trait Greeter {
    #[micro(skip)]
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
