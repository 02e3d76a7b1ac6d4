//! A short hash for names of files. It does not protect against collisions, so what was hashed is compared.

/// The 64-bit FNV-1a hash: RFC 9923.
#[must_use]
pub fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The same as 16 hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    format!("{:016x}", fnv_1a(bytes))
}

#[cfg(test)]
mod tests {
    use super::{fnv_1a, hex};

    #[test]
    fn the_hash_is_the_published_one() {
        for (text, hash) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            assert_eq!(fnv_1a(text.as_bytes()), hash, "{text}");
        }
        assert_eq!(hex(b"a"), "af63dc4c8601ec8c");
    }
}
