use std::rc::Rc;

#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
}

struct Hello;

#[micro::service]
impl Greeter for Hello {
    async fn hello(&self, req: String) -> micro::Result<String> {
        let shared = Rc::new(req);
        std::future::ready(()).await;
        Ok(shared.to_string())
    }
}

fn main() {}
