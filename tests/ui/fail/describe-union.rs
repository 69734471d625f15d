#[derive(micro::Describe)]
pub union Bits {
    pub word: u32,
    pub float: f32,
}

fn main() {}
