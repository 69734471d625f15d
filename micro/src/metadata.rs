//! Headers that travel with a call or a message.

use std::sync::{Arc, LazyLock};

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{Error, Result};

/// Headers of a call, a reply or a message: names are case-insensitive, a name may have several
/// values, and neither may hold a control character, so nothing can be smuggled into a wire format.
///
/// A thin wrapper around [`http::HeaderMap`], which [`Metadata::headers`] gives out. Clones share
/// their headers until one of them is changed; having none takes no memory.
///
/// ```
/// let mut metadata = micro::Metadata::new();
/// metadata.insert("Tenant", "a")?;
/// assert_eq!(metadata.get("tenant"), Some("a"));
/// assert!(metadata.insert("tenant", "line\r\nbreak").is_err());
/// # Ok::<(), micro::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Metadata(Option<Arc<HeaderMap>>);

impl Metadata {
    /// No headers; allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The first value of `name`, where it is there and is text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        // The name is only looked at where there is something to find by it.
        self.0.as_ref()?.get(name)?.to_str().ok()
    }

    /// All values of `name` that are text, in the order in which they were added.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers()
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
        self.change().try_insert(name, value).map_err(|_| full())?;
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
        self.change().try_append(name, value).map_err(|_| full())?;
        Ok(())
    }

    /// Takes a name away with all its values; says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        self.headers().contains_key(name) && self.change().remove(name).is_some()
    }

    /// Whether there is no header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.headers().is_empty()
    }

    /// How many values there are, over all names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.headers().len()
    }

    /// Every name with each of its values; names are lower case.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    /// Puts every header of `other` in place of the one of that name here.
    pub fn merge(&mut self, other: &Self) {
        if self.is_empty() {
            self.0.clone_from(&other.0);
            return;
        }
        for name in other.headers().keys() {
            self.change().remove(name);
        }
        for (name, value) in other.headers() {
            // Where both together are more than a map can hold, the rest is left out.
            let _ = self.change().try_append(name.clone(), value.clone());
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
            onward.remove(name);
        }
        onward
    }

    /// The headers as the `http` crate has them.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.0.as_deref().unwrap_or(&NONE)
    }

    fn change(&mut self) -> &mut HeaderMap {
        Arc::make_mut(self.0.get_or_insert_default())
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
        Self((!headers.is_empty()).then(|| Arc::new(headers)))
    }
}

/// What having no headers looks like.
static NONE: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.headers() == other.headers()
    }
}

impl Eq for Metadata {}

#[cold]
fn full() -> Error {
    Error::resource_exhausted("more headers than metadata can hold")
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
