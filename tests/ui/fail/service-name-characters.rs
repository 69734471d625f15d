#[micro::service(name = "acme.Greeter")]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
