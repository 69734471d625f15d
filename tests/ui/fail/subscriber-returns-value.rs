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
    async fn greeted(&self, name: String) -> micro::Result<String> {
        Ok(name)
    }
}

fn main() {}
