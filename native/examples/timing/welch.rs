//! Welch's t for two samples of unequal variance, by running means (Welford, 1962).

#[derive(Default)]
struct Sample {
    count: f64,
    mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
}

impl Sample {
    fn add(&mut self, x: f64) {
        self.count += 1.0;
        let before = x - self.mean;
        self.mean += before / self.count;
        self.squares += before * (x - self.mean);
    }

    /// Squared standard error of the mean.
    fn error2(&self) -> f64 {
        self.squares / (self.count - 1.0) / self.count
    }
}

#[derive(Default)]
pub struct Welch {
    fixed: Sample,
    random: Sample,
}

impl Welch {
    pub fn add(&mut self, fixed: bool, time: f64) {
        if fixed { self.fixed.add(time) } else { self.random.add(time) }
    }

    pub fn t(&self) -> f64 {
        let error = self.error();
        if error > 0.0 { (self.fixed.mean - self.random.mean) / error } else { 0.0 }
    }

    /// Standard error of the difference of the means.
    pub fn error(&self) -> f64 {
        (self.fixed.error2() + self.random.error2()).sqrt()
    }

    pub fn mean(&self) -> f64 {
        (self.fixed.mean + self.random.mean) / 2.0
    }

    pub fn count(&self) -> usize {
        (self.fixed.count + self.random.count) as usize
    }
}
