//! Headers that travel with a call or a message.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{Error, Result};

/// Headers of a call, a reply or a message: names are case-insensitive, a name may have several
/// values, and neither may hold a control character, so nothing can be smuggled into a wire format.
///
/// A thin wrapper around [`http::HeaderMap`], which [`Metadata::headers`] gives out.
///
/// ```
/// let mut metadata = micro::Metadata::new();
/// metadata.insert("Tenant", "a")?;
/// assert_eq!(metadata.get("tenant"), Some("a"));
/// assert!(metadata.insert("tenant", "line\r\nbreak").is_err());
/// # Ok::<(), micro::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(HeaderMap);

impl Metadata {
    /// No headers; allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The first value of `name`, where it is there and is text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    /// All values of `name` that are text, in the order in which they were added.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok())
    }

    /// Sets `name` to one value, in place of those it had.
    ///
    /// # Errors
    /// `InvalidArgument` where the name is no HTTP token or the value holds a control character.
    pub fn insert(&mut self, name: &str, value: &str) -> Result<()> {
        let (name, value) = pair(name, value.as_bytes())?;
        self.0.insert(name, value);
        Ok(())
    }

    /// Adds a value to those that `name` has.
    ///
    /// # Errors
    /// As [`Metadata::insert`].
    pub fn append(&mut self, name: &str, value: &str) -> Result<()> {
        self.append_bytes(name, value.as_bytes())
    }

    /// Adds a value that came from a wire, and need not be UTF-8, to those that `name` has.
    ///
    /// # Errors
    /// As [`Metadata::insert`].
    pub fn append_bytes(&mut self, name: &str, value: &[u8]) -> Result<()> {
        let (name, value) = pair(name, value)?;
        self.0.append(name, value);
        Ok(())
    }

    /// Takes a name away with all its values; says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// Whether there is no header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many values there are, over all names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Every name with each of its values; names are lower case.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    /// Puts every header of `other` in place of the one of that name here.
    pub fn merge(&mut self, other: &Self) {
        for name in other.0.keys() {
            self.0.remove(name);
        }
        for (name, value) in &other.0 {
            self.0.append(name.clone(), value.clone());
        }
    }

    /// What a call made while another is handled takes over from it: all but what is about that one
    /// call's own message and connection.
    pub(crate) fn for_onward_call(&self) -> Self {
        const OWN: [&str; 8] = [
            "accept",
            "content-type",
            "content-length",
            "connection",
            "host",
            "te",
            "traceparent",
            "user-agent",
        ];
        let mut onward = self.clone();
        for name in OWN {
            onward.0.remove(name);
        }
        onward
    }

    /// The headers as the `http` crate has them.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0
    }

    /// The bytes that names and values take, with the 32 that HTTP/2 counts for each entry.
    #[must_use]
    pub fn size(&self) -> usize {
        self.iter()
            .map(|(name, value)| name.len() + value.len() + 32)
            .sum()
    }
}

impl From<HeaderMap> for Metadata {
    fn from(headers: HeaderMap) -> Self {
        Self(headers)
    }
}

fn pair(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue)> {
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        Error::invalid_argument(format!("metadata name {name:?} is no HTTP header name"))
    })?;
    let value = HeaderValue::from_bytes(value).map_err(|_| {
        Error::invalid_argument(format!(
            "the value of metadata {name:?} holds a control character"
        ))
    })?;
    Ok((parsed, value))
}
