//! From the name of a method to its place in the list of handlers.

use std::collections::HashMap;

use crate::{
    Error, Result,
    descriptor::{Method, Service},
};

/// A method, by its place.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Route {
    /// The place of its service among the [`Handlers`](super::Handlers).
    pub service: usize,
    /// Its place in the service's descriptor.
    pub index: usize,
    /// The method.
    pub method: &'static Method,
}

/// Finds methods by name; asked once for each name and connection, not for each call.
#[derive(Debug, Default)]
pub struct Router {
    routes: HashMap<String, Route>,
    services: Vec<&'static Service>,
}

impl Router {
    /// The methods of these services, which are in the order of their handlers.
    ///
    /// A method is found by its full path, `helloworld.Greeter/Hello`, and without the package,
    /// `Greeter/Hello`, where no other service has that name.
    ///
    /// # Errors
    /// `AlreadyExists` where two handlers serve the same service.
    pub fn new(services: Vec<&'static Service>) -> Result<Self> {
        let mut routes = HashMap::new();
        for (service, at) in services.iter().zip(0..) {
            if services[..at]
                .iter()
                .any(|other| other.name == service.name)
            {
                return Err(Error::already_exists(format!(
                    "two handlers serve {}; a server takes one for each service",
                    service.name
                )));
            }
            for (method, index) in service.methods.iter().zip(0..) {
                routes.insert(
                    method.path.to_owned(),
                    Route {
                        service: at,
                        index,
                        method,
                    },
                );
            }
        }
        for (service, at) in services.iter().zip(0..) {
            let short = service.short_name();
            let unique = services
                .iter()
                .filter(|other| other.short_name() == short)
                .count()
                == 1;
            for (method, index) in service.methods.iter().zip(0..).filter(|_| unique) {
                let path = format!("{short}/{}", method.name());
                routes.entry(path).or_insert(Route {
                    service: at,
                    index,
                    method,
                });
            }
        }
        Ok(Self { routes, services })
    }

    /// The method at `path`; `.` may stand for the last `/`, as Go Micro writes it.
    ///
    /// # Errors
    /// `Unimplemented` that says whether the service or only the method is missing.
    pub fn find(&self, path: &str) -> Result<Route> {
        let path = path.strip_prefix('/').unwrap_or(path);
        if let Some(route) = self.routes.get(path) {
            return Ok(*route);
        }
        let (service, method) = path.rsplit_once(['/', '.']).unwrap_or(("", path));
        self.routes
            .get(&format!("{service}/{method}"))
            .copied()
            .ok_or_else(|| self.missing(service, method))
    }

    /// As [`Router::find`], for the paths of gRPC and HTTP: what stands before the last dotted part
    /// of the service is passed over where no service has the whole name, as Go Micro's clients put
    /// the name there under which the service is registered.
    ///
    /// # Errors
    /// As [`Router::find`].
    pub fn find_foreign(&self, path: &str) -> Result<Route> {
        self.find(path).or_else(|error| {
            let short = path.rsplit_once('/').and_then(|(service, method)| {
                let (_, short) = service.rsplit_once('.')?;
                self.routes.get(&format!("{short}/{method}"))
            });
            short.copied().ok_or(error)
        })
    }

    /// The services that can be called.
    #[must_use]
    pub fn services(&self) -> &[&'static Service] {
        &self.services
    }

    #[cold]
    fn missing(&self, service: &str, method: &str) -> Error {
        let cut = |text: &str| text.chars().take(100).collect::<String>();
        let here = self
            .services
            .iter()
            .find(|s| s.name == service || s.short_name() == service);
        let (what, names) = match here {
            Some(here) => (
                format!("service {} has no method {:?}", here.name, cut(method)),
                here.methods.iter().map(Method::name).collect::<Vec<_>>(),
            ),
            None => (
                format!("no service {:?} here", cut(service)),
                self.services.iter().map(|service| service.name).collect(),
            ),
        };
        Error::unimplemented(format!("{what}; there are: {}", names.join(", ")))
    }
}
