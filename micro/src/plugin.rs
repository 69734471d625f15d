//! Parts chosen by name: `MICRO_REGISTRY=etcd://host:2379`.
//!
//! A plugin crate submits an entry of one of the types here, and linking it in is all that a user
//! does; the built-in parts use the same door.
//!
//! ```
//! use std::sync::Arc;
//! use micro::{plugin, registry::MemoryRegistry};
//!
//! micro::inventory::submit! {
//!     plugin::Registry { name: "mine", open: |_url| Ok(Arc::new(MemoryRegistry::new())) }
//! }
//!
//! assert!(plugin::registry("mine://").is_ok());
//! let error = plugin::registry("mien").err().unwrap();
//! assert!(error.detail().contains("there are: "), "{error}");
//! ```

use std::{fmt, str::FromStr, sync::Arc};

use crate::{Error, Result};

macro_rules! kinds {
    ($($(#[$attr:meta])* $kind:ident, $open:ident, $what:literal, $part:ty;)*) => {$(
        #[doc = concat!("A ", $what, " that can be chosen by name.")]
        pub struct $kind {
            /// The name, which is also the scheme of the URL: lower case, `a-z0-9-`.
            pub name: &'static str,
            /// Makes one from the URL. It does no work yet that can wait: a part connects when it
            /// is first used.
            pub open: fn(&Url) -> Result<Arc<$part>>,
        }

        inventory::collect!($kind);

        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($kind)).field("name", &self.name).finish_non_exhaustive()
            }
        }

        #[doc = concat!("Opens the ", $what, " that a name or URL stands for.")]
        ///
        /// # Errors
        /// `NotFound`, with the names that there are, where no plugin of that name is linked in;
        /// what the plugin says of a URL that it can't take.
        pub fn $open(url: &str) -> Result<Arc<$part>> {
            let url: Url = url.parse()?;
            let Some(plugin) = inventory::iter::<$kind>().find(|p| p.name == url.scheme) else {
                let names = inventory::iter::<$kind>().map(|p| p.name).collect();
                return Err(unknown($what, &url.scheme, names));
            };
            (plugin.open)(&url)
        }
    )*};
}

kinds! {
    Registry, registry, "registry", dyn crate::registry::Registry;
    Broker, broker, "broker", dyn crate::broker::Broker;
    Transport, transport, "transport", dyn crate::transport::Transport;
    Selector, selector, "selector", dyn crate::selector::Selector;
}

fn unknown(what: &str, name: &str, mut names: Vec<&str>) -> Error {
    names.sort_unstable();
    names.dedup();
    Error::not_found(format!(
        "no {what} is called {name:?}; there are: {}. A plugin is there once its crate is linked in, \
         by `use micro_{what}_{name} as _;`",
        names.join(", "),
        name = name.replace('-', "_")
    ))
}

/// Where a part is and how to use it: `scheme://user:secret@host1:1,host2:2/path?key=value`, or
/// just the scheme. Its `Debug` and `Display` hide the secret.
///
/// ```
/// let url: micro::plugin::Url = "etcd://root:s3cret@a:2379,b:2379/prod?tls=true".parse()?;
/// assert_eq!((url.scheme.as_str(), url.path.as_str()), ("etcd", "/prod"));
/// assert_eq!(url.hosts, ["a:2379", "b:2379"]);
/// assert_eq!(url.get("tls"), Some("true"));
/// assert_eq!(url.to_string(), "etcd://root:***@a:2379,b:2379/prod?tls=true");
/// # Ok::<(), micro::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Url {
    /// The name of the part.
    pub scheme: String,
    /// Who to be there; percent-decoded.
    pub user: Option<String>,
    /// With which password; percent-decoded.
    pub password: Option<String>,
    /// The addresses, `host` or `host:port`.
    pub hosts: Vec<String>,
    /// All from the first slash after the hosts on; empty or `/…`.
    pub path: String,
    /// Options, in their order; percent-decoded.
    pub query: Vec<(String, String)>,
}

impl Url {
    /// The first option of that name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// An option that is read with `FromStr`.
    ///
    /// # Errors
    /// `InvalidArgument` that names the option where its value can't be read.
    pub fn parse<T: FromStr<Err: fmt::Display>>(&self, key: &str) -> Result<Option<T>> {
        self.get(key)
            .map(|value| {
                value.parse().map_err(|error| {
                    Error::invalid_argument(format!("{key}={value} in {self}: {error}"))
                })
            })
            .transpose()
    }
}

impl FromStr for Url {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (scheme, rest) = text.split_once("://").unwrap_or((text, ""));
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '+';
        if scheme.is_empty() || !scheme.chars().all(fits) {
            return Err(Error::invalid_argument(format!(
                "{scheme:?} is no name of a part; expected `name` or `name://host:port/path`"
            )));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, authority),
        };
        let (user, password) = match login.map(|login| login.split_once(':').ok_or(login)) {
            Some(Ok((user, password))) => (Some(decode(user)?), Some(decode(password)?)),
            Some(Err(user)) => (Some(decode(user)?), None),
            None => (None, None),
        };
        let query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((decode(key)?, decode(value)?))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            scheme: scheme.to_owned(),
            user,
            password,
            hosts: hosts
                .split(',')
                .filter(|host| !host.is_empty())
                .map(str::to_owned)
                .collect(),
            path: path.to_owned(),
            query,
        })
    }
}

fn decode(text: &str) -> Result<String> {
    let wrong =
        || Error::invalid_argument("a URL holds a `%` escape that is no two hex digits of UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let hex = tail
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .ok_or_else(wrong)?;
        bytes.push(u8::from_str_radix(hex, 16).map_err(|_| wrong())?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        match (&self.user, &self.password) {
            (Some(user), Some(_)) => write!(f, "{user}:***@")?,
            (Some(user), None) => write!(f, "{user}@")?,
            _ => {}
        }
        write!(f, "{}{}", self.hosts.join(","), self.path)?;
        for (at, (key, value)) in self.query.iter().enumerate() {
            let secret = ["pass", "token", "secret", "key"]
                .iter()
                .any(|word| key.contains(word));
            let value = if secret { "***" } else { value };
            write!(f, "{}{key}={value}", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}
