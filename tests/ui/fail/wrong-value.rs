#[micro::service(name = 7, package)]
pub trait Greeter {
    #[micro(idempotent = true, name = Hi)]
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
