//! How fast bytes arrive and how long the rest will take.

/// Milliseconds over which the rate is smoothed.
const WINDOW: f64 = 4000.0;

/// Progress is told at most this often, in milliseconds.
const INTERVAL: f64 = 100.0;

/// A running transfer.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// Bytes in all.
    pub total: u64,
    /// Bytes there already.
    pub done: u64,
    /// Bytes that were there when the attempt began.
    pub resumed: u64,
    rate: f64,
    last_sample: (f64, u64),
    last_told: f64,
}

impl Transfer {
    /// Begins at `now` (milliseconds) with `resumed` of `total` bytes.
    pub fn new(total: u64, resumed: u64, now: f64) -> Self {
        Self {
            total,
            done: resumed,
            resumed,
            rate: 0.0,
            last_sample: (now, resumed),
            last_told: f64::NEG_INFINITY,
        }
    }

    /// Counts `bytes` more; true when it is time to tell.
    pub fn advance(&mut self, bytes: u64, now: f64) -> bool {
        self.done += bytes;
        let (then, before) = self.last_sample;
        let elapsed = now - then;
        if elapsed >= INTERVAL {
            let sample = 1000.0 * (self.done - before) as f64 / elapsed;
            // Exponential smoothing by elapsed time; the first sample stands alone.
            let keep = if self.rate > 0.0 {
                (-elapsed / WINDOW).exp()
            } else {
                0.0
            };
            self.rate = keep * self.rate + (1.0 - keep) * sample;
            self.last_sample = (now, self.done);
        }
        let tell = now - self.last_told >= INTERVAL || self.done >= self.total;
        if tell {
            self.last_told = now;
        }
        tell
    }

    /// Bytes a second; 0 while unknown.
    pub fn rate(&self) -> f64 {
        self.rate
    }
}

/// Seconds until `total` at `rate` a second; `None` while the rate is unknown.
pub fn seconds_left(done: f64, total: f64, rate: f64) -> Option<f64> {
    (rate > 0.0).then(|| (total - done).max(0.0) / rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_transfer_has_its_rate_and_rest() {
        let mut transfer = Transfer::new(10_000, 2_000, 0.0);
        for step in 1..=20 {
            transfer.advance(100, 100.0 * f64::from(step));
        }
        assert_eq!(transfer.done, 4_000);
        assert!(
            (transfer.rate() - 1_000.0).abs() < 1e-6,
            "{}",
            transfer.rate()
        );
        assert_eq!(seconds_left(4_000.0, 10_000.0, 1_000.0), Some(6.0));
        assert_eq!(seconds_left(4_000.0, 10_000.0, 0.0), None);
    }

    #[test]
    fn progress_is_told_ten_times_a_second_and_at_the_end() {
        let mut transfer = Transfer::new(100, 0, 0.0);
        let told: Vec<bool> = [0.0, 50.0, 100.0, 150.0, 160.0]
            .into_iter()
            .map(|now| transfer.advance(20, now))
            .collect();
        assert_eq!(told, [true, false, true, false, true]);
    }

    #[test]
    fn a_slower_line_lowers_the_rate_step_by_step() {
        let mut transfer = Transfer::new(1_000_000, 0, 0.0);
        transfer.advance(1_000, 100.0);
        let fast = transfer.rate();
        transfer.advance(100, 200.0);
        let slower = transfer.rate();
        assert!(slower < fast && slower > 1_000.0, "{fast} {slower}");
    }
}
