//! What messages are made of.
use serde::{Deserialize, Serialize};
/// A tree of notes.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tree {
    /// What it says.
    pub first_note: String,
    /// What is said to that.
    pub answers: Vec<Self>,
    /// Its mood.
    #[serde(rename = "kind")]
    pub of: Option<Mood>,
    /// A type that does not describe itself.
    pub from_elsewhere: std::time::Duration,
    /// Not sent.
    #[serde(skip)]
    pub secret: u8,
}
const _: () = {
    use ::micro::__private::v1 as __v1;
    #[automatically_derived]
    #[allow(clippy::all, clippy::pedantic, clippy::nursery)]
    impl __v1::Describe for Tree {
        const TYPE: __v1::Type = __v1::Type::Message(|| const {
            &__v1::Message {
                name: "Tree",
                docs: "A tree of notes.",
                fields: &[
                    __v1::Field {
                        name: "firstNote",
                        number: 0,
                        kind: __v1::described!(String),
                        docs: "What it says.",
                    },
                    __v1::Field {
                        name: "answers",
                        number: 0,
                        kind: __v1::described!(Vec < Self >),
                        docs: "What is said to that.",
                    },
                    __v1::Field {
                        name: "kind",
                        number: 0,
                        kind: __v1::described!(Option < Mood >),
                        docs: "Its mood.",
                    },
                    __v1::Field {
                        name: "fromElsewhere",
                        number: 0,
                        kind: __v1::described!(std::time::Duration),
                        docs: "A type that does not describe itself.",
                    },
                ],
            }
        });
    }
};
/// How it sounds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mood {
    /// First.
    VeryGood,
    /// Seventh.
    Bad = 7,
}
const _: () = {
    use ::micro::__private::v1 as __v1;
    #[automatically_derived]
    #[allow(clippy::all, clippy::pedantic, clippy::nursery)]
    impl __v1::Describe for Mood {
        const TYPE: __v1::Type = __v1::Type::Enum(|| const {
            &__v1::Enum {
                name: "Mood",
                docs: "How it sounds.",
                values: &[
                    ("VERY_GOOD", Self::VeryGood as i32),
                    ("BAD", Self::Bad as i32),
                ],
            }
        });
    }
};
/// One of many pages.
#[derive(Debug)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one is.
    pub next: Token,
}
const _: () = {
    use ::micro::__private::v1 as __v1;
    #[automatically_derived]
    #[allow(clippy::all, clippy::pedantic, clippy::nursery)]
    impl<T: __v1::Describe> __v1::Describe for Page<T> {
        const TYPE: __v1::Type = __v1::Type::Message(|| const {
            &__v1::Message {
                name: "Page",
                docs: "One of many pages.",
                fields: &[
                    __v1::Field {
                        name: "items",
                        number: 0,
                        kind: <Vec<T> as __v1::Describe>::TYPE,
                        docs: "What is on it.",
                    },
                    __v1::Field {
                        name: "next",
                        number: 0,
                        kind: __v1::described!(Token),
                        docs: "Where the next one is.",
                    },
                ],
            }
        });
    }
};
/// A place in a list.
#[derive(Debug)]
pub struct Token(pub u64);
const _: () = {
    use ::micro::__private::v1 as __v1;
    #[automatically_derived]
    #[allow(clippy::all, clippy::pedantic, clippy::nursery)]
    impl __v1::Describe for Token {
        const TYPE: __v1::Type = __v1::described!(u64);
    }
};
