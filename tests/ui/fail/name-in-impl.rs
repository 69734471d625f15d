#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
}

struct Hello;

#[micro::service(name = "Greetings")]
impl Greeter for Hello {
    #[micro(idempotent)]
    async fn hello(&self, req: String) -> micro::Result<String> {
        Ok(req)
    }
}

fn main() {}
