//! Taking part by chance: how a person gets a smaller ε than the mechanism has.
//!
//! Let M be (ε, δ)-differentially private for adding or removing one person, and let S keep person i with probability
//! pᵢ = (e^{εᵢ} − 1)/(e^ε − 1), independently, and everybody else by draws of their own. Then for person i the whole M∘S
//! is (εᵢ, pᵢδ)-differentially private (Jorgensen, Yu, Cormode 2015, Theorem 1 and its proof, with δ).
//!
//! Proof. Fix everybody else's draws; let D be what they leave, and q = Pr[M(D) ∈ E], q' = Pr[M(D + i) ∈ E]. With i in
//! the data the output lies in E with probability (1 − pᵢ)q + pᵢq' ≤ (1 − pᵢ)q + pᵢ(e^ε q + δ) = (1 + pᵢ(e^ε − 1))q + pᵢδ
//! = e^{εᵢ}q + pᵢδ. Conversely q ≤ e^ε q' + δ gives q = (1 − pᵢ)q + pᵢq ≤ e^{εᵢ}((1 − pᵢ)q + pᵢq') + pᵢδ: where q' ≥ q
//! nothing is to show; else (1 − pᵢ)q + pᵢq' is least when q' = (q − δ)e^{−ε}, and
//! e^{εᵢ}((1 − pᵢ) + pᵢe^{−ε}) ≥ 1 since (1 + pᵢ(e^ε − 1))(1 − pᵢ(1 − e^{−ε})) = 1 + pᵢ(1 − pᵢ)(e^ε − 1)(1 − e^{−ε});
//! the δ taken there is pᵢδe^{εᵢ−ε} ≤ pᵢδ. Averaging over everybody else's draws keeps both. ∎
//!
//! A smaller pᵢ only protects more, so pᵢ rounds down. Nobody's guarantee suffers: for each outcome of the draws
//! neighbouring data sets stay neighbouring, so a mechanism that is ρ-zCDP or μ-GDP stays so (both are closed under mixing
//! over one distribution).

use crate::source::Source;
use crate::units::Epsilon;

/// The chance with which a person takes part who allows less than the job spends: an exact multiple of 2⁻⁶⁴.
///
/// ```
/// use flockwise_mechanisms::{Epsilon, Rounding, TakesPart};
/// let job = Epsilon::parse("1", Rounding::Up)?;
/// assert_eq!(TakesPart::within(2.0, job).chance(), 1.0);
/// let half = TakesPart::within(0.5, job).chance();
/// assert!(half <= 0.3775406688 && half > 0.3775406687); // 1/(1 + e^0.5)
/// assert_eq!(TakesPart::within(0.0, job).chance(), 0.0);
/// # Ok::<(), flockwise_mechanisms::UnitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TakesPart {
    /// Takes part when 64 random bits are below it; always where there is none.
    below: Option<u64>,
}

impl TakesPart {
    /// The chance (e^own − 1)/(e^job − 1), rounded down; certain where `own` allows the job's ε, none where it is not
    /// positive or no number.
    ///
    /// The two exponentials are off by an ulp or so each, and `own` and `job` by half an ulp, which the quotient
    /// magnifies by at most own + 1 < 2¹⁰: together less than 2⁻⁴⁰ of it, which is taken off.
    #[must_use]
    pub fn within(own: f64, job: Epsilon) -> Self {
        let job = job.to_f64();
        if own >= job {
            return Self { below: None };
        }
        if own.is_nan() || own <= 0.0 {
            return Self { below: Some(0) };
        }
        // e^ε overflows beyond ε = 709, and the chance is then 0.
        let chance = libm::expm1(own) / libm::expm1(job) * (1.0 - 2.0_f64.powi(-40));
        // A product with 2^64 is exact, and the cast rounds down.
        Self { below: Some((chance * 2.0_f64.powi(64)) as u64) }
    }

    /// The chance.
    #[must_use]
    pub fn chance(self) -> f64 {
        self.below.map_or(1.0, |below| below as f64 / 2.0_f64.powi(64))
    }

    /// One draw, from fresh randomness that nobody knows: not a function of who it is, or it would be the same each time.
    pub fn draw(self, source: &mut dyn Source) -> bool {
        match self.below {
            None => true,
            Some(0) => false,
            Some(below) => {
                let bytes = source.secret();
                let (head, _) = bytes.split_at(8);
                u64::from_le_bytes(head.try_into().expect("8 of 16 bytes")) < below
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Os, Rounding};

    fn epsilon(text: &str) -> Epsilon {
        Epsilon::parse(text, Rounding::Up).unwrap()
    }

    #[test]
    fn the_chance_is_never_above_the_formula() {
        // (own, job, chance) to 20 digits, by Python's decimal at 40 digits: (exp(own) − 1)/(exp(job) − 1).
        for (own, job, exact) in [
            (0.5, "1", 0.377_540_668_798_145_44),
            (0.1, "0.2", 0.475_020_812_521_06),
            (1e-6, "1", 5.819_769_978_577_769e-7),
            (3.0, "4", 0.356_085_740_112_027_7),
        ] {
            let chance = TakesPart::within(own, epsilon(job)).chance();
            assert!(chance <= exact, "{own} of {job}: {chance}");
            assert!(chance > exact * (1.0 - 1e-11), "{own} of {job}: {chance}");
        }
        for (own, job) in [(f64::NAN, "1"), (-1.0, "1"), (0.0, "1"), (f64::NEG_INFINITY, "1"), (1.0, "800")] {
            assert_eq!(TakesPart::within(own, epsilon(job)), TakesPart { below: Some(0) }, "{own} of {job}");
        }
        assert_eq!(TakesPart::within(f64::INFINITY, epsilon("1")).below, None);
    }

    #[test]
    fn a_person_of_smaller_epsilon_is_protected_at_it() {
        // The worst mechanism for one person: randomized response on presence, with exactly ε and δ = 0.
        let (own, job) = (0.3_f64, 1.5_f64);
        let keep = job.exp() / (1.0 + job.exp());
        let p = TakesPart::within(own, epsilon("1.5")).chance();
        let (out, present) = (1.0 - keep, p * keep + (1.0 - p) * (1.0 - keep));
        let loss = (present / out).ln().max(((1.0 - out) / (1.0 - present)).ln());
        assert!(loss <= own, "{loss}");
        assert!(loss >= 0.999 * own, "{loss}");
    }

    #[test]
    fn draws_have_their_chance() {
        let takes_part = TakesPart::within(0.5, epsilon("1"));
        let mut source = Os::new().unwrap();
        let n = 20_000;
        let taken = (0..n).filter(|_| takes_part.draw(&mut source)).count() as f64;
        let sd = (f64::from(n) * 0.3775 * 0.6225).sqrt();
        // Seven standard deviations: a failure has probability below 1e-11.
        assert!((taken - 0.37754 * f64::from(n)).abs() < 7.0 * sd, "{taken}");
    }
}
