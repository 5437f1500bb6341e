//! From what a statistic asks to stages with their parts of the loss.

use flockwise_mechanisms::{Choice, Family, Key, Loss};

use super::grid::grid;
use super::loss::{Shape, Split, nothing};
use super::planner::PlanError;
use super::ranking::Chosen;
use super::rows::{Grouping, KeyPart, ValuePlan};
use super::stage::{
    BoughtRange, Bounding, Channel, KeyDomain, Leading, Margin, Measure, Over, Rough, Selection, Stages, Top,
};
use crate::engine::BoundChoice;
use crate::job::{Contribution, Per, TwoStage};
use crate::kernel::{Bound, Moment};
use crate::resolve::{ResolvedRelease, ValueBounds};
use crate::statistics::{Asked, activity_buckets};
use crate::value::ColumnType;

/// Keys of a person that take part in a selection: a keyed-hash subset beyond it keeps the threshold low.
///
/// A cap of 64 finds 1% more films, where a person has 6, and 22% fewer shop goods, where a person has 61.
pub(super) const SELECTION_CAP: u32 = 128;
/// Buckets of the activity histogram where keys are private: up to 2^12 keys a person are told apart.
const ACTIVITY_BUCKETS: usize = 13;

/// A range that is bought tells magnitudes from 2^-20 to 2^43 of a unit apart.
const RANGE_STEPS: f64 = 1_048_576.0;

/// How values are read: their grid and bins.
pub(super) fn value(release: &ResolvedRelease, asked: &Asked) -> Result<Option<ValuePlan>, PlanError> {
    let Some(value) = release.value.as_ref() else { return Ok(None) };
    let Some(values) = &asked.values else { return Ok(None) };
    let channel = match value.bounds {
        Some(ValueBounds::Declared(bounds)) => {
            let whole = value.column_type == ColumnType::Int
                && bounds.low().fract().abs() + bounds.high().fract().abs() < 1e-300;
            if values.centred {
                Channel::new(bounds.low(), bounds.high(), whole)
            } else {
                Channel::uncentred(bounds.low(), bounds.high(), whole)
            }
        }
        // Any grid of a range that is bought has at most so many steps from its centre to its end. Without bounds no
        // aggregate looks at values: the column only says which rows count.
        Some(ValueBounds::Bought(_)) | None => Channel::new(-1.0, 1.0, false),
    };
    Ok(Some(ValuePlan {
        column: value.column.clone(),
        channel,
        averaged: values.per == Per::Person,
        squares: values.squares,
        bins: values.bins.clone(),
        on_null: value.on_null,
        on_nan: value.on_nan,
    }))
}

/// The stages of a release, with their parts of its loss. Of the key's parts the first `from_data` come from the data.
pub(super) fn stages(
    release: &ResolvedRelease,
    asked: &Asked,
    loss: Loss,
    family: Family,
    (parts, from_data): (&[KeyPart], usize),
    (value, chosen): (Option<&ValuePlan>, Option<Chosen>),
) -> Result<Stages, PlanError> {
    let norm = family != Family::DiscreteLaplace;
    // What adds up must have a bounded L1 norm: see [`Over::Totals`].
    let adds_up = asked.margins.iter().any(|over| matches!(over, Over::Totals(_)));
    let scaled = |size: u32| if norm { Bound::norm(size) } else { Bound::mass(size) };
    let private = from_data > 0;
    let reuses = private && release.two_stage == TwoStage::Never;
    let given = match (release.contribution, parts.is_empty()) {
        // One key for everybody: everybody has at most one.
        (_, true) => Some(Bound::keep(1)),
        (Contribution::Auto, false) => None,
        (Contribution::Norm(size), false) if adds_up => Some(Bound::mass(size.get())),
        (Contribution::Norm(size), false) => Some(scaled(size.get())),
        (Contribution::Keep(keys), false) => Some(Bound::keep(keys.get())),
    };
    if reuses {
        one_stage(release, given, from_data < parts.len())?;
    }
    let given = given.map(|bound| if reuses { bound.capped(SELECTION_CAP.max(bound.size())) } else { bound });
    let ranged = release.value.as_ref().filter(|_| asked.values.is_some()).and_then(|value| value.bounds);
    let ranged = match ranged {
        Some(ValueBounds::Bought(within)) => Some(within),
        Some(ValueBounds::Declared(_)) | None => None,
    };
    let clips = norm && value.is_some() && matches!(asked.moments[..], [Moment::Value { .. }]);
    let rough = given.is_none()
        && !private
        && chosen.is_none()
        && asked.linked.is_none()
        && !clips
        && !matches!(asked.grouping, Grouping::Activity(_));
    let split = Split::new(Shape {
        rough,
        ranged: ranged.is_some(),
        private: private || chosen.is_some(),
        reuses,
        bought: given.is_none(),
        moments: &asked.moments,
        margins: &asked.margins,
        linked: asked.linked.is_some(),
    });
    let selection = Selection {
        bound: if reuses { given.unwrap_or(Bound::keep(1)) } else { scaled(1).capped(SELECTION_CAP) },
        loss: split.selected(loss),
        reused: reuses,
    };
    let choice = chosen.and_then(Chosen::among_declared);
    let keys = match (&asked.grouping, private, from_data == parts.len()) {
        (Grouping::Activity(buckets), ..) => KeyDomain::Public(activity_buckets(*buckets)),
        (_, false, _) => declared_keys(parts, choice, split.selected(loss))?,
        (_, true, true) => match chosen {
            Some(Chosen::AmongAll(ask)) => KeyDomain::Top(Top { ask, loss: split.selected(loss) }),
            Some(Chosen::AmongDeclared(_)) | None => KeyDomain::Private(selection),
        },
        (_, true, false) => KeyDomain::Under(selection, grid(&parts[from_data..])?),
    };
    let bounding = match given {
        Some(bound) => Bounding::Given(bound),
        None => {
            let choice = match (&asked.moments[..], value) {
                (&[Moment::Value { limit, .. }], Some(value)) if norm => {
                    BoundChoice::for_values(value.channel.radius.unsigned_abs(), limit)
                }
                _ => BoundChoice::new(norm && !adds_up, buckets(release, asked, &keys)?),
            };
            let choice = if asked.linked.is_some() { choice.for_links() } else { choice };
            let bound = if adds_up { Bound::mass(1) } else { scaled(1) };
            let rough = rough.then(|| Rough { bound, loss: split.rough(loss) });
            Bounding::Bought { choice, loss: split.bought(loss), rough }
        }
    };
    let mut channels = Vec::new();
    if let Some(value) = value {
        channels.push(value.channel);
        if value.squares {
            channels.push(value.channel);
        }
    }
    let measures = asked.moments.iter().map(|&moment| {
        let reused = reuses && moment == Moment::People;
        Measure { moment, loss: if reused { nothing(loss) } else { split.measured(loss, moment) } }
    });
    let mut margins = Vec::new();
    for &over in &asked.margins {
        let keys = if over == Over::FirstPart { grid(&parts[..1])? } else { Vec::new() };
        margins.push(Margin { over, keys, loss: split.margin(loss, over) });
    }
    let range = ranged.map(|within| BoughtRange {
        within: within.map(|bounds| (bounds.low(), bounds.high())),
        steps: RANGE_STEPS,
        centred: asked.values.as_ref().is_some_and(|values| values.centred),
        loss: split.ranged(loss),
    });
    Ok(Stages {
        keys,
        bounding,
        family,
        channels,
        measures: measures.collect(),
        linked: asked.linked,
        margins,
        range,
    })
}

/// One noisy count both finds a key and measures it: what that takes.
fn one_stage(release: &ResolvedRelease, given: Option<Bound>, under: bool) -> Result<(), PlanError> {
    let refused = |what: &str, instead| {
        Err(PlanError::Unsupported { release: release.name.clone(), what: what.to_owned(), instead })
    };
    if given.is_none() {
        let instead = "give contribution = { norm = 8 }, or leave two_stage out";
        return refused("contribution = \"auto\" in one stage", instead);
    }
    if under {
        // The noisy weights that select are those of the private parts alone, and no cell's count of people.
        let what = "two_stage = false where only some parts of the key are public";
        return refused(what, "leave two_stage out");
    }
    Ok(())
}

/// All declared keys, or the leading ones of each segment: of all parts but the last.
fn declared_keys(parts: &[KeyPart], choice: Option<Choice>, loss: Loss) -> Result<KeyDomain, PlanError> {
    let keys = grid(parts)?;
    let Some(choice) = choice else { return Ok(KeyDomain::Public(keys)) };
    let items = parts.last().and_then(|part| part.declared.as_ref()).map_or(1, Vec::len).max(1);
    let rows = keys.chunks(items).map(<[Key]>::to_vec).collect();
    Ok(KeyDomain::Leading(Leading { rows, choice, loss }))
}

/// Buckets of the activity histogram: as many as a person can have keys, or links, by powers of two.
fn buckets(release: &ResolvedRelease, asked: &Asked, keys: &KeyDomain) -> Result<usize, PlanError> {
    let cells = match (keys, asked.linked) {
        (KeyDomain::Public(keys), Some(linked)) if keys.len() > linked.most => {
            return Err(PlanError::Unsupported {
                release: release.name.clone(),
                what: format!("{} of more than {} declared keys", release.statistic.name(), linked.most),
                instead: "declare fewer keys, or leave them private: the leading ones are linked then",
            });
        }
        (KeyDomain::Public(keys), _) => keys.len(),
        (KeyDomain::Leading(leading), _) => leading.rows.len() * leading.choice.picks() as usize,
        (KeyDomain::Top(top), _) => top.ask.picks() as usize,
        (KeyDomain::Private(_) | KeyDomain::Under(..), _) => 1 << (ACTIVITY_BUCKETS - 1),
    };
    Ok((cells.next_power_of_two().trailing_zeros() as usize + 1).min(ACTIVITY_BUCKETS))
}
