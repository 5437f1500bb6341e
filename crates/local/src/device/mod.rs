//! A device's promise over time.
//!
//! One report costs ε. A device that reports for years needs a rule for what the reports of a lifetime cost together,
//! and the rule must not itself tell anything. Here:
//!
//! - Taking part in a collection is charged **in full when the device enrols**: ε times the number of draws it will ever
//!   make, against the person's lifetime limit, and one ε against the limit for a day. Both refusals are a matter of
//!   arithmetic on public numbers. No later refusal exists that could hang on a value.
//! - A device has one answer per collection and day. It is written to the store before it is shown or sent.
//! - Consent is looked at before anything else.
//!
//! What holds for a history of values depends on [`Repeat`]; read it before choosing.
//!
//! The limits bound what this crate's collections learn from this store. Whoever deletes the store must make a new one
//! explicitly, which draws anew and therefore costs the whole lifetime limit once more; [`Anchor`] is how a host notices.

mod collection;
mod state;
mod store;

pub use collection::{BadCollectionId, Collection, CollectionId, Limits, Repeat};
pub use store::{Memory, Store, StoreError};
#[cfg(feature = "std")]
mod file;
#[cfg(feature = "std")]
pub use file::FileStore;

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::draw::{Draws, Entropy, NoEntropy, Random};
use crate::scheme::{Input, Scheme};
use state::{Enrolment, State};

/// Which store this is, and how far it has come. A host that keeps the latest one elsewhere (its settings, a key chain)
/// notices a lost, exchanged or restored store; a store cannot notice that by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// Drawn when the store was made.
    pub id: [u8; 16],
    /// Goes up with every change.
    pub generation: u64,
}

/// What would be sent, exactly; [`Device::report`] for the same day returns these bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Preview {
    /// The bytes of the report.
    pub report: Vec<u8>,
    /// Whether an earlier day's answer is sent again.
    pub repeated: bool,
}

/// Why a device does not report. None of these hangs on what the person holds.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DeviceError {
    /// The person has not agreed, or has opted out. Nothing was computed.
    NoConsent,
    /// There is no store where one was expected: the device does not report. Only [`Device::create`] makes one.
    NoStore,
    /// There is a store already.
    StoreExists,
    /// The store cannot be read; it was damaged, or written by something else.
    Damaged,
    /// The store is not the one of the anchor.
    Exchanged,
    /// The store is older than the anchor: a restored copy, which would answer again for free.
    Older,
    /// The store could not be read or written.
    Store(StoreError),
    /// The host gave no entropy.
    NoEntropy,
    /// Enrolling would exceed the lifetime limit; units of 1e-12.
    OverLifetime {
        /// What the collection costs.
        asked: u64,
        /// What is left.
        left: u64,
    },
    /// Enrolling would exceed the limit for a day; units of 1e-12.
    OverDay {
        /// What the collection costs a day.
        asked: u64,
        /// What is left.
        left: u64,
    },
    /// This device has not enrolled in the collection.
    NotEnrolled,
    /// The device enrolled in a collection of this name with other parameters.
    OtherCollection,
    /// The collection's periods are over, or its answers were erased.
    Over,
    /// A mean cannot be remembered per value: use [`Repeat::PerPeriod`].
    NotPerValue,
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = |f: &mut fmt::Formatter<'_>, what: &str, asked: u64, left: u64| {
            write!(f, "the collection would cost epsilon ")?;
            crate::epsilon::write_units(asked, f)?;
            write!(f, " {what}, and ")?;
            crate::epsilon::write_units(left, f)?;
            write!(f, " is left")
        };
        let text = match self {
            Self::NoConsent => "the person has not agreed to report; nothing was computed",
            Self::NoStore => "there is no store of past answers, so the device does not report",
            Self::StoreExists => "there is a store already",
            Self::Damaged => "the store of past answers is damaged, so the device does not report",
            Self::Exchanged => "the store of past answers is another one, so the device does not report",
            Self::Older => "the store of past answers is an older copy, so the device does not report",
            Self::Store(error) => return error.fmt(f),
            Self::NoEntropy => return NoEntropy.fmt(f),
            Self::OverLifetime { asked, left: rest } => return left(f, "in a lifetime", *asked, *rest),
            Self::OverDay { asked, left: rest } => return left(f, "a day", *asked, *rest),
            Self::NotEnrolled => "the device has not enrolled in this collection",
            Self::OtherCollection => "the device enrolled in a collection of this name with other parameters",
            Self::Over => "the device's part in this collection is over",
            Self::NotPerValue => "a mean cannot be remembered per value; remember it per period",
        };
        f.write_str(text)
    }
}

impl core::error::Error for DeviceError {}

impl From<StoreError> for DeviceError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NoEntropy> for DeviceError {
    fn from(_: NoEntropy) -> Self {
        Self::NoEntropy
    }
}

/// A person's device: what it has agreed to, what it has spent, what it has answered.
///
/// ```
/// use flockwise_local::{
///     Collection, CollectionId, Device, Hadamard, Input, Limits, Memory, Os, Repeat, Scheme,
/// };
/// let genres = Collection::new(
///     CollectionId::new("genres-2026")?,
///     Scheme::Hadamard(Hadamard::new(20, "1".parse()?)?),
///     Repeat::PerPeriod { days: 90, periods: 4 },
/// )?;
/// let mut device = Device::create(Memory::default(), Limits { lifetime: "4".parse()?, day: "1".parse()? }, Os)?;
/// let today = 20_000;
/// assert!(device.report(&genres, Input::Item(3), today, Os).is_err());   // not asked yet
/// device.consent(true)?;
/// device.enrol(&genres, today)?;                                         // charges 4 × 1
/// let preview = device.preview(&genres, Input::Item(3), today, Os)?;
/// assert_eq!(device.report(&genres, Input::Item(3), today, Os)?, preview.report);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Device<S> {
    store: S,
    state: State,
}

impl<S: Store> Device<S> {
    /// Makes a new store, once per person and device. Where a store was lost, this is the explicit decision to begin
    /// anew, at the cost of the whole lifetime limit again.
    ///
    /// # Errors
    /// [`DeviceError::StoreExists`]; [`DeviceError::Store`]; [`DeviceError::NoEntropy`].
    pub fn create<E: Entropy>(mut store: S, limits: Limits, mut entropy: E) -> Result<Self, DeviceError> {
        if store.load()?.is_some() {
            return Err(DeviceError::StoreExists);
        }
        let mut id = [0; 16];
        entropy.fill(&mut id)?;
        let state = State::new(id, limits);
        store.save(&state.encode())?;
        Ok(Self { store, state })
    }

    /// Opens the store of earlier runs. With an anchor that the host kept, an exchanged or restored store is refused.
    ///
    /// # Errors
    /// [`DeviceError::NoStore`], [`DeviceError::Damaged`], [`DeviceError::Exchanged`], [`DeviceError::Older`],
    /// [`DeviceError::Store`].
    pub fn open(mut store: S, anchor: Option<Anchor>) -> Result<Self, DeviceError> {
        let bytes = store.load()?.ok_or(DeviceError::NoStore)?;
        let state = State::decode(&bytes).ok_or(DeviceError::Damaged)?;
        match anchor {
            Some(anchor) if anchor.id != state.id => Err(DeviceError::Exchanged),
            Some(anchor) if anchor.generation > state.generation => Err(DeviceError::Older),
            Some(_) | None => Ok(Self { store, state }),
        }
    }

    /// For the host to keep outside the store.
    #[must_use]
    pub const fn anchor(&self) -> Anchor {
        Anchor { id: self.state.id, generation: self.state.generation }
    }

    /// Whether the person has agreed.
    #[must_use]
    pub const fn has_consent(&self) -> bool {
        self.state.consent
    }

    /// What is charged so far against the lifetime limit, in units of 1e-12.
    #[must_use]
    pub const fn spent(&self) -> u64 {
        self.state.spent
    }

    /// The person agrees, or opts out: from then on nothing is computed. Past answers are kept, so that agreeing again
    /// does not answer again for free; [`Device::erase`] removes them.
    ///
    /// # Errors
    /// [`DeviceError::Store`].
    pub fn consent(&mut self, granted: bool) -> Result<(), DeviceError> {
        self.change(|state| {
            state.consent = granted;
            Ok(())
        })
    }

    /// Removes every past answer, opts out, and ends the device's part in all collections it had enrolled in. What was
    /// charged stays charged.
    ///
    /// # Errors
    /// [`DeviceError::Store`].
    pub fn erase(&mut self) -> Result<(), DeviceError> {
        self.change(|state| {
            state.consent = false;
            state.enrolments.iter_mut().for_each(Enrolment::erase);
            Ok(())
        })
    }

    /// Takes part in a collection from this day on, and charges all that it will ever cost. Enrolling again in the same
    /// collection changes nothing.
    ///
    /// # Errors
    /// [`DeviceError::NoConsent`], [`DeviceError::OverLifetime`], [`DeviceError::OverDay`],
    /// [`DeviceError::OtherCollection`], [`DeviceError::Store`].
    pub fn enrol(&mut self, collection: &Collection, day: u32) -> Result<(), DeviceError> {
        self.agreed()?;
        if let Some(enrolment) = self.state.find(collection.id()) {
            return enrolment.check(collection);
        }
        self.change(|state| state.enrol(collection, day))
    }

    /// Exactly what [`Device::report`] would return for this day.
    ///
    /// The answer is drawn and stored now where it is not there yet. Looking costs nothing beyond enrolment, and looking
    /// again does not draw again.
    ///
    /// # Errors
    /// As [`Device::report`].
    pub fn preview<E: Entropy>(
        &mut self,
        collection: &Collection,
        input: Input,
        day: u32,
        entropy: E,
    ) -> Result<Preview, DeviceError> {
        self.preview_with(collection, input, day, &mut Random::new(entropy))
    }

    /// The report of this day. Call it on every day of the collection's schedule, whatever the person holds and whether
    /// or not it changed: when a report is sent must tell nothing.
    ///
    /// # Errors
    /// [`DeviceError::NoConsent`], [`DeviceError::NotEnrolled`], [`DeviceError::OtherCollection`],
    /// [`DeviceError::Over`], [`DeviceError::NoEntropy`], [`DeviceError::Store`]; none of them hangs on the input.
    pub fn report<E: Entropy>(
        &mut self,
        collection: &Collection,
        input: Input,
        day: u32,
        entropy: E,
    ) -> Result<Vec<u8>, DeviceError> {
        Ok(self.preview(collection, input, day, entropy)?.report)
    }

    /// As [`Device::preview`], from any source of draws: for tests that walk through every outcome.
    ///
    /// # Errors
    /// As [`Device::report`].
    pub fn preview_with<D: Draws>(
        &mut self,
        collection: &Collection,
        input: Input,
        day: u32,
        draws: &mut D,
    ) -> Result<Preview, DeviceError> {
        self.agreed()?;
        let enrolment = self.state.find(collection.id()).ok_or(DeviceError::NotEnrolled)?;
        enrolment.check(collection)?;
        if let Some(report) = enrolment.answered(day) {
            return Ok(Preview { report: report.to_vec(), repeated: false });
        }
        let mut preview = Preview { report: Vec::new(), repeated: false };
        self.change(|state| {
            let enrolment = state.find_mut(collection.id()).ok_or(DeviceError::NotEnrolled)?;
            preview = enrolment.answer(collection.scheme(), input, day, draws)?;
            Ok(())
        })?;
        Ok(preview)
    }

    fn agreed(&self) -> Result<(), DeviceError> {
        if self.state.consent { Ok(()) } else { Err(DeviceError::NoConsent) }
    }

    /// Changes a copy, saves it, and only then believes it.
    fn change(
        &mut self,
        change: impl FnOnce(&mut State) -> Result<(), DeviceError>,
    ) -> Result<(), DeviceError> {
        let mut next = self.state.clone();
        change(&mut next)?;
        next.generation += 1;
        self.store.save(&next.encode())?;
        self.state = next;
        Ok(())
    }
}

/// One fresh report.
fn draw<D: Draws>(scheme: &Scheme, input: Input, draws: &mut D) -> Result<Vec<u8>, DeviceError> {
    let mut report = vec![0; scheme.report_bytes()];
    scheme.randomize_with(input, draws, &mut report)?;
    Ok(report)
}
