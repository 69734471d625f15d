//! How content types are read.

use micro::{Code, codec::ContentType};

use super::for_many;

/// Every property.
pub fn all() {
    case_and_parameters_do_not_matter();
    what_is_written_is_read();
    unknown_ones_list_the_known();
    any_text_is_judged();
}

/// Case, parameters and white space do not matter; protobuf goes by several names.
pub fn case_and_parameters_do_not_matter() {
    let forms = [
        ("application/json", ContentType::Json),
        ("Application/JSON", ContentType::Json),
        ("application/json; charset=utf-8", ContentType::Json),
        (" application/json ;charset=\"a;b\"", ContentType::Json),
        ("application/json;", ContentType::Json),
        ("application/protobuf", ContentType::Protobuf),
        ("application/x-protobuf", ContentType::Protobuf),
        ("APPLICATION/PROTO", ContentType::Protobuf),
        ("application/octet-stream", ContentType::Bytes),
        ("text/plain;charset=utf-8", ContentType::Text),
    ];
    for (text, expected) in forms {
        assert_eq!(ContentType::parse(text), Ok(expected), "{text}");
    }
}

/// The name of each content type is read as that.
pub fn what_is_written_is_read() {
    for known in [
        ContentType::Protobuf,
        ContentType::Json,
        ContentType::Bytes,
        ContentType::Text,
    ] {
        assert_eq!(ContentType::parse(known.as_str()), Ok(known));
        assert_eq!(known.to_string(), known.as_str());
    }
}

/// One that nobody speaks is refused, with those that somebody does.
pub fn unknown_ones_list_the_known() {
    for text in [
        "",
        "json",
        "application/jsonp",
        "application",
        "*/*",
        "text/html",
    ] {
        let error = ContentType::parse(text).expect_err(text);
        assert_eq!(error.code(), Code::Unimplemented, "{error}");
        for known in ["application/protobuf", "application/json", "text/plain"] {
            assert!(error.detail().contains(known), "{error}");
        }
    }
    let error = ContentType::parse(&"é".repeat(100_000)).expect_err("no media type");
    assert!(
        error.detail().len() < 2000,
        "the answer is as long as the question"
    );
}

/// No text is too odd.
pub fn any_text_is_judged() {
    for_many(".{0,64}", |text| {
        if let Err(error) = ContentType::parse(&text) {
            assert_eq!(error.code(), Code::Unimplemented, "{error}");
        }
    });
}
