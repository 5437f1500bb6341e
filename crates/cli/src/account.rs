//! `flockwise account`: what mechanisms cost together, how much noise a target takes, and conversions.
//!
//! It reads no data and no ledger: numbers in, numbers out.

mod error;

use std::io::Write;

use clap::{Args, Subcommand, ValueEnum};
use flockwise_mechanisms::accounting::{
    AccountingError, Event, Events, Pld, Positive, Probability, Target, calibrate, gdp, zcdp,
};
use serde::Serialize;

pub use error::AccountError;

/// Arguments of `flockwise account`.
#[derive(Args, Clone, Debug)]
pub struct AccountArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AccountCommand,
}

/// What `flockwise account` can do.
#[derive(Subcommand, Clone, Debug)]
#[non_exhaustive]
pub enum AccountCommand {
    /// What mechanisms cost together, enclosed from above and below.
    #[command(
        after_help = "Example: flockwise account compose --gaussian sigma=50,count=1000 --laplace epsilon=0.01,count=10000 --delta 1e-6"
    )]
    Compose(ComposeArgs),
    /// The least noise that stays within (epsilon, delta).
    #[command(
        after_help = "Example: flockwise account calibrate --gaussian count=1000 --epsilon 1 --delta 1e-6"
    )]
    Calibrate(CalibrateArgs),
    /// Between rho of zCDP, mu of Gaussian DP and (epsilon, delta).
    #[command(after_help = "Example: flockwise account convert --rho 0.1 --delta 1e-6")]
    Convert(ConvertArgs),
}

/// Mechanisms, each with how often it runs (`count`, 1 by default). May be given several times each.
#[derive(Args, Clone, Debug, Default)]
pub struct Mechanisms {
    /// Gaussian noise: sigma in units of the L2 sensitivity.
    #[arg(long, value_name = "sigma=S,count=N")]
    pub gaussian: Vec<String>,
    /// Laplace noise on one number: epsilon is sensitivity over scale.
    #[arg(long, value_name = "epsilon=E,count=N")]
    pub laplace: Vec<String>,
    /// Discrete Gaussian noise on one integer: sigma in units of the sensitivity.
    #[arg(long, value_name = "sigma=S,sensitivity=1,count=N")]
    pub discrete_gaussian: Vec<String>,
    /// Discrete Laplace noise on one integer: epsilon is sensitivity over scale.
    #[arg(long, value_name = "epsilon=E,sensitivity=1,count=N")]
    pub discrete_laplace: Vec<String>,
    /// Randomized response over k values.
    #[arg(long, value_name = "epsilon=E,k=K,count=N")]
    pub randomized_response: Vec<String>,
    /// Any mechanism that is epsilon-DP.
    #[arg(long, value_name = "epsilon=E,count=N")]
    pub pure: Vec<String>,
    /// Any mechanism that is (epsilon, delta)-DP.
    #[arg(long, value_name = "epsilon=E,delta=D,count=N")]
    pub approx: Vec<String>,
    /// Any mechanism that is rho-zCDP.
    #[arg(long, value_name = "rho=R,count=N")]
    pub zcdp: Vec<String>,
}

/// Arguments of `compose`: exactly one of `--delta` and `--epsilon`.
#[derive(Args, Clone, Debug)]
pub struct ComposeArgs {
    /// The mechanisms.
    #[command(flatten)]
    pub mechanisms: Mechanisms,
    /// Asks for epsilon at this delta.
    #[arg(long, required_unless_present = "epsilon", conflicts_with = "epsilon")]
    pub delta: Option<String>,
    /// Asks for delta at this epsilon.
    #[arg(long)]
    pub epsilon: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `calibrate`. A scale that is given is relative to the others; one that is not is 1.
#[derive(Args, Clone, Debug)]
pub struct CalibrateArgs {
    /// The mechanisms.
    #[command(flatten)]
    pub mechanisms: Mechanisms,
    /// The epsilon of the whole.
    #[arg(long)]
    pub epsilon: String,
    /// The delta of the whole.
    #[arg(long)]
    pub delta: String,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `convert`: two numbers, from which the others follow.
#[derive(Args, Clone, Debug)]
pub struct ConvertArgs {
    /// From zCDP.
    #[arg(long, conflicts_with = "mu")]
    pub rho: Option<String>,
    /// From Gaussian DP.
    #[arg(long)]
    pub mu: Option<String>,
    /// Epsilon.
    #[arg(long)]
    pub epsilon: Option<String>,
    /// Delta.
    #[arg(long)]
    pub delta: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// How results are printed.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON object on one line.
    Json,
}

/// Does it, and writes the answer.
///
/// # Errors
/// See [`AccountError`]; nothing is written then.
pub fn run(args: &AccountArgs, out: &mut dyn Write) -> Result<(), AccountError> {
    match &args.command {
        AccountCommand::Compose(args) => run_compose(args, out),
        AccountCommand::Calibrate(args) => run_calibrate(args, out),
        AccountCommand::Convert(args) => run_convert(args, out),
    }
}

#[derive(Serialize)]
struct EpsilonAnswer {
    epsilon: f64,
    epsilon_lower: f64,
    delta: f64,
    method: &'static str,
}

#[derive(Serialize)]
struct DeltaAnswer {
    delta: f64,
    delta_lower: f64,
    epsilon: f64,
    method: &'static str,
}

fn run_compose(args: &ComposeArgs, out: &mut dyn Write) -> Result<(), AccountError> {
    let pld = Pld::of(&args.mechanisms.events(None)?)?;
    let method = pld.method().name();
    if let Some(text) = &args.epsilon {
        let epsilon = positive("--epsilon", text)?.get();
        let delta = pld.delta(epsilon);
        let answer = DeltaAnswer { delta: delta.upper, delta_lower: delta.lower, epsilon, method };
        let rows = [
            ("delta", figure(delta.upper)),
            ("at least", figure(delta.lower)),
            ("at epsilon", figure(epsilon)),
            ("method", method.into()),
        ];
        return print(args.format, &answer, &rows, out);
    }
    let delta = probability("--delta", args.delta.as_deref().unwrap_or_default())?.get();
    let epsilon = pld.epsilon(delta);
    if !epsilon.upper.is_finite() {
        return Err(AccountError::NoEpsilon);
    }
    let answer = EpsilonAnswer { epsilon: epsilon.upper, epsilon_lower: epsilon.lower, delta, method };
    let rows = [
        ("epsilon", figure(epsilon.upper)),
        ("at least", figure(epsilon.lower)),
        ("at delta", figure(delta)),
        ("method", method.into()),
    ];
    print(args.format, &answer, &rows, out)
}

#[derive(Serialize)]
struct CalibrateAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    sigma: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epsilon_each: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rho_each: Option<f64>,
    multiplier: f64,
    epsilon: f64,
    delta: f64,
    events: Events,
}

fn run_calibrate(args: &CalibrateArgs, out: &mut dyn Write) -> Result<(), AccountError> {
    let events = args.mechanisms.events(Some("1"))?;
    let target = Target {
        epsilon: positive("--epsilon", &args.epsilon)?,
        delta: probability("--delta", &args.delta)?,
    };
    let multiplier = calibrate(&events, target)?;
    let events = events.with_noise(multiplier)?;
    let mut answer = CalibrateAnswer {
        sigma: None,
        epsilon_each: None,
        rho_each: None,
        multiplier: multiplier.get(),
        epsilon: target.epsilon.get(),
        delta: target.delta.get(),
        events,
    };
    let mut rows = Vec::new();
    if let [Event::Composed { events, .. }] = answer.events.as_slice()
        && let [event] = events.as_slice()
    {
        let (name, value) = scale(event);
        match name {
            "sigma" => answer.sigma = value,
            "rho" => answer.rho_each = value,
            _ => answer.epsilon_each = value,
        }
        rows.push((name, figure(value.unwrap_or(f64::NAN))));
    }
    rows.extend([
        ("noise times", figure(answer.multiplier)),
        ("within epsilon", figure(answer.epsilon)),
        ("at delta", figure(answer.delta)),
    ]);
    print(args.format, &answer, &rows, out)
}

/// The scale of a simple event, and its name.
fn scale(event: &Event) -> (&'static str, Option<f64>) {
    match event {
        Event::Gaussian { sigma } | Event::DiscreteGaussian { sigma, .. } => ("sigma", Some(sigma.get())),
        Event::Laplace { epsilon }
        | Event::DiscreteLaplace { epsilon, .. }
        | Event::RandomizedResponse { epsilon, .. }
        | Event::Pure { epsilon }
        | Event::Approx { epsilon, .. } => ("epsilon each", Some(epsilon.get())),
        Event::Zcdp { rho } => ("rho", Some(rho.get())),
        Event::Composed { .. } | _ => ("epsilon each", None),
    }
}

#[derive(Serialize, Default)]
struct ConvertAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    epsilon: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rho: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mu: Option<f64>,
}

fn run_convert(args: &ConvertArgs, out: &mut dyn Write) -> Result<(), AccountError> {
    let number =
        |name: &str, text: &Option<String>| text.as_deref().map(|text| positive(name, text)).transpose();
    let rho = number("--rho", &args.rho)?.map(Positive::get);
    let mu = number("--mu", &args.mu)?.map(Positive::get);
    let epsilon = number("--epsilon", &args.epsilon)?.map(Positive::get);
    let delta = args.delta.as_deref().map(|text| some_probability("--delta", text)).transpose()?;
    let mut answer = ConvertAnswer { epsilon, delta, rho, mu };
    match (rho, mu, epsilon, delta) {
        (Some(rho), None, None, Some(delta)) => answer.epsilon = Some(zcdp::epsilon(rho, delta)),
        (Some(rho), None, Some(epsilon), None) => answer.delta = Some(zcdp::delta(rho, epsilon)),
        (None, Some(mu), None, Some(delta)) => answer.epsilon = Some(gdp::epsilon(mu, delta)),
        (None, Some(mu), Some(epsilon), None) => answer.delta = Some(gdp::delta(mu, epsilon)),
        (None, None, Some(epsilon), Some(delta)) => {
            answer.rho = Some(zcdp::rho(epsilon, delta));
            answer.mu = Some(gdp::mu(epsilon, delta));
        }
        _ => return Err(AccountError::Conversion),
    }
    let all = [("epsilon", answer.epsilon), ("delta", answer.delta), ("rho", answer.rho), ("mu", answer.mu)];
    let rows: Vec<_> = all.into_iter().filter_map(|(name, value)| Some((name, figure(value?)))).collect();
    print(args.format, &answer, &rows, out)
}

fn print(
    format: Format,
    answer: &impl Serialize,
    rows: &[(&str, String)],
    out: &mut dyn Write,
) -> Result<(), AccountError> {
    match format {
        Format::Json => {
            let text = serde_json::to_string(answer).map_err(std::io::Error::from)?;
            writeln!(out, "{text}")?;
        }
        Format::Table => {
            let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            for (name, value) in rows {
                writeln!(out, "{name:<width$}  {value}")?;
            }
        }
    }
    Ok(())
}

/// Seven significant figures, rounded to nearest: the JSON has them all.
fn figure(value: f64) -> String {
    if (1e-3..1e7).contains(&value) {
        let digits = (6 - value.log10().floor() as i32).max(0) as usize;
        return format!("{value:.digits$}");
    }
    format!("{value:.6e}")
}

fn float(what: &str, text: &str) -> Result<f64, AccountError> {
    text.trim().parse().map_err(|_| AccountError::NotANumber { what: what.to_owned() })
}

fn positive(what: &str, text: &str) -> Result<Positive, AccountError> {
    Positive::new(float(what, text)?)
        .map_err(|source| AccountError::Argument { what: what.to_owned(), source })
}

fn probability(what: &str, text: &str) -> Result<Probability, AccountError> {
    let value = float(what, text)?;
    // A decimal too small for a float is not the zero that was typed.
    let zero = value == 0.0
        && text.bytes().take_while(|byte| !b"eE".contains(byte)).any(|byte| (b'1'..=b'9').contains(&byte));
    let value = if zero { f64::NAN } else { value };
    Probability::new(value).map_err(|source| AccountError::Argument { what: what.to_owned(), source })
}

/// A probability above zero, as a conversion needs it.
fn some_probability(what: &str, text: &str) -> Result<f64, AccountError> {
    let value = probability(what, text)?.get();
    if value > 0.0 {
        return Ok(value);
    }
    Err(AccountError::Argument { what: what.to_owned(), source: AccountingError::NotProbability })
}

impl Mechanisms {
    /// The events given; a scale that is missing is `default`, where there is one.
    fn events(&self, default: Option<&'static str>) -> Result<Events, AccountError> {
        let mut events = Vec::new();
        let kinds: [(&'static str, &Vec<String>, &[&'static str]); 8] = [
            ("gaussian", &self.gaussian, &["sigma"]),
            ("laplace", &self.laplace, &["epsilon"]),
            ("discrete-gaussian", &self.discrete_gaussian, &["sigma", "sensitivity"]),
            ("discrete-laplace", &self.discrete_laplace, &["epsilon", "sensitivity"]),
            ("randomized-response", &self.randomized_response, &["epsilon", "k"]),
            ("pure", &self.pure, &["epsilon"]),
            ("approx", &self.approx, &["epsilon", "delta"]),
            ("zcdp", &self.zcdp, &["rho"]),
        ];
        for (mechanism, texts, keys) in kinds {
            for text in texts {
                let fields = Fields::read(mechanism, keys, text)?;
                let event = fields.event(default)?;
                let count = fields.whole("count", Some("1"))?;
                events.push(Event::Composed { count, events: vec![event] });
            }
        }
        if events.is_empty() {
            return Err(AccountError::NoMechanism);
        }
        Ok(Events::new(events)?)
    }
}

/// `key=value,…` of one mechanism.
struct Fields<'a> {
    mechanism: &'static str,
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Fields<'a> {
    fn read(mechanism: &'static str, keys: &[&'static str], text: &'a str) -> Result<Self, AccountError> {
        let mut fields = Vec::new();
        for field in text.split(',') {
            let unknown = || AccountError::UnknownKey {
                mechanism,
                known: keys
                    .iter()
                    .chain(&["count"])
                    .map(|key| format!("{key}=…"))
                    .collect::<Vec<_>>()
                    .join(","),
                found: field.to_owned(),
            };
            let (key, value) = field.split_once('=').ok_or_else(unknown)?;
            if !keys.contains(&key.trim()) && key.trim() != "count" {
                return Err(unknown());
            }
            fields.push((key.trim(), value));
        }
        Ok(Self { mechanism, fields })
    }

    fn text(&self, key: &'static str, default: Option<&'a str>) -> Result<&'a str, AccountError> {
        let mut found = self.fields.iter().filter(|(name, _)| *name == key).map(|(_, value)| *value);
        let missing = AccountError::Key { mechanism: self.mechanism, key };
        match (found.next(), found.next()) {
            (Some(value), None) => Ok(value),
            (None, None) => default.ok_or(missing),
            (_, Some(_)) => Err(missing),
        }
    }

    fn positive(&self, key: &'static str, default: Option<&'static str>) -> Result<Positive, AccountError> {
        positive(&format!("--{} {key}", self.mechanism), self.text(key, default)?)
    }

    fn whole<T: std::str::FromStr>(
        &self,
        key: &'static str,
        default: Option<&'a str>,
    ) -> Result<T, AccountError> {
        let text = self.text(key, default)?;
        text.trim().parse().map_err(|_| AccountError::NotANumber {
            what: format!("--{} {key}, a whole number,", self.mechanism),
        })
    }

    fn event(&self, default: Option<&'static str>) -> Result<Event, AccountError> {
        Ok(match self.mechanism {
            "gaussian" => Event::Gaussian { sigma: self.positive("sigma", default)? },
            "laplace" => Event::Laplace { epsilon: self.positive("epsilon", default)? },
            "discrete-gaussian" => Event::DiscreteGaussian {
                sigma: self.positive("sigma", default)?,
                sensitivity: self.whole("sensitivity", Some("1"))?,
            },
            "discrete-laplace" => Event::DiscreteLaplace {
                epsilon: self.positive("epsilon", default)?,
                sensitivity: self.whole("sensitivity", Some("1"))?,
            },
            "randomized-response" => Event::RandomizedResponse {
                epsilon: self.positive("epsilon", default)?,
                k: self.whole("k", None)?,
            },
            "pure" => Event::Pure { epsilon: self.positive("epsilon", default)? },
            "approx" => Event::Approx {
                epsilon: self.positive("epsilon", default)?,
                delta: probability("--approx delta", self.text("delta", None)?)?,
            },
            _ => Event::Zcdp { rho: self.positive("rho", default)? },
        })
    }
}
