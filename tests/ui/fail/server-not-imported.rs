mod api {
    #[micro::service]
    pub trait Greeter {
        async fn hello(&self, req: String) -> micro::Result<String>;
    }
}

use api::Greeter;

struct Hello;

#[micro::service]
impl Greeter for Hello {
    async fn hello(&self, req: String) -> micro::Result<String> {
        Ok(req)
    }
}

fn main() {}
