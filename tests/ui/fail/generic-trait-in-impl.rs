struct Hello;

#[micro::service]
impl From<u32> for Hello {
    fn from(_: u32) -> Self {
        Self
    }
}

fn main() {}
