struct Hello;

#[micro::service]
impl Hello {
    async fn hello(&self, req: String) -> String {
        req
    }
}

fn main() {
    let _ = HelloServer::new(Hello);
}
