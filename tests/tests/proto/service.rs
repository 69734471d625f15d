//! What a service of a `.proto` says of itself, and that it answers.

use micro::{
    Context, Result, Streaming,
    descriptor::{Describe, Kind, Type},
};
use prost::Message;

use crate::proto::kitchen::{
    old::r#type::Old,
    sink::v1::{Dish, KitchenServer, MockKitchen, Plate, Taste},
    types,
};

#[test]
fn the_service_describes_itself() {
    let service = KitchenServer::SERVICE;
    assert_eq!(service.name, "kitchen.sink.v1.Kitchen");
    assert!(service.docs.starts_with("What the cook knows."));
    let paths: Vec<_> = service.methods.iter().map(|method| method.name()).collect();
    assert_eq!(
        paths,
        [
            "Cook", "Look", "fill", "TALK", "Wash", "Ordered", "Raw", "Name", "Type", "self",
            "new", "Client", "Calls", "getIt", "GetIt", "Service"
        ]
    );
    let kinds: Vec<_> = service.methods[..4]
        .iter()
        .map(|method| method.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            Kind::Unary,
            Kind::ServerStream,
            Kind::ClientStream,
            Kind::Bidi
        ]
    );
    let idempotent: Vec<_> = service.methods[..6]
        .iter()
        .map(|method| method.idempotent)
        .collect();
    assert_eq!(idempotent, [false, true, false, false, true, false]);
    assert_eq!(service.methods[5].topic, Some("kitchen.ordered"));
    assert_eq!(types::KitchenServer::SERVICE.name, "kitchen.types.Kitchen");
}

#[test]
fn the_descriptor_set_is_whole() {
    let set = KitchenServer::SERVICE.descriptor_set.unwrap();
    let set = prost_types::FileDescriptorSet::decode(set).unwrap();
    let names: Vec<_> = set.file.iter().map(|file| file.name()).collect();
    for file in &set.file {
        for import in &file.dependency {
            assert!(names.contains(&&**import), "{import}");
        }
        assert!(file.source_code_info.is_none());
    }
    assert_eq!(names.last(), Some(&"kitchen/sink.proto"));
    assert!(names.contains(&"micro/options.proto"));
}

#[test]
fn messages_describe_themselves() {
    let Type::Message(dish) = Dish::TYPE else {
        panic!("{:?}", Dish::TYPE)
    };
    let dish = dish();
    assert_eq!((dish.name, dish.docs), ("kitchen.sink.v1.Dish", "A dish."));
    let field = |name: &str| dish.fields.iter().find(|field| field.name == name).unwrap();
    let name = field("dishName");
    assert_eq!((name.number, name.kind), (1, Type::String));
    assert_eq!(name.docs, "How it is called.\nBy the cook.");
    assert_eq!(field("i64").kind, Type::Int(64));
    assert_eq!(field("bytes").kind, Type::Bytes);
    assert_eq!(field("side").kind, Type::Optional(&Dish::TYPE));
    assert_eq!(
        field("byNumber").kind,
        Type::Map(&Type::Int(64), &Taste::TYPE)
    );
    assert_eq!(field("blobs").kind, Type::List(&Type::Bytes));
    assert_eq!(field("wrapped").kind, Type::Optional(&Type::String));
    assert_eq!(field("none").kind, Type::Optional(&<()>::TYPE));
    assert_eq!(field("@odd-name").number, 67);
    let numbers: Vec<_> = dish.fields.iter().map(|field| field.number).collect();
    assert!(numbers.is_sorted(), "in the order of their definition");
    let Type::Enum(taste) = Taste::TYPE else {
        panic!("{:?}", Taste::TYPE)
    };
    assert!(taste().values.contains(&("SUGARY", 1)));
    assert_eq!(Old::TYPE.fields().len(), 14);
}

#[tokio::test]
async fn it_answers() {
    let mock = MockKitchen::new()
        .cook(|dish: Dish| {
            Ok(Plate {
                text: dish.dish_name,
            })
        })
        .raw(|value| Ok([("it".to_owned(), value)].into_iter().collect()));
    let client = mock.client();
    let dish = Dish {
        dish_name: "stew".into(),
        ..Dish::default()
    };
    assert_eq!(client.cook(dish).await.unwrap().text, "stew");
    let raw = client.raw(micro::protobuf::Value::from(1.0)).await.unwrap();
    assert_eq!(raw.fields.len(), 1);
}

/// A handler of a service from a `.proto` is written like any other.
struct Grower;

#[micro::service]
impl types::Kitchen for Grower {
    async fn cook(&self, _ctx: &Context, req: types::Unit) -> Result<types::Unit> {
        Ok(req)
    }
}

#[test]
fn a_handler_is_one() {
    use micro::server::{Handler, IntoHandler};
    let (handler, _) = IntoHandler::<types::KitchenServer<()>>::into_handler(Grower);
    assert_eq!(handler.service().methods.len(), 1);
    let _: Option<Streaming<Dish>> = None;
}
