use std::rc::Rc;

struct Hello {
    greeting: Rc<String>,
}

#[micro::service]
impl Hello {
    async fn hello(&self, req: String) -> micro::Result<String> {
        Ok(format!("{} {req}", self.greeting))
    }
}

fn main() {}
