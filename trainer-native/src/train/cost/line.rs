//! Seconds by work, as a straight line through what was measured.

/// `fixed + rate · work`, neither below 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Seconds whatever the work.
    pub fixed: f64,
    /// Seconds a unit of work.
    pub rate: f64,
}

impl Line {
    /// The line nearest to pairs of work and seconds (least squares). Where it would fall, or begin
    /// below 0, or where all work is the same: the one through the origin and the means.
    pub fn fit(measured: &[(f64, f64)]) -> Self {
        let count = measured.len().max(1) as f64;
        let work = measured.iter().map(|(work, _)| work).sum::<f64>() / count;
        let seconds = measured.iter().map(|(_, seconds)| seconds).sum::<f64>() / count;
        let (mut along, mut spread) = (0.0, 0.0);
        for (w, s) in measured {
            along += (w - work) * (s - seconds);
            spread += (w - work) * (w - work);
        }
        let rate = along / spread;
        let fixed = seconds - rate * work;
        if rate >= 0.0 && fixed >= 0.0 {
            return Self { fixed, rate };
        }
        Self {
            fixed: 0.0,
            rate: if work > 0.0 { seconds / work } else { 0.0 },
        }
    }

    /// Seconds of so much work.
    pub fn at(&self, work: f64) -> f64 {
        self.fixed + self.rate * work
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_through_what_was_measured() {
        let check = |measured: &[(f64, f64)], fixed: f64, rate: f64| {
            let line = Line::fit(measured);
            assert!((line.fixed - fixed).abs() < 1e-9, "{line:?}");
            assert!((line.rate - rate).abs() < 1e-9, "{line:?}");
        };
        check(&[(1.0, 3.0), (2.0, 5.0), (4.0, 9.0)], 1.0, 2.0);
        check(&[(1.0, 2.0), (2.0, 4.5), (3.0, 5.5)], 0.5, 1.75);
        // One size, a falling line, one that begins below 0, nothing.
        check(&[(2.0, 3.0), (2.0, 5.0)], 0.0, 2.0);
        check(&[(1.0, 4.0), (3.0, 2.0)], 0.0, 1.5);
        check(&[(2.0, 1.0), (4.0, 5.0)], 0.0, 1.0);
        check(&[], 0.0, 0.0);
        check(&[(0.0, 0.0)], 0.0, 0.0);
        assert_eq!(Line::fit(&[(1.0, 3.0), (2.0, 5.0)]).at(10.0), 21.0);
    }
}
