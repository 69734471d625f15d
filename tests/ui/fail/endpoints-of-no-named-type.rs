#[micro::service]
impl (u8, u8) {
    async fn hello(&self, req: String) -> micro::Result<String> {
        Ok(req)
    }
}

fn main() {}
