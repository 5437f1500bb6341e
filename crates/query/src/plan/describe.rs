//! A plan in words: what it costs, what noise, what error, which keys are likely to appear.

use std::fmt;

use flockwise_mechanisms::{Loss, Plan as _, appearing_weight};
use serde_json::{Value as Json, json};

use super::stage::{Bounding, KeyDomain, Measure, Stages};
use super::{Plan, ReleasePlan, Renewing};
use crate::job::{Per, word};
use crate::kernel::{Bound, Moment, Rule, Spread, UNIT};
use crate::release::Renewed;
use crate::renewal::grows_as;
use crate::statistics::says;

impl Plan {
    /// The plan for programs.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let loss = self.loss();
        json!({
            "schema": "flockwise.plan/1",
            "data": self.data,
            "purpose": self.purpose,
            "privacy": {
                "unit": self.protected_unit(),
                "neighbours": "add or remove",
                "renewal": self.renewed(),
                "accounting": self.ceiling.accounting.name(),
                "charge": charge(loss),
                "alone": { "epsilon": self.ceiling.epsilon_of(loss), "at_delta": self.at_delta(loss) },
                "ceiling": { "epsilon": self.ceiling.epsilon, "delta": self.ceiling.delta },
            },
            "reads": self.reads,
            "reads_of_consent": self.consent_columns(),
            "releases": self.releases.iter().map(ReleasePlan::to_json).collect::<Vec<_>>(),
        })
    }

    /// What documents say of a budget that renews.
    #[must_use]
    pub fn renewed(&self) -> Option<Renewed> {
        let Renewing { per, windows } = self.renewing.as_ref()?;
        Some(Renewed {
            every: per.window.name().to_owned(),
            time: per.time.to_string(),
            tz: per.tz.to_string(),
            charged: windows.iter().map(|window| window.name.clone()).collect(),
            whole_life: self.whole_life(),
            grows: grows_as(self.ceiling.accounting).to_owned(),
        })
    }

    /// The columns that are read of the table of consent.
    #[must_use]
    pub fn consent_columns(&self) -> Vec<&str> {
        let Some(consent) = &self.scan.consent else { return Vec::new() };
        let limit = consent.limit.as_ref().map(|limit| limit.column.as_str());
        [&consent.person, &consent.purpose, &consent.granted]
            .map(|name| name.as_str())
            .into_iter()
            .chain(limit)
            .collect()
    }

    /// The δ at which a loss's own ε holds: the conversion's and its own.
    #[must_use]
    pub fn at_delta(&self, loss: Loss) -> String {
        let of = if loss.accounting() == self.ceiling.accounting { self.ceiling } else { self.inner };
        let conversion = of.conversion_delta();
        conversion.checked_add(loss.delta()).unwrap_or(conversion).to_string()
    }
}

/// A loss as the documents write it.
pub(crate) fn charge(loss: Loss) -> Json {
    json!({ loss.accounting().amount_name(): loss.amount_text(), "delta": loss.delta().to_string() })
}

impl ReleasePlan {
    /// The stages, in order.
    #[must_use]
    pub fn stage_names(&self) -> Vec<&'static str> {
        let select = self
            .stages
            .selection()
            .map(|selection| if selection.reused { "select and measure" } else { "select" });
        let buys = matches!(self.stages.bounding, Bounding::Bought { .. }).then_some("buy the bound");
        let measures = self.stages.measures.iter().any(|measure| !self.stages.is_reused(measure.moment));
        let chosen =
            matches!(self.stages.keys, KeyDomain::Leading(_) | KeyDomain::Top(_)).then_some("choose");
        let select = select.or(chosen);
        let range = self.stages.range.map(|_| "buy the range");
        ["bound"]
            .into_iter()
            .chain(range)
            .chain(select)
            .chain(buys)
            .chain(measures.then_some("measure"))
            .collect()
    }

    /// How many people a key needs to appear with probability one half, and 99%.
    #[must_use]
    pub fn selection_people(&self) -> Option<(f64, f64)> {
        let selection = self.stages.selection()?;
        let noise = self.stages.selection_noise(selection).ok()?;
        let threshold = self.stages.threshold().ok()??;
        let unit = f64::from(selection.bound.unit());
        let people = |probability| appearing_weight(noise, threshold, probability) as f64 / unit;
        Some((people(0.5), people(0.99)))
    }

    /// The bound that was given, or some of those that may be bought: which one is not known before the run.
    #[must_use]
    pub fn typical_bounds(&self) -> Vec<Bound> {
        let typical = |bound: &&Bound| match self.stages.bounding {
            Bounding::Given(_) => true,
            Bounding::Bought { .. } if matches!(bound.rule, Rule::Clip(_)) => bound.size().is_multiple_of(10),
            Bounding::Bought { .. } => [1, 8, 64].contains(&bound.size()),
        };
        self.stages.possible_bounds().iter().filter(typical).copied().collect()
    }

    fn to_json(&self) -> Json {
        let selection = self
            .selection_people()
            .map(|(half, most)| json!({ "appears_half": half.ceil(), "appears_99pc": most.ceil() }));
        let noise: Vec<Json> = self
            .stages
            .possible_bounds()
            .iter()
            .map(|&bound| {
                let sd = self.stages.measures.iter().map(|measure| {
                    (measure_name(measure), Json::from(natural_sd(&self.stages, measure, bound)))
                });
                json!({ "contribution": contribution(&self.stages, bound), "noise_sd": sd.collect::<serde_json::Map<_, _>>() })
            })
            .collect();
        json!({
            "release": self.name,
            "window": self.window.as_ref().map(|window| &window.name),
            "statistic": self.statistic,
            "charge": charge(self.loss),
            "mechanism": self.stages.family.name(),
            "why": self.reason,
            "stages": self.stage_names(),
            "keys": match &self.stages.keys {
                KeyDomain::Public(keys) => json!({ "public": keys.len() }),
                KeyDomain::Leading(leading) => json!({ "leading": leading.choice.picks(), "of_public": leading.rows.iter().map(Vec::len).sum::<usize>() }),
                KeyDomain::Top(top) => json!({ "leading": top.ask.picks(), "of_private": true }),
                KeyDomain::Private(_) => json!("private"),
                KeyDomain::Under(_, keys) => json!({ "private, and under each public": keys.len() }),
            },
            "contribution": match &self.stages.bounding {
                Bounding::Given(bound) => contribution(&self.stages, *bound),
                Bounding::Bought { .. } => json!({ "bought": self.stages.bounding.price().map(charge) }),
            },
            "selection": selection,
            "values": self.values_json(),
            "after": says(self),
            "noise": noise,
        })
    }

    /// Whose values are summarized, and how many rows of one person in one key count.
    #[must_use]
    pub fn values_json(&self) -> Option<Json> {
        let (per, rows) = self.values()?;
        Some(json!({ "per": word(&Per::WORDS, per), "max_rows_per_key": rows }))
    }

    fn values(&self) -> Option<(Per, u32)> {
        let value = self.rows.value.as_ref()?;
        let limits = self.stages.measures.iter().filter_map(|measure| match measure.moment {
            Moment::Rows { limit } | Moment::Value { limit, .. } | Moment::Nodes { limit, .. } => Some(limit),
            Moment::People => None,
        });
        Some((if value.averaged { Per::Person } else { Per::Row }, limits.max()?))
    }
}

/// A bound as the documents write it.
pub(crate) fn contribution(stages: &Stages, bound: Bound) -> Json {
    match bound.rule {
        Rule::Keep(keys) => json!({ "keep": keys }),
        Rule::Norm(size) | Rule::Mass(size) => json!({ "norm": size }),
        Rule::Clip(power) => json!({ "value_norm": value_norm(stages, power) }),
    }
}

/// The L2 norm that a person's values are clipped to, in units of the column.
fn value_norm(stages: &Stages, power: u32) -> f64 {
    let norm =
        2.0_f64.powf(f64::from(power) / 2.0) / stages.channels.first().map_or(1.0, |channel| channel.steps);
    format!("{norm:.3e}").parse().unwrap_or(norm)
}

/// The name of what is measured.
pub(crate) fn measure_name(measure: &Measure) -> String {
    match measure.moment {
        Moment::People => "people".to_owned(),
        Moment::Rows { .. } => "rows".to_owned(),
        Moment::Value { channel: 0, .. } => "sum".to_owned(),
        Moment::Value { .. } => "squares".to_owned(),
        Moment::Nodes { spread: Spread::Flat { .. }, .. } => "histogram".to_owned(),
        Moment::Nodes { spread: Spread::Tree { .. }, .. } => "quantile_tree".to_owned(),
    }
}

/// Standard deviation of the noise of a measure in its natural unit.
pub(crate) fn natural_sd(stages: &Stages, measure: &Measure, bound: Bound) -> f64 {
    let unit = match measure.moment {
        Moment::People | Moment::Rows { .. } => f64::from(bound.unit()),
        Moment::Nodes { .. } => f64::from(UNIT),
        Moment::Value { channel: 0, .. } => stages.channels[0].steps,
        Moment::Value { .. } => 1.0 / stages.channels[0].square_unit(),
    };
    let sd =
        stages.noise(measure, bound).map_or(f64::NAN, flockwise_mechanisms::Noise::standard_deviation) / unit;
    // Four figures: more would be read as precision.
    if sd > 0.0 { format!("{sd:.3e}").parse().unwrap_or(sd) } else { sd }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loss = self.loss();
        let (rectangle, ceiling) = (self.ceiling.rectangle(), self.ceiling);
        let part = 100.0 * loss.amount_f64() / rectangle.amount_f64();
        let by_window = self.by_window();
        let first = by_window.first().copied().unwrap_or_default();
        let plural = if first.len() == 1 { "" } else { "s" };
        writeln!(f, "Plan for {} release{plural} of {}", first.len(), self.data)?;
        let whole =
            if self.renewing.is_some() { "each window's budget" } else { "the ledger's whole budget" };
        writeln!(
            f,
            "  costs   {loss} ({part:.1}% of {whole}{}); alone epsilon {:.4} at delta {}",
            if loss.fits_in(rectangle) { "" } else { ": more than there is, it would be refused" },
            ceiling.epsilon_of(loss),
            self.at_delta(loss)
        )?;
        writeln!(
            f,
            "  ceiling epsilon {}, delta {} ({} accounting)",
            ceiling.epsilon, ceiling.delta, ceiling.accounting
        )?;
        self.write_windows(f)?;
        let columns: Vec<&str> = self.reads.data.iter().map(|name| name.as_str()).collect();
        writeln!(f, "  reads   {}", columns.join(", "))?;
        for (table, columns) in &self.reads.tables {
            let columns: Vec<&str> = columns.iter().map(|name| name.as_str()).collect();
            writeln!(f, "          of {table}: {}", columns.join(", "))?;
        }
        if self.scan.consent.is_some() {
            writeln!(f, "          of the consents: {}", self.consent_columns().join(", "))?;
        }
        writeln!(f, "          and no other column")?;
        first.iter().try_for_each(|release| write!(f, "\n{release}"))?;
        if by_window.len() > 1 {
            writeln!(
                f,
                "\n… and the same from the rows of each of the other {} windows",
                by_window.len() - 1
            )?;
        }
        Ok(())
    }
}

impl Plan {
    /// Whose presence is hidden, and which windows are charged, where the budget renews.
    fn write_windows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(renewing) = &self.renewing else { return Ok(()) };
        writeln!(f, "  unit    {}", self.protected_unit())?;
        if let Some(life) = self.whole_life() {
            writeln!(
                f,
                "          a person with rows in {} windows: epsilon {} at delta {}; {}",
                life.windows,
                life.epsilon,
                life.at_delta,
                grows_as(self.ceiling.accounting)
            )?;
        }
        let names = renewing.names();
        let shown = match names.as_slice() {
            [first, .., last] if names.len() > 12 => format!("{first} to {last}, {} of them", names.len()),
            few => few.join(", "),
        };
        writeln!(f, "  windows {shown}: each is charged all of it, and has releases of its own")
    }
}

impl fmt::Display for ReleasePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} · {}", self.name, self.statistic)?;
        writeln!(f, "  costs      {}", self.loss)?;
        writeln!(f, "  stages     {}", self.stage_names().join(", "))?;
        writeln!(f, "  noise      {}: {}", self.stages.family.name(), self.reason)?;
        match &self.stages.keys {
            KeyDomain::Public(keys) => writeln!(f, "  keys       {} public: every one appears", keys.len())?,
            KeyDomain::Leading(leading) => writeln!(
                f,
                "  keys       the leading {} of {} public ones in each of {} segment(s)",
                leading.choice.picks(),
                leading.rows.first().map_or(0, Vec::len),
                leading.rows.len()
            )?,
            KeyDomain::Top(top) => writeln!(
                f,
                "  keys       private: at most the leading {}, chosen until an end mark",
                top.ask.picks()
            )?,
            KeyDomain::Private(_) => writeln!(f, "  keys       private: found with noise")?,
            KeyDomain::Under(_, keys) => {
                writeln!(
                    f,
                    "  keys       found with noise; under each, {} public ones all appear",
                    keys.len()
                )?;
            }
        }
        if let Some((half, most)) = self.selection_people() {
            writeln!(
                f,
                "  appears    a key with {half:.0} people half of the time, with {most:.0} almost surely"
            )?;
            writeln!(f, "             (people of full weight: who has many keys counts in part)")?;
        }
        match self.values() {
            Some((Per::Person, _)) => {
                writeln!(f, "  values     one of each person: the average of that person's rows in the key")?;
            }
            Some((Per::Row, 1)) => {
                writeln!(f, "  values     of rows: those of one person in one key share one vote")?;
            }
            Some((Per::Row, rows)) => {
                writeln!(
                    f,
                    "  values     of rows: those of one person in one key have at most {rows} votes"
                )?;
            }
            None => {}
        }
        says(self).iter().try_for_each(|sentence| writeln!(f, "  after      {sentence}"))?;
        match &self.stages.bounding {
            Bounding::Given(bound) => write_noise(f, self, *bound, "  bound      given: ")?,
            Bounding::Bought { loss, .. } => {
                let price = self.stages.bounding.price().unwrap_or(*loss);
                writeln!(
                    f,
                    "  bound      bought for {price}: the one of least predicted error, for instance"
                )?;
                for bound in self.typical_bounds() {
                    write_noise(f, self, bound, "             ")?;
                }
            }
        }
        Ok(())
    }
}

fn write_noise(f: &mut fmt::Formatter<'_>, plan: &ReleasePlan, bound: Bound, start: &str) -> fmt::Result {
    let noise = plan.stages.measures.iter().map(|measure| {
        let width = 1.96 * natural_sd(&plan.stages, measure, bound);
        let decimals = (1.0 - width.max(1e-9).log10().floor()).max(0.0) as usize;
        format!("{} ± {width:.decimals$}", measure_name(measure))
    });
    let kind = match bound.rule {
        Rule::Keep(_) => "keep",
        Rule::Norm(_) | Rule::Mass(_) => "norm",
        Rule::Clip(_) => "squared value norm 2^",
    };
    writeln!(f, "{start}{kind} {}: {}", bound.size(), noise.collect::<Vec<_>>().join(", "))
}
