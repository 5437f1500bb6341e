//! `flockwise local simulate`.

use std::collections::BTreeMap;
use std::io::Write;

use flockwise_local::collector::Tally;
use flockwise_local::{BadScheme, Input, Kind, Os, Scheme, choose};
use serde_json::json;

use super::{Format, LocalError, SimulateArgs, lines, write_table};

/// What each person holds, and the true count of each item.
struct Crowd {
    inputs: Vec<Input>,
    counts: Vec<f64>,
}

/// How a scheme did.
struct Trial {
    scheme: Scheme,
    /// Root mean squared error of a count that the closed form predicts.
    predicted: f64,
    /// The same, measured over all items and trials.
    measured: f64,
}

pub(super) fn run(args: &SimulateArgs, out: &mut dyn Write) -> Result<(), LocalError> {
    let crowd = match &args.values {
        Some(path) => read_crowd(path)?,
        None => made_up(args)?,
    };
    let items = u32::try_from(crowd.counts.len()).map_err(|_| BadScheme::Items)?;
    let choice = choose(items, args.epsilon, args.most_bytes)?;
    let schemes = match args.scheme {
        Some(kind) => vec![Scheme::of_kind(kind, items, args.epsilon)?],
        None => {
            // Sketches are for items that are not known in advance, and slow to try: only when named.
            let known = [Kind::Kary, Kind::Unary, Kind::LocalHashing, Kind::Hadamard];
            let of = |kind: &Kind| Scheme::of_kind(*kind, items, args.epsilon).ok();
            let fits = |scheme: &Scheme| args.most_bytes.is_none_or(|most| scheme.report_bytes() <= most);
            known.iter().filter_map(of).filter(fits).collect()
        }
    };
    let trials = schemes.into_iter().map(|scheme| try_scheme(scheme, &crowd, args.trials));
    let mut trials = trials.collect::<Result<Vec<_>, _>>()?;
    trials.sort_by(|a, b| a.predicted.total_cmp(&b.predicted));
    match args.format {
        Format::Table => table(&trials, &crowd, args, &choice.why, out),
        Format::Json => json(&trials, &crowd, args, &choice.why, out),
        Format::Csv => csv(&trials, out),
    }
}

fn made_up(args: &SimulateArgs) -> Result<Crowd, LocalError> {
    if !(0.0..=10.0).contains(&args.zipf) {
        return Err(LocalError::Arguments("--zipf must be between 0 and 10"));
    }
    if args.items > flockwise_local::MOST_ITEMS {
        return Err(BadScheme::Items.into());
    }
    let weights: Vec<f64> = (1..=args.items).map(|rank| f64::from(rank).powf(-args.zipf)).collect();
    let total: f64 = weights.iter().sum();
    let (mut inputs, mut counts) = (Vec::new(), Vec::new());
    let mut up_to = 0.0;
    for (weight, item) in weights.iter().zip(0..) {
        up_to += weight / total * f64::from(args.people);
        let more = (up_to.round() as usize).saturating_sub(inputs.len());
        inputs.extend(std::iter::repeat_n(Input::Item(item), more));
        counts.push(more as f64);
    }
    Ok(Crowd { inputs, counts })
}

fn read_crowd(path: &std::path::Path) -> Result<Crowd, LocalError> {
    let mut input = lines::open(Some(path)).map_err(lines::unreadable(Some(path)))?;
    let mut people = Vec::new();
    let mut numbers = BTreeMap::<Vec<u8>, u32>::new();
    let read = lines::each(&mut *input, |line| {
        let next = numbers.len() as u32;
        people.push(line.filter(|line| !line.is_empty()).map(|line| match numbers.get(line) {
            Some(number) => *number,
            None => {
                numbers.insert(line.to_vec(), next);
                next
            }
        }));
    });
    read.map_err(lines::unreadable(Some(path)))?;
    let mut counts = vec![0.0; numbers.len()];
    people.iter().flatten().for_each(|item| counts[*item as usize] += 1.0);
    let inputs = people.into_iter().map(|item| item.map_or(Input::Nothing, Input::Item)).collect();
    Ok(Crowd { inputs, counts })
}

fn try_scheme(scheme: Scheme, crowd: &Crowd, trials: u32) -> Result<Trial, LocalError> {
    let bytes = scheme.report_bytes();
    let mut squares = 0.0;
    for _ in 0..trials {
        let mut tally = Tally::new(scheme.clone());
        // In pieces, so that memory does not grow with people times bytes.
        for inputs in crowd.inputs.chunks(8192) {
            let mut reports = vec![0; inputs.len() * bytes];
            scheme.randomize_many(inputs, Os, &mut reports)?;
            for report in reports.chunks_exact(bytes) {
                tally.add(report).expect("a report of this very scheme is a possible one");
            }
        }
        let errors =
            tally.counts().iter().zip(&crowd.counts).map(|(e, truth)| (e.value - truth).powi(2)).sum::<f64>();
        squares += errors / crowd.counts.len() as f64;
    }
    let predicted = (scheme.variance(None) * crowd.inputs.len() as f64).sqrt();
    Ok(Trial { scheme, predicted, measured: (squares / f64::from(trials)).sqrt() })
}

fn table(
    trials: &[Trial],
    crowd: &Crowd,
    args: &SimulateArgs,
    why: &str,
    out: &mut dyn Write,
) -> Result<(), LocalError> {
    let row = |trial: &Trial| {
        vec![
            trial.scheme.kind().to_string(),
            trial.scheme.report_bytes().to_string(),
            format!("{:.1}", trial.predicted),
            format!("{:.1}", trial.measured),
        ]
    };
    let rows: Vec<_> = trials.iter().map(row).collect();
    write_table(out, &["scheme", "bytes", "predicted error", "measured error"], &rows)?;
    writeln!(
        out,
        "\nErrors are root mean squares over {} items, in people out of {}, {} trials. Predictions for sketches leave out \
         collisions.\nchosen: {why}",
        crowd.counts.len(),
        crowd.inputs.len(),
        args.trials
    )?;
    Ok(())
}

fn json(
    trials: &[Trial],
    crowd: &Crowd,
    args: &SimulateArgs,
    why: &str,
    out: &mut dyn Write,
) -> Result<(), LocalError> {
    let row = |trial: &Trial| {
        json!({"scheme": trial.scheme.kind().name(), "bytes": trial.scheme.report_bytes(),
            "predicted_rmse": trial.predicted, "measured_rmse": trial.measured})
    };
    let all = json!({
        "schema": "flockwise.local.simulate/1", "epsilon": args.epsilon.to_string(), "people": crowd.inputs.len(),
        "items": crowd.counts.len(), "trials": args.trials, "chosen": why,
        "schemes": trials.iter().map(row).collect::<Vec<_>>(),
    });
    Ok(writeln!(out, "{all}")?)
}

fn csv(trials: &[Trial], out: &mut dyn Write) -> Result<(), LocalError> {
    writeln!(out, "scheme,bytes,predicted_rmse,measured_rmse")?;
    for trial in trials {
        let (kind, bytes) = (trial.scheme.kind(), trial.scheme.report_bytes());
        writeln!(out, "{kind},{bytes},{},{}", trial.predicted, trial.measured)?;
    }
    Ok(())
}
