//! What messages are made of.

use serde::{Deserialize, Serialize};

/// A tree of notes.
#[derive(Debug, Default, Serialize, Deserialize)]
#[describe]
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

/// How it sounds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[describe]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mood {
    /// First.
    VeryGood,
    /// Seventh.
    Bad = 7,
}

/// One of many pages.
#[derive(Debug)]
#[describe]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one is.
    pub next: Token,
}

/// A place in a list.
#[derive(Debug)]
#[describe]
pub struct Token(pub u64);
