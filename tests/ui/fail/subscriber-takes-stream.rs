#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
}

struct Hello;

#[micro::service]
impl Greeter for Hello {
    async fn hello(&self, req: String) -> micro::Result<String> {
        Ok(req)
    }

    #[subscribe(topic = "greeted")]
    async fn greeted(&self, names: micro::Streaming<String>) -> micro::Result<()> {
        drop(names);
        Ok(())
    }
}

fn main() {}
