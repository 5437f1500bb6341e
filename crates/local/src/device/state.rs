//! What a store holds, as text that a person can read.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{borrow::ToOwned, format};
use core::fmt::Write;

use crate::device::collection::{Collection, CollectionId, Limits, Repeat};
use crate::device::{DeviceError, Preview, draw};
use crate::draw::Draws;
use crate::epsilon::Epsilon;
use crate::scheme::{Input, Scheme};

const HEADER: &str = "flockwise-local 1";

/// Everything a device remembers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct State {
    pub id: [u8; 16],
    pub generation: u64,
    pub consent: bool,
    pub limits: Limits,
    /// Against the lifetime limit, in units of 1e-12.
    pub spent: u64,
    pub enrolments: Vec<Enrolment>,
}

/// A device's part in one collection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Enrolment {
    id: CollectionId,
    scheme: String,
    epsilon: Epsilon,
    repeat: Repeat,
    over: bool,
    start: u32,
    /// The latest day that was answered, and the answer.
    last: Option<(u32, Vec<u8>)>,
    answers: Vec<Answer>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Answer {
    of: Of,
    report: Vec<u8>,
}

/// What a remembered answer is the answer of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    /// The period with this number.
    Period(u32),
    /// This item.
    Item(u32),
    /// Holding no item.
    Nothing,
    /// No value at all: drawn without looking.
    Blank,
}

impl State {
    pub fn new(id: [u8; 16], limits: Limits) -> Self {
        Self { id, generation: 0, consent: false, limits, spent: 0, enrolments: Vec::new() }
    }

    pub fn find(&self, id: &CollectionId) -> Option<&Enrolment> {
        self.enrolments.iter().find(|enrolment| enrolment.id == *id)
    }

    pub fn find_mut(&mut self, id: &CollectionId) -> Option<&mut Enrolment> {
        self.enrolments.iter_mut().find(|enrolment| enrolment.id == *id)
    }

    /// Charges the whole collection, or nothing.
    pub fn enrol(&mut self, collection: &Collection, day: u32) -> Result<(), DeviceError> {
        let epsilon = collection.scheme().epsilon();
        let asked = collection.cost().unwrap_or(u64::MAX);
        let left = self.limits.lifetime.units().saturating_sub(self.spent);
        if asked > left {
            return Err(DeviceError::OverLifetime { asked, left });
        }
        // Every collection may draw once on the same day, also one that is over: its last draw may have been today.
        let daily: u64 = self.enrolments.iter().map(|enrolment| enrolment.epsilon.units()).sum();
        let left = self.limits.day.units().saturating_sub(daily);
        if epsilon.units() > left {
            return Err(DeviceError::OverDay { asked: epsilon.units(), left });
        }
        self.spent += asked;
        self.enrolments.push(Enrolment {
            id: collection.id().clone(),
            scheme: collection.scheme().to_string(),
            epsilon,
            repeat: collection.repeat(),
            over: false,
            start: day,
            last: None,
            answers: Vec::new(),
        });
        Ok(())
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!(
            "{HEADER}\nid {}\ngeneration {}\nconsent {}\nlimits {} {}\nspent {}\n",
            hex(&self.id),
            self.generation,
            u8::from(self.consent),
            self.limits.lifetime.units(),
            self.limits.day.units(),
            self.spent
        );
        self.enrolments.iter().for_each(|enrolment| enrolment.encode(&mut text));
        let sum = checksum(text.as_bytes());
        let _ = writeln!(text, "sum {sum:016x}");
        text.into_bytes()
    }

    /// `None` for anything that [`State::encode`] did not write.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(bytes).ok()?;
        let at = text.rfind("sum ")?;
        let state = Self::parse(&text[..at])?;
        // What we would write is what is there: no other reading of these bytes exists.
        (state.encode() == bytes).then_some(state)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().peekable();
        if lines.next()? != HEADER {
            return None;
        }
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let id = unhex(field("id")?)?.try_into().ok()?;
        let generation = field("generation")?.parse().ok()?;
        let consent = flag(field("consent")?)?;
        let (lifetime, day) = field("limits")?.split_once(' ')?;
        let units = |text: &str| Epsilon::from_units(text.parse().ok()?).ok();
        let limits = Limits { lifetime: units(lifetime)?, day: units(day)? };
        let spent = field("spent")?.parse().ok()?;
        let mut state = Self { id, generation, consent, limits, spent, enrolments: Vec::new() };
        for line in lines {
            let (name, rest) = line.split_once(' ')?;
            match name {
                "collection" => state.enrolments.push(Enrolment::parse(rest)?),
                _ => state.enrolments.last_mut()?.parse_line(name, rest)?,
            }
        }
        Some(state)
    }
}

impl Enrolment {
    /// Whether this is the enrolment in that very collection.
    pub fn check(&self, collection: &Collection) -> Result<(), DeviceError> {
        if self.scheme != collection.scheme().to_string() || self.repeat != collection.repeat() {
            return Err(DeviceError::OtherCollection);
        }
        if self.over { Err(DeviceError::Over) } else { Ok(()) }
    }

    pub fn erase(&mut self) {
        self.over = true;
        self.last = None;
        self.answers.clear();
    }

    /// The answer of a day that was answered. A clock that goes back gets the latest answer again, not a new one.
    pub fn answered(&self, day: u32) -> Option<&[u8]> {
        self.last.as_ref().filter(|(last, _)| day <= *last).map(|(_, report)| report.as_slice())
    }

    /// The answer of a later day than any before, drawn or remembered.
    pub fn answer<D: Draws>(
        &mut self,
        scheme: &Scheme,
        input: Input,
        day: u32,
        draws: &mut D,
    ) -> Result<Preview, DeviceError> {
        let (of, input) = match self.repeat {
            Repeat::PerPeriod { days, periods } => {
                let period = day.saturating_sub(self.start) / days;
                if period >= periods {
                    return Err(DeviceError::Over);
                }
                // Only the current period can be asked for again.
                self.answers.retain(|answer| answer.of == Of::Period(period));
                (Of::Period(period), input)
            }
            Repeat::PerValue { values } => self.of_value(scheme, input, values),
        };
        let known = self.answers.iter().find(|answer| answer.of == of).map(|answer| answer.report.clone());
        let repeated = known.is_some();
        let report = match known {
            Some(report) => report,
            None => {
                let report = draw(scheme, input, draws)?;
                self.answers.push(Answer { of, report: report.clone() });
                report
            }
        };
        self.last = Some((day, report.clone()));
        Ok(Preview { report, repeated })
    }

    /// Which answer a value gets: its own, as long as there is one or room for one; else the blank one.
    fn of_value(&self, scheme: &Scheme, input: Input, values: u32) -> (Of, Input) {
        let of = match input {
            Input::Item(item) if scheme.items().is_some_and(|items| item < items) => Of::Item(item),
            Input::Item(_) | Input::Number(_) | Input::Nothing => Of::Nothing,
        };
        let known = self.answers.iter().any(|answer| answer.of == of);
        let drawn = self.answers.iter().filter(|answer| answer.of != Of::Blank).count();
        if known || drawn < values as usize { (of, input) } else { (Of::Blank, Input::Nothing) }
    }

    fn encode(&self, text: &mut String) {
        let (repeat, a, b) = match self.repeat {
            Repeat::PerPeriod { days, periods } => ("period", days, periods),
            Repeat::PerValue { values } => ("value", values, 0),
        };
        let _ = writeln!(
            text,
            "collection {} {} {repeat} {a} {b} {} {} {}",
            self.id.as_str(),
            self.epsilon.units(),
            u8::from(self.over),
            self.start,
            self.scheme
        );
        if let Some((day, report)) = &self.last {
            let _ = writeln!(text, "last {day} {}", hex(report));
        }
        for answer in &self.answers {
            let report = hex(&answer.report);
            let _ = match answer.of {
                Of::Period(period) => writeln!(text, "period {period} {report}"),
                Of::Item(item) => writeln!(text, "item {item} {report}"),
                Of::Nothing => writeln!(text, "nothing {report}"),
                Of::Blank => writeln!(text, "blank {report}"),
            };
        }
    }

    fn parse(rest: &str) -> Option<Self> {
        let mut words = rest.splitn(8, ' ');
        let id = CollectionId::new(words.next()?).ok()?;
        let epsilon = Epsilon::from_units(words.next()?.parse().ok()?).ok()?;
        let repeat = words.next()?;
        let mut number = || words.next()?.parse::<u32>().ok();
        let (a, b) = (number()?, number()?);
        let repeat = match repeat {
            "period" if a > 0 => Repeat::PerPeriod { days: a, periods: b },
            "value" => Repeat::PerValue { values: a },
            _ => return None,
        };
        let over = number()? == 1;
        let start = number()?;
        let scheme = words.next()?.to_owned();
        Some(Self { id, scheme, epsilon, repeat, over, start, last: None, answers: Vec::new() })
    }

    fn parse_line(&mut self, name: &str, rest: &str) -> Option<()> {
        let numbered = || {
            let (number, report) = rest.split_once(' ')?;
            Some((number.parse().ok()?, unhex(report)?))
        };
        let (of, report) = match name {
            "last" => {
                self.last = Some(numbered()?);
                return Some(());
            }
            "period" => numbered().map(|(period, report)| (Of::Period(period), report))?,
            "item" => numbered().map(|(item, report)| (Of::Item(item), report))?,
            "nothing" => (Of::Nothing, unhex(rest)?),
            "blank" => (Of::Blank, unhex(rest)?),
            _ => return None,
        };
        self.answers.push(Answer { of, report });
        Some(())
    }
}

/// FNV-1a, 64 bits: against damage by accident. Whoever can write the store can write anything.
fn checksum(bytes: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok();
    if text.len() % 2 == 1 { None } else { text.as_bytes().chunks(2).map(pair).collect() }
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}
