//! Running a plan: preflight, charge, read, noise, store.

use std::time::SystemTime;

use flockwise_ledger::{Begun, LedgerFile, Receipt, Releases, Request, RequestId, Status};
use flockwise_mechanisms::{Charged, Digest, Loss, Os, Plan as _, Release, Source as NoiseSource, secret};

use super::{Answer, Answered, Error, Phase, Session};
use crate::backend::{
    Limits, LocalBackend, Scanner, consent_preflight, gather, label, wanted, wanted_of_table,
};
use crate::engine::{Failed, Measured, execute};
use crate::frame::{Files, Kind, Preflight, PreflightError, Source};
use crate::plan::{
    KeyDomain, Plan, ReleasePlan, Renewing, Stages, charge_json, contribution_json, measure_name, natural_sd,
};
use crate::release::{Alone, Document, How, LedgerAfter, Privacy, SCHEMA, figures};
use crate::statistics::{says, table};
use crate::table::Table;

impl Session {
    /// Runs a plan: charged once per request id, whatever happens. The same plan and id again give the same bytes, free;
    /// another plan under the same id is refused.
    ///
    /// # Errors
    /// See [`Error::exit_code`]: until the charge nothing of anybody is read, after it no error depends on data.
    pub fn run(&self, plan: Plan, request: RequestId) -> Result<Answer, Error> {
        self.run_watched(plan, request, &mut |_| {})
    }

    /// As [`Session::run`], telling `watch` each phase as it begins.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_watched(
        &self,
        plan: Plan,
        request: RequestId,
        watch: &mut dyn FnMut(Phase),
    ) -> Result<Answer, Error> {
        if plan.policy != self.policy.digest() {
            return Err(Error::AnotherPolicy);
        }
        watch(Phase::Preflight);
        let looked = self.source().and_then(|source| Ok((self.preflight(&plan, &source)?, source)));
        let (preflight, source) = match looked {
            Ok(looked) => looked,
            // What was answered before is shown also when its source is gone.
            Err(error) => return self.answered_before(plan, &request).unwrap_or(Err(error)),
        };
        watch(Phase::Charge);
        let mut ledger = self.ledger()?;
        let mut releases = self.releases(ledger.id())?;
        let digest = plan.digest();
        let request = self.request(&plan, request)?;
        let ceiling = plan.ceiling;
        let (charged, receipt, how) =
            match ledger.begin(plan, &request, &releases).map_err(|error| over_budget(error, ceiling))? {
                Begun::Stored(stored) => return Answer::read(stored.bytes, Answered::Before, stored.receipt),
                Begun::Fresh(charged, receipt) => (charged, receipt, Answered::Charged),
                Begun::Retry(charged, receipt) => (charged, receipt, Answered::Retried),
            };
        watch(Phase::Charged { entry: receipt.entry, now: how == Answered::Charged });
        self.finish(
            charged,
            &source,
            &preflight,
            (&mut ledger, &mut releases),
            &request,
            digest,
            receipt,
            how,
            watch,
        )
    }

    /// The stored answer of a request, if it has one: nothing is charged and nothing is read.
    fn answered_before(&self, plan: Plan, request: &RequestId) -> Option<Result<Answer, Error>> {
        let mut ledger = self.ledger().ok()?;
        let releases = self.releases(ledger.id()).ok()?;
        releases.get(request).ok()??;
        let request = self.request(&plan, request.clone()).ok()?;
        match ledger.begin(plan, &request, &releases) {
            Ok(Begun::Stored(stored)) => Some(Answer::read(stored.bytes, Answered::Before, stored.receipt)),
            Ok(Begun::Fresh(..) | Begun::Retry(..)) => {
                unreachable!("a request with a stored answer is not charged")
            }
            Err(error) => Some(Err(error.into())),
        }
    }

    /// Everything that public schemas can tell: nothing was charged yet.
    pub(super) fn preflight(&self, plan: &Plan, source: &Source) -> Result<Preflight, Error> {
        let mut preflight = source.preflight(&wanted(&plan.scan))?;
        match self.preflight_tables(plan, unit(&preflight)) {
            // Where there is no file of the data, and the policy does not say, the tables tell what the unit is.
            Err(PreflightError::Type { .. }) if plan.scan.unit.kind.is_none() && source.is_empty() => {
                self.preflight_tables(plan, Kind::Text)?;
                preflight.0[0].1 = Kind::Text;
            }
            checked => checked?,
        }
        for release in &plan.releases {
            label::preflight(release, &self.policy, &self.base)?;
        }
        self.limits.memory.check().map_err(Error::Temporary)?;
        Ok(preflight)
    }

    /// The same of what is joined to the data.
    fn preflight_tables(&self, plan: &Plan, unit: Kind) -> Result<(), PreflightError> {
        for join in &plan.scan.joins {
            let files = Source::Files(Files::list(&self.base, &join.source)?);
            files.preflight(&wanted_of_table(join, &plan.scan.unit.column, unit))?;
        }
        if let Some(consent) = &plan.scan.consent {
            consent_preflight(consent, unit, &self.base)?;
        }
        Ok(())
    }

    fn request(&self, plan: &Plan, id: RequestId) -> Result<Request, Error> {
        let purpose = plan.purpose.as_ref().map_or("unstated", |purpose| purpose.as_str());
        let mut names: Vec<&str> = plan.releases.iter().map(|release| release.name.as_str()).collect();
        // Of a budget that renews each release is there once for each window: it is named once.
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(*name));
        let windows = plan.renewing.as_ref().map_or_else(Vec::new, Renewing::names);
        let named = |names: Vec<&str>| -> Result<Vec<_>, flockwise_ledger::NameError> {
            names.into_iter().map(flockwise_ledger::Name::new).collect()
        };
        Ok(Request {
            id,
            analyst: self.analyst.clone(),
            purpose: flockwise_ledger::Name::new(purpose)?,
            job: plan.digest(),
            data: flockwise_ledger::Name::new(plan.data.as_str())?,
            releases: named(names)?,
            windows: named(windows)?,
            when: SystemTime::now(),
        })
    }

    #[expect(clippy::too_many_arguments, reason = "everything that the charge bound together")]
    fn finish(
        &self,
        charged: Charged<Plan>,
        source: &Source,
        preflight: &Preflight,
        (ledger, releases): (&mut LedgerFile, &mut Releases),
        request: &Request,
        digest: Digest,
        receipt: Receipt,
        how: Answered,
        watch: &mut dyn FnMut(Phase),
    ) -> Result<Answer, Error> {
        let entry = receipt.entry;
        let id = request.id.as_str().to_owned();
        let after_charge = |source: Failed| Error::AfterCharge { request: id.clone(), entry, source };
        let plan = charged.plan().clone();
        watch(Phase::Compute);
        let mut noise = Os::new().map_err(|_| after_charge(Failed::Entropy))?;
        // A panic is a bug, and must not look different from any other failure after the charge.
        let computed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            compute(charged, source, preflight, &self.base, &self.limits, &mut noise)
        }));
        let released = computed.unwrap_or(Err(Failed::Bug)).map_err(after_charge)?;
        let mut bytes = Vec::new();
        let not_stored = |source| Error::NotStored { request: id.clone(), entry, source };
        let status = ledger.status().map_err(not_stored)?;
        for (release, measured) in plan.releases.iter().zip(released) {
            let after = ledger_after(&status, release);
            let table = self.table(release, measured);
            let document = document(&plan, release, &table, Some((after, receipt)));
            serde_json::to_writer(&mut bytes, &document).map_err(|error| Error::Stored(error.to_string()))?;
            bytes.push(b'\n');
        }
        watch(Phase::Store);
        let stored = ledger.answer(releases, request, &receipt, digest, &bytes);
        let stored = stored.map_err(not_stored)?;
        Answer::read(stored.bytes, how, stored.receipt)
    }

    /// The table of what one release let out, with its labels: post-processing.
    pub(super) fn table(
        &self,
        release: &ReleasePlan,
        measured: Release<Measured>,
    ) -> Release<(Table, Measured)> {
        measured.map(|measured| {
            let release = release.on(&measured.channels);
            let table = table(&release, &measured);
            (label::join(&release, table, &self.policy, &self.base), measured)
        })
    }
}

/// What the privacy unit is.
fn unit(preflight: &Preflight) -> Kind {
    preflight.0.first().map_or(Kind::Int, |(_, kind)| *kind)
}

/// What is spent after a job: of the whole ledger, or where it renews of the release's window.
fn ledger_after(status: &Status, release: &ReleasePlan) -> LedgerAfter {
    let ceiling = status.binding.ceiling;
    let window = release.window.as_ref().map(|window| window.name.as_str());
    let own = status.windows.iter().find(|known| known.window.as_deref() == window);
    let spent = own.map_or(Loss::zero(ceiling.accounting), |window| window.spent);
    let whole = ceiling.rectangle();
    let part = |spent: u64, whole: u64| if whole == 0 { 0.0 } else { spent as f64 / whole as f64 };
    let used = part(spent.amount_units(), whole.amount_units())
        .max(part(spent.delta().units(), whole.delta().units()));
    LedgerAfter {
        used: (used * 1e4).round() / 1e4,
        epsilon_so_far: figures(ceiling.epsilon_of(spent)),
        ceiling: ceiling.epsilon.to_f64(),
    }
}

/// Computes every release of a charged plan: the one place where data and noise meet.
///
/// # Errors
/// [`Failed`], for reasons outside the data.
pub(crate) fn compute(
    charged: Charged<Plan>,
    source: &Source,
    preflight: &Preflight,
    base: &std::path::Path,
    limits: &Limits,
    noise: &mut dyn NoiseSource,
) -> Result<Vec<Release<Measured>>, Failed> {
    let (plan, allowances) = charged.open_windows();
    let mut allowances = allowances.into_iter();
    let mut released = Vec::new();
    for windows in plan.by_reading() {
        let scanner = Scanner::open(&plan.scan, source, preflight, base, limits, noise);
        let scanner = scanner.map_err(|_| Failed::Source)?;
        let all: Vec<&ReleasePlan> = windows.iter().copied().flatten().collect();
        let mut gathered = gather(&scanner, &all)?.into_iter();
        for releases in windows {
            let mut allowance = allowances.next().ok_or(Failed::Bug)?.as_gaussian();
            for release in releases {
                let gathered = gathered.next().ok_or(Failed::Bug)?;
                let mut backend = LocalBackend::new(&scanner, &release.rows, gathered, secret(noise))?;
                released.push(execute(&release.stages, &mut allowance, &mut backend, noise)?);
            }
        }
    }
    Ok(released)
}

/// A refusal in terms of what a job can say.
fn over_budget(error: flockwise_ledger::Error, ceiling: flockwise_mechanisms::Ceiling) -> Error {
    if let flockwise_ledger::Error::OverBudget(figures) = error {
        let epsilon = (ceiling.epsilon_of(figures.fits) * 100.0).floor() / 100.0;
        let hint = if epsilon > 0.0 {
            format!("About epsilon = {epsilon} in [job] would fit")
        } else {
            "Nothing that is worth asking would fit".to_owned()
        };
        return Error::OverBudget { figures, hint };
    }
    error.into()
}

/// The clamp range that was bought, and for what.
fn bounds_json(stages: &Stages) -> Option<serde_json::Value> {
    let (range, channel) = (stages.range.as_ref()?, stages.channels.first()?);
    let cost = range.loss.checked_add(range.loss).map(charge_json);
    Some(serde_json::json!({ "low": channel.low, "high": channel.high, "bought": true, "cost": cost }))
}

pub(super) fn document(
    plan: &Plan,
    release: &ReleasePlan,
    released: &Release<(Table, Measured)>,
    charged: Option<(LedgerAfter, Receipt)>,
) -> Document {
    let (ledger_after, receipt) = charged.unzip();
    let (table, measured) = released.get();
    let release = &release.on(&measured.channels);
    let (columns, rows) = Document::cells(table);
    let stages = &release.stages;
    let sd = stages.measures.iter().map(|measure| {
        (measure_name(measure), serde_json::Value::from(natural_sd(stages, measure, measured.bound)))
    });
    let mut contribution = contribution_json(stages, measured.bound);
    if let (Some(fields), Some(price)) = (contribution.as_object_mut(), stages.bounding.price()) {
        fields.insert("bought".to_owned(), true.into());
        fields.insert("cost".to_owned(), charge_json(price));
    }
    Document {
        schema: SCHEMA.to_owned(),
        flockwise: env!("CARGO_PKG_VERSION").to_owned(),
        release: release.name.to_string(),
        window: release.window.as_ref().map(|window| window.name.clone()),
        statistic: release.statistic.to_owned(),
        data: plan.data.to_string(),
        purpose: plan.purpose.as_ref().map(ToString::to_string),
        privacy: Privacy {
            unit: plan.protected_unit(),
            neighbours: "add or remove".to_owned(),
            renewal: plan.renewed(),
            accounting: plan.ceiling.accounting.name().to_owned(),
            charge: charge_json(release.loss),
            alone: Alone {
                epsilon: figures(plan.inner.epsilon_of(release.loss)),
                at_delta: plan.at_delta(release.loss),
            },
            ledger_after,
        },
        how: How {
            mechanism: stages.family.name().to_owned(),
            stages: release.stage_names().into_iter().map(str::to_owned).collect(),
            contribution,
            bounds: bounds_json(stages),
            values: release.values_json(),
            after: says(release),
            noise_sd: sd.collect::<serde_json::Map<_, _>>().into(),
            selection: match &stages.keys {
                KeyDomain::Public(_) | KeyDomain::Leading(_) | KeyDomain::Top(_) => None,
                KeyDomain::Private(_) | KeyDomain::Under(..) => release.selection_people().map(|(half, most)| {
                    serde_json::json!({ "appears_half": half.ceil(), "appears_99pc": most.ceil() })
                }),
            },
            sampling: plan.scan.consent.as_ref().and_then(|consent| consent.limit.as_ref()).map(|limit| {
                serde_json::json!({
                    "job_epsilon": limit.job,
                    "bias": "whoever allows less takes part by chance: counts and sums of what they have lean low, means \
                             toward everybody else's",
                })
            }),
        },
        mock: None,
        columns,
        rows: Some(rows),
        receipt,
    }
}

#[cfg(test)]
mod tests;
