//! Closed-form variances, from the very probabilities that a device draws with.

use crate::scheme::Scheme;

/// How a report speaks for an item: it *supports* the item with probability `own` when the item is the truth, with
/// probability `other` when it is not. Then (supports − n·other)/(own − other) estimates the item's count without bias
/// (Wang, Blocki, Li, Jha 2017).
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Support {
    pub own: f64,
    pub other: f64,
}

impl Support {
    /// Variance of the estimated count, where `own` people hold the item and `others` do not.
    pub fn variance(self, own: f64, others: f64) -> f64 {
        let gain = self.own - self.other;
        (own * self.own * (1.0 - self.own) + others * self.other * (1.0 - self.other)) / (gain * gain)
    }
}

impl Scheme {
    /// The two probabilities, for the schemes whose reports support items; `None` for Hadamard forms and the mean.
    ///
    /// For the count-mean sketch `other` is the average over hash functions.
    pub(crate) fn support(&self) -> Option<Support> {
        match self {
            Self::Kary(scheme) => {
                let keep = scheme.keep().to_f64();
                let other = (1.0 - keep) / f64::from(scheme.items());
                Some(Support { own: keep + other, other })
            }
            Self::Unary(scheme) => Some(Support { own: 0.5, other: scheme.noise().to_f64() }),
            Self::LocalHashing(scheme) => {
                let keep = scheme.keep().to_f64();
                let other = 1.0 / f64::from(scheme.buckets());
                Some(Support { own: keep + (1.0 - keep) * other, other })
            }
            Self::Sketch(scheme) => {
                let flip = scheme.flip().to_f64();
                let collide = 1.0 / f64::from(scheme.shape().width());
                Some(Support { own: 1.0 - flip, other: collide * (1.0 - flip) + (1.0 - collide) * flip })
            }
            Self::Hadamard(_) | Self::HadamardSketch(_) | Self::OneBitMean(_) => None,
        }
    }

    /// Variance of an estimate, per person who reports.
    ///
    /// Of an item's estimated count, where the item is the truth of a share `share` of the people and everything else is
    /// spread evenly; `None` is the average item. For the mean: of the estimated mean where the bit is a fair coin, its
    /// worst case, with `share` ignored; divide it by the number of people instead of multiplying. A sketch has an error
    /// from collisions besides, which the collector adds.
    #[must_use]
    pub fn variance(&self, share: Option<f64>) -> f64 {
        if let (Some(support), Some(items)) = (self.support(), self.items()) {
            let share = share.unwrap_or(1.0 / f64::from(items));
            return support.variance(share, 1.0 - share);
        }
        match self {
            Self::Hadamard(scheme) => {
                let keep = scheme.keep().to_f64();
                let blocks = f64::from(scheme.blocks());
                let own = share.unwrap_or(1.0 / f64::from(scheme.items()));
                // Within the item's block a report counts as ±1.
                let block = share.map_or(scheme.block_share(), |share| share + (1.0 - share) / blocks);
                (block * keep + (1.0 - keep) / blocks) / (keep * keep) - own
            }
            Self::HadamardSketch(scheme) => {
                let keep = 1.0 - 2.0 * scheme.flip().to_f64();
                let width = f64::from(scheme.shape().width());
                let own = share.unwrap_or(1.0 / f64::from(scheme.items()));
                let scale = width / (width - 1.0);
                scale * scale * (1.0 / (keep * keep) - own)
            }
            Self::OneBitMean(scheme) => {
                let keep = 1.0 - 2.0 * scheme.noise().to_f64();
                let range = (scheme.high() - scheme.low()) as f64;
                range * range / (4.0 * keep * keep)
            }
            Self::Kary(_) | Self::Unary(_) | Self::LocalHashing(_) | Self::Sketch(_) => {
                unreachable!("these support items and returned above")
            }
        }
    }
}
