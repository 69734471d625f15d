//! Makes the source info of a descriptor complete: prost takes for granted that every definition
//! has a location, which is not so for every tool that writes descriptors.

use std::collections::HashSet;

use prost_types::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorProto, source_code_info::Location,
};

/// Adds the locations that are missing, without comments.
pub(crate) fn complete(file: &mut FileDescriptorProto) {
    let mut paths = Paths::default();
    paths.messages(&file.message_type, 4);
    paths.enums(&file.enum_type, 5);
    paths.each(6, &file.service, |paths, service| {
        paths.each(2, &service.method, |_, _| {});
    });
    let Some(info) = &mut file.source_code_info else {
        return;
    };
    let there: HashSet<_> = info
        .location
        .iter()
        .map(|location| location.path.clone())
        .collect();
    let missing = paths.all.into_iter().filter(|path| !there.contains(path));
    info.location.extend(missing.map(|path| Location {
        path,
        span: vec![0, 0, 0],
        ..Location::default()
    }));
}

#[derive(Default)]
struct Paths {
    here: Vec<i32>,
    all: Vec<Vec<i32>>,
}

impl Paths {
    fn each<T>(&mut self, field: i32, items: &[T], mut inside: impl FnMut(&mut Self, &T)) {
        for (place, item) in items.iter().enumerate() {
            self.here.extend([field, place as i32]);
            self.all.push(self.here.clone());
            inside(self, item);
            self.here.truncate(self.here.len() - 2);
        }
    }

    fn messages(&mut self, messages: &[DescriptorProto], field: i32) {
        self.each(field, messages, |paths, message| {
            paths.each(2, &message.field, |_, _| {});
            paths.each(8, &message.oneof_decl, |_, _| {});
            paths.messages(&message.nested_type, 3);
            paths.enums(&message.enum_type, 4);
        });
    }

    fn enums(&mut self, enums: &[EnumDescriptorProto], field: i32) {
        self.each(field, enums, |paths, of| {
            paths.each(2, &of.value, |_, _| {})
        });
    }
}
