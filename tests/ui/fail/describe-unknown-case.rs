#[derive(micro::Describe, serde::Serialize)]
#[serde(rename_all = "Camel")]
pub struct Note {
    pub text: String,
}

fn main() {}
