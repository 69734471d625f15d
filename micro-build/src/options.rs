//! What descriptors say that prost's types for them leave out: our own options.

use std::collections::HashMap;

use micro_codegen::model::Topic;
use prost::Message;

use crate::{Error, Result};

/// The parts of descriptors that lead to the options of methods.
mod wire {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Set {
        #[prost(message, repeated, tag = "1")]
        pub(super) file: Vec<File>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct File {
        #[prost(string, tag = "2")]
        pub(super) package: String,
        #[prost(message, repeated, tag = "6")]
        pub(super) service: Vec<Service>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Service {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(message, repeated, tag = "2")]
        pub(super) method: Vec<Method>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Method {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(message, optional, tag = "4")]
        pub(super) options: Option<Options>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Options {
        #[prost(message, optional, tag = "73501")]
        pub(super) topic: Option<Topic>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Topic {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(string, optional, tag = "2")]
        pub(super) queue: Option<String>,
    }
}

/// The topics of methods, by `package.Service/Method`.
pub(crate) fn topics(set: &[u8]) -> Result<HashMap<String, Topic>> {
    let set = wire::Set::decode(set)
        .map_err(|error| Error::new(format!("the descriptor set is malformed: {error}")))?;
    let mut topics = HashMap::new();
    for file in set.file {
        for service in file.service {
            let name = match &*file.package {
                "" => service.name,
                package => format!("{package}.{}", service.name),
            };
            for method in service.method {
                let path = format!("{name}/{}", method.name);
                let Some(topic) = method.options.and_then(|options| options.topic) else {
                    continue;
                };
                if topic.name.is_empty() {
                    return Err(Error::new(format!(
                        "{path}: the option (micro.topic) has no name"
                    ))
                    .help("write `option (micro.topic) = {name: \"user.created\"};`"));
                }
                let topic = Topic {
                    name: topic.name,
                    queue: topic.queue,
                };
                topics.insert(path, topic);
            }
        }
    }
    Ok(topics)
}
