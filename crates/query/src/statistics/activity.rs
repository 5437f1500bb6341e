//! Activity: how many people have how many rows, in buckets 1, 2–3, 4–7, … of powers of two.
//!
//! Sensitivity: all rows of a person together put that person into one bucket, so one number changes by 1.

use flockwise_mechanisms::Key;

use super::Asked;
use crate::kernel::Moment;
use crate::key::encode;
use crate::plan::{Formula, Grouping, Order, Output};
use crate::value::Value;

/// People with 2^20 rows and more are together.
const BUCKETS: u32 = 21;

pub(super) fn asked() -> Asked {
    let mut asked = Asked::new(Order::Key);
    asked.grouping = Grouping::Activity(BUCKETS);
    let place = asked.moment(Moment::People);
    asked.outputs.push(Output { name: "people".to_owned(), formula: Formula::Count(place) });
    asked
}

/// The public keys of so many buckets: the fewest rows in each.
pub(crate) fn buckets(count: u32) -> Vec<Key> {
    let bucket = |power: u32| {
        let mut key = Key::new();
        encode(&Value::Int(1 << power), &mut key);
        key
    };
    (0..count).map(bucket).collect()
}
