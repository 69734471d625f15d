#[micro::service(name = "A", name = "B")]
pub trait Greeter {
    #[micro(idempotent, idempotent)]
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
