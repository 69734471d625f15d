#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
}

struct Hello;

#[micro::service]
impl Greeter for Hello {
    async fn hello(&self, req: u32) -> micro::Result<String> {
        Ok(req.to_string())
    }
}

fn main() {}
