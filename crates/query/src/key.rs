//! Partition keys as bytes: equal keys have equal bytes, and byte order is the order of output.

use flockwise_mechanisms::Key;

use crate::value::Value;

const NULL: u8 = 0;
const BOOL: u8 = 1;
const INT: u8 = 2;
const FLOAT: u8 = 3;
const DATE: u8 = 4;
const DATETIME: u8 = 5;
const TEXT: u8 = 6;

/// Appends one part of a key. Parts are self-delimiting, so that no two tuples of parts share bytes, and order as their
/// values do: null first, numbers by size, text by its UTF-8 bytes.
pub fn encode(part: &Value, key: &mut Key) {
    match part {
        Value::Null => key.push(NULL),
        Value::Bool(value) => key.extend([BOOL, u8::from(*value)]),
        Value::Int(value) => ordered(INT, *value, key),
        Value::Float(value) => {
            key.push(FLOAT);
            // −0.0 is 0.0; the total order of IEEE 754 as an unsigned integer.
            let bits = (value + 0.0).to_bits();
            let order = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
            key.extend(order.to_be_bytes());
        }
        Value::Date(days) => ordered(DATE, i64::from(*days), key),
        Value::Datetime(moment) => ordered(DATETIME, *moment, key),
        Value::String(text) => {
            key.push(TEXT);
            // A zero byte is escaped, so that the terminator 0 0 ends the part and shorter texts come first.
            for byte in text.bytes() {
                key.push(byte);
                if byte == 0 {
                    key.push(0xff);
                }
            }
            key.extend([0, 0]);
        }
    }
}

fn ordered(tag: u8, value: i64, key: &mut Key) {
    key.push(tag);
    key.extend((value as u64 ^ 1 << 63).to_be_bytes());
}

/// The parts of a key.
///
/// # Panics
/// When the bytes were not made by [`encode`].
#[must_use]
pub fn decode(mut key: &[u8]) -> Vec<Value> {
    let mut parts = Vec::new();
    while let Some((&tag, rest)) = key.split_first() {
        let (part, rest) = decode_part(tag, rest).expect("a key is made by encode");
        parts.push(part);
        key = rest;
    }
    parts
}

/// The bytes of the first `count` parts of a key; all of a shorter one.
///
/// # Panics
/// When the bytes were not made by [`encode`].
#[must_use]
pub fn prefix(key: &[u8], count: usize) -> &[u8] {
    let mut rest = key;
    for _ in 0..count {
        let Some((&tag, inner)) = rest.split_first() else { break };
        (_, rest) = decode_part(tag, inner).expect("a key is made by encode");
    }
    &key[..key.len() - rest.len()]
}

fn decode_part(tag: u8, rest: &[u8]) -> Option<(Value, &[u8])> {
    let eight = || rest.split_first_chunk::<8>();
    let signed = |bytes: &[u8; 8]| (u64::from_be_bytes(*bytes) ^ 1 << 63) as i64;
    match tag {
        NULL => Some((Value::Null, rest)),
        BOOL => rest.split_first().map(|(&value, rest)| (Value::Bool(value == 1), rest)),
        INT => eight().map(|(bytes, rest)| (Value::Int(signed(bytes)), rest)),
        DATE => {
            eight().and_then(|(bytes, rest)| Some((Value::Date(i32::try_from(signed(bytes)).ok()?), rest)))
        }
        DATETIME => eight().map(|(bytes, rest)| (Value::Datetime(signed(bytes)), rest)),
        FLOAT => eight().map(|(bytes, rest)| {
            let order = u64::from_be_bytes(*bytes);
            let bits = if order >> 63 == 1 { order & !(1 << 63) } else { !order };
            (Value::Float(f64::from_bits(bits)), rest)
        }),
        TEXT => {
            let mut text = Vec::new();
            let mut at = 0;
            loop {
                match (rest.get(at)?, rest.get(at + 1)) {
                    (0, Some(0)) => break,
                    (0, Some(0xff)) => {
                        text.push(0);
                        at += 2;
                    }
                    (&byte, _) => {
                        text.push(byte);
                        at += 1;
                    }
                }
            }
            Some((Value::String(String::from_utf8(text).ok()?), &rest[at + 2..]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<i32>().prop_map(Value::Date),
            any::<i64>().prop_map(Value::Datetime),
            "[a-c\\x00\\x01ü]{0,4}".prop_map(Value::String),
            (-1e300..1e300_f64).prop_map(Value::Float),
        ]
    }

    fn key(parts: &[Value]) -> Key {
        let mut key = Key::new();
        parts.iter().for_each(|part| encode(part, &mut key));
        key
    }

    proptest! {
        #[test]
        fn keys_round_trip(parts in prop::collection::vec(value(), 0..4)) {
            prop_assert_eq!(decode(&key(&parts)), parts);
        }

        #[test]
        fn a_prefix_is_the_key_of_its_parts(parts in prop::collection::vec(value(), 0..4), count in 0..5_usize) {
            let whole = key(&parts);
            prop_assert_eq!(prefix(&whole, count), &key(&parts[..count.min(parts.len())])[..]);
        }

        #[test]
        fn keys_order_as_their_values(a in any::<i64>(), b in any::<i64>(), x in "[a-c\\x00\\x01]{0,3}", y in "[a-c\\x00\\x01]{0,3}") {
            prop_assert_eq!(key(&[Value::Int(a)]).cmp(&key(&[Value::Int(b)])), a.cmp(&b));
            let texts = (Value::String(x.clone()), Value::String(y.clone()));
            prop_assert_eq!(key(&[texts.0]).cmp(&key(&[texts.1])), x.cmp(&y));
        }
    }

    #[test]
    fn minus_zero_is_zero() {
        assert_eq!(key(&[Value::Float(-0.0)]), key(&[Value::Float(0.0)]));
    }
}
