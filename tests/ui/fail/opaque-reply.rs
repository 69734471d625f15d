#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<impl Send>;
}

fn main() {}
