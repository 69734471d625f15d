//! Files of an edition, in the terms of proto3 that prost knows: what features say of a field is
//! said of the field itself.

use prost::Message as _;
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FieldOptions, FileDescriptorProto,
    field_descriptor_proto::{Label, Type},
};

use crate::{Error, Result};

/// The parts of descriptors that hold features, which prost's types for them leave out.
mod wire {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Set {
        #[prost(message, repeated, tag = "1")]
        pub(super) file: Vec<File>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct File {
        #[prost(message, repeated, tag = "4")]
        pub(super) message: Vec<Message>,
        #[prost(message, optional, tag = "8")]
        pub(super) options: Option<FileOptions>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Message {
        #[prost(message, repeated, tag = "2")]
        pub(super) field: Vec<Field>,
        #[prost(message, repeated, tag = "3")]
        pub(super) nested: Vec<Self>,
        #[prost(message, optional, tag = "7")]
        pub(super) options: Option<MessageOptions>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Field {
        #[prost(message, optional, tag = "8")]
        pub(super) options: Option<FieldOptions>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct FileOptions {
        #[prost(message, optional, tag = "50")]
        pub(super) features: Option<Features>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct MessageOptions {
        #[prost(message, optional, tag = "12")]
        pub(super) features: Option<Features>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct FieldOptions {
        #[prost(message, optional, tag = "21")]
        pub(super) features: Option<Features>,
    }

    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub(super) struct Features {
        #[prost(int32, optional, tag = "1")]
        pub(super) presence: Option<i32>,
        #[prost(int32, optional, tag = "3")]
        pub(super) repeated: Option<i32>,
        #[prost(int32, optional, tag = "5")]
        pub(super) encoding: Option<i32>,
    }
}

use wire::Features;

const IMPLICIT: i32 = 2;
const LEGACY_REQUIRED: i32 = 3;
const EXPANDED: i32 = 2;
const DELIMITED: i32 = 2;

impl Features {
    /// What is said here, and where nothing is said, what is said around it.
    fn within(outer: Self, here: Option<Self>) -> Self {
        let here = here.unwrap_or_default();
        Self {
            presence: here.presence.or(outer.presence),
            repeated: here.repeated.or(outer.repeated),
            encoding: here.encoding.or(outer.encoding),
        }
    }
}

/// Rewrites the files that begin with `edition = …`.
pub(crate) fn lower(set: &[u8], files: &mut [FileDescriptorProto]) -> Result<()> {
    if files.iter().all(|file| file.syntax() != "editions") {
        return Ok(());
    }
    let set = wire::Set::decode(set)
        .map_err(|error| Error::new(format!("the descriptor set is malformed: {error}")))?;
    for (file, wire) in files.iter_mut().zip(set.file) {
        if file.syntax() == "editions" {
            file.syntax = Some("proto3".to_owned());
            let features = wire
                .options
                .and_then(|options| options.features)
                .unwrap_or_default();
            messages(&mut file.message_type, &wire.message, features);
        }
    }
    Ok(())
}

fn messages(messages_in: &mut [DescriptorProto], wire: &[wire::Message], outer: Features) {
    for (message, wire) in messages_in.iter_mut().zip(wire) {
        let here = wire.options.as_ref().and_then(|options| options.features);
        let features = Features::within(outer, here);
        let is_map = |nested: &&DescriptorProto| {
            nested
                .options
                .as_ref()
                .is_some_and(|options| options.map_entry())
        };
        let maps: Vec<_> = message.nested_type.iter().filter(is_map).collect();
        let maps: Vec<_> = maps.iter().map(|map| format!(".{}", map.name())).collect();
        for (each, wire) in message.field.iter_mut().zip(&wire.field) {
            let here = wire.options.as_ref().and_then(|options| options.features);
            let mut features = Features::within(features, here);
            if maps
                .iter()
                .any(|map| each.type_name().ends_with(map.as_str()))
            {
                features.encoding = None;
            }
            field(each, features);
        }
        // What is said of fields around a map is not said of its entries.
        let nested = message.nested_type.iter_mut().zip(&wire.nested);
        for (nested, wire) in nested.filter(|(nested, _)| !is_map(&&**nested)) {
            messages(
                std::slice::from_mut(nested),
                std::slice::from_ref(wire),
                features,
            );
        }
    }
}

fn field(field: &mut FieldDescriptorProto, features: Features) {
    if features.encoding == Some(DELIMITED) && field.r#type() == Type::Message {
        field.set_type(Type::Group);
    }
    if field.label() == Label::Repeated {
        let options = field.options.get_or_insert_with(FieldOptions::default);
        options.packed = Some(features.repeated != Some(EXPANDED));
    } else if field.oneof_index.is_none() {
        match features.presence {
            Some(LEGACY_REQUIRED) => field.set_label(Label::Required),
            Some(IMPLICIT) => {}
            _ if field.r#type() == Type::Message => {}
            _ => field.proto3_optional = Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_become_the_field_s_own() {
        let mut plain = FieldDescriptorProto::default();
        plain.set_type(Type::Int32);
        plain.set_label(Label::Optional);
        let lowered = |of: &FieldDescriptorProto, features| {
            let mut of = of.clone();
            field(&mut of, features);
            of
        };
        let features = Features::default();
        assert!(lowered(&plain, features).proto3_optional());
        let implicit = Features {
            presence: Some(IMPLICIT),
            ..features
        };
        assert_eq!(lowered(&plain, implicit), plain);
        let required = Features {
            presence: Some(LEGACY_REQUIRED),
            ..features
        };
        assert_eq!(lowered(&plain, required).label(), Label::Required);

        let mut message = plain.clone();
        message.set_type(Type::Message);
        assert_eq!(lowered(&message, features), message);
        let group = lowered(
            &message,
            Features {
                encoding: Some(DELIMITED),
                ..features
            },
        );
        assert_eq!(
            (group.r#type(), group.proto3_optional()),
            (Type::Group, true)
        );

        plain.set_label(Label::Repeated);
        let packed = |of: FieldDescriptorProto| of.options.map(|options| options.packed());
        assert_eq!(packed(lowered(&plain, features)), Some(true));
        let expanded = Features {
            repeated: Some(EXPANDED),
            ..features
        };
        assert_eq!(packed(lowered(&plain, expanded)), Some(false));
    }
}
