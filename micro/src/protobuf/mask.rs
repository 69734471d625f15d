//! `google.protobuf.FieldMask`.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

/// Some fields of a message, by their paths: `user.display_name`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FieldMask {
    /// The paths, as the `.proto` names the fields.
    #[prost(string, repeated, tag = "1")]
    pub paths: Vec<String>,
}

/// `display_name` as `displayName`; nothing where the way back would lead elsewhere.
fn to_camel(path: &str) -> Option<String> {
    let mut camel = String::with_capacity(path.len());
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        match c {
            '_' => camel.push(
                chars
                    .next()
                    .filter(char::is_ascii_lowercase)?
                    .to_ascii_uppercase(),
            ),
            'A'..='Z' => return None,
            c => camel.push(c),
        }
    }
    Some(camel)
}

fn to_snake(path: &str) -> Option<String> {
    let mut snake = String::with_capacity(path.len() + 4);
    for c in path.chars() {
        match c {
            '_' => return None,
            'A'..='Z' => snake.extend(['_', c.to_ascii_lowercase()]),
            c => snake.push(c),
        }
    }
    Some(snake)
}

/// The paths in lowerCamelCase with commas between.
impl Serialize for FieldMask {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let camel = |path: &String| {
            to_camel(path).ok_or_else(|| {
                S::Error::custom(format_args!("{path:?} has no form in lowerCamelCase"))
            })
        };
        let paths: Vec<_> = self.paths.iter().map(camel).collect::<Result<_, _>>()?;
        out.serialize_str(&paths.join(","))
    }
}

impl<'de> Deserialize<'de> for FieldMask {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(input)?;
        let snake = |path: &str| {
            to_snake(path)
                .ok_or_else(|| D::Error::custom(format_args!("{path:?} is not in lowerCamelCase")))
        };
        let paths = match &*text {
            "" => Vec::new(),
            text => text.split(',').map(snake).collect::<Result<_, _>>()?,
        };
        Ok(Self { paths })
    }
}
