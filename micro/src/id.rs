//! Names that nobody else has.

/// A random identifier in the form of a UUID, version 4.
pub(crate) fn unique() -> String {
    let random = fastrand::u128(..);
    let (version, variant) = (0x4 << 76, 0x8 << 60);
    let bits = (random & !(0xf << 76) & !(0xc << 60)) | version | variant;
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_the_form_of_a_uuid_4() {
        let id = super::unique();
        let parts: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert!(
            id[14..].starts_with('4') && "89ab".contains(&id[19..20]),
            "{id}"
        );
    }
}
